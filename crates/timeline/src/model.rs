//! The state of the program at the point that the trace has reached. Each event moves it on; what has
//! ended thereby goes to a [`Sink`]. Memory follows the goroutines that are alive, not the trace.

use go_trace::{Clock, Details, Event, EventType, GoState, ProcState, RangeName, Scope, Tables};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::names::{NameId, Names, StackId};
use crate::slice::{
    Appearance, GoSlice, Log, ProcSlice, Range, RangeKind, Region, Sink, State, Task,
};

/// Deepest stack that a trace has; the outermost frame of such a one is not where it began.
const FULL_STACK: usize = 128;

/// A goroutine that is alive.
#[derive(Clone, Debug)]
pub struct Go {
    /// The function that it was started in; empty while it is not known.
    pub function: NameId,
    /// What it does.
    pub state: State,
    /// Since when.
    pub since: i64,
    /// The last stack that was seen of it.
    pub last_stack: StackId,
    /// The processor that it runs on, -1 for none.
    pub proc: i64,
    reason: NameId,
    stack: StackId,
    by: i64,
    began_before: bool,
    regions: Vec<(NameId, u64, i64)>,
    /// How many of the open regions are the one that was asked for.
    inside: u32,
    assist: Option<i64>,
    stopped: Option<(NameId, i64)>,
}

#[derive(Clone, Copy)]
struct Proc {
    busy: bool,
    since: i64,
    sweep: Option<i64>,
}

/// The program's state.
#[derive(Default)]
pub struct Model {
    /// Names and stacks that slices refer to.
    pub names: Names,
    gos: FxHashMap<i64, Go>,
    procs: FxHashMap<i64, Proc>,
    tasks: FxHashMap<u64, (NameId, i64)>,
    /// Goroutines that ended in the first generation that was read: what is found there later and is
    /// none of these was there before.
    ended: FxHashSet<i64>,
    mark: Option<i64>,
    region: Option<Vec<u8>>,
    first: Option<i64>,
    last: i64,
    clock: Option<Clock>,
    generations: u64,
    events: u64,
}

/// What becomes of a goroutine.
struct Change {
    id: i64,
    from: GoState,
    to: GoState,
    /// The trace's numbers of a string and of a stack.
    reason: u64,
    stack: u64,
}

impl Change {
    /// Of the types of events that traces consist of nearly alone; without looking anything up, which
    /// `details` does.
    #[inline]
    fn frequent(event: &Event) -> Option<Self> {
        use GoState::{Runnable, Running, Syscall, Waiting};
        let [a, b, ..] = event.args;
        let of = |id, from, to, reason, stack| Some(Self { id, from, to, reason, stack });
        match event.kind {
            EventType::GO_START => of(a as i64, Runnable, Running, 0, 0),
            EventType::GO_BLOCK => of(event.goroutine, Running, Waiting, a, b),
            EventType::GO_STOP => of(event.goroutine, Running, Runnable, a, b),
            EventType::GO_UNBLOCK => of(a as i64, Waiting, Runnable, 0, 0),
            EventType::GO_SYSCALL_BEGIN => of(event.goroutine, Running, Syscall, 0, b),
            EventType::GO_SYSCALL_END => of(event.goroutine, Syscall, Running, 0, 0),
            _ => None,
        }
    }
}

impl Model {
    /// A model at the start of a trace.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cuts slices where a region of this name begins and ends, and says of each whether it lies in one.
    pub fn within_region(name: Option<&str>) -> Self {
        Self { region: name.map(|name| name.as_bytes().to_vec()), ..Self::default() }
    }

    /// When the trace began, if it has.
    pub fn first(&self) -> Option<i64> {
        self.first
    }

    /// The time of the last event.
    pub fn last(&self) -> i64 {
        self.last
    }

    /// The first clock reading (Go 1.25 and later).
    pub fn clock(&self) -> Option<Clock> {
        self.clock
    }

    /// How many generations have begun.
    pub fn generations(&self) -> u64 {
        self.generations
    }

    /// How many events there were.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The goroutines that are alive, in no order.
    pub fn goroutines(&self) -> impl Iterator<Item = (i64, &Go)> {
        self.gos.iter().map(|(&id, go)| (id, go))
    }

    /// How many goroutines are alive.
    pub fn alive(&self) -> usize {
        self.gos.len()
    }

