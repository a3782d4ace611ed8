//! A window as a page for the browser: one file, no network, a timeline to zoom and search. What the
//! trace and the dump say goes into a block of data that the script sets as text; the policy of the
//! page runs our script and no other.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use go_crash::Report;
use rustc_hash::FxHashMap;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::conflict::Party;
use crate::names::{NameId, Names, StackId};
use crate::slice::{RangeKind, State};
use crate::window::Window;

const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// More slices make a page slow to open; of a longer window, the latest are shown.
pub const MAX_PAGE_SLICES: usize = 400_000;
/// The state that ranges are drawn with: the one behind those of goroutines.
const COLLECTOR: i64 = 4;
/// So many different functions of a lane can be searched for.
const MAX_SEEN: usize = 64;

/// What a page is made of.
pub struct Page<'a> {
    /// Its title: the file's name.
    pub title: &'a str,
    /// A sentence on what it shows, and what is missing.
    pub about: &'a str,
    /// A closed window.
    pub window: &'a Window,
    /// Its names.
    pub names: &'a Names,
    /// When the trace began.
    pub origin: i64,
    /// What the process died of.
    pub crash: Option<&'a Report>,
    /// Who met.
    pub parties: &'a [Party],
}

/// What the script reads. Times are nanoseconds since `from`.
#[derive(Serialize, Default)]
struct Data {
    /// Since the trace began.
    from: i64,
    to: i64,
    names: Vec<String>,
    /// Frames: function, file, line.
    stacks: Vec<Vec<[i64; 3]>>,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    /// `g`oroutine, `p`rocessor, `c`ollector.
    kind: &'static str,
    id: i64,
    label: String,
    name: String,
    /// Why it is marked.
    role: &'static str,
    /// Its last stack.
    stack: i64,
    /// Its stack in the crash: function and place.
    dump: Vec<[String; 2]>,
    /// Functions that it was seen in.
    seen: Vec<i64>,
    /// Six numbers a slice: start, duration, state, reason, stack, processor or waker.
    s: Vec<i64>,
}

/// Numbers of the page for those of the trace.
struct Tables<'a> {
    names: &'a Names,
    data: Data,
    name_ids: FxHashMap<NameId, i64>,
    stack_ids: FxHashMap<StackId, i64>,
}

impl Tables<'_> {
    fn name(&mut self, name: NameId) -> i64 {
        let next = self.data.names.len() as i64;
        let id = *self.name_ids.entry(name).or_insert(next);
        if id == next {
            self.data.names.push(shown(self.names.text(name)));
        }
        id
    }

    fn stack(&mut self, stack: StackId) -> i64 {
        if let Some(&id) = self.stack_ids.get(&stack) {
            return id;
        }
        let names = self.names;
        let frames = names.stack(stack);
        let frames =
            frames.map(|f| [self.name(f.function), self.name(f.file), i64::from(f.line)]).collect();
        let id = self.data.stacks.len() as i64;
        self.data.stacks.push(frames);
        self.stack_ids.insert(stack, id);
        id
    }
}

fn shown(text: &str) -> String {
    diag::clean_line(text).into_owned()
}

