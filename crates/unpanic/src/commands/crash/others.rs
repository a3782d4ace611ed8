//! Who of a dump may be the other side of a race, from what they did when the process died. Apart from
//! `collision`, which says what the source knows: here speak the stacks.

use diag::FindingRecord;
use go_crash::{Frame, Group, Report};

use super::collision::{is_race, same_function};

/// So many groups of a kind are named.
const MAX: usize = 3;

/// What points to a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// It is in the function that the crash is about.
    SameFunction,
    /// It is in the function of an access that `check` says belongs to the race.
    OtherAccess,
    /// It ran right in the program's own code; nothing surer is known.
    OwnCode,
}

impl How {
    /// As the start of a line.
    pub fn text(self) -> &'static str {
        match self {
            Self::SameFunction => "in the same function at that time:",
            Self::OtherAccess => "in a function of the other side at that time:",
            Self::OwnCode => "ran in the program's own code at that time:",
        }
    }
}

/// Goroutines that may be the other side.
pub struct Other<'a> {
    /// They.
    pub group: &'a Group,
    /// Why.
    pub how: How,
    /// Where they were, if the line does not say it by itself.
    pub frame: Option<Frame<'a>>,
}

/// The goroutines of a race's dump that may be the other side, surest first. `findings` are those that the
/// crash confirms.
pub fn others<'a>(report: &'a Report, findings: &[FindingRecord]) -> Vec<Other<'a>> {
    if !is_race(report) {
        return Vec::new();
    }
    let beside = report.beside();
    let mut found: Vec<Other<'a>> = Vec::new();
    for &group in beside.iter().take(MAX) {
        found.push(Other { group, how: How::SameFunction, frame: None });
    }
    let there = |group: &'a Group| {
        let accesses = || findings.iter().flat_map(|finding| &finding.accesses);
        let mut frames = group.sample.frames().filter(|frame| frame.ancestor == 0);
        frames.find(|frame| accesses().any(|a| same_function(&a.function, frame.function)))
    };
    let running = report.groups.iter().filter(|group| runs(group));
    let rest: Vec<&Group> =
        running.filter(|group| !beside.iter().any(|other| std::ptr::eq(*other, *group))).collect();
    let at_access = rest.iter().filter_map(|&group| Some((group, there(group)?)));
    for (group, frame) in at_access.take(MAX) {
        found.push(Other { group, how: How::OtherAccess, frame: Some(frame) });
    }
    if found.is_empty() {
        let own = rest.iter().filter_map(|&group| Some((group, own_code(report, group)?)));
        for (group, frame) in own.take(MAX) {
            found.push(Other { group, how: How::OwnCode, frame: Some(frame) });
        }
    }
    found
}

/// Whether goroutines ran, or could have.
fn runs(group: &Group) -> bool {
    let state = group.sample.state();
    state.starts_with("running") || state.starts_with("runnable")
}

/// The innermost call of a group, if it is of the program's own code.
fn own_code<'a>(report: &Report, group: &'a Group) -> Option<Frame<'a>> {
    let innermost = group.sample.frames().find(|frame| frame.ancestor == 0)?;
    let own = report.site(&group.sample)? == innermost && !innermost.is_std();
    own.then_some(innermost)
}
