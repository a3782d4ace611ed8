//! Whatever the bytes, the model ends, what it gives of a goroutine and of a processor does not
//! overlap, and summary, window, page and Perfetto file can be made of it. Run with
//! `cargo fuzz run timeline fuzz/corpus/trace crates/go_trace/testdata -- -max_len=65536`.
#![no_main]

use std::collections::HashMap;

use libfuzzer_sys::fuzz_target;
use timeline::record::{SummaryRecord, WindowRecord};
use timeline::{Both, Bounds, Filter, GoSlice, Model, Names, Page, Pattern, Perfetto, ProcSlice};
use timeline::{Sink, Summary, Window};

/// Ends of what has been given.
#[derive(Default)]
struct NoOverlap {
    goroutines: HashMap<i64, i64>,
    procs: HashMap<i64, i64>,
}

impl Sink for NoOverlap {
    fn goroutine(&mut self, slice: &GoSlice, _names: &Names) {
        assert!(slice.start <= slice.end, "{slice:?}");
        let end = self.goroutines.insert(slice.goroutine, slice.end);
        assert!(end.is_none_or(|end| slice.start >= end), "{slice:?} after {end:?}");
    }

    fn processor(&mut self, slice: &ProcSlice) {
        assert!(slice.start <= slice.end, "{slice:?}");
        let end = self.procs.insert(slice.proc, slice.end);
        assert!(end.is_none_or(|end| slice.start >= end), "{slice:?} after {end:?}");
    }
}

fuzz_target!(|bytes: &[u8]| {
    let choice = bytes.len() % 6;
    let bounds = [Bounds::All, Bounds::Last(1000), Bounds::Between(100, 10_000)][choice % 3];
    let region = (choice > 2).then_some("inner");
    let mut perfetto = Vec::new();
    let outputs = Both(Window::with_limit(bounds, 500), Perfetto::new(&mut perfetto, bounds, 0));
    let function = (choice > 2).then(|| Pattern::new("main.*"));
    let sink = Both(Summary::default(), Both(outputs, NoOverlap::default()));
    let mut sink = Filter::new(sink, function, region.is_some());
    let mut model = Model::within_region(region);
    let until = if let Bounds::Between(_, until) = bounds { until } else { i64::MAX };
    let Ok(_) = timeline::read(bytes, &mut model, until, &mut sink) else { return };
    let Both(summary, Both(Both(mut window, perfetto), _)) = sink.sink;
    perfetto.finish().expect("it is written to memory");
    window.close(model.first().unwrap_or(0), model.last());
    let names = &model.names;
    let parties = timeline::parties(None, &window, names, model.last().saturating_sub(1000));
    let origin = model.first().unwrap_or(0);
    let json = serde_json::to_vec(&SummaryRecord::new(&summary, origin, names));
    std::hint::black_box(json.expect("it has no maps with odd keys"));
    let json = serde_json::to_vec(&WindowRecord::new(&window, &parties, origin, names));
    std::hint::black_box(json.expect("it has no maps with odd keys"));
    let page = Page {
        title: "fuzz",
        about: "",
        window: &window,
        names,
        origin,
        crash: None,
        parties: &parties,
    };
    std::hint::black_box(page.render());
});
