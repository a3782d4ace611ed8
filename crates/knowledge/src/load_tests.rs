//! The loader's tests: files that are right, and what is said of files that are wrong.

use super::*;
use crate::model::{AccessKind, FlowHow, Goroutine, Operand, Sync, SyncOp, TypeKind};

const FILE: &str = r#"
[[package]]
paths = ["example.com/bus", "example.com/bus/v2"]

[[package.func]]
names = ["(*Bus).Subscribe", "On"]
invokes = [{ callee = "arg1", on = "new-serial", origin = "callback" }]
accesses = [{ kind = "map-write", on = "arg0", deep = true }]

[[package.type]]
names = ["Bus"]
concurrent_safe = true

[[package.interface]]
names = ["Listener"]
methods = ["Handle"]
params = ["*{path}.Event"]
on = "many"
origin = "callback"

[[pattern]]
name = "Register*Listener"
params = [["*example.com/bus.Bus"]]
invokes = [{ callee = "arg1", methods = { named = ["Handle"] }, on = "many", origin = "callback" }]
"#;

fn load(text: &str) -> Result<Knowledge, KnowledgeError> {
    Knowledge::default().with_files([("user.toml", text)])
}

#[test]
fn a_name_is_found_under_every_import_path() {
    let k = load(FILE).expect("well formed");
    for name in [
        "(*example.com/bus.Bus).Subscribe",
        "(*example.com/bus/v2.Bus).Subscribe",
        "example.com/bus.On",
    ] {
        let model = k.lookup(name).expect(name);
        assert_eq!(model.invokes[0].callee, Operand::Arg(1));
        assert_eq!(model.invokes[0].on, Goroutine::NewSerial);
        assert_eq!(model.accesses[0].kind, AccessKind::MapWrite);
    }
    assert!(k.lookup("example.com/bus.Off").is_none());
    assert_eq!(
        k.interface("example.com/bus/v2.Listener").expect("given").params,
        ["*example.com/bus/v2.Event"]
    );
    assert!(k.type_fact("example.com/bus.Bus").expect("given").concurrent_safe);
    assert!(k.patterns()[0].matches("RegisterOrderListener", &["*example.com/bus.Bus", "any"]));
    assert!(!k.patterns()[0].matches("RegisterOrderListener", &["string", "any"]));
    assert!(!k.patterns()[0].matches("RegisterListene", &["*example.com/bus.Bus", "any"]));
}

#[test]
fn mistakes_name_the_file_and_the_line() {
    let cases = [
        (
            "[[package]]\npaths = [\"p\"]\ncolour = 1\n",
            "user.toml:3:1: unknown field `colour`, expected",
        ),
        (
            "[[package]]\npaths = [\"p\"]\n[[package.func]]\nnames = [\"F\"]\nsync = [{ op = \"lok\" }]",
            "user.toml:5:16: unknown variant `lok`",
        ),
        (
            "[[package]]\npaths = [\"p\"]\n[[package.func]]\nnames = [\"(T.M\"]\n",
            "user.toml:4: `(T.M` is not a name",
        ),
        (
            "[[package]]\npaths = [\"p\"]\n[[package.func]]\nnames = [\"F\",\n\"F\"]\n",
            "user.toml:5: `p.F` is described twice",
        ),
        (
            "[[package]]\npaths = [\"p\"]\n[[package.func]]\nnames = [\"F\"]\nflows = [{ from = \"arg\" }]",
            "`arg` is no operand",
        ),
        ("[[package]", "user.toml:1:"),
    ];
    for (text, expected) in cases {
        let message = load(text).expect_err(text).to_string();
        assert!(message.contains(expected), "{message}\nshould hold {expected}");
    }
}

#[test]
fn a_later_file_wins() {
    let text = "[[package]]\npaths = [\"sync\"]\n[[package.func]]\nnames = [\"(*Mutex).Lock\"]\n";
    let k = Knowledge::builtin().clone().with_files([("mine.toml", text)]).expect("well formed");
    assert!(k.lookup("(*sync.Mutex).Lock").expect("mine").is_pure());
    assert!(!k.lookup("(*sync.RWMutex).Lock").expect("builtin").is_pure());
}

#[test]
fn the_shipped_files_are_well_formed() {
    let k = Knowledge::builtin();
    assert_eq!(
        k.lookup("(*sync.Mutex).Lock").expect("known").sync,
        [Sync { op: SyncOp::Lock, on: Operand::Recv, field: None }]
    );
    assert_eq!(k.type_fact("sync.Mutex").expect("known").kind, Some(TypeKind::Mutex));
    for model in k.models() {
        for i in &model.invokes {
            assert!(
                i.on == Goroutine::Caller || i.origin.is_some(),
                "{}: code on another goroutine needs an origin",
                model.name
            );
        }
        for f in &model.flows {
            let whole = match f.how {
                FlowHow::Fresh => f.from.is_none() && f.to.is_some(),
                FlowHow::Publish => f.from.is_some() && f.to.is_none(),
                FlowHow::Store | FlowHow::Load => {
                    f.from.is_some() && f.to.is_some() && f.slot.is_some()
                }
                FlowHow::Alias | FlowHow::Copy | FlowHow::DeepCopy => {
                    f.from.is_some() && f.to.is_some()
                }
            };
            assert!(whole, "{}: {f:?} lacks an end or a slot, or has one too many", model.name);
        }
    }
}

#[test]
fn packages_of_the_examples_have_stubs() {
    let k = Knowledge::builtin();
    for path in
        ["net/http", "google.golang.org/grpc/metadata", "github.com/labstack/echo/v4", "sync"]
    {
        let stub = k.stub(path).expect(path);
        assert!(stub.lines().any(|l| l.starts_with("package ")), "{path} is Go source");
    }
    assert!(k.stub("example.com/unknown").is_none());
    assert!(k.stub_paths().is_sorted());
}