    /// Moves on by an event. `tables` are those of the reader that gave it.
    pub fn event<S: Sink>(&mut self, event: &Event, tables: &Tables, sink: &mut S) {
        let time = event.time;
        self.first.get_or_insert(time);
        self.last = time;
        self.events += 1;
        if let Some(change) = Change::frequent(event) {
            self.transition(event, tables, &change, sink);
            return;
        }
        match event.details(tables) {
            Details::Sync { clock, .. } => {
                self.names.next_generation();
                // The mark at the end of the trace begins nothing.
                self.generations += u64::from(event.args[1] == 1);
                if self.generations > 1 {
                    self.ended = FxHashSet::default();
                }
                self.clock = self.clock.or(clock);
            }
            Details::Goroutine { id, from, to, stack, .. } => {
                let change = Change { id, from, to, reason: 0, stack };
                self.transition(event, tables, &change, sink);
            }
            Details::Proc { id, to, .. } => self.proc(id, to, time, sink),
            Details::Metric { name, value } => sink.metric(name, time, value),
            Details::Sample { stack } => {
                let stack = self.names.stack_of(stack, tables);
                sink.sample(event.goroutine, time, stack, &self.names);
            }
            Details::RangeBegin { name, scope } => self.begin(name, scope, time),
            Details::RangeActive { name, scope } => {
                let first = self.first.unwrap_or(time);
                self.begin(name, scope, first);
            }
            Details::RangeEnd { name, scope, .. } => self.end(name, scope, time, sink),
            Details::TaskBegin { id, name, .. } => {
                let name = self.names.name(name);
                self.tasks.insert(id, (name, time));
            }
            Details::TaskEnd { id, name, .. } => {
                let name = self.names.name(name);
                let (name, start) =
                    self.tasks.remove(&id).unwrap_or((name, self.first.unwrap_or(time)));
                sink.task(&Task { id, name, start, end: time, open: false }, &self.names);
            }
            Details::RegionBegin { task, name } => self.region_begin(event, task, name, sink),
            Details::RegionEnd { task, name } => self.region_end(event, task, name, sink),
            Details::Log { category, message, .. } => {
                let (category, message) = (self.names.name(category), self.names.name(message));
                let log = Log { goroutine: event.goroutine, time, category, message };
                sink.log(&log, &self.names);
            }
            Details::Label(_) | Details::Experimental => {}
        }
    }

