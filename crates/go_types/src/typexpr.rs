//! Identifiers, and expressions that denote types (Go spec, "Types").

use std::sync::atomic::Ordering;

use go_syntax::ast::{ExprId, ExprKind};

use crate::checker::Checker;
use crate::constant::{ConstValue, representable_const};
use crate::object::{ObjKind, VarKind};
use crate::operand::{Mode, Operand};
use crate::predicates::{
    comparable_type, is_generic, is_integer, is_type_param, is_untyped, is_valid, unalias, under,
};
use crate::store::{ObjId, TypeId};
use crate::types::{Basic, Type};
use crate::typeset::type_set;

impl<'a> Checker<'a> {
    /// Finds out what the identifier `e` denotes. With `want_type` it must be a type.
    pub(crate) fn ident(&mut self, x: &mut Operand, e: ExprId, want_type: bool) {
        let store = self.store;
        x.mode = Mode::Invalid;
        x.expr = Some(self.expr_ref(e));
        let ExprKind::Ident(name) = self.expr_at(e).kind else { return };
        let Some((scope, obj)) = self.lookup_scope(name) else {
            if name.is_blank() {
                self.error(self.pos_of(e), "cannot use _ as value or type");
            } else if !name.as_str().is_empty() && !self.may_be_missing_import() {
                self.error(self.pos_of(e), format!("undefined: {name}"));
            }
            return;
        };
        let o = store.obj(obj);
        if scope.is_none() && (obj == store.universe().any || obj == store.universe().comparable) {
            let pos = self.pos_of(e);
            if !self.verify_version(pos, 18, |_| format!("predeclared {name}")) {
                return;
            }
        }
        self.record_use(e, obj);

        let got_type = matches!(o.kind, ObjKind::TypeName);
        if want_type && !got_type {
            let message = format!("{name} ({}) is not a type", self.kind_str(obj));
            self.error(self.pos_of(e), message);
            self.mark_used(obj);
            return;
        }
        // A function asked for inside its own signature: only its type parameters are known then.
        let in_own_signature = o.typ.get().is_none()
            && matches!(o.kind, ObjKind::Func { .. })
            && self.path_index(obj).is_some();
        // A type of this package is asked for again even when known, to notice cycles.
        if in_own_signature {
            self.add_decl_dep(obj);
            x.mode = Mode::Value;
            x.typ = self
                .open_signatures
                .iter()
                .find(|open| open.0 == obj)
                .map_or(store.universe().empty_signature, |open| open.1);
            return;
        }
        if o.typ.get().is_none() || (got_type && want_type && o.pkg == Some(self.pkg)) {
            self.obj_decl(obj);
        }
        let typ = o.typ.get().unwrap_or(store.invalid());

        if let Some(scope) = scope
            && !self.dot_imports.is_empty()
            && let Some(&import) = self.dot_imports.get(&(scope, name))
        {
            store.obj(import).used.store(true, Ordering::Relaxed);
        }

        match &o.kind {
            ObjKind::PkgName { .. } => {
                self.error(self.pos_of(e), format!("use of package {name} not in selector"));
                return;
            }
            ObjKind::Const { value } => {
                self.add_decl_dep(obj);
                if !is_valid(store, typ) {
                    return;
                }
                if obj == store.universe().iota {
                    let Some(iota) = self.env.iota.clone() else {
                        let pos = self.pos_of(e);
                        self.error(pos, "cannot use iota outside constant declaration");
                        return;
                    };
                    x.val = iota;
                } else {
                    x.val = value.get().cloned().unwrap_or(ConstValue::Unknown);
                }
                x.mode = Mode::Constant;
            }
            ObjKind::TypeName => x.mode = Mode::TypeExpr,
            ObjKind::Var { .. } => {
                self.mark_used(obj);
                self.add_decl_dep(obj);
                if !is_valid(store, typ) {
                    return;
                }
                x.mode = Mode::Variable;
            }
            ObjKind::Func { .. } => {
                self.add_decl_dep(obj);
                x.mode = Mode::Value;
            }
            ObjKind::Builtin(id) => x.mode = Mode::Builtin(*id),
            // That it is nil is told by its type, as in go/types.
            ObjKind::Nil => x.mode = Mode::Value,
            ObjKind::Label => return,
        }
        x.typ = typ;
    }

