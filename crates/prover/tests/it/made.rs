//! Tests that are made for findings: what they prove, what they leave alone, what they say.

use std::path::Path;

use diag::{AccessKind, FindingRecord};
use prover::{Plan, Prover, Verdict, VerdictKind};

use crate::{findings, options, prepare, toolchain};

/// A library without tests: nothing calls it.
pub const HUB: &str = r#"package hub

import (
	"os"
	"sync"
)

type Hub struct {
	mu      sync.Mutex
	clients map[string]int
}

func New(name string) *Hub { return &Hub{clients: map[string]int{name: 1}} }

func (h *Hub) Add(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clients[name]++
}

func (h *Hub) Drop(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.clients, name)
}

func (h *Hub) Count(name string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clients[name]
}

func (h *Hub) Reset(name string) {
	h.clients[name] = 0
}

func clean() { os.Remove("x") }
"#;

pub fn module(text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("go.mod"), "module example.com/hub\n\ngo 1.22\n").unwrap();
    std::fs::write(dir.path().join("hub.go"), text).unwrap();
    dir
}

fn prover(dir: &Path, findings: &[FindingRecord]) -> Prover {
    let mut options = options(2, Plan::steering(300));
    options.generate = true;
    let prepared = prepare(dir, findings, false);
    Prover::new(toolchain(dir), dir, prepared, findings.len(), options).unwrap()
}

fn verdicts(prover: &mut Prover) -> Vec<Verdict> {
    prover.run(&mut |_| {}).unwrap().0
}

/// The findings at Reset, moved to where it takes the lock.
fn guarded(found: &[FindingRecord]) -> (String, Vec<FindingRecord>) {
    let (line, lock) = ("h.clients[name] = 0", "h.mu.Lock(); defer h.mu.Unlock(); ");
    let text = HUB.replace(line, &format!("{lock}{line}"));
    let at = HUB.lines().position(|l| l.contains(line)).unwrap() as u32 + 1;
    let mut found = found.to_vec();
    for access in found.iter_mut().flat_map(|f| &mut f.accesses).filter(|a| a.line == at) {
        access.column += lock.len() as u32;
    }
    (text, found)
}

#[test]
fn what_nothing_reaches_is_called_and_the_assumptions_are_told() {
    let dir = module(HUB);
    let found = findings(dir.path());
    assert!(!found.is_empty());
    let mut racy = prover(dir.path(), &found);
    let told = verdicts(&mut racy);
    assert_eq!(told[0].verdict, VerdictKind::ProvenIfCalled, "{told:?}");
    assert!(told[0].proof.is_some());
    assert!(told[0].calls.contains(&"Hub.Reset".to_owned()), "{:?}", told[0].calls);
    for assumption in ["at once", "`New` makes a value"] {
        assert!(told[0].assumed.iter().any(|a| a.contains(assumption)), "{:?}", told[0].assumed);
    }

    let (text, found) = guarded(&found);
    let dir = module(&text);
    let mut fixed = prover(dir.path(), &found);
    let told = verdicts(&mut fixed);
    assert_eq!(told[0].verdict, VerdictKind::NeverTogether, "{told:?}");
    assert!(told[0].reached > 0 && told[0].proof.is_none(), "{told:?}");
}

#[test]
fn a_test_fails_each_time_until_it_is_fixed() {
    let dir = module(HUB);
    let found = findings(dir.path());
    let racy = prover(dir.path(), &found);
    let test = racy.prepared().tests[0].as_ref().unwrap()[0].clone();
    assert!(!test.needs_race && !test.text.contains("unpanic.dev"), "{}", test.text);
    let check = racy.check_test(&test, &found[0], 5).unwrap();
    assert_eq!((check.failed, check.runs), (5, 5), "{}\n{}", check.other, test.text);

    let (text, found) = guarded(&found);
    let dir = module(&text);
    let fixed = prover(dir.path(), &found);
    let test = prover::GeneratedTest { dir: dir.path().to_owned(), ..test };
    let check = fixed.check_test(&test, &found[0], 1).unwrap();
    assert_eq!((check.failed, check.runs), (0, 1), "{}", check.other);
    assert!(check.other.contains("PASS"), "{}", check.other);
}

#[test]
fn what_touches_files_is_not_called() {
    let dir = module(&HUB.replace("h.clients[name] = 0", "clean(); h.clients[name] = 0"));
    let found = findings(dir.path());
    let racy = prover(dir.path(), &found);
    let reason = racy.prepared().tests[0].as_ref().unwrap_err();
    assert!(reason.contains("os.Remove"), "{reason}");
}

/// Plain memory: only the race detector can see it.
#[test]
fn plain_memory_asks_for_the_race_detector() {
    let dir = module(
        "package hub\n\nimport \"sync\"\n\ntype Counter struct {\n\tmu sync.Mutex\n\tn  int\n}\n\n\
         func (c *Counter) Add() { c.mu.Lock(); c.n++; c.mu.Unlock() }\n\n\
         func (c *Counter) Sub() { c.mu.Lock(); c.n--; c.mu.Unlock() }\n\n\
         func (c *Counter) Get() int { c.mu.Lock(); defer c.mu.Unlock(); return c.n }\n\n\
         func (c *Counter) Zero() {\n\tc.n = 0\n}\n",
    );
    let found = findings(dir.path());
    assert!(!found.is_empty());
    let racy = prover(dir.path(), &found);
    let test = racy.prepared().tests[0].as_ref().unwrap()[0].clone();
    assert!(test.needs_race);
    for part in ["go test -race", "t.Skip("] {
        assert!(test.text.contains(part), "{}", test.text);
    }
    let check = racy.check_test(&test, &found[0], 2).unwrap();
    assert_eq!((check.failed, check.runs), (2, 2), "{}\n{}", check.other, test.text);
}

