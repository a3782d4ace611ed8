//! `Add` inside the goroutine that it counts: `Wait` may look at the group before the goroutine got there.

use diag::{Finding, RuleMeta, Severity, Stability};
use flow::{Pair, Realm};
use go_ir::Order;

use crate::RuleContext;
use crate::memory_race::findings;
use crate::race::RaceText;

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "WAIT001",
    name: "add-beside-wait",
    severity: Severity::Error,
    summary: "A goroutine adds itself to a WaitGroup: Wait may return before it has",
    stability: Stability::Preview,
    page: include_str!("add_beside_wait.md"),
};

/// Goroutines that count themselves, beside the wait of whoever started them.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    findings(cx, &META, Realm::Group, |pair| counts_itself(cx, pair), words)
}

fn words(race: &RaceText<'_>) -> (String, String) {
    let variable = race.variable;
    let message = format!("`{variable}` is waited for while another goroutine adds to it");
    let help = "call Add before the go statement, or start the goroutine with the group's Go method (Go 1.25)";
    (message, help.to_owned())
}

/// Whether a goroutine adds once, in its own first function: one that adds for each of those that it starts in a
/// loop is another matter, of when the loop is over.
fn counts_itself(cx: &RuleContext<'_>, pair: &Pair) -> bool {
    let add = &pair.b.event.site;
    let func = cx.func(add.func);
    let order = Order::new(func);
    let mut at = func.values.iter_enumerated().filter(|(_, i)| i.span == add.span);
    pair.a.event.kind != pair.b.event.kind
        && pair.b.thread.as_ref().is_some_and(|t| t.starter == pair.scope)
        && add.frames.is_none()
        && pair.a.thread.is_none()
        && at.any(|(v, _)| !order.in_loop(v))
}