    /// The trace has ended: what is still going on goes to the sink, marked as open.
    pub fn finish<S: Sink>(&mut self, sink: &mut S) {
        let end = self.last;
        let mut ids: Vec<i64> = self.gos.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            let Some(go) = self.gos.get_mut(&id) else { continue };
            for (depth, &(name, task, start)) in go.regions.iter().enumerate().rev() {
                let depth = depth as u32;
                sink.region(&Region { goroutine: id, name, task, depth, start, end }, &self.names);
            }
            for (kind, range) in [
                (RangeKind::MarkAssist, go.assist.map(|start| (NameId::NONE, start))),
                (RangeKind::StopTheWorld, go.stopped),
            ] {
                if let Some((reason, start)) = range {
                    sink.range(&Range { kind, reason, of: id, start, end }, &self.names);
                }
            }
            if go.stack == StackId::NONE {
                go.stack = go.last_stack;
            }
            let mut slice = slice(id, go, end);
            slice.open = true;
            sink.goroutine(&slice, &self.names);
        }
        if let Some(start) = self.mark {
            let (kind, reason) = (RangeKind::Mark, NameId::NONE);
            sink.range(&Range { kind, reason, of: -1, start, end }, &self.names);
        }
        let mut ids: Vec<i64> = self.procs.keys().copied().collect();
        ids.sort_unstable();
        for proc in ids {
            let state = self.procs[&proc];
            sink.processor(&ProcSlice { proc, busy: state.busy, start: state.since, end });
            if let Some(start) = state.sweep {
                let (kind, reason) = (RangeKind::Sweep, NameId::NONE);
                sink.range(&Range { kind, reason, of: proc, start, end }, &self.names);
            }
        }
        let mut open: Vec<_> = self.tasks.iter().map(|(&id, &(name, at))| (id, name, at)).collect();
        open.sort_unstable();
        for (id, name, start) in open {
            sink.task(&Task { id, name, start, end, open: true }, &self.names);
        }
    }

    fn transition<S: Sink>(
        &mut self,
        event: &Event,
        tables: &Tables,
        change: &Change,
        sink: &mut S,
    ) {
        let time = event.time;
        let &Change { id, from, to, reason, stack } = change;
        let own = self.names.stack_of(stack, tables);
        if from == GoState::NotExist {
            self.create(event, tables, id, to, own, sink);
            return;
        }
        let reason = self.names.string(reason, tables);
        let mut known = true;
        let go = match self.gos.get_mut(&id) {
            Some(go) => go,
            None => {
                known = false;
                self.found(id, own, sink);
                let Some(go) = self.gos.get_mut(&id) else { return };
                go
            }
        };
        if go.function == NameId::NONE && own != StackId::NONE {
            go.function = outermost(&self.names, own);
        }
        if own != StackId::NONE {
            go.last_stack = own;
        }
        let next = match to {
            GoState::NotExist => {
                let last = slice(id, go, time);
                sink.goroutine(&last, &self.names);
                sink.ended(&last, &self.names);
                self.gos.remove(&id);
                if self.generations <= 1 {
                    self.ended.insert(id);
                }
                return;
            }
            GoState::Running => State::Running,
            GoState::Runnable => State::Runnable,
            GoState::Waiting => State::Waiting,
            GoState::Syscall => State::Syscall,
            GoState::Undetermined => return,
        };
        // Of a known one, it tells that something is missing: what it did last is taken to have gone on.
        if from == GoState::Undetermined && !known {
            // It was so all the time: this only says what.
            go.state = next;
            go.stack = own;
            go.proc = if next == State::Running { event.proc } else { -1 };
            return;
        }
        if from == to {
            // Told again at the start of a generation.
            if go.stack == StackId::NONE {
                go.stack = own;
            }
            if next == State::Running {
                go.proc = event.proc;
            }
            return;
        }
        if go.state == State::Running {
            go.stack = own;
            go.reason = reason;
        }
        sink.goroutine(&slice(id, go, time), &self.names);
        let before = (go.state, go.stack);
        go.state = next;
        go.since = time;
        go.began_before = false;
        go.reason = reason;
        go.proc = -1;
        go.by = -1;
        go.stack = own;
        match next {
            State::Running => go.proc = event.proc,
            State::Runnable => {
                if event.goroutine != id {
                    go.by = event.goroutine;
                }
                if before.0 != State::Running {
                    go.stack = before.1;
                }
            }
            State::Waiting | State::Syscall => {}
        }
    }

    fn create<S: Sink>(
        &mut self,
        event: &Event,
        tables: &Tables,
        id: i64,
        to: GoState,
        own: StackId,
        sink: &mut S,
    ) {
        let stack = self.names.stack_of(event.stack(), tables);
        let function = outermost(&self.names, own);
        let (time, parent) = (event.time, event.goroutine);
        let state = match to {
            GoState::Syscall => State::Syscall,
            GoState::Waiting => State::Waiting,
            _ => State::Runnable,
        };
        let go = Go { function, by: parent, ..Go::new(state, time) };
        self.gos.insert(id, go);
        let created = Some(time);
        sink.appears(&Appearance { goroutine: id, function, created, parent, stack }, &self.names);
    }

    /// A goroutine that nobody was seen to start: it was there before the trace, or something is missing.
    fn found<S: Sink>(&mut self, id: i64, own: StackId, sink: &mut S) {
        let began_before = self.generations <= 1 && !self.ended.contains(&id);
        let since = if began_before { self.first.unwrap_or(self.last) } else { self.last };
        let function = outermost(&self.names, own);
        let go = Go { function, began_before, last_stack: own, ..Go::new(State::Waiting, since) };
        self.gos.insert(id, go);
        let there =
            Appearance { goroutine: id, function, created: None, parent: -1, stack: StackId::NONE };
        sink.appears(&there, &self.names);
    }

    fn proc<S: Sink>(&mut self, id: i64, to: ProcState, time: i64, sink: &mut S) {
        let busy = to == ProcState::Running;
        let first = self.first.unwrap_or(time);
        let proc = self.procs.entry(id).or_insert(Proc { busy, since: first, sweep: None });
        if proc.busy != busy {
            sink.processor(&ProcSlice { proc: id, busy: proc.busy, start: proc.since, end: time });
            proc.busy = busy;
            proc.since = time;
        }
    }

    fn begin(&mut self, name: RangeName<'_>, scope: Scope, start: i64) {
        match (name, scope) {
            (RangeName::Mark, _) => {
                self.mark.get_or_insert(start);
            }
            (RangeName::Sweep, Scope::Proc(id)) => {
                let proc =
                    self.procs.entry(id).or_insert(Proc { busy: true, since: start, sweep: None });
                proc.sweep.get_or_insert(start);
            }
            (RangeName::MarkAssist, Scope::Goroutine(id)) => {
                if let Some(go) = self.gos.get_mut(&id) {
                    go.assist.get_or_insert(start);
                }
            }
            (RangeName::StopTheWorld(why), Scope::Goroutine(id)) => {
                let why = self.names.name(why);
                if let Some(go) = self.gos.get_mut(&id) {
                    go.stopped = Some((why, start));
                }
            }
            _ => {}
        }
    }

    fn end<S: Sink>(&mut self, name: RangeName<'_>, scope: Scope, end: i64, sink: &mut S) {
        let none = NameId::NONE;
        let (kind, of, found) = match (name, scope) {
            (RangeName::Mark, _) => (RangeKind::Mark, -1, self.mark.take().map(|at| (none, at))),
            (RangeName::Sweep, Scope::Proc(id)) => {
                let start = self.procs.get_mut(&id).and_then(|proc| proc.sweep.take());
                (RangeKind::Sweep, id, start.map(|at| (none, at)))
            }
            (RangeName::MarkAssist, Scope::Goroutine(id)) => {
                let start = self.gos.get_mut(&id).and_then(|go| go.assist.take());
                (RangeKind::MarkAssist, id, start.map(|at| (none, at)))
            }
            (RangeName::StopTheWorld(_), Scope::Goroutine(id)) => {
                let found = self.gos.get_mut(&id).and_then(|go| go.stopped.take());
                (RangeKind::StopTheWorld, id, found)
            }
            _ => return,
        };
        if let Some((reason, start)) = found {
            sink.range(&Range { kind, reason, of, start, end }, &self.names);
        }
    }

    fn region_begin<S: Sink>(&mut self, event: &Event, task: u64, name: &[u8], sink: &mut S) {
        let (id, time) = (event.goroutine, event.time);
        let asked = self.region.as_deref() == Some(name);
        let name = self.names.name(name);
        let Some(go) = self.gos.get_mut(&id) else { return };
        go.regions.push((name, task, time));
        if asked {
            cut(id, go, time, sink, &self.names);
            go.inside += 1;
        }
    }

    fn region_end<S: Sink>(&mut self, event: &Event, task: u64, name: &[u8], sink: &mut S) {
        let (id, time) = (event.goroutine, event.time);
        let asked = self.region.as_deref() == Some(name);
        let first = self.first.unwrap_or(time);
        let name = self.names.name(name);
        let Some(go) = self.gos.get_mut(&id) else { return };
        // Without its begin, it began before the trace.
        let start = go.regions.pop().map_or(first, |(_, _, start)| start);
        let depth = go.regions.len() as u32;
        if asked {
            cut(id, go, time, sink, &self.names);
            go.inside = go.inside.saturating_sub(1);
        }
        let end = time;
        sink.region(&Region { goroutine: id, name, task, depth, start, end }, &self.names);
    }
}