    /// Whether the current file imports a package that is not there without giving it a name: an
    /// unknown name may be what that package is called.
    fn may_be_missing_import(&self) -> bool {
        let store = self.store;
        self.files[self.env.file as usize].import_objs.values().any(|&obj| {
            match store.obj(obj).kind {
                ObjKind::PkgName { imported } => {
                    store.package(imported).fake && imported != store.universe().c_pkg
                }
                _ => false,
            }
        })
    }

    /// Notes the use of a variable of this package, or of an import.
    pub(crate) fn mark_used(&self, obj: ObjId) {
        let o = self.store.obj(obj);
        if matches!(o.kind, ObjKind::Var { .. } | ObjKind::PkgName { .. })
            && o.pkg == Some(self.pkg)
        {
            o.used.store(true, Ordering::Relaxed);
        }
    }

    /// Notes that the package-level declaration being checked refers to `to`.
    pub(crate) fn add_decl_dep(&mut self, to: ObjId) {
        let Some(from) = self.env.decl else { return };
        let o = self.store.obj(to);
        let may_be = match o.kind {
            ObjKind::Var { kind, .. } => kind == VarKind::Package,
            ObjKind::Const { .. } | ObjKind::Func { .. } => true,
            _ => false,
        };
        if may_be && o.pkg == Some(self.pkg) && self.decls.contains_key(&to) {
            self.infos[from as usize].add_dep(to);
        }
    }

    /// The type that `e` denotes, or invalid. It must not be a generic type.
    pub(crate) fn typ(&mut self, e: ExprId) -> TypeId {
        self.declared_type(e, None)
    }

    /// As [`Self::typ`]; the type must be usable for variables, so no constraint interface.
    pub(crate) fn var_type(&mut self, e: ExprId) -> TypeId {
        let t = self.declared_type(e, None);
        self.valid_var_type(e, t);
        t
    }

    /// Reports (later, when types are complete) a constraint interface.
    pub(crate) fn valid_var_type(&mut self, e: ExprId, t: TypeId) {
        let store = self.store;
        match store.ty(unalias(store, t)) {
            Type::Interface(_) | Type::Alias(_) => {}
            Type::Named(n) => {
                // Most types are known by now not to be interfaces.
                let interface = |u| matches!(store.ty(u), Type::Interface(_));
                match n.underlying.get() {
                    Some(u) if !interface(u) => return,
                    Some(u)
                        if store.obj(n.obj).pkg != Some(self.pkg)
                            && n.origin.is_none()
                            && type_set(store, u).is_method_set() =>
                    {
                        return;
                    }
                    _ => {}
                }
            }
            _ => return,
        }
        self.later(move |c| {
            let u = under(c.store, t);
            if !matches!(c.store.ty(u), Type::Interface(_)) || is_type_param(c.store, t) {
                return;
            }
            let set = type_set(c.store, u);
            if set.is_method_set() {
                return;
            }
            let why = if set.comparable {
                "interface is (or embeds) comparable"
            } else {
                "interface contains type constraints"
            };
            let message =
                format!("cannot use type {} outside a type constraint: {why}", c.type_str(t));
            c.soft_error(c.pos_of(e), message);
        });
    }

    /// As [`Self::typ`]; `def` is the type name that `e` is the right side of.
    pub(crate) fn declared_type(&mut self, e: ExprId, def: Option<ObjId>) -> TypeId {
        let mut t =
            stacker::maybe_grow(crate::RED_ZONE, crate::STACK_STEP, || self.typ_internal(e, def));
        if is_generic(self.store, t) {
            let message =
                format!("cannot use generic type {} without instantiation", self.type_str(t));
            self.error(self.pos_of(e), message);
            t = self.store.invalid();
        }
        self.record_type_expr(e, t);
        t
    }

