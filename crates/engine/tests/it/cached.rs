//! The memory of results: what comes from it equals a fresh run, whatever has changed since.

use std::path::{Path, PathBuf};

use cache::Store;
use diag::render::terminal::{self, Style};
use diag::render::{Report, json};
use diag::{Confidence, Resolver};
use engine::{
    CacheUse, CheckReport, CheckRequest, NoProgress, ResultCache, RuleSelection, Target, check,
    check_cached,
};
use source::OsSystem;

const MAIN: &str = "package main

import \"example.com/m/hub\"

func main() {
\tfor {
\t\tgo hub.Add(1)
\t}
}
";

const HUB: &str = "package hub

import \"example.com/dep\"

var seen = dep.Seen{}

// Add races with itself.
func Add(n int) {
\tseen[n] = true
}
";

const DEP: &str = "package dep

type Seen map[int]bool
";

/// A module with a dependency, and an empty cache.
struct World {
    folder: tempfile::TempDir,
    cache: ResultCache,
    rules: RuleSelection,
    patterns: Vec<String>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::new(folder.path().join("cache"), 1 << 30);
        let tool = folder.path().join("tool");
        let world = Self {
            cache: ResultCache { store, tool: Some(tool) },
            folder,
            rules: RuleSelection::everything(),
            patterns: Vec::new(),
        };
        world.write("tool", "version 1");
        world.write("m/go.mod", GO_MOD);
        world.write("m/main.go", MAIN);
        world.write("m/hub/hub.go", HUB);
        world.write("dep/go.mod", "module example.com/dep\n\ngo 1.26\n");
        world.write("dep/dep.go", DEP);
        world
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("writable");
        std::fs::write(path, text).expect("writable");
    }

    fn request(&self) -> CheckRequest<'static> {
        CheckRequest {
            system: &OsSystem,
            dir: self.path("m"),
            patterns: self.patterns.clone(),
            target: Target::default(),
            rules: self.rules.clone(),
            min_confidence: Confidence::Medium,
            knowledge: Vec::new(),
            deps: false,
            exclude: Vec::new(),
            baseline: None,
        }
    }

    /// A run through the cache, held against a fresh one.
    fn run(&self) -> (CacheUse, String) {
        let request = self.request();
        let fresh = shown(&check(&request, &NoProgress), &request.dir);
        let report = check_cached(&request, &NoProgress, &self.cache);
        assert_eq!(shown(&report, &request.dir), fresh);
        (report.statistics.cache, fresh)
    }

    fn expect(&self, wanted: CacheUse, what: &str) -> String {
        let (found, shown) = self.run();
        assert_eq!(found, wanted, "{what}");
        shown
    }
}

const GO_MOD: &str = "module example.com/m

go 1.26

require example.com/dep v1.0.0

replace example.com/dep => ../dep
";

/// Everything that people and tools see of a report.
fn shown(report: &CheckReport, dir: &Path) -> String {
    let rules: Vec<_> = RuleSelection::everything().rules().iter().map(|r| r.meta).collect();
    let printed = Report {
        findings: &report.findings,
        problems: &report.problems,
        rules: &rules,
        resolver: Resolver::new(&report.sources, dir),
        version: "0",
    };
    let mut out = Vec::new();
    json::write(&printed, &mut out).expect("a vector takes any write");
    let style = Style { color: false, width: 100 };
    terminal::write(&printed, style, &mut out).expect("a vector takes any write");
    terminal::write_problems(&printed, style, &mut out).expect("a vector takes any write");
    let counts = &report.statistics;
    let text = String::from_utf8(out).expect("output is UTF-8");
    format!("{text}{:?}{} {} {}", report.fingerprints, counts.files, counts.bytes, counts.packages)
}

#[test]
fn a_second_run_remembers_the_first() {
    let world = World::new();
    let first = world.expect(CacheUse::Stored, "nothing was there");
    assert!(first.contains("MAP001"), "{first}");
    world.expect(CacheUse::Hit, "nothing has changed");
    world.write("m/hub/hub.go", HUB);
    world.expect(CacheUse::Hit, "written, but with the same content");
}

#[test]
fn every_change_is_seen() {
    let world = World::new();
    let changes: &[(&str, &str)] = &[
        ("m/hub/hub.go", &HUB.replace("seen[n] = true", "_ = n")),
        ("m/hub/hub.go", &HUB.replace("// Add races", "\n\n// Add races")),
        ("m/hub/more.go", "package hub\n\nfunc more() { broken"),
        ("m/other/other.go", "package other\n"),
        ("m/go.mod", &GO_MOD.replace("go 1.26", "go 1.20")),
        ("m/hub/go.mod", "module example.com/m/hub\n"),
        ("m/vendor/modules.txt", "# example.com/dep v1.0.0\n"),
        ("dep/dep.go", &DEP.replace("map[int]bool", "[]bool")),
        ("dep/more.go", "package dep\n\nvar X = 1\n"),
        ("go.work", "go 1.26\nuse (\n\t./m\n\t./dep\n)\n"),
        ("tool", "version 2"),
    ];
    for (path, text) in changes {
        let before = std::fs::read(world.path(path)).ok();
        world.run();
        world.expect(CacheUse::Hit, "nothing has changed");
        world.write(path, text);
        world.expect(CacheUse::Stored, &format!("{path} has changed"));
        world.expect(CacheUse::Hit, "nothing has changed");
        let Some(before) = before else {
            std::fs::remove_file(world.path(path)).expect("it was written");
            world.run();
            continue;
        };
        std::fs::write(world.path(path), before).expect("writable");
        world.run();
    }
    std::fs::remove_file(world.path("m/hub/hub.go")).expect("it is there");
    world.expect(CacheUse::Stored, "a file is gone");
}

