//! Which keys of context values the program sets: what the rule on unchecked context values asks.

use base::FxHashSet;
use go_ir::{CallInfo, Callee, Func, Op, ValueId};
use go_types::{ObjId, PkgId, TypeId};

use crate::RuleContext;

/// A key, as far as the function's own code says which.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Key {
    /// The value of a package-level variable.
    Var(ObjId),
    /// A constant of a type.
    Const(TypeId, String),
    /// Some value of a type: keys are often of a type of their own.
    Of(TypeId),
}

/// Keys that are set somewhere in the program, by whatever is called `WithValue`.
#[derive(Debug, Default)]
pub(crate) struct ContextKeys {
    set: FxHashSet<Key>,
    /// Packages with code here; what others set is not known.
    seen: FxHashSet<PkgId>,
}

impl ContextKeys {
    /// Goes over all calls.
    pub fn new(cx: &RuleContext<'_>) -> Self {
        let mut keys = Self::default();
        for (_, func, _) in cx.functions().filter(|(_, func, _)| !func.is_test) {
            keys.seen.insert(func.pkg);
            for instr in func.values.iter() {
                if let Op::Call(call) = &instr.op
                    && let Some(key) = key_that_is_set(cx, func, call)
                {
                    keys.set.insert(key);
                }
            }
        }
        keys
    }

    /// Whether nobody sets the key, as far as can be known: whoever sets a key of another package, or one that
    /// is computed, may be out of sight.
    pub fn is_never_set(&self, cx: &RuleContext<'_>, func: &Func, key: ValueId) -> bool {
        let Some(key) = key_of(func, key) else { return false };
        let store = cx.store();
        let owner = match &key {
            Key::Var(var) => store.obj(*var).pkg,
            Key::Const(ty, _) | Key::Of(ty) => match flow::named_obj(store, *ty) {
                Some(named) => store.obj(named).pkg,
                // A plain string or number.
                None => Some(func.pkg),
            },
        };
        owner.is_some_and(|pkg| self.seen.contains(&pkg)) && !self.set.contains(&key)
    }
}

/// `WithValue(…, key, value)`: that of package context, and wrappers and methods that are called like it.
fn key_that_is_set(cx: &RuleContext<'_>, func: &Func, call: &CallInfo) -> Option<Key> {
    let (Callee::Static { obj, .. } | Callee::Interface { method: obj }) = call.callee else {
        return None;
    };
    let [.., key, _value] = call.args[..] else { return None };
    let named = cx.store().obj(obj).name.as_str() == "WithValue";
    named.then(|| key_of(func, key)).flatten()
}

fn key_of(func: &Func, value: ValueId) -> Option<Key> {
    let inner = match func.instr(value).op {
        Op::MakeInterface(x) => x,
        _ => value,
    };
    let ty = func.instr(inner).ty?;
    Some(match &func.instr(inner).op {
        Op::Const(constant) => Key::Const(ty, format!("{constant:?}")),
        Op::Load(addr) => match func.instr(*addr).op {
            Op::Global(var) => Key::Var(var),
            _ => Key::Of(ty),
        },
        Op::Zero => Key::Of(ty),
        // A parameter of a wrapper says nothing.
        _ => return None,
    })
}