/// The same as a type with parameters; the map is asked for by a constructor of fewer.
const GENERIC: &str = r#"package hub

import "sync"

type Hub[K comparable, V any] struct {
	mu      sync.Mutex
	clients map[K]V
}

func New[V any]() *Hub[string, V] { return &Hub[string, V]{clients: map[string]V{}} }

func (h *Hub[K, V]) Add(k K, v V) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clients[k] = v
}

func (h *Hub[K, V]) Drop(k K) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.clients, k)
}

func (h *Hub[K, V]) Count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.clients)
}

func (h *Hub[K, V]) AddAll(all map[K]V) {
	for k, v := range all {
		h.clients[k] = v
	}
}
"#;

#[test]
fn what_is_generic_is_called_with_type_arguments() {
    let dir = module(GENERIC);
    let found = findings(dir.path());
    assert!(!found.is_empty());
    let mut prover = prover(dir.path(), &found);
    let verdicts = verdicts(&mut prover);
    assert!(verdicts.iter().all(|v| v.verdict == VerdictKind::ProvenIfCalled), "{verdicts:#?}");
    let calls: Vec<&String> = verdicts.iter().flat_map(|v| &v.calls).collect();
    assert!(calls.iter().any(|c| *c == "Hub[string, string].AddAll"), "{calls:?}");
    let made = |v: &Verdict| v.assumed.iter().any(|a| a.contains("`New` makes a value"));
    assert!(verdicts.iter().all(made), "{verdicts:#?}");
}

#[test]
fn an_access_that_has_no_partner_meets_itself() {
    let text = HUB.replace("sync.Mutex", "sync.RWMutex").replace(
        "h.clients[name] = 0",
        "h.mu.RLock()\n\tdefer h.mu.RUnlock()\n\th.clients[name] = 0",
    );
    let dir = module(&text);
    let mut found = findings(dir.path());
    found.retain(|f| f.rule == "MAP013");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].accesses.len(), 1);
    let verdicts = verdicts(&mut prover(dir.path(), &found));
    assert_eq!(verdicts[0].verdict, VerdictKind::ProvenIfCalled, "{verdicts:#?}");
    assert_eq!(verdicts[0].calls, ["Hub.Reset"]);
}

/// Nothing that the finding names puts anything into the map.
const EMPTIED: &str = r#"package hub

import "sync"

type Hub struct {
	mu      sync.Mutex
	clients map[string]int
}

func New() *Hub { return &Hub{clients: map[string]int{}} }

func (h *Hub) Count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.clients)
}

func (h *Hub) Purge() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name := range h.clients {
		delete(h.clients, name)
	}
}

func (h *Hub) Add(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.put(name)
}

func (h *Hub) put(name string) { h.clients[name]++ }

func (h *Hub) Has(name string) bool {
	_, ok := h.clients[name]
	return ok
}
"#;

#[test]
fn a_map_that_is_only_emptied_is_filled() {
    let dir = module(EMPTIED);
    let mut found = findings(dir.path());
    let deletes = |f: &FindingRecord| f.accesses.iter().any(|a| a.kind == AccessKind::MapDelete);
    found.retain(deletes);
    assert_eq!(found.len(), 1);
    let verdicts = verdicts(&mut prover(dir.path(), &found));
    assert_eq!(verdicts[0].verdict, VerdictKind::ProvenIfCalled, "{verdicts:#?}");
    assert_eq!(verdicts[0].calls, ["Hub.Has", "Hub.Purge", "Hub.Add"]);
}

#[test]
fn an_interface_of_another_package_has_its_implementations() {
    let dir = module(
        r#"package hub

import (
	"sync"

	"example.com/hub/event"
)

type Hub struct {
	mu    sync.Mutex
	kinds map[string]int
}

func New() *Hub { return &Hub{kinds: map[string]int{}} }

func (h *Hub) Log(e event.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kinds[e.Kind()]++
}

func (h *Hub) Count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.kinds)
}

func (h *Hub) Of(e event.Event) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.kinds[e.Kind()]
}

func (h *Hub) Reset(e event.Event) { delete(h.kinds, e.Kind()) }
"#,
    );
    std::fs::create_dir(dir.path().join("event")).unwrap();
    let event = r#"package event

type Event interface {
	Kind() string
	event()
}

type hidden struct{}

func (hidden) Kind() string { return "hidden" }
func (hidden) event()       {}

type Start struct{}

func (*Start) Kind() string { return "start" }
func (*Start) event()       {}
"#;
    std::fs::write(dir.path().join("event/event.go"), event).unwrap();
    let found = findings(dir.path());
    assert!(!found.is_empty());
    let verdicts = verdicts(&mut prover(dir.path(), &found));
    assert_eq!(verdicts[0].verdict, VerdictKind::ProvenIfCalled, "{verdicts:#?}");
    let stands = "`Start` stands for example.com/hub/event.Event";
    assert!(verdicts[0].assumed.iter().any(|a| a == stands), "{:?}", verdicts[0].assumed);
}