    /// The generic type that `e` denotes. `Err` has the reason when it is a type, but not generic;
    /// invalid when it is none (an error has been reported).
    pub(crate) fn generic_type(&mut self, e: ExprId) -> Result<TypeId, String> {
        let t = self.typ_internal(e, None);
        if is_valid(self.store, t) && !is_generic(self.store, t) {
            self.record_type_expr(e, self.store.invalid());
            return Err(format!("{} is not a generic type", self.type_str(t)));
        }
        self.record_type_expr(e, t);
        Ok(t)
    }

    fn typ_internal(&mut self, e: ExprId, def: Option<ObjId>) -> TypeId {
        let store = self.store;
        match self.expr_at(e).kind {
            ExprKind::Bad => store.invalid(),
            ExprKind::Ident(_) => {
                let mut x = Operand::invalid(store.invalid());
                self.ident(&mut x, e, true);
                self.type_of_operand(&x, e)
            }
            ExprKind::Selector { .. } => {
                let mut x = Operand::invalid(store.invalid());
                self.selector(&mut x, e, true);
                self.type_of_operand(&x, e)
            }
            ExprKind::Index { x, indices } => {
                let pos = self.pos_of(e);
                self.verify_version(pos, 18, |_| "type instantiation".into());
                let indices = self.ast().expr_list(indices);
                self.instantiated_type(e, x, indices)
            }
            ExprKind::Paren(inner) => self.declared_type(inner, def),
            ExprKind::ArrayType { len: None, elem } => {
                let elem = self.var_type(elem);
                self.memo.slice(store, elem)
            }
            ExprKind::ArrayType { len: Some(len), elem } => {
                let n = if let ExprKind::Ellipsis(_) = self.expr_at(len).kind {
                    let message = "invalid use of [...] array (outside a composite literal)";
                    self.error(self.pos_of(len), message);
                    -1
                } else {
                    self.array_length(len)
                };
                let elem = self.var_type(elem);
                if n < 0 {
                    return store.invalid();
                }
                store.new_type(Type::Array { elem, len: n })
            }
            ExprKind::Ellipsis(_) => {
                self.error(self.pos_of(e), "invalid use of ...");
                store.invalid()
            }
            ExprKind::StructType(fields) => self.struct_type(fields),
            ExprKind::Star(base) => {
                let base = self.var_type(base);
                if is_valid(store, base) { self.memo.pointer(store, base) } else { store.invalid() }
            }
            ExprKind::FuncType(f) => self.func_type(f, go_syntax::ast::FieldRange::default()).0,
            ExprKind::InterfaceType(fields) => self.interface_type(e, fields, def),
            ExprKind::MapType { key: key_expr, value } => {
                let key = self.var_type(key_expr);
                let elem = self.var_type(value);
                self.check_map_key(key_expr, key);
                store.new_type(Type::Map { key, elem })
            }
            ExprKind::ChanType { dir, elem } => {
                let elem = self.var_type(elem);
                store.new_type(Type::Chan { dir, elem })
            }
            _ => {
                let message = format!("{} is not a type", self.expr_str(e));
                self.error(self.pos_of(e), message);
                self.use_exprs(&[e]);
                store.invalid()
            }
        }
    }

    fn type_of_operand(&mut self, x: &Operand, e: ExprId) -> TypeId {
        match x.mode {
            Mode::TypeExpr => return x.typ,
            Mode::Invalid => {}
            Mode::NoValue => {
                let message = format!("{} used as type", self.operand_string(x));
                self.error(self.pos_of(e), message);
            }
            _ => {
                let message = format!("{} is not a type", self.operand_string(x));
                self.error(self.pos_of(e), message);
            }
        }
        self.store.invalid()
    }

    /// Go spec, "Map types": key types must be comparable. Known late for names.
    fn check_map_key(&mut self, e: ExprId, key: TypeId) {
        if matches!(self.store.ty(unalias(self.store, key)), Type::Basic(_) | Type::Pointer(_)) {
            return;
        }
        self.later(move |c| {
            if comparable_type(c.store, key, true) {
                return;
            }
            let why =
                if is_type_param(c.store, key) { " (missing comparable constraint)" } else { "" };
            let message = format!("invalid map key type {}{why}", c.type_str(key));
            c.error(c.pos_of(e), message);
        });
    }

