//! Reads what the program has reported. The text comes from a program that may have died in the middle
//! of it: what does not read is passed over.

use std::path::Path;

use go_crash::{Event, Goroutine, Parser};
use serde::Deserialize;

use crate::proof::{Meeting, Side, StackFrame};
use crate::sites::Site;

#[derive(Deserialize)]
struct Line {
    program: String,
    object: u64,
    held: LineSide,
    came: LineSide,
}

#[derive(Deserialize)]
struct LineSide {
    site: usize,
    stack: String,
}

/// A meeting with the numbers of the sites.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Met {
    /// The two sites.
    pub sites: [usize; 2],
    /// Resolved.
    pub meeting: Meeting,
}

/// The meetings in a report; paths are shown relative to `base`.
pub(crate) fn meetings(report: &[u8], sites: &[Site], base: &Path) -> Vec<Met> {
    let mut met = Vec::new();
    for line in report.split(|&b| b == b'\n') {
        let text = String::from_utf8_lossy(line);
        let Ok(line) = serde_json::from_str::<Line>(&text) else { continue };
        let (Some(a), Some(b)) = (sites.get(line.held.site), sites.get(line.came.site)) else {
            continue;
        };
        let meeting = Meeting {
            program: line.program,
            address: format!("{:#x}", line.object),
            held: side(a, &line.held.stack, base),
            came: side(b, &line.came.stack, base),
        };
        met.push(Met { sites: [line.held.site, line.came.site], meeting });
    }
    met
}

fn side(site: &Site, stack: &str, base: &Path) -> Side {
    let (goroutine, stack, created_by) = read_stack(stack, base);
    Side {
        kind: site.kind,
        file: shown(&site.file.to_string_lossy(), base),
        line: site.line,
        column: site.column,
        object: site.object.clone(),
        type_name: site.type_name.clone(),
        goroutine,
        stack,
        created_by,
    }
}

/// The first goroutine of a dump: its number, its calls, its creator.
fn read_stack(text: &str, base: &Path) -> (u64, Vec<StackFrame>, Option<StackFrame>) {
    let mut found: Option<Goroutine> = None;
    let mut parser = Parser::new();
    let mut sink = |event: Event<'_>| {
        if let (Event::Goroutine(_, stack), None) = (event, &found) {
            found = Some(stack.clone());
        }
    };
    parser.push(text.as_bytes(), &mut sink);
    parser.push(b"\n", &mut sink);
    parser.finish(&mut sink);
    let Some(stack) = found else { return (0, Vec::new(), None) };
    let created = stack.created_by().map(|c| StackFrame {
        function: c.function.to_owned(),
        file: shown(c.file, base),
        line: c.line,
    });
    (stack.id, frames(&stack, base), created)
}

/// The calls of a stack without those of the traps.
pub(crate) fn frames(stack: &Goroutine, base: &Path) -> Vec<StackFrame> {
    let own = |function: &str| {
        function.strip_prefix(crate::RUNTIME).is_some_and(|rest| rest.starts_with('.'))
    };
    stack
        .frames()
        .filter(|f| f.ancestor == 0 && !own(f.function))
        .map(|f| StackFrame {
            function: f.function.to_owned(),
            file: shown(f.file, base),
            line: f.line,
        })
        .collect()
}

/// A path as people see it from `base`, as findings have it.
fn shown(path: &str, base: &Path) -> String {
    diag::relative_path(Path::new(path), base).display().to_string()
}
