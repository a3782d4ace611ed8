//! What is looked at: goroutines by function, slices within a region of the program's own. A filter
//! stands between the model and any other sink.

use rustc_hash::FxHashMap;

use crate::names::{NameId, Names, StackId};
use crate::slice::{Appearance, GoSlice, Log, ProcSlice, Range, Region, Sink, Task};

/// A part of a function's name; `*` stands for anything.
#[derive(Clone, Debug)]
pub struct Pattern(Vec<String>);

impl Pattern {
    /// A pattern that is looked for anywhere in a name.
    pub fn new(text: &str) -> Self {
        Self(text.split('*').filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }

    /// Whether the parts stand in the name, one after another.
    pub fn matches(&self, mut name: &str) -> bool {
        self.0.iter().all(|part| match name.find(part.as_str()) {
            Some(at) => {
                name = &name[at + part.len()..];
                true
            }
            None => false,
        })
    }
}

/// Passes on what is asked for.
pub struct Filter<S> {
    /// Where it goes.
    pub sink: S,
    function: Option<Pattern>,
    region: bool,
    names: FxHashMap<NameId, bool>,
    stacks: FxHashMap<StackId, bool>,
}

impl<S> Filter<S> {
    /// `function`: goroutines that began in such a function, and slices with one on their stack.
    /// `region`: only what the model says lies in the region ([`crate::Model::within_region`]).
    pub fn new(sink: S, function: Option<Pattern>, region: bool) -> Self {
        let (names, stacks) = (FxHashMap::default(), FxHashMap::default());
        Self { sink, function, region, names, stacks }
    }

    fn wants_name(&mut self, name: NameId, names: &Names) -> bool {
        let Some(pattern) = &self.function else { return true };
        *self.names.entry(name).or_insert_with(|| pattern.matches(names.text(name)))
    }

    fn wants_stack(&mut self, stack: StackId, names: &Names) -> bool {
        let Some(pattern) = &self.function else { return true };
        *self
            .stacks
            .entry(stack)
            .or_insert_with(|| names.stack(stack).any(|f| pattern.matches(names.text(f.function))))
    }
}

impl<S: Sink> Sink for Filter<S> {
    fn goroutine(&mut self, slice: &GoSlice, names: &Names) {
        if self.region && !slice.in_region {
            return;
        }
        if self.wants_name(slice.function, names) || self.wants_stack(slice.stack, names) {
            self.sink.goroutine(slice, names);
        }
    }

    fn appears(&mut self, go: &Appearance, names: &Names) {
        self.sink.appears(go, names);
    }

    fn ended(&mut self, last: &GoSlice, names: &Names) {
        if self.wants_name(last.function, names) || self.wants_stack(last.stack, names) {
            self.sink.ended(last, names);
        } else {
            self.sink.unwanted(last.goroutine);
        }
    }

    fn processor(&mut self, slice: &ProcSlice) {
        self.sink.processor(slice);
    }

    fn range(&mut self, range: &Range, names: &Names) {
        self.sink.range(range, names);
    }

    fn region(&mut self, region: &Region, names: &Names) {
        self.sink.region(region, names);
    }

    fn task(&mut self, task: &Task, names: &Names) {
        self.sink.task(task, names);
    }

    fn log(&mut self, log: &Log, names: &Names) {
        self.sink.log(log, names);
    }

    fn metric(&mut self, name: &'static str, time: i64, value: u64) {
        self.sink.metric(name, time, value);
    }

    fn sample(&mut self, goroutine: i64, time: i64, stack: StackId, names: &Names) {
        if self.wants_stack(stack, names) {
            self.sink.sample(goroutine, time, stack, names);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let pattern = |text: &str, name: &str| Pattern::new(text).matches(name);
        assert!(pattern("Hub", "example.com/hub.(*Hub).Add") && pattern("", "x"));
        assert!(pattern("hub.*Add", "example.com/hub.(*Hub).Add") && pattern("*", "x"));
        assert!(!pattern("Add*hub", "example.com/hub.(*Hub).Add") && !pattern("add", "Add"));
    }
}