impl Page<'_> {
    /// The page.
    pub fn render(&self) -> String {
        let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
        let policy = format!(
            "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'",
            hash(SCRIPT),
            hash(STYLE)
        );
        let title = escaped(self.title);
        let keys = ["running", "runnable", "waiting", "syscall", "gc"]
            .map(|state| format!("<span class=\"key\"><i class=\"{state}\"></i>{state}</span>"))
            .concat();
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title} · unpanic trace</title>\
             <style>{STYLE}</style></head><body>\n<header><h1>{title}</h1><p class=\"dim\">{}</p>{}</header>\n\
             <div class=\"bar\"><input id=\"search\" type=\"search\" placeholder=\"function or goroutine (/)\" \
             aria-label=\"search\"><span id=\"found\" class=\"dim\"></span><button id=\"in\">+</button>\
             <button id=\"out\">−</button><button id=\"fit\">all</button><span id=\"range\" class=\"dim\"></span>\
             {keys}<span class=\"dim\">wheel or w s zoom, drag or a d move, click a slice for its stack, n p next</span></div>\n\
             <main><div id=\"lanes\"><canvas tabindex=\"0\" aria-label=\"timeline\"></canvas></div>\
             <aside id=\"panel\"><p class=\"dim\">Click a slice to see its stack.</p></aside></main>\n\
             <script type=\"application/json\" id=\"data\">{}</script>\n<script>{SCRIPT}</script></body></html>\n",
            escaped(self.about),
            self.conflict(),
            self.data()
        )
    }

    /// What died, and buttons for who met.
    fn conflict(&self) -> String {
        let mut out = String::new();
        if let Some(report) = self.crash {
            let (kind, message) = report.head.cause();
            out += &format!("<h2>{}: {}</h2>", kind.as_str(), escaped(message));
        }
        if self.parties.is_empty() {
            return out;
        }
        out += "<ul class=\"met\">";
        for party in self.parties {
            let id = party.goroutine;
            let role = escaped(party.role.text());
            out +=
                &format!("<li><button data-goroutine=\"{id}\">goroutine {id} {role}</button></li>");
        }
        out + "</ul>"
    }

    fn data(&self) -> String {
        let mut tables = Tables {
            names: self.names,
            data: Data::default(),
            name_ids: FxHashMap::default(),
            stack_ids: FxHashMap::default(),
        };
        tables.name(NameId::NONE);
        tables.stack(StackId::NONE);
        let rows =
            [self.ranges(&mut tables), self.processors(&mut tables), self.goroutines(&mut tables)];
        let mut data = tables.data;
        data.rows = rows.into_iter().flatten().collect();
        (data.from, data.to) = (self.window.from - self.origin, self.window.to - self.origin);
        let text = serde_json::to_string(&data).expect("strings and numbers become JSON");
        // Inside a script element, only `</script` and `<!--` mean anything.
        text.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
    }

    fn ranges(&self, tables: &mut Tables<'_>) -> Vec<Row> {
        let mut rows = Vec::new();
        for (kind, name) in [
            (RangeKind::StopTheWorld, "the world is stopped"),
            (RangeKind::Mark, "collector marks"),
        ] {
            let mut row = Row::new("c", -1, "GC".to_owned(), name.to_owned());
            let mut last = i64::MIN;
            for range in self.window.ranges.iter().filter(|range| range.kind == kind) {
                if range.start < last {
                    continue;
                }
                let (start, long) = (range.start - self.window.from, range.end - range.start);
                row.s.extend([start, long, COLLECTOR, tables.name(range.reason), 0, -1]);
                last = range.end;
            }
            if !row.s.is_empty() {
                rows.push(row);
            }
        }
        rows
    }

    fn processors(&self, tables: &mut Tables<'_>) -> Vec<Row> {
        let mut running: Vec<_> = self
            .window
            .slices
            .iter()
            .filter(|s| s.state == State::Running && s.proc >= 0)
            .collect();
        running.sort_by_key(|slice| (slice.proc, slice.start));
        let lanes = running.chunk_by(|a, b| a.proc == b.proc);
        lanes
            .map(|slices| {
                let id = slices[0].proc;
                let mut row = Row::new("p", id, format!("p{id}"), "processor".to_owned());
                for slice in slices {
                    let (start, long) = (slice.start - self.window.from, slice.end - slice.start);
                    let (reason, stack) = (tables.name(slice.reason), tables.stack(slice.stack));
                    row.s.extend([start, long, 0, reason, stack, slice.goroutine]);
                }
                row
            })
            .collect()
    }

    fn goroutines(&self, tables: &mut Tables<'_>) -> Vec<Row> {
        let mut rows: Vec<(usize, i64, Row)> = Vec::new();
        for slices in self.window.slices.chunk_by(|a, b| a.goroutine == b.goroutine) {
            let id = slices[0].goroutine;
            let member = self.window.goroutines.get(&id);
            let function = member.map_or("", |member| self.names.text(member.function));
            let mut row = Row::new("g", id, format!("g{id}"), shown(function));
            let mut seen: BTreeSet<i64> = BTreeSet::new();
            let mut busy = 0;
            for slice in slices {
                let (start, long) = (slice.start - self.window.from, slice.end - slice.start);
                let other = if slice.state == State::Runnable { slice.by } else { slice.proc };
                let (reason, stack) = (tables.name(slice.reason), tables.stack(slice.stack));
                row.s.extend([start, long, slice.state as i64, reason, stack, other]);
                busy += if slice.state == State::Waiting { 0 } else { long };
                if seen.len() < MAX_SEEN {
                    seen.extend(tables.data.stacks[stack as usize].iter().map(|f| f[0]));
                }
            }
            row.seen = seen.into_iter().collect();
            row.stack = member.map_or(0, |member| tables.stack(member.last_stack));
            let party = self.parties.iter().position(|party| party.goroutine == id);
            if let Some(at) = party {
                row.role = self.parties[at].role.text();
            }
            row.dump = self.dump(id);
            rows.push((party.unwrap_or(usize::MAX), -busy, row));
        }
        // Whoever met and has no slices here was born after the last piece of the trace was written.
        for (at, party) in self.parties.iter().enumerate() {
            let id = party.goroutine;
            if self.window.of(id).is_empty() {
                let mut row = Row::new("g", id, format!("g{id}"), "not in the trace".to_owned());
                (row.role, row.dump) = (party.role.text(), self.dump(id));
                rows.push((at, 0, row));
            }
        }
        rows.sort_by_key(|(party, busy, row)| (*party, *busy, row.id));
        rows.into_iter().map(|(_, _, row)| row).collect()
    }

    fn dump(&self, goroutine: i64) -> Vec<[String; 2]> {
        let Some(report) = self.crash else { return Vec::new() };
        let all = report.crashed.iter().chain(&report.goroutines);
        let Some(stack) = all.into_iter().find(|g| g.id as i64 == goroutine) else {
            return Vec::new();
        };
        let own = stack.frames().filter(|frame| frame.ancestor == 0);
        own.map(|f| [shown(f.function), format!("{}:{}", shown(f.file), f.line)]).collect()
    }
}

