//! One stack as it was printed: its header, its frames, who started it. The text is kept once, with
//! the places of names in it, because a dump can have a hundred thousand of them and most are only
//! looked at to be counted. A [`Goroutine`] is reused for the next one; a clone is small.

use std::ops::Range;

use memchr::{memchr, memmem};

/// More frames of one goroutine are counted ([`Goroutine::dropped`]) and not kept. Go prints at most
/// 100 of a goroutine, and as many of each ancestor.
pub const MAX_FRAMES: usize = 1024;
/// More text of one goroutine is not kept, in bytes.
const MAX_TEXT: usize = 1 << 20;
/// More labels are not kept.
const MAX_LABELS: usize = 64;

/// What a stack is the stack of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Section {
    /// A goroutine, under a `goroutine N [state]:` header.
    #[default]
    Goroutine,
    /// `runtime stack:`, the system stack of the thread that died.
    RuntimeStack,
    /// An access of a race report: `Previous write at 0x00c… by goroutine 8:`.
    Access,
    /// Where a goroutine of a race report was started: `Goroutine 8 (running) created at:`.
    Created,
    /// Anything else with a stack in a race report: the allocation of the memory, a mutex.
    Other,
}

/// One stack with its header.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "what a header can say is independent")]
pub struct Goroutine {
    /// While it is read: the bytes of names as they came. They are checked once, when it is complete.
    raw: Vec<u8>,
    text: String,
    frames: Vec<FrameSpan>,
    state: Span,
    created: Option<CreatedSpan>,
    /// What it is the stack of.
    pub section: Section,
    /// The goroutine's number; 0 for a thread's own stack and when a race report gives none.
    pub id: u64,
    /// How long it has waited, in minutes, if Go said so (from 1 on).
    pub wait_minutes: Option<u64>,
    /// `locked to thread`.
    pub locked: bool,
    /// `(scan)`: the garbage collector was looking at it.
    pub scan: bool,
    /// `(leaked)`: the garbage collector found that nobody can wake it (1.26 on).
    pub leaked: bool,
    /// The number of its `testing/synctest` bubble.
    pub bubble: Option<u64>,
    /// Its pprof labels, in the order printed (1.26 on).
    pub labels: Vec<(String, String)>,
    /// `...N frames elided...`: how many frames Go left out; `u64::MAX` when it did not say.
    pub elided: u64,
    /// How many frames were printed and not kept.
    pub dropped: u64,
    /// Whether its end was seen: a blank line, its creator or the next header.
    pub complete: bool,
    /// `goroutine running on other thread; stack unavailable`.
    pub unavailable: bool,
    /// Whether it is (one of) those that died.
    pub crashed: bool,
}

/// A place in [`Goroutine::text`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Span(u32, u32);

impl Span {
    fn range(self) -> Range<usize> {
        self.0 as usize..self.1 as usize
    }
}

#[derive(Clone, Copy, Debug)]
struct FrameSpan {
    function: Span,
    arguments: Span,
    file: Span,
    line: u32,
    ancestor: u64,
}

#[derive(Clone, Copy, Debug)]
struct CreatedSpan {
    function: Span,
    file: Span,
    line: u32,
    by: u64,
}

/// One call of a stack, innermost first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame<'a> {
    /// As printed: `example.com/hub.(*Hub[...]).Add`.
    pub function: &'a str,
    /// As printed between the parentheses: `0xc000012345, {0x1, 0x2}`, or `...` for an inlined call.
    pub arguments: &'a str,
    /// As printed; empty if Go named none.
    pub file: &'a str,
    /// From 1; 0 if Go named none.
    pub line: u32,
    /// The goroutine that it is of, for frames of ancestors (`GODEBUG=tracebackancestors`); else 0.
    pub ancestor: u64,
}

impl Frame<'_> {
    /// Whether the function is of the standard library: its import path has no dot in the first
    /// element, and it is not `main`.
    pub fn is_std(&self) -> bool {
        let end = self.function.find(['/', '(']).unwrap_or(self.function.len());
        let head = &self.function[..end];
        match self.function.as_bytes().get(end) {
            Some(b'/') => !head.contains('.'),
            _ => !head.starts_with("main."),
        }
    }
}