    fn instantiated_type(&mut self, e: ExprId, x: ExprId, indices: &'a [ExprId]) -> TypeId {
        let store = self.store;
        let generic = match self.generic_type(x) {
            Ok(t) => t,
            Err(why) => {
                let message = format!("invalid operation: {} ({why})", self.expr_str(e));
                self.error(self.pos_of(e), message);
                store.invalid()
            }
        };
        if !is_valid(store, generic) {
            // The arguments are not looked at, as in go/types.
            return generic;
        }
        let Some(targs) = self.type_list(indices) else { return store.invalid() };
        let inst = self.instance(generic, &targs);
        let pos = self.pos_of(e);
        let place = (self.env.file, pos);
        self.instance_places.entry(inst).or_insert(place);
        // The generic type may have no type parameters yet (type T[P T[P]] …): verify later.
        self.later(move |c| {
            c.record_instance(e, &targs, inst);
            let (name, tparams) = c.generic_name_and_tparams(generic);
            if !c.validate_targ_len(pos, name, tparams.len(), targs.len()) {
                return;
            }
            if let Err((i, why)) = c.verify(&tparams, &targs) {
                let pos = indices.get(i).map_or(pos, |&arg| c.pos_of(arg));
                c.soft_error(pos, why);
            } else {
                c.note_instance(&tparams, &targs);
            }
        });
        inst
    }

    /// Reports a wrong number of type arguments at `pos`.
    fn validate_targ_len(
        &mut self,
        pos: u32,
        name: base::Symbol,
        want: usize,
        have: usize,
    ) -> bool {
        if have == want {
            return true;
        }
        let how = if have < want { "not enough" } else { "too many" };
        let message = format!("{how} type arguments for type {name}: have {have}, want {want}");
        self.error(pos, message);
        false
    }

    /// The name of a generic type and its type parameters.
    fn generic_name_and_tparams(&self, t: TypeId) -> (base::Symbol, Vec<TypeId>) {
        let (obj, tparams) = match self.store.ty(t) {
            Type::Named(n) => (n.obj, &n.tparams),
            Type::Alias(a) => (a.obj, &a.tparams),
            _ => return (base::sym::BLANK, Vec::new()),
        };
        (self.store.obj(obj).name, tparams.get().map_or_else(Vec::new, |t| t.to_vec()))
    }

    /// The value of an array length, or -1 after an error.
    pub(crate) fn array_length(&mut self, e: ExprId) -> i64 {
        let store = self.store;
        if let ExprKind::Ident(name) = self.expr_at(e).kind {
            let message = match self.lookup(name).map(|obj| &store.obj(obj).kind) {
                None => Some(format!("undefined array length {name} or missing type constraint")),
                Some(ObjKind::Const { .. }) => None,
                Some(_) => Some(format!("invalid array length {name}")),
            };
            if let Some(message) = message {
                self.error(self.pos_of(e), message);
                return -1;
            }
        }
        let mut x = Operand::invalid(store.invalid());
        self.expr(None, &mut x, e);
        if x.mode != Mode::Constant {
            if x.mode != Mode::Invalid {
                let message = format!("array length {} must be constant", self.operand_string(&x));
                self.error(self.pos_of(e), message);
            }
            return -1;
        }
        if is_untyped(store, x.typ) || is_integer(store, x.typ) {
            let val = x.val.to_int();
            if representable_const(&val, Basic::Int, &self.sizes).is_some()
                && let Some(n) = val.int64_val()
                && n >= 0
            {
                return n;
            }
        }
        let what = self.operand_string(&x);
        let message = if is_integer(store, x.typ) {
            format!("invalid array length {what}")
        } else {
            format!("array length {what} must be integer")
        };
        self.error(self.pos_of(e), message);
        -1
    }

    /// The types of a list of type expressions; `None` after an error, when all have been checked.
    pub(crate) fn type_list(&mut self, list: &[ExprId]) -> Option<Vec<TypeId>> {
        let types: Vec<TypeId> = list.iter().map(|&e| self.var_type(e)).collect();
        types.iter().all(|&t| is_valid(self.store, t)).then_some(types)
    }
}
