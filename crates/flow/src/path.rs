//! Access paths: names for memory that make sense inside one function and can be translated to
//! its callers. `s.cache.items` inside `(s *Server) Get` is `Param(0).cache.items` there, and
//! `Global(srv).cache.items` in a caller that passes the package variable `srv`.
//!
//! Pointers are not spelled out: a pointer and what it points to have the same path, as in `RacerD`
//! (Blackshear et al., OOPSLA 2018). A map, a lock and a channel are named by the path of the
//! place that holds them.

use std::sync::Arc;

use base::Symbol;
use go_ir::{FuncId, ValueId};
use go_types::{ObjId, TypeId};
use smallvec::SmallVec;

use crate::elems::Elems;

/// Longest path that is followed; beyond it an object is unknown.
pub const MAX_ELEMS: usize = 6;
/// Most values that one expression is followed to; beyond it, it is unknown.
pub const MAX_VALS: usize = 6;

/// Where a path starts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Root {
    /// A parameter of the function, the receiver first.
    Param(u32),
    /// A variable captured by the function literal.
    Free(u32),
    /// A package-level variable.
    Global(ObjId),
    /// What the instruction made: a variable, a map, the fresh result of a call.
    Fresh(ValueId),
    /// A result of the function, fresh for its caller. Only in summaries.
    Ret(u32),
    /// What contexts carry under this key.
    Context(CtxKey),
}

/// The key of a context value: the defined type of the key, or the package-level variable that is
/// the key, and the constant's text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CtxKey {
    /// The type name or variable.
    pub obj: Option<ObjId>,
    /// The text of a constant key.
    pub text: Symbol,
}

/// One step of a path.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Elem {
    /// A struct field (its origin).
    Field(ObjId),
    /// Some element of a slice, array, map or channel.
    Item,
    /// One of several fresh objects that a call's result holds: a further result, or a variable
    /// captured by a closure that is returned.
    Part(u32),
}

/// A path.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Path {
    /// The start.
    pub root: Root,
    /// The steps.
    pub elems: Elems,
}

impl Path {
    /// Just a root.
    pub fn root(root: Root) -> Self {
        Self { root, elems: Elems::EMPTY }
    }
    /// One step further; `None` when the path gets too long.
    pub fn then(&self, elem: Elem) -> Option<Self> {
        Some(Self { root: self.root, elems: self.elems.then(elem)? })
    }
    /// The steps of `self` behind `front`; `None` when the path gets too long.
    pub fn behind(&self, front: &Path) -> Option<Self> {
        self.suffix_behind(0, front)
    }
    /// The steps of `self` from the `skip`th on, behind `front`.
    pub fn suffix_behind(&self, skip: usize, front: &Path) -> Option<Self> {
        Some(Self { root: front.root, elems: front.elems.join(self.elems, skip)? })
    }
    /// The path without its last step; `None` for a root.
    pub fn parent(&self) -> Option<Self> {
        Some(Self { root: self.root, elems: self.elems.split_last()?.0 })
    }
    /// Whether `self` is `prefix` or lies below it.
    pub fn starts_with(&self, prefix: &Path) -> bool {
        self.root == prefix.root && self.elems.first(prefix.elems.len()) == prefix.elems
    }
    /// Whether some step picks one of many elements, so that equal paths may differ in object.
    pub fn has_item(&self) -> bool {
        self.elems.has_item()
    }
    /// The field or package-level variable that the path names.
    pub fn variable(&self) -> Option<ObjId> {
        match (self.elems.last(), self.root) {
            (Some(Elem::Field(field)), _) => Some(field),
            (None, Root::Global(obj)) => Some(obj),
            _ => None,
        }
    }
    /// The last field on the path.
    pub fn last_field(&self) -> Option<ObjId> {
        self.elems.to_vec().iter().rev().find_map(|e| match e {
            Elem::Field(f) => Some(*f),
            Elem::Item | Elem::Part(_) => None,
        })
    }
}

/// What a value may be.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum What {
    /// An object, or the place that holds it.
    Path(Path),
    /// A function literal with what its captured variables are.
    Closure(FuncId, Arc<[Vals]>),
    /// A declared function.
    Func(ObjId),
    /// A method with its receiver.
    Bound(ObjId, Arc<Vals>),
}

/// One possible value.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Val {
    /// What it is.
    pub what: What,
    /// The concrete type, when it was put into an interface on the way.
    pub dynamic: Option<TypeId>,
    /// Whether it was taken out of a container: one of several, another one each time.
    pub picked: bool,
}

impl Val {
    /// A value that is just a path.
    pub fn path(path: Path) -> Self {
        Self { what: What::Path(path), dynamic: None, picked: false }
    }
    /// A function value.
    pub fn code(what: What) -> Self {
        Self { what, dynamic: None, picked: false }
    }
    /// The path, if it is one.
    pub fn as_path(&self) -> Option<&Path> {
        match &self.what {
            What::Path(p) => Some(p),
            _ => None,
        }
    }
}

/// The possible values of an expression: at most [`MAX_VALS`]; empty when nothing is known.
pub type Vals = SmallVec<[Val; 1]>;

/// Adds a value unless it is there, or the set is full.
pub fn add_val(vals: &mut Vals, val: Val) {
    if vals.len() < MAX_VALS && !vals.contains(&val) {
        vals.push(val);
    }
}