#[test]
fn a_change_that_is_undone_is_remembered() {
    let world = World::new();
    let first = world.expect(CacheUse::Stored, "nothing was there");
    let edited = HUB.replace("seen[n] = true", "_ = n");
    world.write("m/hub/hub.go", &edited);
    assert_ne!(world.expect(CacheUse::Stored, "edited"), first);
    world.write("m/hub/hub.go", HUB);
    assert_eq!(world.expect(CacheUse::Hit, "undone"), first);
    world.write("m/hub/hub.go", &edited);
    world.expect(CacheUse::Hit, "done again");
}

#[test]
fn every_option_counts() {
    let mut world = World::new();
    world.expect(CacheUse::Stored, "nothing was there");
    world.rules =
        RuleSelection::new(&[], &[], &["MAP001".into()], false).expect("there is such a rule");
    world.expect(CacheUse::Stored, "other rules");
    world.patterns = vec!["./hub".into()];
    world.expect(CacheUse::Stored, "other patterns");
    world.expect(CacheUse::Hit, "nothing has changed");

    let (request, cache) = (world.request(), world.cache.clone());
    let used = |request: &CheckRequest<'_>| {
        let report = check_cached(request, &NoProgress, &cache);
        assert_eq!(shown(&report, &request.dir), shown(&check(request, &NoProgress), &request.dir));
        report.statistics.cache
    };
    assert_eq!(used(&request), CacheUse::Hit);
    let target = Target { tags: vec!["x".into()], ..Target::default() };
    assert_eq!(used(&CheckRequest { target, ..request.clone() }), CacheUse::Stored);
    let min_confidence = Confidence::High;
    assert_eq!(used(&CheckRequest { min_confidence, ..request.clone() }), CacheUse::Stored);
    let exclude = vec!["hub/**".into()];
    assert_eq!(used(&CheckRequest { exclude, ..request.clone() }), CacheUse::Stored);
    world.write("models.toml", "");
    let knowledge = vec![world.path("models.toml")];
    let with_models = CheckRequest { knowledge, ..request.clone() };
    assert_eq!(used(&with_models), CacheUse::Stored);
    assert_eq!(used(&with_models), CacheUse::Hit);
    world.write("models.toml", "# changed\n");
    assert_eq!(used(&with_models), CacheUse::Stored);
    assert_eq!(used(&request), CacheUse::Hit);
}

#[test]
fn damaged_entries_are_made_again() {
    let world = World::new();
    world.expect(CacheUse::Stored, "nothing was there");
    for kind in ["_inputs", "_results"] {
        for damage in ["truncated", "overwritten", "empty"] {
            for entry in std::fs::read_dir(world.path("cache").join(kind)).expect("it is there") {
                let path = entry.expect("readable").path();
                let mut bytes = std::fs::read(&path).expect("readable");
                let middle = bytes.len() / 2;
                match damage {
                    "truncated" => bytes.truncate(middle),
                    "overwritten" => bytes[middle..].fill(0xff),
                    _ => bytes.clear(),
                }
                std::fs::write(&path, bytes).expect("writable");
            }
            world.expect(CacheUse::Stored, &format!("{kind} {damage}"));
            world.expect(CacheUse::Hit, "it was made again");
        }
    }
}

#[test]
fn without_room_or_without_a_folder_everything_still_works() {
    let mut world = World::new();
    world.cache.store = Store::new(world.path("cache"), 0);
    world.expect(CacheUse::Stored, "nothing was there");
    assert_eq!(world.cache.store.size(), 0);
    world.expect(CacheUse::Stored, "there is no room for anything");

    world.write("file", "not a folder");
    world.cache.store = Store::new(world.path("file"), 1 << 20);
    assert!(matches!(world.run().0, CacheUse::NotStored(_)));

    world.cache.store = Store::new(world.path("cache"), 1 << 20);
    world.cache.tool = Some(world.path("no-such-tool"));
    assert!(matches!(world.run().0, CacheUse::NotStored(_)));
    assert!(matches!(world.run().0, CacheUse::NotStored(_)));
}

#[test]
fn the_cache_may_lie_in_the_module() {
    let mut world = World::new();
    world.cache.store = Store::new(world.path("m/cache"), 1 << 20);
    world.expect(CacheUse::Stored, "nothing was there");
    world.expect(CacheUse::Hit, "nothing has changed but the cache");
}

#[test]
fn many_runs_at_once_share_the_entries() {
    let world = World::new();
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| (0..3).map(|_| world.run().0).collect::<Vec<_>>()))
            .collect();
        for run in runs {
            let used = run.join().expect("it equals a fresh run");
            assert!(used.iter().all(|u| matches!(u, CacheUse::Hit | CacheUse::Stored)), "{used:?}");
        }
    });
    world.expect(CacheUse::Hit, "somebody has kept it");
}
