//! Windows: the same slices whether all of the file is read or the part that is needed; bounded.

use std::io::{Cursor, Read, Seek, SeekFrom};

use go_trace::Outline;
use timeline::testing::{Writer, conflict};
use timeline::{Bounds, Model, Part, Window, read};

const MS: i64 = 1_000_000;

/// Counts what is read.
struct Counted<'a>(Cursor<&'a [u8]>, &'a std::cell::Cell<usize>);

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let got = self.0.read(buffer)?;
        self.1.set(self.1.get() + got);
        Ok(got)
    }
}

impl Seek for Counted<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

fn open(bytes: &[u8], part: impl Fn(&Outline) -> Part) -> (Window, usize) {
    let outline = Outline::read(Cursor::new(bytes)).unwrap();
    let part = part(&outline);
    let count = std::cell::Cell::new(0);
    let mut model = Model::new();
    let mut window = Window::new(part.bounds);
    let input = part.bytes(&outline, Counted(Cursor::new(bytes), &count)).unwrap();
    let end = read(input, &mut model, part.until(), &mut window).unwrap();
    assert!(end.error.is_none(), "{:?}", end.error);
    window.close(model.first().unwrap(), model.last());
    (window, count.get())
}

fn shape(window: &Window) -> Vec<(i64, timeline::State, i64, i64)> {
    window.slices.iter().map(|s| (s.goroutine, s.state, s.start, s.end)).collect()
}

#[test]
fn a_part_is_the_same_as_the_whole() {
    let bytes = conflict().finish();
    let outline = Outline::read(Cursor::new(&bytes[..])).unwrap();
    assert_eq!(outline.spans.len(), 3);
    assert_eq!(outline.start(), Some(MS));
    assert_eq!(outline.spans.iter().map(|s| s.start / MS).collect::<Vec<_>>(), [1, 11, 21]);
    assert!(outline.spans.iter().all(|s| s.whole));
    assert_eq!(outline.spans[2].end, bytes.len() as u64);
    for position in 0..3 {
        let bounds = Bounds::Between(23 * MS, 27 * MS);
        let (part, _) = open(&bytes, |_| Part { position, bounds });
        let (whole, _) = open(&bytes, |_| Part { position: 0, bounds });
        assert_eq!(shape(&part), shape(&whole));
        assert_eq!((part.from, part.to), (23 * MS, 27 * MS));
        assert!(!part.slices.is_empty());
    }
}

#[test]
fn only_what_is_needed_is_read() {
    let mut w = Writer::new(1, 1000);
    let mut time = 2000;
    for _ in 0..200 {
        for _ in 0..1000 {
            w.stop(time, 0, "Gosched", 0);
            w.start(time + 10_000, 0, 1);
            time += 100_000;
        }
        w.generation(time);
    }
    let bytes = w.finish();
    let end = time as i64;
    let (window, read) = open(&bytes, |outline| Part::last(outline, 50_000_000));
    assert!(read < bytes.len() / 50, "{read} of {}", bytes.len());
    // The reader makes times grow strictly: the last statuses come nanoseconds later.
    assert!((end..end + 10).contains(&window.to) && window.from == window.to - 50_000_000);
    assert!((990..1010).contains(&window.slices.len()), "{}", window.slices.len());
    let (window, read) = open(&bytes, |outline| Part::around(outline, 10_000_000_000, 100_000_000));
    // A generation is 100 ms; what is read comes in pieces of a megabyte.
    assert!(read <= 1 << 21, "{read}");
    // The window ends with the last event in it.
    assert!((99_900_000..=100_000_000).contains(&(window.to - window.from)));
    assert!((1990..2010).contains(&window.slices.len()), "{}", window.slices.len());
}

#[test]
fn the_end_of_a_torn_trace() {
    let bytes = conflict().torn();
    let outline = Outline::read(Cursor::new(&bytes[..])).unwrap();
    assert!(!outline.spans.last().unwrap().whole);
    let (window, _) = open(&bytes, |outline| Part::last(outline, 5 * MS));
    assert_eq!(window.to - window.from, 5 * MS);
    assert!(window.to > 29 * MS);
}

#[test]
fn tables_that_come_late_do_not_move_the_end() {
    let mut w = Writer::new(1, 1_000_000);
    for generation in 1..20u64 {
        let at = generation * 1_000_000 + 1000;
        w.stop(at, 0, "Gosched", 0);
        w.start(at + 1000, 0, 1);
        // The tables' batches begin at the end of the generation, as Go writes them.
        w.generation_later(at + 500_000, 2_000_000);
    }
    let (window, _) = open(&w.finish(), |outline| Part::last(outline, 3_000_000));
    assert_eq!(window.to - window.from, 3_000_000);
}

#[test]
fn what_is_kept_is_bounded() {
    let mut w = Writer::new(1, 1000);
    for i in 0..150_000u64 {
        w.stop(2000 + i * 100, 0, "Gosched", 0);
        w.start(2050 + i * 100, 0, 1);
    }
    let bytes = w.finish();
    let mut model = Model::new();
    let mut window = Window::with_limit(Bounds::All, 10_000);
    read(&bytes[..], &mut model, i64::MAX, &mut window).unwrap();
    assert!(window.slices.len() < 100_000, "{}", window.slices.len());
    window.close(model.first().unwrap(), model.last());
    assert!(window.cut && window.slices.last().unwrap().end == model.last());
}

#[test]
fn an_outline_of_what_is_no_trace() {
    assert!(Outline::read(Cursor::new(b"no trace at all, not even near")).is_err());
    assert!(Outline::read(Cursor::new(b"")).is_err());
    let mut bytes = conflict().finish();
    let end = bytes.len();
    bytes.extend_from_slice(&[0xff; 100]);
    let outline = Outline::read(Cursor::new(&bytes[..])).unwrap();
    assert_eq!((outline.spans.len(), outline.spans[2].end), (3, end as u64));
}
