//! A channel that one goroutine closes while another may still send on it, or close it too: the send and the
//! second close panic.

use diag::{Finding, RuleMeta, Severity, Stability};
use flow::{Pair, Realm};

use crate::RuleContext;
use crate::deferral::recovered_in;
use crate::memory_race::findings;
use crate::race::RaceText;

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "CHAN001",
    name: "close-beside-send",
    severity: Severity::Error,
    summary: "A channel is closed while another goroutine may still send on it or close it: that one panics",
    stability: Stability::Preview,
    page: include_str!("close_beside_send.md"),
};

/// Closes that nothing puts behind the sends and closes of others.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    let counts =
        |pair: &Pair| [&pair.a, &pair.b].iter().any(|side| recovered_in(cx, side).is_none());
    findings(cx, &META, Realm::Channel, counts, words)
}

fn words(race: &RaceText<'_>) -> (String, String) {
    let RaceText { variable, meanwhile, .. } = race;
    let message = format!("`{variable}` is closed while another goroutine {meanwhile}");
    let help = "let only the sender close, once all sends are over (a WaitGroup), or tell the senders to stop by another \
                channel and leave this one open";
    (message, help.to_owned())
}
