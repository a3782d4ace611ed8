//! Smaller summaries: goroutines of which nothing is left are taken out, and those that one `go`
//! statement starts in many ways become one. Without this, a function that registers a hundred
//! handlers carries thousands of goroutines that nobody can meet.

use std::sync::Arc;

use base::FxHashMap;
use source::FileSpan;

use crate::summary::{Summary, Thread, ThreadSet, add_signal};

/// From how many goroutines on those of one origin are joined.
const MAX_APART: usize = 48;

/// Takes out the goroutines that no step is on and that signal nothing, and joins those of one
/// origin when there are very many.
pub(crate) fn drop_silent_threads(summary: &mut Summary) {
    if summary.threads.is_empty() {
        return;
    }
    let mut used = vec![false; summary.threads.len()];
    for step in &summary.steps {
        for t in step.thread.iter().chain(&step.group) {
            used[*t as usize] = true;
        }
    }
    for call in &summary.calls {
        used[call.starts as usize] = true;
    }
    for (used, thread) in used.iter_mut().zip(&summary.threads) {
        *used |= !thread.signals.is_empty();
    }
    let apart = used.iter().filter(|u| **u).count() <= MAX_APART;
    let mut by_origin: FxHashMap<(FileSpan, bool, bool), u32> = FxHashMap::default();
    let mut number: Vec<Option<u32>> = vec![None; used.len()];
    let mut kept: Vec<Thread> = Vec::new();
    for (i, thread) in std::mem::take(&mut summary.threads).into_iter().enumerate() {
        if !used[i] {
            continue;
        }
        let stands_in = summary.calls.iter().any(|c| c.starts as usize == i);
        let next = kept.len() as u32;
        if apart || stands_in {
            number[i] = Some(next);
            kept.push(thread);
            continue;
        }
        let n = *by_origin.entry((thread.start, thread.joined, thread.nested)).or_insert(next);
        number[i] = Some(n);
        match kept.get_mut(n as usize) {
            None => kept.push(thread),
            Some(one) => {
                one.many |=
                    thread.many || thread.parallel.contains(n) || one.parallel.contains(i as u32);
                thread.parallel.iter().for_each(|t| one.parallel.insert(t));
                let signals = Arc::make_mut(&mut one.signals);
                for signal in thread.signals.iter() {
                    add_signal(signals, signal.clone());
                }
            }
        }
    }
    let renumbered = |set: &ThreadSet| {
        let mut out = ThreadSet::default();
        set.iter().filter_map(|t| number[t as usize]).for_each(|t| out.insert(t));
        out
    };
    for thread in &mut kept {
        thread.parallel = renumbered(&thread.parallel);
    }
    for step in &mut summary.steps {
        step.parallel = renumbered(&step.parallel);
        step.thread = step.thread.and_then(|t| number[t as usize]);
        step.group = step.group.and_then(|t| number[t as usize]);
    }
    for call in &mut summary.calls {
        call.starts = number[call.starts as usize].unwrap_or_default();
    }
    summary.threads = kept;
}