/// Who started a goroutine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CreatedBy<'a> {
    /// The function with the `go` statement.
    pub function: &'a str,
    /// The file of the `go` statement; empty if it was cut off.
    pub file: &'a str,
    /// Its line, from 1.
    pub line: u32,
    /// The goroutine that ran it; 0 before Go 1.21, which does not say.
    pub goroutine: u64,
}

impl Goroutine {
    /// `running`, `chan receive`, `sync.Mutex.Lock` …; the title of a race report's section.
    pub fn state(&self) -> &str {
        self.get(self.state)
    }
    /// All frames that were printed, innermost first; those of ancestors come last.
    pub fn frames(&self) -> impl DoubleEndedIterator<Item = Frame<'_>> + ExactSizeIterator {
        self.frames.iter().map(|frame| self.read(frame))
    }
    /// One frame of [`Goroutine::frames`].
    #[inline]
    pub(crate) fn frame(&self, index: usize) -> Option<Frame<'_>> {
        self.frames.get(index).map(|frame| self.read(frame))
    }
    /// Inlined, so that callers pay for the parts that they look at.
    #[inline]
    fn read(&self, frame: &FrameSpan) -> Frame<'_> {
        Frame {
            function: self.get(frame.function),
            arguments: self.get(frame.arguments),
            file: self.get(frame.file),
            line: frame.line,
            ancestor: frame.ancestor,
        }
    }
    /// The functions of all frames as bytes, with nothing else looked at.
    pub(crate) fn functions(&self) -> impl Iterator<Item = &[u8]> {
        let text = self.text.as_bytes();
        self.frames.iter().map(|frame| text.get(frame.function.range()).unwrap_or_default())
    }
    /// Who started it.
    pub fn created_by(&self) -> Option<CreatedBy<'_>> {
        self.created.map(|created| CreatedBy {
            function: self.get(created.function),
            file: self.get(created.file),
            line: created.line,
            goroutine: created.by,
        })
    }
    /// How many bytes it keeps, about.
    pub fn size(&self) -> usize {
        self.text.len() + self.frames.len() * size_of::<FrameSpan>() + size_of::<Self>()
    }

    #[inline]
    fn get(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or("")
    }

    /// Starts again, with the memory of the last one.
    pub(crate) fn reset(&mut self) {
        let (text, mut raw, mut frames, mut labels) = (
            std::mem::take(&mut self.text),
            std::mem::take(&mut self.raw),
            std::mem::take(&mut self.frames),
            std::mem::take(&mut self.labels),
        );
        // Sealing has moved the memory there.
        if raw.capacity() < text.capacity() {
            raw = text.into_bytes();
        }
        raw.clear();
        frames.clear();
        labels.clear();
        *self = Self { raw, frames, labels, ..Self::default() };
    }

    /// Keeps a line and says where; `None` when there is no room.
    #[inline]
    pub(crate) fn keep(&mut self, line: &[u8]) -> Option<Span> {
        let start = self.raw.len();
        if start + line.len() > MAX_TEXT {
            return None;
        }
        self.raw.extend_from_slice(line);
        Some(Span(start as u32, self.raw.len() as u32))
    }

    /// Turns what was kept into text: from here on it can be read, and nothing more is kept.
    pub(crate) fn seal(&mut self) {
        match String::from_utf8(std::mem::take(&mut self.raw)) {
            Ok(text) => self.text = text,
            Err(error) => self.replace_invalid(error.as_bytes()),
        }
    }

    /// Makes text of bytes that are not UTF-8. Replacements move what is behind them, so each name is moved by
    /// itself.
    #[cold]
    fn replace_invalid(&mut self, raw: &[u8]) {
        let mut text = String::with_capacity(raw.len());
        let mut moved = |span: &mut Span| {
            let start = text.len() as u32;
            text.push_str(&String::from_utf8_lossy(raw.get(span.range()).unwrap_or_default()));
            *span = Span(start, text.len() as u32);
        };
        moved(&mut self.state);
        for frame in &mut self.frames {
            moved(&mut frame.function);
            moved(&mut frame.arguments);
            moved(&mut frame.file);
        }
        if let Some(created) = &mut self.created {
            moved(&mut created.function);
            moved(&mut created.file);
        }
        self.text = text;
    }

    /// Takes a kept line as a header's state.
    pub(crate) fn set_state(&mut self, state: &[u8]) {
        self.state = self.keep(state).unwrap_or_default();
    }

    /// Adds a frame whose function line and file line are given.
    pub(crate) fn push_frame(&mut self, function: Function, place: &Place<'_>, ancestor: u64) {
        let file = self.keep(place.file);
        match file {
            Some(file) if self.frames.len() < MAX_FRAMES => self.frames.push(FrameSpan {
                function: function.name,
                arguments: function.arguments,
                file,
                line: place.line,
                ancestor,
            }),
            _ => self.dropped += 1,
        }
    }

    /// Takes the creator; its file may come later.
    pub(crate) fn set_created(&mut self, function: &[u8], by: u64) {
        if let Some(function) = self.keep(function) {
            self.created = Some(CreatedSpan { function, file: Span::default(), line: 0, by });
        }
    }

    /// The file line of the creator.
    pub(crate) fn set_created_place(&mut self, place: &Place<'_>) {
        let file = self.keep(place.file).unwrap_or_default();
        if let Some(created) = &mut self.created {
            (created.file, created.line) = (file, place.line);
        }
    }

    /// Keeps `name(arguments)` until its file line comes.
    pub(crate) fn keep_function(&mut self, line: &[u8], open: usize) -> Option<Function> {
        let Span(start, end) = self.keep(line)?;
        let open = start + open as u32;
        let end = end.saturating_sub(1).max(open);
        Some(Function { name: Span(start, open), arguments: Span((open + 1).min(end), end) })
    }
}

