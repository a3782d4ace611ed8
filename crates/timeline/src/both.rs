//! Two sinks fed in one reading.

use crate::names::{Names, StackId};
use crate::slice::{Appearance, GoSlice, Log, ProcSlice, Range, Region, Sink, Task};

/// Gives everything to both.
pub struct Both<A, B>(pub A, pub B);

impl<A: Sink, B: Sink> Sink for Both<A, B> {
    fn goroutine(&mut self, slice: &GoSlice, names: &Names) {
        self.0.goroutine(slice, names);
        self.1.goroutine(slice, names);
    }

    fn appears(&mut self, go: &Appearance, names: &Names) {
        self.0.appears(go, names);
        self.1.appears(go, names);
    }

    fn ended(&mut self, last: &GoSlice, names: &Names) {
        self.0.ended(last, names);
        self.1.ended(last, names);
    }

    fn unwanted(&mut self, goroutine: i64) {
        self.0.unwanted(goroutine);
        self.1.unwanted(goroutine);
    }

    fn processor(&mut self, slice: &ProcSlice) {
        self.0.processor(slice);
        self.1.processor(slice);
    }

    fn range(&mut self, range: &Range, names: &Names) {
        self.0.range(range, names);
        self.1.range(range, names);
    }

    fn region(&mut self, region: &Region, names: &Names) {
        self.0.region(region, names);
        self.1.region(region, names);
    }

    fn task(&mut self, task: &Task, names: &Names) {
        self.0.task(task, names);
        self.1.task(task, names);
    }

    fn log(&mut self, log: &Log, names: &Names) {
        self.0.log(log, names);
        self.1.log(log, names);
    }

    fn metric(&mut self, name: &'static str, time: i64, value: u64) {
        self.0.metric(name, time, value);
        self.1.metric(name, time, value);
    }

    fn sample(&mut self, goroutine: i64, time: i64, stack: StackId, names: &Names) {
        self.0.sample(goroutine, time, stack, names);
        self.1.sample(goroutine, time, stack, names);
    }
}

/// A sink that may be absent.
impl<S: Sink> Sink for Option<S> {
    fn goroutine(&mut self, slice: &GoSlice, names: &Names) {
        if let Some(sink) = self {
            sink.goroutine(slice, names);
        }
    }

    fn appears(&mut self, go: &Appearance, names: &Names) {
        if let Some(sink) = self {
            sink.appears(go, names);
        }
    }

    fn ended(&mut self, last: &GoSlice, names: &Names) {
        if let Some(sink) = self {
            sink.ended(last, names);
        }
    }

    fn unwanted(&mut self, goroutine: i64) {
        if let Some(sink) = self {
            sink.unwanted(goroutine);
        }
    }

    fn processor(&mut self, slice: &ProcSlice) {
        if let Some(sink) = self {
            sink.processor(slice);
        }
    }

    fn range(&mut self, range: &Range, names: &Names) {
        if let Some(sink) = self {
            sink.range(range, names);
        }
    }

    fn region(&mut self, region: &Region, names: &Names) {
        if let Some(sink) = self {
            sink.region(region, names);
        }
    }

    fn task(&mut self, task: &Task, names: &Names) {
        if let Some(sink) = self {
            sink.task(task, names);
        }
    }

    fn log(&mut self, log: &Log, names: &Names) {
        if let Some(sink) = self {
            sink.log(log, names);
        }
    }

    fn metric(&mut self, name: &'static str, time: i64, value: u64) {
        if let Some(sink) = self {
            sink.metric(name, time, value);
        }
    }

    fn sample(&mut self, goroutine: i64, time: i64, stack: StackId, names: &Names) {
        if let Some(sink) = self {
            sink.sample(goroutine, time, stack, names);
        }
    }
}
