//! What the code of one function calls its memory: the variable or call that a pointer came from,
//! and the fields behind it. `s.mu` and `s.items` start at one value, so the one is beside the
//! other, whatever object `s` is. Apart from [`crate::path`]'s points-to names, which say which
//! object it is and fall silent where that is not known: an element of a map, the result of a call
//! through an interface.

use std::cell::OnceCell;

use base::FxHashMap;
use go_ir::{Func, FuncId, Op, ValueId};
use go_types::{Store, Type};
use smallvec::SmallVec;

use crate::context::deref;
use crate::path::{Elem, Path, Root};

/// Most steps back from a value to where it came from.
const MAX_STEPS: usize = 32;

/// The names of a function's operands. A [`Path`] of these has as its root a parameter, a captured
/// variable, a package-level variable, or ([`Root::Fresh`]) any other value of the function.
pub(crate) struct Operands<'a> {
    func: &'a Func,
    store: &'a Store,
    /// What each variable is set to, once asked for: `None` when that happens more than once.
    set_once: OnceCell<FxHashMap<ValueId, Option<ValueId>>>,
}

impl<'a> Operands<'a> {
    /// The names of a function.
    pub fn new(func: &'a Func, store: &'a Store) -> Self {
        Self { func, store, set_once: OnceCell::new() }
    }

    /// What a value, or the place at an address, is called. `None` when the name gets too long.
    pub fn path(&self, v: ValueId) -> Option<Path> {
        let mut fields: SmallVec<[Elem; 4]> = SmallVec::new();
        let mut at = v;
        for _ in 0..MAX_STEPS {
            at = match self.func.instr(at).op {
                Op::FieldAddr { base, field, .. } | Op::Field { base, field, .. } => {
                    fields.push(Elem::Field(field));
                    base
                }
                _ => match self.source(at) {
                    Some(from) => from,
                    None => break,
                },
            };
        }
        let root = match self.func.instr(at).op {
            Op::Param(n) => Root::Param(n),
            Op::FreeVar(n) => Root::Free(n),
            Op::Global(obj) => Root::Global(obj),
            _ => Root::Fresh(at),
        };
        fields.iter().rev().try_fold(Path::root(root), |path, &field| path.then(field))
    }

    /// The value that a value is a copy of, or that a pointer or variable was set to.
    pub fn source(&self, v: ValueId) -> Option<ValueId> {
        let op = |v: ValueId| &self.func.instr(v).op;
        match op(v) {
            Op::Load(x) | Op::Convert(x) | Op::MakeInterface(x) | Op::TypeAssert { x, .. } => {
                Some(*x)
            }
            Op::Extract { tuple, index: 0 } => match op(*tuple) {
                Op::TypeAssert { x, .. } => Some(*x),
                _ => None,
            },
            // A variable that holds a struct is an object of its own, one that holds a pointer is
            // another name for what it points to.
            Op::Alloc { .. } if self.holds_reference(v) => self.set_once(v),
            _ => None,
        }
    }

    /// The function literal that a value is, with the addresses of what it captures.
    pub fn closure(&self, v: ValueId) -> Option<(FuncId, &'a [ValueId])> {
        let mut at = v;
        for _ in 0..MAX_STEPS {
            if let Op::MakeClosure { func, bindings } = &self.func.instr(at).op {
                return Some((*func, bindings));
            }
            at = self.source(at)?;
        }
        None
    }

    /// Whether a variable holds a pointer, a map, an interface value or the like.
    pub fn holds_reference(&self, var: ValueId) -> bool {
        self.func.instr(var).ty.is_some_and(|t| {
            let held = go_types::under::under(self.store, deref(self.store, t));
            !matches!(self.store.ty(held), Type::Struct(_) | Type::Array { .. } | Type::Basic(_))
        })
    }

    fn set_once(&self, var: ValueId) -> Option<ValueId> {
        let all = self.set_once.get_or_init(|| {
            let mut all: FxHashMap<ValueId, Option<ValueId>> = FxHashMap::default();
            for instr in self.func.values.iter() {
                let Op::Store { addr, value } = instr.op else { continue };
                if matches!(self.func.instr(addr).op, Op::Alloc { .. }) {
                    all.entry(addr).and_modify(|v| *v = None).or_insert(Some(value));
                }
            }
            all
        });
        all.get(&var).copied().flatten()
    }
}
