//! Declarations: finding the type of an object when something first asks for it, and the cycles
//! that this may run into (Go spec, "Declarations and scope").

use std::sync::atomic::Ordering;

use go_syntax::ast::{DeclId, DeclKind, ExprId, FuncDeclId, SpecId, SpecKind};

use crate::assignments::Context;
use crate::checker::{Body, Checker, DeclRef, Env};
use crate::constant::ConstValue;
use crate::expr::Target;
use crate::object::{ObjKind, Object, VarKind};
use crate::operand::Operand;
use crate::predicates::{is_const_type, is_generic, is_type_param, is_valid, unalias, under};
use crate::store::{ObjId, TypeId};
use crate::types::{Alias, Named, Type, TypeCell};

impl Checker<'_> {
    /// Makes sure that an object has a type. An object is white (no type), grey (its declaration
    /// is being checked: it is on [`Checker::path`]) or black (it has a type). Meeting a grey one
    /// is a cycle, which may be valid: `type T *T`.
    pub(crate) fn obj_decl(&mut self, obj: ObjId) {
        let store = self.store;
        let o = store.obj(obj);
        if o.color.load(Ordering::Relaxed) >= 2 {
            self.meet_grey(obj);
            return;
        }
        if o.typ.get().is_some() {
            return;
        }
        if let ObjKind::Func { origin: Some(origin), instance: Some(_), .. } = o.kind {
            // Of an instance: needs the declared method first.
            self.obj_decl(origin);
            crate::named::complete_method(store, obj);
            return;
        }
        let Some(&DeclRef { info, .. }) = self.decls.get(&obj) else {
            // The check of its package did not get this far.
            o.typ.set(self.fallback_type(obj));
            return;
        };
        let decl = &self.infos[info as usize];
        let env = Env { file: decl.file, scope: Some(decl.scope), ..Env::default() };
        let (ty, init, inherited, spec, func) =
            (decl.ty, decl.init, decl.inherited, decl.spec, decl.func);
        let outer = std::mem::replace(&mut self.env, env);
        self.push(obj);
        stacker::maybe_grow(crate::RED_ZONE, crate::STACK_STEP, || {
            self.check_decl(obj, info, (ty, init), inherited, spec, func);
        });
        self.pop();
        self.env = outer;
        if o.typ.get().is_none() {
            o.typ.set(self.fallback_type(obj));
        }
    }

    /// Finds the type of a grey object of this package.
    fn check_decl(
        &mut self,
        obj: ObjId,
        info: u32,
        (ty, init): (Option<ExprId>, Option<ExprId>),
        inherited: bool,
        spec: Option<SpecId>,
        func: Option<FuncDeclId>,
    ) {
        match &self.store.obj(obj).kind {
            ObjKind::Const { .. } => {
                self.env.decl = Some(info);
                let iota = self.infos[info as usize].iota;
                self.const_decl(obj, ty, init, inherited, iota);
            }
            ObjKind::Var { .. } => {
                self.env.decl = Some(info);
                let lhs = self.infos[info as usize].lhs.clone();
                self.package_var_decl(obj, &lhs, ty, init);
            }
            ObjKind::TypeName => {
                if let Some(spec) = spec {
                    self.type_decl(obj, spec);
                    self.collect_methods(obj);
                }
            }
            ObjKind::Func { .. } => {
                if let Some(func) = func {
                    self.func_decl(obj, func, info);
                }
            }
            ObjKind::PkgName { .. } | ObjKind::Label | ObjKind::Builtin(_) | ObjKind::Nil => {}
        }
    }

    fn fallback_type(&self, obj: ObjId) -> TypeId {
        match self.store.obj(obj).kind {
            ObjKind::Func { .. } => self.store.universe().empty_signature,
            _ => self.store.invalid(),
        }
    }

    /// A grey object was asked for: its type is what is known so far, or invalid.
    fn meet_grey(&mut self, obj: ObjId) {
        let o = self.store.obj(obj);
        let valid = self.valid_cycle(obj);
        match o.kind {
            ObjKind::Const { .. } | ObjKind::Var { .. } if !valid || o.typ.get().is_none() => {
                o.typ.set(self.store.invalid());
            }
            ObjKind::TypeName if !valid => o.typ.set(self.store.invalid()),
            _ => {}
        }
        if o.typ.get().is_none() {
            o.typ.set(self.fallback_type(obj));
        }
    }

    /// Marks an object grey.
    pub(crate) fn push(&mut self, obj: ObjId) {
        let place = self.path.len() as u32 + 2;
        self.store.obj(obj).color.store(place, Ordering::Relaxed);
        self.path.push(obj);
    }

    /// Marks the last grey object black.
    pub(crate) fn pop(&mut self) {
        if let Some(obj) = self.path.pop() {
            self.store.obj(obj).color.store(1, Ordering::Relaxed);
        }
    }

    /// Where an object stands on the path of declarations being checked, if it does.
    pub(crate) fn path_index(&self, obj: ObjId) -> Option<usize> {
        (self.store.obj(obj).color.load(Ordering::Relaxed) as usize).checked_sub(2)
    }

    /// A constant. Its value is unknown until the initialiser has been checked.
    pub(crate) fn const_decl(
        &mut self,
        obj: ObjId,
        ty: Option<ExprId>,
        init: Option<ExprId>,
        inherited: bool,
        iota: u32,
    ) {
        let outer_iota = self.env.iota.replace(ConstValue::Int(i64::from(iota)));
        let outer_err_pos = self.env.err_pos.take();
        self.const_decl_inner(obj, ty, init, inherited);
        self.env.iota = outer_iota;
        self.env.err_pos = outer_err_pos;
    }

    fn const_decl_inner(
        &mut self,
        obj: ObjId,
        ty: Option<ExprId>,
        init: Option<ExprId>,
        inherited: bool,
    ) {
        let store = self.store;
        let o = store.obj(obj);
        if let Some(ty) = ty {
            let t = self.typ(ty);
            if !is_const_type(store, t) {
                if is_valid(store, under(store, t)) {
                    let message = format!("invalid constant type {}", self.type_str(t));
                    self.error(self.pos_of(ty), message);
                }
                o.typ.set(store.invalid());
                return;
            }
            o.typ.set(t);
        }
        let mut x = Operand::invalid(store.invalid());
        if let Some(init) = init {
            if inherited {
                // The initialiser is that of an earlier spec; errors belong here.
                self.env.err_pos = Some(o.pos);
            }
            self.expr(None, &mut x, init);
        }
        self.init_const(obj, &mut x);
    }

    /// A variable of the package. When its type is written, its initialiser can wait until
    /// function bodies are checked: importers do not need it.
    fn package_var_decl(
        &mut self,
        obj: ObjId,
        lhs: &[ObjId],
        ty: Option<ExprId>,
        init: Option<ExprId>,
    ) {
        if let (Some(ty), Some(init)) = (ty, init)
            && lhs.len() <= 1
        {
            let t = self.var_type(ty);
            self.store.obj(obj).typ.set(t);
            let env = self.env.clone();
            self.bodies.push(Body::Init { obj, init, env });
            return;
        }
        self.var_decl(obj, lhs, ty, init);
    }

    /// Checks the initialiser of a variable whose type is known.
    pub(crate) fn delayed_var_init(&mut self, obj: ObjId, init: ExprId, env: Env) {
        let outer = std::mem::replace(&mut self.env, env);
        self.var_init(obj, init);
        self.env = outer;
    }

    fn var_init(&mut self, obj: ObjId, init: ExprId) {
        let o = self.store.obj(obj);
        let mut x = Operand::invalid(self.store.invalid());
        let target = o.typ.get().map(|typ| Target { typ });
        self.expr(target, &mut x, init);
        self.init_var(obj, &mut x, Context::Text("variable declaration"));
    }

    /// A variable, with its type or its initialiser or both. `lhs` has all variables of
    /// `var a, b = f()`, which get their types together.
    pub(crate) fn var_decl(
        &mut self,
        obj: ObjId,
        lhs: &[ObjId],
        ty: Option<ExprId>,
        init: Option<ExprId>,
    ) {
        let store = self.store;
        let o = store.obj(obj);
        if let Some(ty) = ty {
            let t = self.var_type(ty);
            o.typ.set(t);
        }
        let Some(init) = init else {
            if ty.is_none() {
                o.typ.set(store.invalid());
            }
            return;
        };
        if lhs.len() <= 1 {
            self.var_init(obj, init);
            return;
        }
        if let (Some(_), Some(t)) = (ty, o.typ.get()) {
            for &v in lhs {
                store.obj(v).typ.set(t);
            }
        }
        self.init_vars(lhs, &[init], None);
    }

    /// A type definition or alias; `obj` is grey.
    pub(crate) fn type_decl(&mut self, obj: ObjId, spec: SpecId) {
        let store = self.store;
        let SpecKind::Type { tparams, is_alias, ty, .. } = self.ast().specs[spec].kind else {
            return;
        };
        self.later(move |c| {
            if let Some(t) = c.store.obj(obj).typ.get()
                && matches!(c.store.ty(unalias(c.store, t)), Type::Named(_))
            {
                c.valid_type(t);
            }
        });
        let first_tparam = self.ast().field_list(tparams).first().map(|f| f.span.start);
        if is_alias {
            let newer = first_tparam
                .is_none_or(|pos| self.verify_version(pos, 23, |_| "generic type alias".into()));
            if newer {
                self.verify_version(self.store.obj(obj).pos, 9, |_| "type alias".into());
            }
            let t = store.new_type(Type::Alias(Box::new(Alias {
                obj,
                origin: None,
                targs: Box::default(),
                tparams: std::sync::OnceLock::new(),
                rhs: TypeCell::default(),
            })));
            let Type::Alias(alias) = store.ty(t) else { unreachable!("made an alias") };
            if store.obj(obj).typ.get().is_none() {
                store.obj(obj).typ.set(t);
            }
            if first_tparam.is_some() {
                self.open_scope();
                self.collect_tparams(Some(&alias.tparams), tparams);
            }
            let mut rhs = self.declared_type(ty, Some(obj));
            let own = alias.tparams.get().is_some_and(|own| own.contains(&rhs));
            if own {
                let message = "cannot use type parameter declared in alias declaration as RHS";
                self.error(self.pos_of(ty), message);
                rhs = store.invalid();
            }
            if alias.rhs.get().is_none() {
                alias.rhs.set(rhs);
            }
            if first_tparam.is_some() {
                self.close_scope();
            }
            return;
        }
        if let Some(pos) = first_tparam {
            self.verify_version(pos, 18, |_| "type parameter".into());
        }
        let t = store.new_type(Type::Named(Box::new(Named {
            obj,
            origin: None,
            targs: Box::default(),
            tparams: std::sync::OnceLock::new(),
            rhs: TypeCell::default(),
            underlying: TypeCell::default(),
            methods: parking_lot::RwLock::default(),
            index: std::sync::OnceLock::new(),
        })));
        let Type::Named(named) = store.ty(t) else { unreachable!("made a named type") };
        if store.obj(obj).typ.get().is_none() {
            store.obj(obj).typ.set(t);
        }
        if first_tparam.is_some() {
            self.open_scope();
            self.collect_tparams(Some(&named.tparams), tparams);
        }
        let rhs = self.declared_type(ty, Some(obj));
        if is_type_param(store, rhs) {
            self.error(self.pos_of(ty), "cannot use a type parameter as RHS in type declaration");
            named.rhs.set(store.invalid());
        } else if named.rhs.get().is_none() {
            named.rhs.set(rhs);
        }
        if first_tparam.is_some() {
            self.close_scope();
        }
    }

    /// A function or method; its body waits for [`Checker::check_bodies`].
    fn func_decl(&mut self, obj: ObjId, func: FuncDeclId, info: u32) {
        let decl = self.ast().func_decls[func];
        let (sig, scope) = self.declared_func_type(obj, decl.ty, decl.recv);
        self.store.obj(obj).typ.set(sig);
        let generic = !self.ast().func_types[decl.ty].tparams.is_empty();
        match decl.body {
            None if generic => {
                self.soft_error(decl.name.pos, "generic function is missing function body");
            }
            None => {}
            Some(body) => {
                self.bodies.push(Body::Func { file: self.env.file, decl: info, sig, scope, body });
            }
        }
    }

    /// A declaration inside a function.
    pub(crate) fn decl_stmt(&mut self, decl: DeclId) {
        match self.ast().all_decls[decl].kind {
            DeclKind::Const(specs) => self.local_consts(specs),
            DeclKind::Var(specs) => {
                for spec in self.ast().spec_ids(specs) {
                    self.local_vars(spec);
                }
            }
            DeclKind::Type(specs) => {
                for spec in self.ast().spec_ids(specs) {
                    let SpecKind::Type { name, .. } = self.ast().specs[spec].kind else { continue };
                    let place = Some((self.file_id(), name.pos));
                    let obj =
                        Object::new(ObjKind::TypeName, name.name, Some(self.pkg), place, None);
                    let obj = self.store.new_obj(obj);
                    self.declare(self.scope(), Some(name), obj, name.pos);
                    self.note_local_type(obj);
                    self.push(obj);
                    self.type_decl(obj, spec);
                    self.pop();
                }
            }
            DeclKind::Bad | DeclKind::Import(_) | DeclKind::Func(_) => {}
        }
    }

    fn local_consts(&mut self, specs: go_syntax::ast::SpecRange) {
        let ast = self.ast();
        for spec in self.const_specs(specs) {
            let top = self.delayed.len();
            let mut objs = Vec::with_capacity(spec.names.len());
            for (i, name) in ast.ident_list(spec.names).iter().enumerate() {
                let place = Some((self.file_id(), name.pos));
                let kind = ObjKind::Const { value: std::sync::OnceLock::new() };
                let obj = Object::new(kind, name.name, Some(self.pkg), place, None);
                let obj = self.store.new_obj(obj);
                objs.push(obj);
                let init = ast.expr_list(spec.values).get(i).copied();
                self.const_decl(obj, spec.ty, init, spec.inherited, spec.iota);
            }
            self.process_delayed(top);
            for (name, &obj) in ast.ident_list(spec.names).iter().zip(&objs) {
                self.declare(self.scope(), Some(*name), obj, spec.end);
            }
        }
    }

    fn local_vars(&mut self, spec: SpecId) {
        let ast = self.ast();
        self.var_arity(spec);
        let span = ast.specs[spec].span;
        let SpecKind::Value { names, ty, values, .. } = ast.specs[spec].kind else { return };
        let (names, values) = (ast.ident_list(names), ast.expr_list(values));
        let top = self.delayed.len();
        let objs: Vec<ObjId> = names
            .iter()
            .map(|name| {
                let place = Some((self.file_id(), name.pos));
                let var = Object::var(VarKind::Local, name.name, Some(self.pkg), place, None);
                self.store.new_obj(var)
            })
            .collect();
        for (i, &obj) in objs.iter().enumerate() {
            if values.len() == names.len() {
                self.var_decl(obj, &[], ty, Some(values[i]));
            } else if let [value] = values {
                // One call for all: they get their types together.
                self.var_decl(obj, &objs, ty, Some(*value));
                break;
            } else {
                self.var_decl(obj, &[], ty, values.get(i).copied());
            }
        }
        self.process_delayed(top);
        for (name, &obj) in names.iter().zip(&objs) {
            if self.store.obj(obj).typ.get().is_none() {
                self.store.obj(obj).typ.set(self.store.invalid());
            }
            self.declare(self.scope(), Some(*name), obj, span.end);
        }
    }

    /// Gives a type its declared methods.
    fn collect_methods(&mut self, obj: ObjId) {
        let store = self.store;
        let Some(methods) = self.methods.remove(&obj) else { return };
        let base = store.obj(obj).typ.get().filter(|&t| matches!(store.ty(t), Type::Named(_)));
        if let Some(base) = base {
            self.later(move |c| c.check_field_uniqueness(base));
        }
        let mut kept: Vec<ObjId> = Vec::with_capacity(methods.len());
        let mut by_name = base::FxHashMap::default();
        for m in methods {
            let name = store.obj(m).name;
            if let Some(&other) = by_name.get(&name) {
                let message = format!("method {}.{name} already declared", store.obj(obj).name);
                self.error_at_obj(m, message);
                self.note_other_declaration(other);
                continue;
            }
            by_name.insert(name, m);
            kept.push(m);
        }
        if let Some(Type::Named(named)) = base.map(|t| store.ty(t)) {
            named.methods.write().extend(kept.into_iter().map(Some));
        }
    }

    /// A struct's fields must not have the names of its methods.
    fn check_field_uniqueness(&mut self, base: TypeId) {
        let store = self.store;
        let Type::Named(named) = store.ty(base) else { return };
        let Type::Struct(s) = store.ty(under(store, base)) else { return };
        let methods = named.methods.read();
        if methods.is_empty() {
            return;
        }
        // Unexported names of different packages differ: type T other.Struct may have both.
        let key = |o: ObjId| {
            let o = store.obj(o);
            (o.name, if o.name.is_exported() { None } else { o.pkg })
        };
        let by_name: base::FxHashMap<_, _> =
            methods.iter().flatten().map(|&m| (key(m), m)).collect();
        drop(methods);
        for &field in &s.fields {
            let name = store.obj(field).name;
            if let Some(&method) = by_name.get(&key(field)).filter(|_| !name.is_blank()) {
                let message = format!("field and method with the same name {name}");
                self.error_at_obj(method, message);
                self.note_other_declaration(field);
            }
        }
    }

    /// Whether an object's type is a generic type that is not instantiated.
    pub(crate) fn declares_generic(&self, obj: ObjId) -> bool {
        self.store.obj(obj).typ.get().is_some_and(|t| is_generic(self.store, t))
    }
}
