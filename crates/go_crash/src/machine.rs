//! The grammar of a dump, one line at a time: a head, then stacks. It knows no prefixes and no pieces.
//!
//! What a value may contain decides how much it can pretend. From Go 1.23 on continuation lines are
//! indented, so they never look like headers. Before, and in net/http's log line always, they are
//! raw: a header counts only where Go prints one (behind a blank line; for net/http with the server's
//! own frame innermost), and when the true one comes, what was given before is taken back.

use memchr::memmem;

use crate::goroutine::{self, Function, Goroutine, Section};
use crate::head::{self, Head, Kind};
use crate::parser::{Event, ReportId};

/// So many lines that belong to no dump end a report without a crash, or one with its stacks read.
const MAX_NOISE: u32 = 1000;

/// Reads the lines of one source.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent facts about lines read")]
pub(crate) struct Machine {
    state: State,
    id: ReportId,
    head: Head,
    /// Whether a blank line has come since the report's first line.
    blank: bool,
    noise: u32,
    /// The stack that is being read, if `open`.
    stack: Goroutine,
    open: bool,
    /// A function that waits for its file line.
    function: Option<Function>,
    /// A line that is a C function if the next is its file line.
    foreign: Option<Function>,
    /// The creator waits for its file line.
    created: bool,
    ancestor: u64,
    /// Stacks given of this report.
    given: u64,
    /// Running goroutines with frames of this report.
    running: u32,
    /// Whether `-----` was seen: from there on, threads tell their stacks once more.
    threads: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// Between reports.
    #[default]
    Idle,
    /// After the first line, before the first stack.
    Head,
    /// At a stack or behind one.
    Stacks,
    /// In a race report.
    Race,
}

impl Machine {
    pub(crate) fn is_idle(&self) -> bool {
        self.state == State::Idle
    }
    /// Reads a line that is a function of the open stack, which most lines are that are no file lines; false when it is
    /// something else. Such a line carries no prefix: a name has no spaces.
    #[inline]
    pub(crate) fn function(&mut self, line: &[u8]) -> bool {
        if !self.open || self.state != State::Stacks {
            return false;
        }
        let Some(open) = goroutine::function_line(line) else { return false };
        self.function = self.stack.keep_function(line, open);
        if self.function.is_none() {
            self.stack.dropped += 1;
        }
        true
    }
    pub(crate) fn order(&self) -> ReportId {
        self.id
    }

