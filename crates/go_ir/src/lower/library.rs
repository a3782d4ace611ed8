//! The few functions of the standard library that are part of the language's semantics here:
//! mutexes are operations of the IR, and code after a call that never returns is not reached.
//! Everything else that is known of libraries is data of the analysis above.

use go_types::under::unalias;
use go_types::{ObjId, Store, Type};

use crate::ir::LockOp;

/// The lock operation that a method of `sync.Mutex`, `sync.RWMutex` or `sync.Locker` is.
pub(super) fn lock_op(store: &Store, method: ObjId) -> Option<LockOp> {
    let op = match store.obj(method).name.as_str() {
        "Lock" => LockOp::Lock,
        "Unlock" => LockOp::Unlock,
        "RLock" => LockOp::RLock,
        "RUnlock" => LockOp::RUnlock,
        "TryLock" => LockOp::TryLock,
        "TryRLock" => LockOp::TryRLock,
        _ => return None,
    };
    if package(store, method) != Some("sync") {
        return None;
    }
    matches!(receiver_name(store, method)?, "Mutex" | "RWMutex" | "Locker").then_some(op)
}

/// Whether a call of the function ends the goroutine or the process.
pub(super) fn never_returns(store: &Store, func: ObjId) -> bool {
    let name = store.obj(func).name.as_str();
    let known: &[&str] = match package(store, func) {
        Some("os" | "syscall") => &["Exit"],
        Some("log") => &["Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Panicln"],
        Some("runtime") => &["Goexit", "throw", "fatal"],
        Some("testing") => &["FailNow", "Fatal", "Fatalf", "Skip", "Skipf", "SkipNow"],
        _ => return false,
    };
    known.contains(&name)
}

fn package(store: &Store, obj: ObjId) -> Option<&'static str> {
    store.obj(obj).pkg.map(|p| store.package(p).path.as_str())
}

/// The name of the type that a method belongs to.
fn receiver_name(store: &Store, method: ObjId) -> Option<&'static str> {
    let Type::Signature(sig) = store.ty(store.obj(method).typ.get()?) else { return None };
    let mut recv = unalias(store, store.obj(sig.recv?).typ.get()?);
    if let Type::Pointer(elem) = *store.ty(recv) {
        recv = unalias(store, elem);
    }
    match store.ty(recv) {
        Type::Named(n) => Some(store.obj(n.obj).name.as_str()),
        // The receiver of an interface's method may be the interface itself; of package sync's
        // interfaces, only `Locker` has these methods.
        Type::Interface(_) => Some("Locker"),
        _ => None,
    }
}
