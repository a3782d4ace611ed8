//! Pairs of accesses to one object by two goroutines that nothing keeps apart.

use base::FxHashMap;
use go_ir::FuncId;
use knowledge::AccessKind;

use crate::path::Path;
use crate::summary::{Event, LockMode, Step, Thread};

/// Two accesses that may happen at the same time, at least one of them a write.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The function in whose terms the paths are.
    pub scope: FuncId,
    /// A write.
    pub a: Event,
    /// The goroutine of `a`; `None` for the one that runs the scope.
    pub a_thread: Option<Thread>,
    /// The other access.
    pub b: Event,
    /// The goroutine of `b`.
    pub b_thread: Option<Thread>,
    /// Whether the program shows that both mean the same object.
    pub same_object: bool,
}

/// Most pairs that are looked for on one object in one scope.
const MAX_PAIRS_PER_PATH: usize = 4_096;

/// Finds the pairs among `events`, all in terms of `scope`. `apart` says whether a path means one
/// object for all of many goroutines of one origin; `possible` may rule a pair out.
pub(crate) fn find_pairs(
    scope: FuncId,
    events: &[&Event],
    threads: &[Thread],
    out: &mut Vec<Pair>,
    apart: impl Fn(&Path) -> bool,
    possible: impl Fn(&Event, &Event) -> bool,
) {
    let mut by_path: FxHashMap<&Path, Vec<&Event>> = FxHashMap::default();
    let mut order: Vec<&Path> = Vec::new();
    for event in events {
        let list = by_path.entry(&event.path).or_default();
        if list.is_empty() {
            order.push(&event.path);
        }
        list.push(event);
    }
    for path in order {
        let list = &by_path[path];
        if !list.iter().any(|e| is_write(e.kind)) {
            continue;
        }
        let mut looked = 0;
        for (i, a) in list.iter().enumerate() {
            for b in &list[i..] {
                looked += 1;
                if looked > MAX_PAIRS_PER_PATH {
                    break;
                }
                if !is_write(a.kind) && !is_write(b.kind) {
                    continue;
                }
                let itself = std::ptr::eq(*a, *b);
                if !parallel(&a.step, &b.step, threads, itself, apart(path))
                    || !unprotected(&a.step, &b.step)
                {
                    continue;
                }
                if !possible(a, b) {
                    continue;
                }
                let (a, b) = if is_write(a.kind) { (*a, *b) } else { (*b, *a) };
                let thread = |s: &Step| s.thread.map(|t| threads[t as usize].clone());
                out.push(Pair {
                    scope,
                    a_thread: thread(&a.step),
                    b_thread: thread(&b.step),
                    a: a.clone(),
                    b: b.clone(),
                    same_object: !path.has_item(),
                });
            }
        }
    }
}

/// Whether a kind changes the map.
pub fn is_write(kind: AccessKind) -> bool {
    matches!(
        kind,
        AccessKind::MapWrite | AccessKind::MapDelete | AccessKind::MapClear | AccessKind::Write
    )
}

/// Whether two steps of one summary may run at the same time. With `apart`, two goroutines of one
/// origin count, which know nothing of each other's order.
fn parallel(a: &Step, b: &Step, threads: &[Thread], itself: bool, apart: bool) -> bool {
    if apart && a.group.is_some() && a.group == b.group {
        return true;
    }
    match (a.thread, b.thread) {
        (None, None) => false,
        (Some(t), Some(u)) if t == u => apart && threads[t as usize].many,
        _ if itself => false,
        (t, u) => {
            t.is_some_and(|t| b.parallel.contains(t)) || u.is_some_and(|u| a.parallel.contains(u))
        }
    }
}

/// Whether neither a common lock nor a signal keeps two steps apart.
pub(crate) fn unprotected(a: &Step, b: &Step) -> bool {
    if a.unknown_lock || b.unknown_lock {
        return false;
    }
    let common_lock = a.locks.iter().any(|x| {
        b.locks
            .iter()
            .any(|y| x.path == y.path && (x.mode == LockMode::Write || y.mode == LockMode::Write))
    });
    !common_lock && unordered(a, b)
}

/// Whether no signal of one is waited for by the other.
pub(crate) fn unordered(a: &Step, b: &Step) -> bool {
    !a.released.iter().any(|t| b.acquired.contains(t))
        && !b.released.iter().any(|t| a.acquired.contains(t))
}