/// A function line that waits for its file line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Function {
    name: Span,
    arguments: Span,
}

impl Function {
    /// A line that is a name and nothing else.
    pub(crate) fn plain(name: Span) -> Self {
        Self { name, arguments: Span::default() }
    }
}

/// What arguments are written with.
const ARGUMENT: [bool; 256] = {
    let mut table = [false; 256];
    let bytes = b"0123456789abcdefx{}, ._?";
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
};

/// Where the arguments of `name(arguments)` open, if a line is that. Arguments are numbers, braces,
/// `...`, `_` and `?`; a name has no spaces.
pub(crate) fn function_line(line: &[u8]) -> Option<usize> {
    let (&b')', inner) = line.split_last()? else { return None };
    // From behind, since arguments are short, and only they have no parentheses in them.
    let open = inner.iter().rposition(|&b| !ARGUMENT[usize::from(b)]);
    let open = open.filter(|&at| inner[at] == b'(')?;
    (open > 0 && memchr(b' ', &inner[..open]).is_none()).then_some(open)
}

/// A file line without its indent.
pub(crate) struct Place<'a> {
    /// The path.
    pub file: &'a [u8],
    /// The line, from 1.
    pub line: u32,
    /// Whether it is that of a C frame: `file:line pc=0x…` and no more.
    pub foreign: bool,
}

/// Reads `path:line[ +0x…][ fp=0x… sp=0x… pc=0x…]`.
pub(crate) fn place(mut line: &[u8]) -> Option<Place<'_>> {
    let (mut pc, mut go) = (false, false);
    // From behind: the words after the number, then the number.
    loop {
        let at = line.iter().rposition(|b| matches!(b, b' ' | b':'))?;
        let word = &line[at + 1..];
        if line[at] == b':' {
            let number = u32::try_from(number(word)?).ok()?;
            let foreign = pc && !go;
            return (at > 0).then_some(Place { file: &line[..at], line: number, foreign });
        }
        match word {
            [b'p', b'c', b'=', ..] => pc = true,
            [b'+', b'0', b'x', ..] | [b'f' | b's', b'p', b'=', ..] => go = true,
            _ => return None,
        }
        line = &line[..at];
    }
}

/// A decimal number and nothing else.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    digits.iter().try_fold(0, |n: u64, &d| d.is_ascii_digit().then(|| n * 10 + u64::from(d - b'0')))
}

