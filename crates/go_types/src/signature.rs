//! Function types: parameters, receivers and type parameters (Go spec, "Function types",
//! "Method declarations", "Type parameter declarations").

use std::sync::OnceLock;

use base::sym;
use go_syntax::ast::{ExprId, ExprKind, Field, FieldRange, FuncTypeId, Ident};
use smallvec::SmallVec;

use crate::checker::Checker;
use crate::lookup::deref;
use crate::object::{ObjKind, Object, VarKind};
use crate::predicates::{is_type_param, is_valid};
use crate::scope::ScopeId;
use crate::store::{ObjId, Store, TypeId};
use crate::subst::{SubstMap, subst};
use crate::types::{Basic, Signature, Type, TypeCell, TypeParam};
use crate::under::{unalias, under};

/// Variables with the names that they are declared under (none for unnamed parameters).
type Vars = SmallVec<[(Option<Ident>, ObjId); 4]>;

/// A receiver type taken apart: `*T[A, B]`.
pub(crate) struct ReceiverParts {
    /// Whether there is a `*`.
    pub ptr: bool,
    /// `T`
    pub base: ExprId,
    /// `A, B`: what stands between the brackets, if there are any.
    pub tparams: Option<go_syntax::ast::ExprRange>,
}

impl Checker<'_> {
    /// A function or method type, and the scope that its parameters are declared in.
    pub(crate) fn func_type(&mut self, func: FuncTypeId, recv: FieldRange) -> (TypeId, ScopeId) {
        self.func_type_with(None, func, recv, None)
    }

    /// The type of a declared function or method, and the scope of its parameters.
    pub(crate) fn declared_func_type(
        &mut self,
        obj: ObjId,
        func: FuncTypeId,
        recv: FieldRange,
    ) -> (TypeId, ScopeId) {
        let open = self.open_signatures.len();
        let made = self.func_type_with(Some(obj), func, recv, None);
        self.open_signatures.truncate(open);
        made
    }

    /// The type of an interface's method with that receiver. Its scope is given up at once.
    pub(crate) fn method_type(&mut self, func: FuncTypeId, recv: ObjId) -> TypeId {
        self.func_type_with(None, func, FieldRange::default(), Some(recv)).0
    }

    fn func_type_with(
        &mut self,
        declared: Option<ObjId>,
        func: FuncTypeId,
        recv_field: FieldRange,
        made_recv: Option<ObjId>,
    ) -> (TypeId, ScopeId) {
        let ast = self.ast();
        let ftype = ast.func_types[func];
        let scope = self.open_func_scope();

        let recv_list = ast.field_list(recv_field);
        let mut recv = made_recv;
        let mut recv_tparams: Box<[TypeId]> = Box::default();
        if let Some(field) = recv_list.first() {
            if let [_, .., last] = recv_list {
                self.error(last.span.start, "method has multiple receivers");
            }
            let (var, tparams) = self.collect_recv(field, ftype.span.start);
            recv = Some(var);
            recv_tparams = tparams;
        }
        let tparams = if ftype.tparams.is_empty() {
            Box::default()
        } else {
            let tparams = self.collect_tparams(None, ftype.tparams);
            if let Some(obj) = declared {
                // func F[T any](_ [unsafe.Sizeof(F[int])]T): the parameters may ask for F.
                let open = Signature { tparams: tparams.clone(), ..Signature::default() };
                let open = self.store.new_type(Type::Signature(Box::new(open)));
                self.open_signatures.push((obj, open));
            }
            tparams
        };
        let (params, variadic) = self.collect_params(VarKind::Param, ftype.params);
        let (results, _) = self.collect_params(VarKind::Result, ftype.results);

        // All parameters' scopes start after the signature.
        let scope_pos = ftype.span.end;
        if let (Some(recv), Some(field)) = (recv, recv_list.first())
            && let Some(&name) = ast.ident_list(field.names).first()
        {
            self.declare(scope, Some(name), recv, scope_pos);
        }
        for &(name, var) in params.iter().chain(&results) {
            if name.is_some() {
                self.declare(scope, name, var, scope_pos);
            }
        }
        self.close_scope();
        let sig = self.store.new_type(Type::Signature(Box::new(Signature {
            recv,
            recv_tparams,
            tparams,
            params: params.iter().map(|p| p.1).collect(),
            results: results.iter().map(|r| r.1).collect(),
            variadic,
        })));
        (sig, scope)
    }

    /// Takes a receiver type apart. The base need not be a name in broken programs.
    pub(crate) fn unpack_recv(&self, e: ExprId) -> ReceiverParts {
        let ast = self.ast();
        let mut base = ast.unparen(e);
        let mut ptr = false;
        if let ExprKind::Star(x) = ast.expr(base).kind {
            ptr = true;
            base = ast.unparen(x);
        }
        let mut tparams = None;
        if let ExprKind::Index { x, indices } = ast.expr(base).kind {
            base = x;
            tparams = Some(indices);
        }
        ReceiverParts { ptr, base, tparams }
    }

    /// The receiver variable and its type parameters; those are declared, the variable is not.
    fn collect_recv(&mut self, field: &Field, scope_pos: u32) -> (ObjId, Box<[TypeId]>) {
        let store = self.store;
        let ast = self.ast();
        let parts = self.unpack_recv(field.ty);
        let mut tparams: Box<[TypeId]> = Box::default();
        let recv_type = match parts.tparams {
            None => {
                let t = self.var_type(field.ty);
                self.check_recv_alias(parts.base, t)
            }
            Some(indices) => {
                let names = self.recv_tparam_names(ast.expr_list(indices));
                let (t, own) = self.generic_recv(field.ty, &parts, &names, scope_pos);
                tparams = own;
                t
            }
        };
        let names = ast.ident_list(field.names);
        if let [_, .., last] = names {
            self.error(last.pos, "method has multiple receivers");
        }
        let (name, pos) = match names.first() {
            Some(ident) => (ident.name, ident.pos),
            None => (sym::EMPTY, field.span.start),
        };
        let place = Some((self.file_id(), pos));
        let var = Object::var(VarKind::Receiver, name, Some(self.pkg), place, Some(recv_type));
        let var = store.new_obj(var);
        let base = parts.base;
        // Later: the type may be incomplete yet.
        self.later(move |c| c.valid_recv(base, var));
        (var, tparams)
    }

    /// `type A = T[int]; func (A) m()`: methods cannot be defined on instances.
    fn check_recv_alias(&mut self, base: ExprId, recv: TypeId) -> TypeId {
        let store = self.store;
        let mut at = unpointer(store, recv);
        while let Type::Alias(alias) = store.ty(at) {
            let Some(rhs) = alias.rhs.get() else { break };
            let target = unpointer(store, rhs);
            let generic = match store.ty(target) {
                Type::Named(n) => n.origin.is_some(),
                Type::Alias(a) => a.origin.is_some(),
                _ => false,
            };
            if generic {
                let message = format!(
                    "cannot define new methods on instantiated type {}",
                    self.type_str(target)
                );
                self.error_at(base, message);
                return store.invalid();
            }
            at = target;
        }
        recv
    }

    /// The names between the brackets of a receiver: identifiers, or an error.
    fn recv_tparam_names(&mut self, list: &[ExprId]) -> Vec<(ExprId, Ident)> {
        let mut names = Vec::with_capacity(list.len());
        for &e in list {
            let pos = self.pos_of(e);
            let name = match self.expr_at(e).kind {
                ExprKind::Ident(name) => name,
                ExprKind::Bad => sym::BLANK,
                _ => {
                    let what = self.expr_str(e);
                    let message = format!("receiver type parameter {what} must be an identifier");
                    self.error(pos, message);
                    sym::BLANK
                }
            };
            names.push((e, Ident { name, pos }));
        }
        names
    }

    /// `func (r *T[A, B]) …`: declares A and B with the constraints that T's parameters have, and
    /// gives the receiver type `*T[A, B]`.
    fn generic_recv(
        &mut self,
        ty: ExprId,
        parts: &ReceiverParts,
        names: &[(ExprId, Ident)],
        scope_pos: u32,
    ) -> (TypeId, Box<[TypeId]>) {
        let store = self.store;
        let mut base_type = None;
        match self.generic_type(parts.base) {
            Ok(t) if !is_valid(store, t) => {}
            Ok(t) => match store.ty(t) {
                Type::Named(_) => base_type = Some(t),
                Type::Alias(_) => {
                    let message = format!(
                        "cannot define new methods on generic alias type {}",
                        self.type_str(t)
                    );
                    self.error_at(parts.base, message);
                }
                _ => {}
            },
            Err(why) => self.error_at(parts.base, why),
        }
        let mut own: Vec<TypeId> = Vec::with_capacity(names.len());
        for (i, &(e, ident)) in names.iter().enumerate() {
            let t = self.declare_type_param(ident, i, scope_pos);
            if let Type::TypeParam(p) = store.ty(t) {
                self.record_use(e, p.obj);
            }
            self.record_type_expr(e, t);
            own.push(t);
        }
        let own: Box<[TypeId]> = own.into_boxed_slice();
        let Some(base) = base_type else { return (store.invalid(), own) };
        let Type::Named(named) = store.ty(base) else { return (store.invalid(), own) };
        let theirs = named.tparams.get().map_or(&[][..], |t| t);
        if theirs.len() == own.len() {
            for (&mine, &their) in own.iter().zip(theirs) {
                if let (Type::TypeParam(m), Type::TypeParam(t)) = (store.ty(mine), store.ty(their))
                    && let Some(bound) = t.bound.get()
                {
                    m.bound.set(subst(store, bound, &SubstMap::new(theirs, &own)));
                }
                self.mono.same(store, mine, their);
            }
        } else {
            let message = format!(
                "receiver declares {}, but receiver base type declares {}",
                measure(own.len(), "type parameter"),
                theirs.len()
            );
            self.error_at(parts.base, message);
        }
        let pos = self.pos_of(parts.base);
        self.verify_version(pos, 18, |_| "type instantiation".into());
        let instance = self.instance(base, &own);
        self.record_instance(parts.base, &own, instance);
        let recv = if parts.ptr && is_valid(store, instance) {
            self.memo.pointer(store, instance)
        } else {
            instance
        };
        self.record_recv_types(ty, recv);
        (recv, own)
    }

    /// Records `(*(T[P]))` and its parts, which are not checked as types.
    fn record_recv_types(&mut self, mut e: ExprId, mut t: TypeId) {
        loop {
            self.record_type_expr(e, t);
            match self.expr_at(e).kind {
                ExprKind::Paren(x) => e = x,
                ExprKind::Star(x) => {
                    let Type::Pointer(base) = self.store.ty(t) else { return };
                    e = x;
                    t = *base;
                }
                _ => return,
            }
        }
    }

    /// Declares type parameters in the current scope and checks their constraints. `dst` gets the
    /// list before that: the constraints may use the generic type.
    pub(crate) fn collect_tparams(
        &mut self,
        dst: Option<&OnceLock<Box<[TypeId]>>>,
        list: FieldRange,
    ) -> Box<[TypeId]> {
        let ast = self.ast();
        let fields = ast.field_list(list);
        let scope_pos = fields.first().map_or(0, |f| f.span.start);
        let mut tparams: Vec<TypeId> = Vec::new();
        for f in fields {
            for &ident in ast.ident_list(f.names) {
                let t = self.declare_type_param(ident, tparams.len(), scope_pos);
                tparams.push(t);
            }
        }
        let tparams = tparams.into_boxed_slice();
        if let Some(dst) = dst {
            dst.get_or_init(|| tparams.clone());
        }
        let outer = std::mem::replace(&mut self.env.in_tparam_list, true);
        let mut next = 0;
        for f in fields {
            let mut bound = self.bound(f.ty);
            if is_type_param(self.store, bound) {
                self.error_at(f.ty, "cannot use a type parameter as constraint");
                bound = self.store.invalid();
            }
            for _ in 0..f.names.len() {
                if let Type::TypeParam(p) = self.store.ty(tparams[next]) {
                    p.bound.set(bound);
                }
                next += 1;
            }
        }
        self.env.in_tparam_list = outer;
        tparams
    }

    fn declare_type_param(&mut self, ident: Ident, index: usize, scope_pos: u32) -> TypeId {
        let store = self.store;
        let place = Some((self.file_id(), ident.pos));
        let obj = Object::new(ObjKind::TypeName, ident.name, Some(self.pkg), place, None);
        let obj = store.new_obj(obj);
        let t = store.new_type(Type::TypeParam(Box::new(TypeParam {
            obj,
            index: index as u32,
            bound: TypeCell::new(store.invalid()),
        })));
        store.obj(obj).complete(t);
        self.declare(self.scope(), Some(ident), obj, scope_pos);
        t
    }

    /// Parameters or results, and whether the last is variadic.
    fn collect_params(&mut self, kind: VarKind, list: FieldRange) -> (Vars, bool) {
        let store = self.store;
        let ast = self.ast();
        let fields = ast.field_list(list);
        let mut vars = Vars::new();
        let mut variadic = None;
        for (i, f) in fields.iter().enumerate() {
            let mut ty = f.ty;
            if let ExprKind::Ellipsis(elem) = ast.expr(ty).kind {
                let last = i + 1 == fields.len() && f.names.len() <= 1;
                if kind == VarKind::Param && last {
                    variadic = Some(ty);
                } else {
                    self.soft_error(ast.expr(ty).span.start, "invalid use of ...");
                }
                if let Some(elem) = elem {
                    ty = elem;
                }
            }
            let mut t = self.var_type(ty);
            if let Some(ellipsis) = variadic {
                t = self.memo.slice(store, t);
                self.record_type_expr(ellipsis, t);
            }
            if f.names.is_empty() {
                let place = Some((self.file_id(), ast.expr(ty).span.start));
                let var = Object::var(kind, sym::EMPTY, Some(self.pkg), place, Some(t));
                vars.push((None, store.new_obj(var)));
            }
            for &ident in ast.ident_list(f.names) {
                let place = Some((self.file_id(), ident.pos));
                let var = Object::var(kind, ident.name, Some(self.pkg), place, Some(t));
                vars.push((Some(ident), store.new_obj(var)));
            }
        }
        (vars, variadic.is_some())
    }

    /// Go spec, "Method declarations": what a receiver type may be.
    fn valid_recv(&mut self, e: ExprId, recv: ObjId) {
        let store = self.store;
        let Some(recv_type) = store.obj(recv).typ.get() else { return };
        let (base, _) = deref(store, recv_type);
        let t = unalias(store, base);
        if !is_valid(store, t) {
            return;
        }
        let message = match store.ty(t) {
            Type::Named(named) => {
                let foreign = store.obj(named.obj).pkg != Some(self.pkg);
                let why = match store.ty(under(store, t)) {
                    Type::Basic(Basic::UnsafePointer) => "unsafe.Pointer",
                    Type::Pointer(_) | Type::Interface(_) => "pointer or interface type",
                    _ => "",
                };
                if foreign {
                    let what = self.type_str(base);
                    format!("cannot define new methods on non-local type {what}")
                } else if why.is_empty() {
                    return;
                } else {
                    format!("invalid receiver type {} ({why})", self.type_str(base))
                }
            }
            Type::Basic(_) => {
                format!("cannot define new methods on non-local type {}", self.type_str(base))
            }
            _ => format!("invalid receiver type {}", self.type_str(recv_type)),
        };
        self.error_at(e, message);
    }
}

/// A type without the pointers written before it.
fn unpointer(store: &Store, mut t: TypeId) -> TypeId {
    while let Type::Pointer(base) = store.ty(t) {
        t = *base;
    }
    t
}

/// "1 value", "2 values"
pub(crate) fn measure(n: usize, unit: &str) -> String {
    format!("{n} {unit}{}", if n == 1 { "" } else { "s" })
}
