//! What is left of real traces that are cut, as a dying process leaves them, also in their first
//! generation. The traces are of
//! `oracle/trace/work` (`work OUT 0`), which `cargo xtask scoreboard trace` builds.

use std::collections::HashMap;

use go_trace::{Details, Error, Event, EventType as E, GoState, Mode, NO_THREAD, Reader, Salvage};

const TRACES: [&[u8]; 2] =
    [include_bytes!("../../testdata/go1.22.trace"), include_bytes!("../../testdata/go1.27.trace")];

/// A goroutine does something else.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Change {
    /// Which event it is.
    at: usize,
    goroutine: i64,
    kind: E,
    to: GoState,
    /// Something is missing before.
    gap: bool,
}

/// What was read to the end.
struct Told {
    events: Vec<Event>,
    changes: Vec<Change>,
    salvage: Option<Salvage>,
}

fn read(bytes: &[u8], mode: Mode) -> Result<Told, Error> {
    let mut reader = Reader::new(bytes, mode)?;
    let (mut events, mut changes, mut states) = (Vec::new(), Vec::new(), HashMap::new());
    while let Some(event) = reader.next_event()? {
        if let Details::Goroutine { id, from, to, .. } = event.details(reader.tables()) {
            let before = states.insert(id, to).unwrap_or(GoState::Undetermined);
            let known = before != GoState::Undetermined && from != GoState::Undetermined;
            assert!(!known || before == from, "goroutine {id}: {from:?} after {before:?}");
        }
        if let Details::Goroutine { id: goroutine, to, .. } = event.details(reader.tables()) {
            let gap = event.kind == E::GO_STATUS && event.thread == NO_THREAD;
            changes.push(Change { at: events.len(), goroutine, kind: event.kind, to, gap });
        }
        events.push(event);
    }
    Ok(Told { events, changes, salvage: reader.salvage() })
}

fn varint(bytes: &[u8], at: &mut usize) -> usize {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = bytes[*at];
        *at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            return value;
        }
    }
}

/// Of each batch: where its head, its contents and what follows begin.
fn batches(bytes: &[u8]) -> Vec<[usize; 3]> {
    let (mut at, mut found) = (16, Vec::new());
    while at < bytes.len() {
        let start = at;
        at += 1;
        if bytes[start] == E::END_OF_GENERATION.0 {
            found.push([start, at, at]);
            continue;
        }
        assert_eq!(bytes[start], E::EVENT_BATCH.0);
        let [_, _, _, size] = [0; 4].map(|_: i32| varint(bytes, &mut at));
        found.push([start, at, at + size]);
        at += size;
    }
    found
}

/// Between batches, at each byte of a batch's head (also inside its numbers), and at many places of
/// its contents: inside events, numbers, strings and stacks.
fn cuts(bytes: &[u8]) -> Vec<usize> {
    let mut cuts = Vec::new();
    for [start, contents, end] in batches(bytes) {
        cuts.extend(start..=contents);
        cuts.extend((contents..end).step_by(1 + (end - contents) / 40));
        cuts.push(end.saturating_sub(1).max(contents));
    }
    cuts
}

/// An event without its time (of a torn generation the clock's frequency may be lost) and without the
/// number under which the reader keeps a task's name.
fn key(event: &Event) -> (E, i64, [u64; 3]) {
    // Who began a task may be lost.
    let [a, b, c, _] = event.args;
    let c = if event.kind == E::USER_TASK_END { 0 } else { c };
    (event.kind, event.thread, [a, b, c])
}

/// The events of each thread, without samples and states, which are told elsewhere than on their thread.
fn by_thread(events: &[Event]) -> HashMap<i64, Vec<(E, i64, [u64; 3])>> {
    let mut threads: HashMap<i64, Vec<_>> = HashMap::new();
    let own = |e: &&Event| {
        e.thread != NO_THREAD && !matches!(e.kind, E::CPU_SAMPLE | E::GO_STATUS | E::PROC_STATUS)
    };
    for event in events.iter().filter(own) {
        threads.entry(event.thread).or_default().push(key(event));
    }
    threads
}

