//! Loads, checks and lowers programs for tests.

use go_ir::{Program, lower_program};
use go_project::{LoadOptions, load};
use go_types::{CheckOptions, PackageInfo, Plan, Store, check_program, with_large_stacks};
use source::{MemorySystem, System};

/// What the snippets import: just enough of the standard library to be recognised.
const STD: &[(&str, &str)] = &[
    (
        "sync",
        "package sync
type Mutex struct{ state int32 }
func (m *Mutex) Lock()
func (m *Mutex) Unlock()
func (m *Mutex) TryLock() bool
type RWMutex struct{ w Mutex }
func (m *RWMutex) Lock()
func (m *RWMutex) Unlock()
func (m *RWMutex) RLock()
func (m *RWMutex) RUnlock()
type Locker interface { Lock(); Unlock() }
",
    ),
    ("runtime", "package runtime\n"),
    ("os", "package os\nfunc Exit(code int)\n"),
    (
        "iter",
        "package iter
type Seq[V any] func(yield func(V) bool)
type Seq2[K, V any] func(yield func(K, V) bool)
",
    ),
];

/// Lowers what `options` names and hands over the program with its store and the ids of the
/// packages that were asked for.
pub fn lower<R: Send>(
    system: &dyn System,
    options: &LoadOptions,
    then: impl FnOnce(&Store, &Program, &[&PackageInfo], &[String]) -> R + Send,
) -> R {
    with_large_stacks(0, || {
        let project = load(system, options);
        let store = Store::new();
        let plan = Plan::new(&project, &store, &CheckOptions::default());
        let types = check_program(&plan, &store);
        let errors: Vec<String> = project
            .roots
            .iter()
            .flat_map(|&id| {
                types.check_bodies(id);
                types.errors(id)
            })
            .map(|e| format!("{}:{}: {}", project.sources.path(e.file).display(), e.pos, e.message))
            .collect();
        let infos: Vec<&PackageInfo> =
            project.roots.iter().filter_map(|&id| types.info(id)).collect();
        let program = lower_program(&store, &project.sources, &infos);
        then(&store, &program, &infos, &errors)
    })
}

/// A module of one file with a small standard library beside it.
pub fn snippet(text: &str, go: &str) -> (MemorySystem, LoadOptions) {
    let mut system = MemorySystem::new();
    system.add("/goroot/VERSION", "go1.27.3\n");
    for (path, text) in STD {
        system.add(format!("/goroot/src/{path}/{path}.go"), *text);
    }
    system.add("/m/go.mod", format!("module p\n\ngo {go}\n"));
    system.add("/m/p.go", text);
    let options =
        LoadOptions { dir: "/m".into(), goroot: Some("/goroot".into()), ..LoadOptions::default() };
    (system, options)
}
