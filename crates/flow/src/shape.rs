//! The types of the places that paths name, as far as declarations say: what kind of container an
//! element is taken from.

use base::Id;
use go_ir::Func;
use go_types::{ObjId, Store, Type, TypeId};

use crate::context::deref;
use crate::path::{Elem, Path, Root};

/// Whether some step of a path of `func` takes an element out of a slice, an array or a channel.
/// Goroutines that run the same code take different ones, each by its own number, or each once.
pub(crate) fn has_indexed_item(store: &Store, func: &Func, path: &Path) -> bool {
    let mut at = root_type(store, func, &path.root);
    for elem in path.elems.to_vec() {
        at = match elem {
            Elem::Field(field) => store.obj(field).typ.get(),
            Elem::Item => {
                let Some(container) = at else { continue };
                let under = go_types::under::under(store, deref(store, container));
                match store.ty(under) {
                    Type::Slice(_) | Type::Array { .. } | Type::Chan { .. } => return true,
                    Type::Map { elem, .. } => Some(*elem),
                    _ => None,
                }
            }
            Elem::Part(n) => at.and_then(|t| match store.ty(t) {
                Type::Tuple(parts) => parts.get(n as usize).and_then(|&p| store.obj(p).typ.get()),
                _ => None,
            }),
        };
    }
    false
}

fn root_type(store: &Store, func: &Func, root: &Root) -> Option<TypeId> {
    let type_of = |o: ObjId| store.obj(o).typ.get();
    match root {
        Root::Param(n) => match store.ty(func.sig) {
            Type::Signature(sig) => {
                sig.recv.iter().chain(&sig.params).nth(*n as usize).and_then(|&p| type_of(p))
            }
            _ => None,
        },
        Root::Free(n) => func.free_vars.get(*n as usize).and_then(|&v| type_of(v)),
        Root::Global(obj) => type_of(*obj),
        Root::Fresh(v) if v.index() < func.values.len() => {
            let t = func.instr(*v).ty?;
            match store.ty(t) {
                Type::Tuple(parts) => parts.first().and_then(|&p| type_of(p)),
                _ => Some(t),
            }
        }
        Root::Fresh(_) | Root::Ret(_) | Root::Context(_) => None,
    }
}
