//! A channel that one goroutine closes while another may still send on it, or close it too: the send and the
//! second close panic.

use diag::{Finding, RuleMeta, Severity, Stability};
use flow::{Pair, Realm, Side};
use go_ir::{FuncId, Op};

use crate::RuleContext;
use crate::deferral::target;
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
    let counts = |pair: &Pair| !is_recovered(cx, &pair.a) || !is_recovered(cx, &pair.b);
    findings(cx, &META, Realm::Channel, counts, words)
}

fn words(race: &RaceText<'_>) -> (String, String) {
    let RaceText { variable, meanwhile, .. } = race;
    let message = format!("`{variable}` is closed while another goroutine {meanwhile}");
    let help = "let only the sender close, once all sends are over (a WaitGroup), or tell the senders to stop by another \
                channel and leave this one open";
    (message, help.to_owned())
}

/// Whether a panic there is recovered by a deferred function of the same goroutine's own code.
fn is_recovered(cx: &RuleContext<'_>, side: &Side) -> bool {
    let frames = std::iter::successors(side.event.site.frames.as_ref(), |f| f.next.as_ref());
    let recovers = |f: FuncId| {
        let func = cx.func(f);
        func.values.iter().any(|instr| match &instr.op {
            Op::Defer(info) => target(cx, func, info)
                .is_some_and(|d| cx.func(d).values.iter().any(|i| matches!(i.op, Op::Recover))),
            _ => false,
        })
    };
    std::iter::once(side.event.site.func).chain(frames.map(|f| f.func)).any(recovers)
}
