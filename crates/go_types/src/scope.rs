//! Lexical scopes of one package's check (Go spec, "Declarations and scope"), and the use of local
//! variables. The scopes of a function are dropped when its body has been checked.

use std::sync::atomic::Ordering;

use base::{FxHashMap, IndexVec, Symbol, define_id};
use go_syntax::ast::Ident;
use smallvec::SmallVec;

use crate::checker::Checker;
use crate::object::{ObjKind, VarKind};
use crate::store::ObjId;

define_id! {
    /// A scope of the package being checked.
    pub struct ScopeId;
}

/// One block's names.
#[derive(Debug)]
pub struct Scope {
    /// The enclosing scope; the universe is not part of the chain (look there last).
    pub parent: Option<ScopeId>,
    /// The outermost scope of the function that this scope belongs to; itself for that scope.
    pub func: Option<ScopeId>,
    names: Names,
}

/// Blocks have few names, packages and files many.
#[derive(Debug)]
enum Names {
    Few(SmallVec<[(Symbol, ObjId); 3]>),
    Many(FxHashMap<Symbol, ObjId>),
}

/// A block with more names than this gets a hash table.
const FEW: usize = 12;

/// All scopes of a check.
pub type Scopes = IndexVec<ScopeId, Scope>;

impl Scope {
    /// An empty scope in `parent`.
    pub fn new(parent: Option<ScopeId>, func: Option<ScopeId>) -> Self {
        Self { parent, func, names: Names::Few(SmallVec::new()) }
    }

    /// The object of that name, declared right here.
    #[inline]
    pub fn get(&self, name: Symbol) -> Option<ObjId> {
        match &self.names {
            Names::Few(few) => few.iter().find(|n| n.0 == name).map(|n| n.1),
            Names::Many(many) => many.get(&name).copied(),
        }
    }

    /// Adds a name; gives back the object that has it already, and keeps that.
    pub fn insert(&mut self, name: Symbol, obj: ObjId) -> Option<ObjId> {
        if let Some(other) = self.get(name) {
            return Some(other);
        }
        match &mut self.names {
            Names::Few(few) if few.len() < FEW => few.push((name, obj)),
            Names::Few(few) => {
                let mut many: FxHashMap<Symbol, ObjId> = few.iter().copied().collect();
                many.insert(name, obj);
                self.names = Names::Many(many);
            }
            Names::Many(many) => {
                many.insert(name, obj);
            }
        }
        None
    }

    /// Names and objects, in no particular order.
    pub fn names(&self) -> Box<dyn Iterator<Item = (Symbol, ObjId)> + '_> {
        match &self.names {
            Names::Few(few) => Box::new(few.iter().copied()),
            Names::Many(many) => Box::new(many.iter().map(|(&n, &o)| (n, o))),
        }
    }
}

impl Checker<'_> {
    /// Opens a block in the current scope.
    #[inline]
    pub(crate) fn open_scope(&mut self) -> ScopeId {
        let parent = self.env.scope;
        let func = parent.and_then(|p| self.scopes[p].func);
        let scope = self.scopes.push(Scope::new(parent, func));
        self.env.scope = Some(scope);
        scope
    }

    /// Opens the outermost scope of a function in the current scope.
    pub(crate) fn open_func_scope(&mut self) -> ScopeId {
        let scope = self.open_scope();
        self.scopes[scope].func = Some(scope);
        scope
    }

    /// Goes back to the enclosing scope.
    #[inline]
    pub(crate) fn close_scope(&mut self) {
        if let Some(scope) = self.env.scope {
            self.env.scope = self.scopes[scope].parent;
        }
    }

    /// The innermost scope.
    #[inline]
    pub(crate) fn scope(&self) -> ScopeId {
        self.env.scope.expect("something is always checked in a file's scope at least")
    }

    /// What a name denotes here, and the scope that says so (none for the universe).
    #[inline]
    pub(crate) fn lookup_scope(&self, name: Symbol) -> Option<(Option<ScopeId>, ObjId)> {
        let mut at = self.env.scope;
        while let Some(scope) = at {
            let s = &self.scopes[scope];
            if let Some(obj) = s.get(name) {
                return Some((at, obj));
            }
            at = s.parent;
        }
        let universe = self.store.universe();
        let obj = if self.testing { universe.lookup_in_tests(name) } else { universe.lookup(name) };
        obj.map(|obj| (None, obj))
    }

    /// What a name denotes here.
    pub(crate) fn lookup(&self, name: Symbol) -> Option<ObjId> {
        self.lookup_scope(name).map(|found| found.1)
    }

    /// Declares an object in a scope, visible from `scope_pos` on; the blank name is not declared.
    /// `ident` is where the name stands, when it is no expression (those record themselves).
    /// Whether the name was free: an error is reported otherwise.
    pub(crate) fn declare(
        &mut self,
        scope: ScopeId,
        ident: Option<Ident>,
        obj: ObjId,
        scope_pos: u32,
    ) -> bool {
        let o = self.store.obj(obj);
        if !o.name.is_blank() {
            if let Some(other) = self.scopes[scope].insert(o.name, obj) {
                let message = format!("{} redeclared in this block", o.name);
                self.error_at_obj(obj, message);
                self.note_other_declaration(other);
                return false;
            }
            o.scope_pos.store(scope_pos, Ordering::Relaxed);
        }
        if let Some(ident) = ident {
            self.record_decl(ident, obj);
        }
        true
    }

    /// Records what a declared name denotes.
    pub(crate) fn record_decl(&mut self, ident: Ident, obj: ObjId) {
        self.files[self.env.file as usize].defs.insert(ident.pos, obj);
    }

    /// Adds where the other declaration is, as an error of its own.
    pub(crate) fn note_other_declaration(&mut self, other: ObjId) {
        let o = self.store.obj(other);
        if o.file.is_some() {
            let message = format!("\tother declaration of {}", o.name);
            self.error_at_obj(other, message);
        }
    }

    /// Reports the variables of a function that are never used (Go spec, "Variable declarations":
    /// a compiler may refuse them). Function literals inside have done so for theirs. `first` is how
    /// many scopes there were before the body.
    pub(crate) fn usage(&mut self, func: ScopeId, first: usize) {
        let mut unused = Vec::new();
        let inner = self.scopes.as_slice()[first..].iter().filter(|s| s.func == Some(func));
        // Between the two are the scopes of the package's other functions: there may be many.
        for scope in std::iter::once(&self.scopes[func]).chain(inner) {
            for (_, obj) in scope.names() {
                let o = self.store.obj(obj);
                let local = matches!(o.kind, ObjKind::Var { kind: VarKind::Local, .. });
                if local && !o.used.load(Ordering::Relaxed) {
                    unused.push(obj);
                }
            }
        }
        unused.sort_by_key(|&v| self.store.obj(v).pos);
        for v in unused {
            let o = self.store.obj(v);
            self.soft_error(o.pos, format!("declared and not used: {}", o.name));
        }
    }
}