/// Whether `part` is left of `whole` when some are taken out.
fn is_within(part: &[(E, i64, [u64; 3])], whole: &[(E, i64, [u64; 3])]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|event| rest.any(|e| e == event))
}

/// What each goroutine does from the event `first` on.
fn by_goroutine(changes: &[Change], first: usize) -> HashMap<i64, Vec<Change>> {
    let mut goroutines: HashMap<i64, Vec<Change>> = HashMap::new();
    for change in changes.iter().filter(|change| change.at >= first) {
        goroutines.entry(change.goroutine).or_default().push(*change);
    }
    goroutines
}

/// Whether a goroutine does from its first change on, and from each gap to the next, what it does in
/// the whole trace, with nothing left out.
fn runs_are_whole(left: &[Change], mut all: &[Change]) -> bool {
    let same = |a: &Change, b: &Change| (a.kind, a.to) == (b.kind, b.to);
    left.split(|change| change.gap).enumerate().all(|(i, run)| {
        let starts = |from: usize| all[from..].iter().zip(run).all(|(a, b)| same(a, b));
        let last = if i == 0 { 0 } else { all.len().saturating_sub(run.len()) };
        match (0..=last).find(|&from| all.len() >= from + run.len() && starts(from)) {
            Some(from) => {
                all = &all[from + run.len()..];
                true
            }
            None => false,
        }
    })
}

#[test]
fn cut_anywhere_what_is_left_is_a_part_of_the_whole_in_its_order() {
    for bytes in TRACES {
        let whole = read(bytes, Mode::Strict).expect("a whole trace");
        let (whole, whole_changes) = (whole.events, whole.changes);
        let marks: Vec<usize> =
            (0..whole.len()).filter(|&i| whole[i].kind == E::GENERATION).collect();
        assert!(marks.len() > 2, "more than one generation");
        let (mut torn, mut undropped, mut given, mut dropped) = (0, 0, 0, 0);
        for cut in cuts(bytes) {
            let told = read(&bytes[..cut], Mode::Salvage).unwrap_or_else(|e| panic!("{cut}: {e}"));
            let (last, events) = told.events.split_last().expect("a mark at the end");
            assert_eq!(last.kind, E::GENERATION);
            let generations = events.iter().filter(|e| e.kind == E::GENERATION).count();
            // Generations that are whole are the same to the nanosecond. Whether the last one is, nothing
            // tells up to Go 1.25.
            let open = told.salvage.is_some() || bytes.starts_with(b"go 1.22");
            let same = marks[generations.saturating_sub(usize::from(open))];
            assert!(events.len() >= same && events[..same] == whole[..same], "cut at {cut}");
            // Of the one that is cut, each thread has a part of its events, in their order.
            let (left, all) = (&events[same..], &whole[same..]);
            torn += usize::from(left.len() > 1);
            let threads = by_thread(all);
            for (thread, events) in by_thread(left) {
                assert!(is_within(&events, &threads[&thread]), "cut at {cut}, thread {thread}");
            }
            let salvage = told.salvage.unwrap_or_default();
            (given, dropped) = (given + left.len(), dropped + salvage.dropped);
            let changes = by_goroutine(&whole_changes, same);
            for (goroutine, left) in by_goroutine(&told.changes, same) {
                let all = changes.get(&goroutine).map_or(&[][..], Vec::as_slice);
                assert!(runs_are_whole(&left, all), "cut at {cut}, goroutine {goroutine}");
            }
            // When nothing was dropped, it has the first ones; and threads are not mixed up either.
            if salvage.dropped + salvage.gaps > 0 {
                continue;
            }
            undropped += usize::from(left.len() > 1);
            for (thread, events) in by_thread(left) {
                assert_eq!(threads[&thread][..events.len()], events, "cut at {cut}, {thread}");
            }
            let keys = |events: &[Event]| events.iter().skip(1).map(key).collect::<Vec<_>>();
            assert!(is_within(&keys(left), &keys(all)), "cut at {cut}");
        }
        assert!(dropped * 100 < given as u64, "{dropped} events left out, {given} given");
        assert!(torn > 100 && undropped > 20, "{torn} torn, of {undropped} nothing dropped");
    }
}
