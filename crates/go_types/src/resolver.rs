//! Collecting what the files of a package declare, resolving its imports, and checking the
//! declarations in an order that copes with aliases.

use std::sync::atomic::Ordering;

use base::{FxHashMap, FxHashSet, Symbol, sym};
use go_syntax::ast::{
    DeclKind, ExprId, ExprKind, ExprRange, FuncDeclId, IdentRange, SpecId, SpecKind, SpecRange,
};

use crate::checker::{Checker, DeclInfo, DeclRef};
use crate::constant::unquote_string;
use crate::object::{ObjKind, Object, VarKind};
use crate::scope::{Scope, ScopeId};
use crate::store::{ObjId, PkgId};

/// A constant spec with what it takes over from the one before.
pub(crate) struct ConstSpec {
    pub names: IdentRange,
    pub ty: Option<ExprId>,
    pub values: ExprRange,
    pub inherited: bool,
    pub iota: u32,
    /// Offset of the end of the spec.
    pub end: u32,
}

/// A method found while collecting, with the name of its receiver's type.
struct MethodFound {
    obj: ObjId,
    ptr: bool,
    base: Symbol,
}

impl Checker<'_> {
    /// Declares everything at package level and the imports of each file.
    pub(crate) fn collect_objects(&mut self) {
        let package_scope = self.scopes.push(Scope::new(None, None));
        self.package_scope = package_scope;
        let mut methods = Vec::new();
        for file in 0..self.asts.len() {
            self.env.file = file as u32;
            let scope = self.scopes.push(Scope::new(Some(package_scope), None));
            self.file_scopes.push(scope);
            self.env.scope = Some(scope);
            let ast = self.ast();
            if ast.package.name.is_blank() && ast.errors.is_empty() {
                self.error(ast.package.pos, "invalid package name _");
            }
            for &decl in &ast.decls {
                match ast.all_decls[decl].kind {
                    DeclKind::Bad => {}
                    DeclKind::Import(specs) => {
                        for spec in ast.spec_ids(specs) {
                            self.collect_import(spec, scope);
                        }
                    }
                    DeclKind::Const(specs) => self.collect_consts(specs, scope),
                    DeclKind::Var(specs) => {
                        for spec in ast.spec_ids(specs) {
                            self.collect_vars(spec, scope);
                        }
                    }
                    DeclKind::Type(specs) => {
                        for spec in ast.spec_ids(specs) {
                            let SpecKind::Type { name, .. } = ast.specs[spec].kind else {
                                continue;
                            };
                            let obj = self.new_package_obj(ObjKind::TypeName, name.name, name.pos);
                            let info = DeclInfo { spec: Some(spec), ..self.decl_info(scope) };
                            let info = self.new_info(info);
                            self.declare_package_obj(name, obj, info);
                        }
                    }
                    DeclKind::Func(func) => self.collect_func(func, scope, &mut methods),
                }
            }
        }
        self.check_file_scopes();
        for m in methods {
            if let Some((ptr, base)) = self.resolve_base_type_name(m.ptr, m.base) {
                if let ObjKind::Func { ptr_recv, .. } = &self.store.obj(m.obj).kind {
                    ptr_recv.store(ptr, Ordering::Relaxed);
                }
                self.methods.entry(base).or_default().push(m.obj);
            }
        }
        let scope: FxHashMap<Symbol, ObjId> = self.scopes[package_scope].names().collect();
        self.store.package(self.pkg).scope.get_or_init(|| scope);
    }

    fn decl_info(&self, scope: ScopeId) -> DeclInfo {
        DeclInfo {
            file: self.env.file,
            scope,
            lhs: Vec::new(),
            ty: None,
            init: None,
            inherited: false,
            iota: 0,
            spec: None,
            func: None,
            deps: Vec::new(),
        }
    }

    fn new_info(&mut self, info: DeclInfo) -> u32 {
        self.infos.push(info);
        self.infos.len() as u32 - 1
    }

    fn new_package_obj(&self, kind: ObjKind, name: Symbol, pos: u32) -> ObjId {
        let place = Some((self.file_id(), pos));
        self.store.new_obj(Object::new(kind, name, Some(self.pkg), place, None))
    }

    /// Enters an object into the table of declarations, in source order.
    fn add_decl(&mut self, obj: ObjId, info: u32) {
        let order = self.obj_list.len() as u32;
        self.decls.insert(obj, DeclRef { info, order });
        self.obj_list.push(obj);
    }

    fn declare_package_obj(&mut self, ident: go_syntax::ast::Ident, obj: ObjId, info: u32) {
        if ident.name == sym::INIT {
            self.error(ident.pos, "cannot declare init - must be func");
            return;
        }
        if ident.name == sym::MAIN && self.package_name() == sym::MAIN {
            self.error(ident.pos, "cannot declare main - must be func");
            return;
        }
        self.declare(self.package_scope, Some(ident), obj, 0);
        self.add_decl(obj, info);
    }

    fn package_name(&self) -> Symbol {
        self.store.package(self.pkg).name.get().copied().unwrap_or(sym::BLANK)
    }

    fn collect_import(&mut self, spec: SpecId, file_scope: ScopeId) {
        let store = self.store;
        let ast = self.ast();
        let SpecKind::Import { name: local, path: path_expr } = ast.specs[spec].kind else {
            return;
        };
        let text = &self.text()[ast.expr(path_expr).span.range()];
        let path = unquote_string(text).and_then(|p| String::from_utf8(p).ok());
        let Some(path) = path.filter(|p| valid_import_path(p)) else {
            self.error_at(path_expr, "invalid import path");
            return;
        };
        let path = Symbol::intern(&path);
        let imported = self.import_package(path, path_expr);
        let package = store.package(imported);
        let name = match local {
            Some(ident) if path == sym::C => {
                self.error(ident.pos, "cannot rename import \"C\"");
                return;
            }
            Some(ident) => ident.name,
            None => package.name.get().copied().unwrap_or(sym::BLANK),
        };
        if name == sym::INIT {
            let pos = ast.specs[spec].span.start;
            self.error(pos, "cannot import package as init - init must be a func");
            return;
        }
        let pos = local.map_or(ast.specs[spec].span.start, |l| l.pos);
        let place = Some((self.file_id(), pos));
        let kind = ObjKind::PkgName { imported };
        let obj = Object::new(kind, name, Some(self.pkg), place, Some(store.invalid()));
        obj.used.store(package.fake, Ordering::Relaxed);
        let obj = store.new_obj(obj);
        match local {
            Some(ident) => self.record_decl(ident, obj),
            None => {
                self.files[self.env.file as usize].import_objs.insert(spec, obj);
            }
        }
        self.package_names.push(obj);
        if name == sym::DOT {
            self.dot_import(obj, imported, file_scope, pos);
        } else {
            self.declare(file_scope, None, obj, 0);
        }
    }

    /// Puts the exported names of a package into the file scope.
    fn dot_import(&mut self, import: ObjId, imported: PkgId, file_scope: ScopeId, pos: u32) {
        let Some(names) = self.store.package(imported).scope.get() else { return };
        let mut names: Vec<(Symbol, ObjId)> =
            names.iter().map(|(&n, &o)| (n, o)).filter(|n| n.0.is_exported()).collect();
        names.sort_by_key(|n| n.0.as_str());
        for (name, obj) in names {
            if self.scopes[file_scope].insert(name, obj).is_some() {
                self.error(pos, format!("{name} redeclared in this block"));
            } else {
                self.dot_imports.insert((file_scope, name), import);
            }
        }
    }

    fn import_package(&mut self, path: Symbol, at: ExprId) -> PkgId {
        let universe = self.store.universe();
        if path == sym::C {
            return universe.c_pkg;
        }
        if path == sym::UNSAFE {
            return universe.unsafe_pkg;
        }
        if let Some(&pkg) = self.imports.get(&path) {
            return pkg;
        }
        self.error_at(at, format!("could not import {path}"));
        let pkg = self.store.new_package(path, true);
        self.store.package(pkg).name.get_or_init(|| guessed_name(path));
        self.imports.insert(path, pkg);
        pkg
    }

    fn collect_consts(&mut self, specs: SpecRange, scope: ScopeId) {
        let ast = self.ast();
        for spec in self.const_specs(specs) {
            for (i, &ident) in ast.ident_list(spec.names).iter().enumerate() {
                let kind = ObjKind::Const { value: std::sync::OnceLock::new() };
                let obj = self.new_package_obj(kind, ident.name, ident.pos);
                let info = DeclInfo {
                    ty: spec.ty,
                    init: ast.expr_list(spec.values).get(i).copied(),
                    inherited: spec.inherited,
                    iota: spec.iota,
                    ..self.decl_info(scope)
                };
                let info = self.new_info(info);
                self.declare_package_obj(ident, obj, info);
            }
        }
    }

    /// The specs of a const declaration with their implicit repetitions filled in.
    pub(crate) fn const_specs(&mut self, specs: SpecRange) -> Vec<ConstSpec> {
        let ast = self.ast();
        let mut made = Vec::with_capacity(specs.len());
        let mut last: Option<(Option<ExprId>, ExprRange)> = None;
        for id in ast.spec_ids(specs) {
            let spec = &ast.specs[id];
            let SpecKind::Value { names, ty, values, iota } = spec.kind else { continue };
            let own = ty.is_some() || !values.is_empty();
            let inherited = !own && last.is_some();
            if own || last.is_none() {
                last = Some((ty, values));
            }
            let (ty, values) = last.unwrap_or((ty, values));
            self.const_arity(names, values, inherited, spec.span.start);
            made.push(ConstSpec { names, ty, values, inherited, iota, end: spec.span.end });
        }
        made
    }

    fn const_arity(&mut self, names: IdentRange, values: ExprRange, inherited: bool, pos: u32) {
        let ast = self.ast();
        let (l, r) = (names.len(), values.len());
        if l < r {
            if inherited {
                self.error(pos, "extra init expr");
            } else {
                let extra = ast.expr_list(values)[l];
                let what = self.expr_str(extra);
                self.error_at(extra, format!("extra init expr {what}"));
            }
        } else if l > r {
            let name = ast.ident_list(names)[r];
            self.error(name.pos, format!("missing init expr for {}", name.name));
        }
    }

    /// Reports a var spec whose numbers of names and values do not go together.
    pub(crate) fn var_arity(&mut self, spec: SpecId) {
        let ast = self.ast();
        let SpecKind::Value { names, ty, values, .. } = ast.specs[spec].kind else { return };
        let (l, r) = (names.len(), values.len());
        if r == 0 {
            if ty.is_none() {
                self.error(ast.specs[spec].span.start, "missing type or init expr");
            }
        } else if l < r {
            let extra = ast.expr_list(values)[l];
            let what = self.expr_str(extra);
            self.error_at(extra, format!("extra init expr {what}"));
        } else if l > r && r != 1 {
            let name = ast.ident_list(names)[r];
            self.error(name.pos, format!("missing init expr for {}", name.name));
        }
    }

    fn collect_vars(&mut self, spec: SpecId, scope: ScopeId) {
        let ast = self.ast();
        let SpecKind::Value { names, ty, values, .. } = ast.specs[spec].kind else { return };
        self.var_arity(spec);
        let (names, values) = (ast.ident_list(names), ast.expr_list(values));
        let objs: Vec<ObjId> = names
            .iter()
            .map(|ident| {
                let kind = ObjKind::Var { kind: VarKind::Package, origin: None };
                self.new_package_obj(kind, ident.name, ident.pos)
            })
            .collect();
        // One value for several variables: they share it, and what it refers to.
        let shared = match values {
            [value] => {
                let info =
                    DeclInfo { lhs: objs.clone(), ty, init: Some(*value), ..self.decl_info(scope) };
                Some(self.new_info(info))
            }
            _ => None,
        };
        for (i, (&ident, &obj)) in names.iter().zip(&objs).enumerate() {
            let info = match shared {
                Some(info) => info,
                None => {
                    let init = values.get(i).copied();
                    let info = DeclInfo { ty, init, ..self.decl_info(scope) };
                    self.new_info(info)
                }
            };
            self.declare_package_obj(ident, obj, info);
        }
    }

    fn collect_func(&mut self, func: FuncDeclId, scope: ScopeId, methods: &mut Vec<MethodFound>) {
        let ast = self.ast();
        let decl = ast.func_decls[func];
        let name = decl.name.name;
        let ftype = ast.func_types[decl.ty];
        let place = Some((self.file_id(), decl.name.pos));
        let obj = self.store.new_obj(Object::func(name, Some(self.pkg), place, None));
        let first_tparam = ast.field_list(ftype.tparams).first().map(|f| f.span.start);
        if let Some(recv) = ast.field_list(decl.recv).first() {
            let parts = self.unpack_recv(recv.ty);
            if let ExprKind::Ident(base) = ast.expr(parts.base).kind
                && !name.is_blank()
            {
                methods.push(MethodFound { obj, ptr: parts.ptr, base });
            }
            if let Some(pos) = first_tparam {
                self.verify_version(pos, 27, |_| "generic method".into());
            }
            self.record_decl(decl.name, obj);
        } else {
            let special =
                name == sym::INIT || (name == sym::MAIN && self.package_name() == sym::MAIN);
            if special {
                if let Some(pos) = first_tparam {
                    self.soft_error(pos, format!("func {name} must have no type parameters"));
                }
                if !ftype.params.is_empty() || !ftype.results.is_empty() {
                    let message =
                        format!("func {name} must have no arguments and no return values");
                    self.soft_error(decl.name.pos, message);
                }
            } else if let Some(pos) = first_tparam {
                self.verify_version(pos, 18, |_| "type parameter".into());
            }
            if name == sym::INIT {
                self.record_decl(decl.name, obj);
                if decl.body.is_none() {
                    self.soft_error(decl.name.pos, "func init must have a body");
                }
            } else {
                self.declare(self.package_scope, Some(decl.name), obj, 0);
            }
        }
        let info = DeclInfo { func: Some(func), ..self.decl_info(scope) };
        let info = self.new_info(info);
        self.add_decl(obj, info);
    }

    /// A file must not import under a name that its package declares.
    fn check_file_scopes(&mut self) {
        for i in 0..self.file_scopes.len() {
            self.env.file = i as u32;
            let scope = self.file_scopes[i];
            let mut clashes: Vec<(Symbol, ObjId, ObjId)> = self.scopes[scope]
                .names()
                .filter_map(|(name, obj)| {
                    Some((name, obj, self.scopes[self.package_scope].get(name)?))
                })
                .collect();
            clashes.sort_by_key(|c| c.0.as_str());
            for (name, imported, own) in clashes {
                let o = self.store.obj(imported);
                let message = match o.kind {
                    ObjKind::PkgName { imported } => {
                        let path = self.store.package(imported).path;
                        format!("{name} already declared through import of {path}")
                    }
                    _ => format!("{name} already declared through dot-import"),
                };
                self.error_at_obj(own, message);
                if o.pkg == Some(self.pkg) {
                    self.note_other_declaration(imported);
                }
            }
        }
    }

    /// Follows aliases from the name in a receiver to the type name that gets the method.
    fn resolve_base_type_name(&self, mut ptr: bool, mut name: Symbol) -> Option<(bool, ObjId)> {
        let mut seen = FxHashSet::default();
        loop {
            let obj = self.scopes[self.package_scope].get(name)?;
            if !seen.insert(obj) {
                return None;
            }
            let info = &self.infos[self.decls.get(&obj)?.info as usize];
            let ast = self.asts[info.file as usize];
            let SpecKind::Type { tparams, is_alias, ty, .. } = ast.specs[info.spec?].kind else {
                return None;
            };
            if !is_alias {
                return Some((ptr, obj));
            }
            if !tparams.is_empty() {
                return None;
            }
            let mut target = ast.unparen(ty);
            if let ExprKind::Star(x) = ast.expr(target).kind {
                if ptr {
                    return None;
                }
                ptr = true;
                target = ast.unparen(x);
            }
            let ExprKind::Ident(next) = ast.expr(target).kind else { return None };
            name = next;
        }
    }

    /// Checks all declarations, but no function bodies: defined types first, then aliases, then
    /// the rest, so that aliases are rarely asked for before they are known.
    pub(crate) fn package_objects(&mut self) {
        let list = self.obj_list.clone();
        let (mut aliases, mut others) = (Vec::new(), Vec::new());
        for obj in list {
            if !matches!(self.store.obj(obj).kind, ObjKind::TypeName) {
                others.push(obj);
            } else if self.declares_alias(obj) {
                aliases.push(obj);
            } else {
                self.obj_decl(obj);
            }
        }
        for obj in aliases.into_iter().chain(others) {
            self.obj_decl(obj);
        }
        self.methods.clear();
    }

    fn declares_alias(&self, obj: ObjId) -> bool {
        let Some(decl) = self.decls.get(&obj) else { return false };
        let info = &self.infos[decl.info as usize];
        let Some(spec) = info.spec else { return false };
        matches!(
            self.asts[info.file as usize].specs[spec].kind,
            SpecKind::Type { is_alias: true, .. }
        )
    }

    /// Go spec, "Import declarations": an import must be used.
    pub(crate) fn unused_imports(&mut self) {
        for i in 0..self.package_names.len() {
            let obj = self.package_names[i];
            let o = self.store.obj(obj);
            if o.name.is_blank() || o.used.load(Ordering::Relaxed) {
                continue;
            }
            let ObjKind::PkgName { imported } = o.kind else { continue };
            let path = self.store.package(imported).path.as_str();
            let last = path.rsplit('/').next().unwrap_or(path);
            let message = if o.name == sym::DOT || o.name.as_str() == last {
                format!("{path:?} imported and not used")
            } else {
                format!("{path:?} imported as {} and not used", o.name)
            };
            self.soft_error_at_obj(obj, message);
        }
    }
}

/// Go spec, "Import declarations", with the characters that compilers exclude.
fn valid_import_path(path: &str) -> bool {
    const ILLEGAL: &str = "!\"#$%&'()*,:;<=>?[\\]^{|}`\u{FFFD}";
    !path.is_empty()
        && path.chars().all(|c| !c.is_control() && !c.is_whitespace() && !ILLEGAL.contains(c))
}

/// What a package whose source is missing is probably called.
pub(crate) fn guessed_name(path: Symbol) -> Symbol {
    let path = path.as_str().trim_end_matches('/');
    let mut parts = path.rsplit('/');
    let mut last = parts.next().unwrap_or(path);
    // example.com/lib/v2 is called lib.
    let is_version = last
        .strip_prefix('v')
        .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    if is_version && let Some(before) = parts.next() {
        last = before;
    }
    // gopkg.in/yaml.v3 is called yaml.
    if let Some((before, version)) = last.split_once(".v")
        && version.bytes().all(|b| b.is_ascii_digit())
    {
        last = before;
    }
    let last = last.strip_prefix("go-").unwrap_or(last);
    Symbol::intern(last)
}
