//! Who met whom: joins the dump of a process that died with the end of its trace. No event marks a
//! map conflict, and from Go 1.26 on a dump has one goroutine only; but whoever was at the map at
//! that moment was running, so it is among those that ran when the trace ended.

use go_crash::{Goroutine, Report};

use crate::names::{NameId, Names, StackId};
use crate::slice::{GoSlice, State};
use crate::window::Window;

/// So many goroutines are named.
const MAX_PARTIES: usize = 8;

/// Why a goroutine is named, the surest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Role {
    /// The dump says that it died.
    Crashed,
    /// The dump shows it running in the function that the crash is about.
    Beside,
    /// It ran when the trace ended, and was seen in a function of the crash's stack.
    SameFunction,
    /// It ran when the trace ended, and was started in the same function as the one that died.
    SameStart,
    /// It ran shortly before the trace ended, and was started in the same function.
    Shortly,
    /// It ran when the trace ended.
    Running,
}

/// A goroutine of a conflict.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Party {
    /// The goroutine.
    pub goroutine: i64,
    /// Why it is named.
    pub role: Role,
    /// Its last slice; none if the trace does not have it in the window.
    pub last: Option<GoSlice>,
}

impl Role {
    /// As JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crashed => "crashed",
            Self::Beside => "in-the-same-function",
            Self::SameFunction => "ran-in-the-same-function",
            Self::SameStart => "ran-from-the-same-start",
            Self::Shortly => "ran-shortly-before",
            Self::Running => "ran-at-the-end",
        }
    }
}

impl Role {
    /// As a part of a sentence: "goroutine 7 …".
    pub fn text(self) -> &'static str {
        match self {
            Self::Crashed => "died",
            Self::Beside => "was in the same function, says the dump",
            Self::SameFunction => "ran when the trace ended, and was seen in the same function",
            Self::SameStart => "ran when the trace ended, with the same start as the one that died",
            Self::Shortly => {
                "ran shortly before the end, in the same function or from the same start"
            }
            Self::Running => "ran when the trace ended",
        }
    }
}

/// The goroutines that may have met at the end of the trace, surest first. `window` is closed and
/// reaches to the end of the trace; what ended before `since` is too long ago.
pub fn parties(report: Option<&Report>, window: &Window, names: &Names, since: i64) -> Vec<Party> {
    let mut found: Vec<Party> = Vec::new();
    let mut add = |goroutine: i64, role: Role| {
        if goroutine <= 0 {
            return;
        }
        let last = window.of(goroutine).last().copied();
        match found.iter_mut().find(|party| party.goroutine == goroutine) {
            Some(party) => party.role = party.role.min(role),
            None => found.push(Party { goroutine, role, last }),
        }
    };
    let crashed: Vec<&Goroutine> =
        report.map(|r| r.crashed.iter().filter(|g| g.id > 0).collect()).unwrap_or_default();
    for goroutine in &crashed {
        add(goroutine.id as i64, Role::Crashed);
    }
    for group in report.map(Report::beside).unwrap_or_default() {
        group.ids.iter().for_each(|&id| add(id as i64, Role::Beside));
    }
    let own = own_functions(report, &crashed);
    let starts: Vec<NameId> = crashed
        .iter()
        .filter_map(|g| window.goroutines.get(&(g.id as i64)).map(|m| m.function))
        .filter(|&function| function != NameId::NONE)
        .collect();
    let start_names: Vec<&str> = crashed.iter().filter_map(|g| start(g)).collect();
    for (&id, member) in &window.goroutines {
        let Some(last) = window.of(id).last() else { continue };
        let function = names.text(member.function);
        if is_runtime(function) {
            continue;
        }
        let runs = last.open && last.state == State::Running;
        let same_start = starts.contains(&member.function) || start_names.contains(&function);
        let was_in = |stack: StackId| {
            names.stack(stack).any(|frame| own.contains(&names.text(frame.function)))
        };
        let in_function = || {
            was_in(member.last_stack)
                || window.of(id).iter().rev().take(32).any(|slice| was_in(slice.stack))
        };
        let mut late = window.of(id).iter().rev().take_while(|slice| slice.end > since);
        let ran = late.any(|slice| slice.state == State::Running);
        if runs && in_function() {
            add(id, Role::SameFunction);
        } else if runs && same_start {
            add(id, Role::SameStart);
        } else if ran && (same_start || in_function()) {
            add(id, Role::Shortly);
        } else if runs {
            add(id, Role::Running);
        }
    }
    // Of those that are equally likely, the one that ran last.
    let ran_until = |party: &Party| {
        let slices = window.of(party.goroutine).iter().rev();
        slices.filter(|slice| slice.state == State::Running).map(|slice| slice.end).next()
    };
    found.sort_by_key(|party| (party.role, std::cmp::Reverse(ran_until(party)), party.goroutine));
    found.truncate(MAX_PARTIES);
    found
}

/// The program's own functions on the stacks that died, down to the one that the crash is about.
fn own_functions<'a>(report: Option<&'a Report>, crashed: &[&'a Goroutine]) -> Vec<&'a str> {
    let Some(report) = report else { return Vec::new() };
    crashed.iter().filter_map(|goroutine| Some(report.site(goroutine)?.function)).collect()
}

/// The function that a goroutine of a dump was started in.
fn start(goroutine: &Goroutine) -> Option<&str> {
    goroutine.frames().rfind(|frame| frame.ancestor == 0).map(|frame| frame.function)
}

/// The runtime's own goroutines meet nobody at a map of the program's.
fn is_runtime(function: &str) -> bool {
    function.starts_with("runtime.") || function.starts_with("runtime/trace.")
}