/// Reads `created by F[ in goroutine N]` behind `created by `.
pub(crate) fn creator(rest: &[u8]) -> (&[u8], u64) {
    if let Some(at) = memmem::rfind(rest, b" in goroutine ")
        && let Some(id) = number(&rest[at + b" in goroutine ".len()..])
    {
        return (&rest[..at], id);
    }
    (rest, 0)
}

/// Reads `goroutine N[ gp=… m=… mp=…] [state, …][ {labels}]:` into `into`, which is fresh. False when
/// the line is no header.
pub(crate) fn header(line: &[u8], into: &mut Goroutine) -> bool {
    let Some(rest) = line.strip_prefix(b"goroutine ") else { return false };
    let Some(space) = memchr(b' ', rest) else { return false };
    let Some(id) = number(&rest[..space]) else { return false };
    let mut rest = &rest[space + 1..];
    // From 1.22 on, at system and crash level.
    for name in [&b"gp="[..], b"m=", b"mp="] {
        if rest.starts_with(name) {
            let Some(space) = memchr(b' ', rest) else { return false };
            rest = &rest[space + 1..];
        }
    }
    let Some(inner) = rest.strip_prefix(b"[").and_then(|r| r.strip_suffix(b":")) else {
        return false;
    };
    let Some(close) = memchr(b']', inner) else { return false };
    // 1.26 has the labels inside the brackets, 1.27 behind them.
    let (state, labels) = match memmem::find(&inner[..close], b" labels:{") {
        Some(at) => (&inner[..at], inner[at + 9..].strip_suffix(b"}]")),
        None if close + 1 == inner.len() => (&inner[..close], None),
        None => match inner[close + 1..].strip_prefix(b" {").and_then(|l| l.strip_suffix(b"}")) {
            Some(labels) => (&inner[..close], Some(labels)),
            None => return false,
        },
    };
    into.id = id;
    read_state(state, into);
    if let Some(labels) = labels {
        read_labels(labels, into);
    }
    true
}

fn read_state(state: &[u8], into: &mut Goroutine) {
    let mut parts = state.split(|&b| b == b',');
    let mut reason = parts.next().unwrap_or_default();
    for part in parts {
        let part = part.trim_ascii();
        if let Some(minutes) = part.strip_suffix(b" minutes") {
            into.wait_minutes = number(minutes);
        } else if part == b"locked to thread" {
            into.locked = true;
        } else if let Some(bubble) = part.strip_prefix(b"synctest bubble ") {
            into.bubble = number(bubble);
        }
    }
    loop {
        if let Some(rest) = reason.strip_suffix(b" (scan)") {
            (into.scan, reason) = (true, rest);
        } else if let Some(rest) = reason.strip_suffix(b" (leaked)") {
            (into.leaked, reason) = (true, rest);
        } else {
            break;
        }
    }
    into.set_state(reason);
}

/// `key: value, "quoted key": "quoted value"`; what does not read is left out.
fn read_labels(labels: &[u8], into: &mut Goroutine) {
    let text = String::from_utf8_lossy(labels);
    let mut rest = &*text;
    while !rest.is_empty() && into.labels.len() < MAX_LABELS {
        let Some((key, after)) = label_text(rest, ": ") else { return };
        let Some(after) = after.strip_prefix(": ") else { return };
        let Some((value, after)) = label_text(after, ", ") else { return };
        into.labels.push((key, value));
        rest = after.strip_prefix(", ").unwrap_or("");
    }
}

/// One key or value and what follows it.
fn label_text<'a>(text: &'a str, end: &str) -> Option<(String, &'a str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let at = text.find(end).unwrap_or(text.len());
        return Some((text[..at].to_owned(), &text[at..]));
    };
    let mut out = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, &quoted[at + 1..])),
            '\\' => out.push(escaped(&mut chars)?),
            c => out.push(c),
        }
    }
    None
}