impl Row {
    fn new(kind: &'static str, id: i64, label: String, name: String) -> Self {
        let (dump, seen, s) = (Vec::new(), Vec::new(), Vec::new());
        Self { kind, id, label, name, role: "", stack: 0, dump, seen, s }
    }
}

/// Text as HTML, control characters made visible.
fn escaped(text: &str) -> String {
    diag::markup(&diag::clean_line(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bounds, Model, Role};

    #[test]
    fn what_a_trace_says_is_data() {
        let mut w = crate::testing::Writer::new(1, 1000);
        w.create(2000, 0, 7, "</script><b>\u{202e}");
        w.block(3000, 0, "<!--", 0);
        w.start(4000, 0, 7);
        let mut model = Model::new();
        let mut window = Window::new(Bounds::All);
        crate::read(&w.finish()[..], &mut model, i64::MAX, &mut window).unwrap();
        window.close(1000, model.last());
        let parties = [Party { goroutine: 99, role: Role::Crashed, last: None }];
        let page = Page {
            title: "<i>",
            about: "&",
            window: &window,
            names: &model.names,
            origin: 1000,
            crash: None,
            parties: &parties,
        };
        let text = page.render();
        assert_eq!(text.matches("<script").count(), 2);
        assert!(!text.contains("<b>") && !text.contains("<i>") && !text.contains("<!--"));
        assert!(text.contains("\\u003c/script>\\u003cb>\\\\u202e"), "{text}");
        let data = text.split("id=\"data\">").nth(1).and_then(|d| d.split("</script>").next());
        let data: serde_json::Value = serde_json::from_str(data.unwrap()).unwrap();
        let rows = data["rows"].as_array().unwrap();
        let labels: Vec<_> = rows.iter().map(|row| row["label"].as_str().unwrap()).collect();
        assert_eq!(labels, ["p0", "g99", "g7", "g1"]);
        assert_eq!(rows[1]["role"], "died");
        assert!(rows.iter().all(|row| row["s"].as_array().unwrap().len() % 6 == 0));
    }
}