impl Go {
    fn new(state: State, since: i64) -> Self {
        Self {
            function: NameId::NONE,
            state,
            since,
            last_stack: StackId::NONE,
            proc: -1,
            reason: NameId::NONE,
            stack: StackId::NONE,
            by: -1,
            began_before: false,
            regions: Vec::new(),
            inside: 0,
            assist: None,
            stopped: None,
        }
    }
}

/// The slice that ends now.
fn slice(goroutine: i64, go: &Go, end: i64) -> GoSlice {
    GoSlice {
        goroutine,
        function: go.function,
        state: go.state,
        start: go.since,
        end,
        reason: go.reason,
        stack: go.stack,
        proc: go.proc,
        by: go.by,
        began_before: go.began_before,
        open: false,
        in_region: go.inside > 0,
    }
}

/// Ends the slice and goes on with the same.
fn cut<S: Sink>(goroutine: i64, go: &mut Go, time: i64, sink: &mut S, names: &Names) {
    if time > go.since {
        sink.goroutine(&slice(goroutine, go, time), names);
        go.since = time;
        go.began_before = false;
    }
}

/// The function that a goroutine with this stack began in.
fn outermost(names: &Names, stack: StackId) -> NameId {
    let mut frames = names.stack(stack);
    if frames.len() >= FULL_STACK {
        return NameId::NONE;
    }
    let Some(last) = frames.next_back() else { return NameId::NONE };
    // The runtime's own start of a program says less than what it calls.
    match frames.next_back() {
        Some(next) if names.text(last.function) == "runtime.main" => next.function,
        _ => last.function,
    }
}