/// The character behind a backslash, as the runtime's `printquoted` writes it.
fn escaped(chars: &mut std::str::CharIndices<'_>) -> Option<char> {
    let digits = match chars.next()?.1 {
        'n' => return Some('\n'),
        't' => return Some('\t'),
        'r' => return Some('\r'),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        c => return Some(c),
    };
    let mut code = 0;
    for _ in 0..digits {
        code = code * 16 + chars.next()?.1.to_digit(16)?;
    }
    char::from_u32(code).or(Some(char::REPLACEMENT_CHARACTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<Goroutine> {
        let mut goroutine = Goroutine::default();
        let is_header = header(line.as_bytes(), &mut goroutine);
        goroutine.seal();
        is_header.then_some(goroutine)
    }

    #[test]
    fn headers_of_all_versions() {
        let g = read("goroutine 17 [chan receive, 12 minutes, locked to thread]:").unwrap();
        assert_eq!(
            (g.id, g.state(), g.wait_minutes, g.locked),
            (17, "chan receive", Some(12), true)
        );
        let g = read("goroutine 1 gp=0xc000002380 m=0 mp=0x5d0 [select (no cases)]:").unwrap();
        assert_eq!((g.id, g.state()), (1, "select (no cases)"));
        let g = read("goroutine 9 gp=0xc m=nil [chan send (leaked) (scan)]:").unwrap();
        assert!(g.state() == "chan send" && g.leaked && g.scan);
        let g = read("goroutine 9 [sleep (durable), synctest bubble 3]:").unwrap();
        assert_eq!((g.state(), g.bubble), ("sleep (durable)", Some(3)));
    }

    #[test]
    fn labels_inside_and_behind_the_brackets() {
        let g = read(r#"goroutine 5 [running labels:{"path": "/a b]:{}", "r": "\n\"\u00e9"}]:"#)
            .unwrap();
        let want =
            [("path", "/a b]:{}"), ("r", "\n\"é")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!((g.state(), &g.labels[..]), ("running", &want[..]));
        let g = read(r#"goroutine 5 [running] {path: "/a b:{}", request: r-1}:"#).unwrap();
        let want =
            [("path", "/a b:{}"), ("request", "r-1")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(&g.labels[..], &want[..]);
    }

    #[test]
    fn names_that_are_not_utf8_stay_apart() {
        let mut g = Goroutine::default();
        assert!(header(b"goroutine 3 [chan \xff send]:", &mut g));
        let function = g.keep_function(b"main.\xfe\xfdf(0x1)", 8).unwrap();
        g.push_frame(function, &place(b"/\xff/a.go:3").unwrap(), 0);
        g.set_created(b"main.g\xff", 1);
        g.seal();
        let frame = g.frame(0).unwrap();
        assert_eq!(g.state(), "chan \u{fffd} send");
        assert_eq!((frame.function, frame.arguments), ("main.\u{fffd}\u{fffd}f", "0x1"));
        assert_eq!((frame.file, frame.line), ("/\u{fffd}/a.go", 3));
        assert_eq!(g.created_by().unwrap().function, "main.g\u{fffd}");
    }

    #[test]
    fn what_is_no_header() {
        for line in [
            "goroutine x [running]:",
            "goroutine 1 [running]",
            "goroutine 1 running:",
            "goroutine 1 [running] x:",
        ] {
            assert!(read(line).is_none(), "{line}");
        }
    }

    #[test]
    fn file_lines() {
        let p = place(b"C:/Program Files/x y.go:12 +0x1d fp=0x1 sp=0x2 pc=0x3").unwrap();
        assert_eq!((p.file, p.line, p.foreign), (&b"C:/Program Files/x y.go"[..], 12, false));
        let p = place(b"/src/lib.c:7 pc=0x4f").unwrap();
        assert!(p.foreign && p.line == 7);
        assert!(place(b"no place here").is_none() && place(b":5").is_none());
    }

    #[test]
    fn functions_of_std() {
        let is_std =
            |function| Frame { function, arguments: "", file: "", line: 0, ancestor: 0 }.is_std();
        assert!(is_std("net/http.(*conn).serve") && is_std("time.Sleep") && is_std("panic"));
        assert!(!is_std("main.main.func1") && !is_std("example.com/hub.(*Hub).Add"));
    }

    #[test]
    fn function_lines() {
        assert_eq!(function_line(b"main.(*T[...]).M(0x1, {0x2?, ...})"), Some(16));
        assert!(function_line(b"served a request (200)").is_none());
        assert!(function_line(b"main.main").is_none() && function_line(b"(0x1)").is_none());
    }
}
