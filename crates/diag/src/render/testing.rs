//! A small program and its findings, for the renderers' tests.

use std::path::Path;

use source::{FileId, FileSpan, SourceFile, SourceMap, Span};

use super::Report;
use crate::{
    Access, AccessKind, Applicability, Confidence, Edit, Finding, Fix, Frame, Goroutine,
    GoroutineKind, Problem, ProblemKind, Resolver, RuleMeta, Severity, Stability,
    assign_fingerprints, sort_findings,
};

pub(super) static RACE: RuleMeta = RuleMeta {
    code: "TST001",
    name: "test-race",
    severity: Severity::Error,
    summary: "A map is written by two goroutines",
    stability: Stability::Stable,
    page: "# TST001: test-race\n\nA page with [brackets] and `code`.\n",
};

pub(super) static MISUSE: RuleMeta = RuleMeta {
    code: "TST002",
    name: "test-misuse",
    severity: Severity::Warning,
    summary: "A nil map is written",
    stability: Stability::Preview,
    page: "# TST002: test-misuse\n",
};

const HUB: &str = "package hub

import \"sync\"

type Hub struct {
\tmu      sync.Mutex
\tclients map[string]int
}

func (h *Hub) Add(id string) {
\th.clients[id]++ // grüß
}

func (h *Hub) Each(f func(string)) {
\th.mu.Lock()
\tdefer h.mu.Unlock()
\tfor id := range h.clients {
\t\tf(id)
\t}
}
";

const MAIN: &str = "package main

func main() {
\tfor {
\t\tgo serve()
\t}
}

func serve() {
\tshared.Add(\"x\")
}
";

const RULES: &[&RuleMeta] = &[&RACE, &MISUSE];

pub(super) struct World {
    pub sources: SourceMap,
    pub findings: Vec<Finding>,
    pub problems: Vec<Problem>,
}

impl World {
    /// A race over two files, a misuse with a fix, a self-race, and three problems.
    pub fn new() -> Self {
        let sources = SourceMap::new();
        let hub = sources.add(SourceFile::new("/w/app/hub/hub.go", HUB.as_bytes().to_vec()));
        let main = sources.add(SourceFile::new("/w/app/main.go", MAIN.as_bytes().to_vec()));
        let add = "example.com/app/hub.(*Hub).Add";
        let path = vec![Frame {
            function: "main.serve".into(),
            place: find(main, MAIN, "shared.Add(\"x\")"),
        }];
        let write = Access {
            kind: AccessKind::MapWrite,
            place: find(hub, HUB, "h.clients[id]"),
            function: add.into(),
            goroutine: Goroutine {
                kind: GoroutineKind::GoStatement,
                start: Some(find(main, MAIN, "go serve()")),
                many: true,
            },
            locks: vec![],
            path,
        };
        let iterate = Access {
            kind: AccessKind::MapIterate,
            place: find(hub, HUB, "range h.clients"),
            function: "example.com/app/hub.(*Hub).Each".into(),
            goroutine: Goroutine { kind: GoroutineKind::Main, start: None, many: false },
            locks: vec!["h.mu".into()],
            path: vec![],
        };
        let package = "example.com/app/hub";
        let race = Finding::new(
            &RACE,
            package,
            write.place,
            "h.clients",
            "map `h.clients` is written and iterated by two goroutines at once",
        )
        .access(write.clone())
        .access(iterate)
        .context("this lock guards the other access only", find(hub, HUB, "h.mu.Lock()"))
        .why("nothing orders the two: no lock is held by both, and no channel or WaitGroup joins them")
        .help("take `h.mu` in `Add`");
        let own = Finding::new(
            &RACE,
            package,
            write.place,
            "h.clients",
            "map `h.clients` races with itself",
        )
        .access(write.clone())
        .access(write.clone());
        let mut misuse = Finding::new(
            &MISUSE,
            package,
            find(hub, HUB, "h.clients[id]"),
            "h.clients",
            "write to a nil map",
        )
        .confidence(Confidence::Medium)
        .access(Access { path: vec![], ..write });
        misuse.fix = Some(Fix {
            description: "make the map".into(),
            applicability: Applicability::Safe,
            edits: vec![Edit {
                file: hub,
                span: Span::at(find(hub, HUB, "h.clients[id]").span.start),
                text: "h.init()\n\t".into(),
            }],
        });
        let problems = vec![
            Problem::warning(ProblemKind::Missing, "no GOROOT: the standard library is opaque")
                .help("install Go or set GOROOT"),
            Problem::error(ProblemKind::Load, "unknown directive: requir")
                .at_path("/w/app/go.mod", Some(3)),
            Problem::error(ProblemKind::Syntax, "expected operand").at(find(main, MAIN, "for {")),
        ];
        Self { sources, findings: vec![race, own, misuse], problems }.done()
    }

    /// One finding and one problem whose every text tries to break out.
    pub fn hostile() -> Self {
        let evil = "\x1b[31m\r\nforged: line\n::error::x\n<forged a=\"'\">]]>&\u{202e}\u{9b}2J%0A";
        let sources = SourceMap::new();
        let text = format!("{}evil\x1b[31m\x07\u{202e}{}\n", "a".repeat(100_000), "b".repeat(9));
        let file = sources.add(SourceFile::new(format!("/w/app/{evil}.go"), text.into_bytes()));
        let place = FileSpan { file, span: Span::new(100_000, 100_009) };
        let goroutine = Goroutine { kind: GoroutineKind::Callback, start: Some(place), many: true };
        let access = |kind| Access {
            kind,
            place,
            function: evil.into(),
            goroutine: goroutine.clone(),
            locks: vec![evil.into()],
            path: vec![Frame { function: evil.into(), place }],
        };
        let mut finding = Finding::new(&RACE, evil, place, evil, evil)
            .access(access(AccessKind::Read))
            .access(access(AccessKind::Write))
            .why(evil)
            .help(evil)
            .context(evil, place);
        finding.fix = Some(Fix {
            description: evil.into(),
            applicability: Applicability::Unsafe,
            edits: vec![Edit { file, span: place.span, text: evil.into() }],
        });
        let problem = Problem::error(ProblemKind::Load, evil).at_path(evil, Some(0)).help(evil);
        Self { sources, findings: vec![finding], problems: vec![problem] }.done()
    }

    pub fn report(&self) -> Report<'_> {
        Report {
            findings: &self.findings,
            problems: &self.problems,
            rules: RULES,
            resolver: Resolver::new(&self.sources, Path::new("/w/app")),
            version: "0.0.0",
        }
    }

    fn done(mut self) -> Self {
        sort_findings(&mut self.findings, &self.sources);
        assign_fingerprints(&mut self.findings);
        self
    }
}

/// No control characters, nothing that reorders text, and at most `lines` lines.
pub(super) fn assert_harmless(text: &str, lines: usize) {
    let hostile = text.chars().find(|&c| c != '\n' && crate::escape::is_hostile(c));
    assert_eq!(hostile, None, "{text}");
    assert!(text.lines().count() <= lines, "{text}");
}

fn find(file: FileId, text: &str, part: &str) -> FileSpan {
    let start = text.find(part).expect("the part is in the text") as u32;
    FileSpan { file, span: Span::new(start, start + part.len() as u32) }
}