    /// Reads a line; `next` numbers reports.
    pub(crate) fn line(&mut self, line: &[u8], next: &mut u64, sink: &mut impl FnMut(Event<'_>)) {
        match self.state {
            State::Idle => self.idle(line, next, sink),
            State::Head => self.in_head(line, next, sink),
            State::Stacks => self.in_stacks(line, next, sink),
            State::Race => self.in_race(line, next, sink),
        }
        self.blank |= line.is_empty();
    }

    /// Gives what is open.
    pub(crate) fn finish(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        self.end(sink);
    }

    fn idle(&mut self, line: &[u8], next: &mut u64, sink: &mut impl FnMut(Event<'_>)) {
        if let Some(head) = head::start(line) {
            self.start(head, next, sink);
        } else if line.starts_with(b"goroutine ") && self.open_stack(line) {
            self.start(Head::default(), next, sink);
            self.state = State::Stacks;
            self.open = true;
        }
    }

    fn start(&mut self, head: Head, next: &mut u64, sink: &mut impl FnMut(Event<'_>)) {
        self.id = ReportId(*next);
        *next += 1;
        self.state = if head.kind == Kind::Race { State::Race } else { State::Head };
        self.head = head;
        (self.noise, self.given, self.running, self.threads) = (0, 0, 0, false);
        self.blank = false;
        sink(Event::Start(self.id, &self.head));
    }

    fn end(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        if self.state == State::Idle {
            return;
        }
        if self.open {
            self.close(false, sink);
        }
        if self.state == State::Head {
            self.head.end_message();
            sink(Event::Head(self.id, &self.head));
        }
        sink(Event::End(self.id));
        self.state = State::Idle;
        self.head = Head::default();
    }

    fn in_head(&mut self, line: &[u8], next: &mut u64, sink: &mut impl FnMut(Event<'_>)) {
        let kind = self.head.kind;
        if kind == Kind::TestFailure {
            if line.starts_with(b"    ") || line.starts_with(b"\t") {
                return self.head.detail(line.trim_ascii());
            }
            self.end(sink);
            return self.idle(line, next, sink);
        }
        // A value is followed by a blank line, and perhaps somebody's log line; net/http writes the
        // stack at once.
        let after_blank = self.blank || kind != Kind::Panic;
        if after_blank && (line == b"runtime stack:" || line.starts_with(b"goroutine ")) {
            if self.open_stack(line) {
                self.head.end_message();
                sink(Event::Head(self.id, &self.head));
                self.state = State::Stacks;
                return;
            }
        } else if is_exit(line) {
            return self.end(sink);
        } else if let Some(head) = head::start(line)
            && !(head.kind == Kind::FatalError && self.head.kind == Kind::FatalError)
            && head.kind != Kind::TestFailure
        {
            // Another process, or another way of dying: this one printed no stack.
            self.end(sink);
            return self.start(head, next, sink);
        }
        self.noise += 1;
        if self.noise > MAX_NOISE {
            return self.end(sink);
        }
        let before = self.head.chain.len();
        self.head.line(line);
        if self.head.chain.len() > before || self.noise == 1 {
            sink(Event::Head(self.id, &self.head));
        }
    }

    /// Opens the stack of a header line; false when it is none.
    fn open_stack(&mut self, line: &[u8]) -> bool {
        self.stack.reset();
        if line == b"runtime stack:" {
            self.stack.section = Section::RuntimeStack;
            self.stack.set_state(b"runtime stack");
        } else if !goroutine::header(line, &mut self.stack) {
            return false;
        }
        self.opened();
        true
    }

    fn opened(&mut self) {
        self.open = true;
        (self.function, self.foreign, self.created, self.ancestor) = (None, None, false, 0);
        self.noise = 0;
    }

    fn in_stacks(&mut self, line: &[u8], next: &mut u64, sink: &mut impl FnMut(Event<'_>)) {
        match line.first() {
            Some(b'\t') if self.open => return self.file_line(&line[1..], sink),
            None => {
                if self.open {
                    self.close(true, sink);
                }
                return;
            }
            Some(b'g') if line.starts_with(b"goroutine ") => {
                if !self.open {
                    if self.open_stack(line) {
                        return;
                    }
                } else if goroutine::header(line, &mut Goroutine::default()) {
                    // A header without a blank line before: the open stack goes out first.
                    self.close(true, sink);
                    self.open_stack(line);
                    return;
                }
            }
            Some(b'r') if line == b"runtime stack:" => {
                if self.open {
                    self.close(true, sink);
                }
                self.open_stack(line);
                return;
            }
            _ => {}
        }
        if self.open && self.stack_line(line) {
            return;
        }
        self.beside(line, next, sink);
    }

    /// A line of the open stack that is no file line; false when it is none at all.
    fn stack_line(&mut self, line: &[u8]) -> bool {
        if self.function(line) {
            return true;
        }
        if let Some(rest) = line.strip_prefix(b"created by ") {
            let (function, by) = goroutine::creator(rest);
            if self.ancestor == 0 {
                self.stack.set_created(function, by);
                self.created = true;
            }
            self.function = None;
            return true;
        }
        if let Some(rest) = line.strip_prefix(b"[originating from goroutine ")
            && let Some(id) = rest.strip_suffix(b"]:").and_then(goroutine::number)
        {
            (self.ancestor, self.created) = (id, false);
            return true;
        }
        if let Some(rest) = line.strip_prefix(b"...")
            && let Some(n) = rest.strip_suffix(b" frames elided...")
        {
            self.stack.elided = if n == b"additional" {
                u64::MAX
            } else {
                self.stack.elided.saturating_add(goroutine::number(n).unwrap_or(u64::MAX))
            };
            return true;
        }
        if line.starts_with(b"non-Go function") {
            if let Some(name) = self.stack.keep(line) {
                let nowhere = goroutine::Place { file: b"", line: 0, foreign: true };
                if line.len() > 15 {
                    self.stack.push_frame(Function::plain(name), &nowhere, self.ancestor);
                } else {
                    self.foreign = Some(Function::plain(name));
                }
            }
            return true;
        }
        false
    }

    /// `\tpath:line +0x…` under a function or a creator.
    fn file_line(&mut self, line: &[u8], sink: &mut impl FnMut(Event<'_>)) {
        if line.starts_with(b"goroutine running on other thread") {
            self.stack.unavailable = true;
            return;
        }
        let nowhere = goroutine::Place { file: b"", line: 0, foreign: true };
        let place = match goroutine::place(line) {
            Some(place) => place,
            // A C function of which the symbolizer knows no file.
            None if line.starts_with(b"pc=0x") && self.foreign.is_some() => nowhere,
            None => return,
        };
        if self.created {
            self.stack.set_created_place(&place);
            self.created = false;
            // Nothing of this goroutine follows but its ancestors; net/http writes no blank line.
            if self.head.kind == Kind::HttpPanic {
                let server = is_server(&self.stack);
                self.close(true, sink);
                if server {
                    self.end(sink);
                }
            }
            return;
        }
        let function = match (self.foreign.take(), place.foreign) {
            (Some(foreign), true) => Some(foreign),
            _ => self.function.take(),
        };
        if let Some(function) = function {
            self.stack.push_frame(function, &place, self.ancestor);
        }
    }

    /// A line that belongs to no stack: registers, log lines, the next report.
    fn beside(&mut self, line: &[u8], next: &mut u64, sink: &mut impl FnMut(Event<'_>)) {
        if line == b"-----" {
            self.threads = true;
            return;
        }
        // Each thread repeats the signal at crash level.
        if let Some(head) = head::start(line)
            && !(self.threads && head.kind == Kind::Signal)
        {
            self.end(sink);
            return self.start(head, next, sink);
        }
        if is_exit(line) {
            return self.end(sink);
        }
        if self.open {
            // Perhaps a C function; otherwise somebody's log line.
            self.foreign = self.stack.keep(line).map(Function::plain);
            return;
        }
        self.noise += 1;
        // What is logged for a request may still be its value, until the server's own frame came.
        let long = self.head.kind.is_death() || self.head.kind == Kind::HttpPanic;
        let limit = if long { MAX_NOISE } else { 1 };
        if self.noise >= limit {
            self.end(sink);
        }
    }

    /// Gives the open stack.
    fn close(&mut self, complete: bool, sink: &mut impl FnMut(Event<'_>)) {
        self.open = false;
        let stack = &mut self.stack;
        stack.seal();
        stack.complete = complete || (stack.created_by().is_some() && !self.created);
        let running = stack.section == Section::Goroutine
            && stack.frames().len() > 0
            && (stack.state().starts_with("running") || stack.state().starts_with("syscall"));
        let server = self.head.kind == Kind::HttpPanic && is_server(stack);
        if running && !self.threads && self.given > 0 {
            // A panic has one goroutine that runs and can be printed; a served request has one at all.
            if self.head.kind == Kind::Panic && self.running > 0 && stack.state() == "running"
                || server
            {
                sink(Event::Retracted(self.id));
                self.running = 0;
            }
        }
        if running {
            self.running += 1;
        }
        let crashed = running && !self.threads && self.died(server);
        self.stack.crashed = crashed;
        self.given += 1;
        sink(Event::Goroutine(self.id, &self.stack));
    }

    /// Whether the running goroutine that ends here is one that died.
    fn died(&self, server: bool) -> bool {
        match self.head.kind {
            Kind::Panic | Kind::TestTimeout => self.running == 1,
            // Two threads may notice the same conflict; both tell their goroutine.
            Kind::FatalError => self.running <= 2 && self.stack.state() == "running",
            Kind::HttpPanic => server || self.given == 0,
            Kind::Signal => self.given == 0 && self.head.message.starts_with("SIGSEGV"),
            _ => false,
        }
    }

    fn in_race(&mut self, line: &[u8], next: &mut u64, sink: &mut impl FnMut(Event<'_>)) {
        if line.is_empty() {
            if self.open {
                self.close(true, sink);
            }
        } else if line.starts_with(b"==========") {
            if self.open {
                self.close(true, sink);
            }
            self.end(sink);
        } else if let Some(place) = line.strip_prefix(b"      ").filter(|_| self.open) {
            let place = goroutine::place(place);
            if let (Some(place), Some(function)) = (place, self.function.take()) {
                self.stack.push_frame(function, &place, 0);
            }
        } else if let Some(function) = line.strip_prefix(b"  ").filter(|_| self.open) {
            self.function = goroutine::function_line(function)
                .and_then(|open| self.stack.keep_function(function, open));
        } else if let Some(title) = line.strip_suffix(b":").filter(|t| race_section(t).is_some()) {
            if self.open {
                self.close(true, sink);
            }
            self.stack.reset();
            self.opened();
            self.stack.section = race_section(title).unwrap_or(Section::Other);
            self.stack.id = race_goroutine(title);
            self.stack.set_state(title);
        } else if let Some(head) = head::start(line) {
            self.end(sink);
            self.start(head, next, sink);
        } else {
            self.noise += 1;
            if self.noise > MAX_NOISE {
                self.end(sink);
            }
        }
    }
}

/// What `go run`, `go test` and shells say behind a dump.
fn is_exit(line: &[u8]) -> bool {
    line.starts_with(b"exit status ") || line.starts_with(b"FAIL\t")
}

/// Whether the frames end (innermost first) in net/http's recovery.
fn is_server(stack: &Goroutine) -> bool {
    stack.frames().next().is_some_and(|frame| {
        frame.function.starts_with("net/http.(*conn).serve.func")
            || frame.function.contains("(*http2serverConn).runHandler.func")
            || frame.function.contains("http2.(*serverConn).runHandler.func")
    })
}

/// The section that a race report's title opens.
fn race_section(title: &[u8]) -> Option<Section> {
    let has = |text: &[u8]| memmem::find(title, text).is_some();
    let access = has(b" at 0x") && has(b" by ");
    Some(if access && !title.starts_with(b"Location") {
        Section::Access
    } else if title.starts_with(b"Goroutine ") && title.ends_with(b" created at") {
        Section::Created
    } else if title.starts_with(b"Location is ")
        || title.starts_with(b"Mutex ")
        || has(b"created at")
    {
        Section::Other
    } else {
        return None;
    })
}

/// The goroutine that a title names; 1 for the main one.
fn race_goroutine(title: &[u8]) -> u64 {
    if title.ends_with(b"by main goroutine") {
        return 1;
    }
    for mark in [&b"Goroutine "[..], b"by goroutine "] {
        if let Some(at) = memmem::find(title, mark) {
            let digits = &title[at + mark.len()..];
            let end = digits.iter().position(|b| !b.is_ascii_digit()).unwrap_or(digits.len());
            return goroutine::number(&digits[..end]).unwrap_or(0);
        }
    }
    0
}
