//! Struct and interface types, and the unions of constraints (Go spec, "Struct types",
//! "Interface types").

use base::{FxHashMap, Symbol, sym};
use go_syntax::ast::{BinaryOp, ExprId, ExprKind, FieldRange, Ident, UnaryOp};
use smallvec::SmallVec;

use crate::checker::Checker;
use crate::constant::unquote_string;
use crate::lookup::deref;
use crate::object::{Object, VarKind};
use crate::predicates::{identical, is_type_param, is_valid};
use crate::store::{ObjId, PkgId, TypeId};
use crate::types::{Basic, Interface, Struct, Term, Type};
use crate::typeset::{MAX_TERMS, disjoint_terms, sort_methods, type_set, union_is_too_long};
use crate::under::{unalias, under};

impl<'a> Checker<'a> {
    /// `struct { … }`
    pub(crate) fn struct_type(&mut self, fields: FieldRange) -> TypeId {
        let ast = self.ast();
        let list = ast.field_list(fields);
        let mut vars: Vec<ObjId> = Vec::with_capacity(list.len());
        let mut tags: Vec<Option<Symbol>> = Vec::new();
        let mut names = NameSet::default();
        for f in list {
            let mut typ = self.var_type(f.ty);
            let mut tag = f.tag.and_then(|t| self.field_tag(t));
            let embedded = f.names.is_empty();
            let embedded_name;
            let idents = if embedded {
                let name = self.embedded_name(f.ty);
                if name.is_none() {
                    let what = self.expr_str(f.ty);
                    self.error_at(f.ty, format!("embedded field type {what} has no name"));
                    typ = self.store.invalid();
                    tag = None;
                }
                let at = ast.expr(f.ty).span.start;
                embedded_name = [name.unwrap_or(Ident { name: sym::BLANK, pos: at })];
                &embedded_name[..]
            } else {
                ast.ident_list(f.names)
            };
            for ident in idents {
                let place = Some((self.file_id(), ident.pos));
                let kind = VarKind::Field { embedded };
                let var = Object::var(kind, ident.name, Some(self.pkg), place, Some(typ));
                let var = self.store.new_obj(var);
                if let Some(other) = names.insert(ident.name, var) {
                    self.error(ident.pos, format!("{} redeclared", ident.name));
                    self.note_other_declaration(other);
                    continue;
                }
                if tag.is_some() && tags.is_empty() {
                    tags.resize(vars.len(), None);
                }
                if tag.is_some() || !tags.is_empty() {
                    tags.push(tag);
                }
                vars.push(var);
                self.record_decl(*ident, var);
            }
            if embedded {
                self.check_embedded(f.ty, typ);
            }
        }
        let made = Struct::new(vars.into_boxed_slice(), tags.into_boxed_slice());
        self.store.new_type(Type::Struct(Box::new(made)))
    }

    /// Go spec, "Struct types": what may be embedded. Known late for names.
    fn check_embedded(&mut self, e: ExprId, t: TypeId) {
        self.later(move |c| {
            let store = c.store;
            let (base, is_ptr) = deref(store, t);
            let message = match store.ty(under(store, base)) {
                Type::Basic(Basic::UnsafePointer) => "embedded field type cannot be unsafe.Pointer",
                Type::Pointer(_) => "embedded field type cannot be a pointer",
                Type::Interface(_) if is_type_param(store, base) => {
                    "embedded field type cannot be a (pointer to a) type parameter"
                }
                Type::Interface(_) if is_ptr => {
                    "embedded field type cannot be a pointer to an interface"
                }
                _ => return,
            };
            c.error_at(e, message);
        });
    }

    /// The name of an embedded field: that of its type.
    fn embedded_name(&self, e: ExprId) -> Option<Ident> {
        let ast = self.ast();
        match ast.expr(e).kind {
            ExprKind::Ident(name) => Some(Ident { name, pos: ast.expr(e).span.start }),
            ExprKind::Star(x) if !matches!(ast.expr(x).kind, ExprKind::Star(_)) => {
                self.embedded_name(x)
            }
            ExprKind::Selector { sel, .. } => {
                Some(Ident { name: sel, pos: ast.selector_span(e).start })
            }
            ExprKind::Index { x, .. } => self.embedded_name(x),
            _ => None,
        }
    }

    fn field_tag(&mut self, e: ExprId) -> Option<Symbol> {
        let text = &self.text()[self.expr_at(e).span.range()];
        match unquote_string(text) {
            Some(tag) if tag.is_empty() => None,
            Some(tag) => Some(Symbol::intern(&String::from_utf8_lossy(&tag))),
            None => {
                self.error_at(e, "incorrect tag syntax");
                None
            }
        }
    }

    /// `interface { … }`; `def` is the type name that it is the right side of: the receiver of
    /// its methods then has that type.
    pub(crate) fn interface_type(
        &mut self,
        e: ExprId,
        fields: FieldRange,
        def: Option<ObjId>,
    ) -> TypeId {
        let store = self.store;
        let ast = self.ast();
        let mut methods: Vec<ObjId> = Vec::new();
        let mut receivers: SmallVec<[ObjId; 8]> = SmallVec::new();
        let mut embeddeds: Vec<TypeId> = Vec::new();
        let mut embed_pos: Vec<u32> = Vec::new();
        for f in ast.field_list(fields) {
            let Some(&name) = ast.ident_list(f.names).first() else {
                let t = self.parse_union(f.ty);
                embeddeds.push(t);
                embed_pos.push(self.pos_of(f.ty));
                continue;
            };
            if name.name.is_blank() {
                self.error(name.pos, "methods must have a unique non-blank name");
                continue;
            }
            let place = Some((self.file_id(), name.pos));
            let recv = Object::var(VarKind::Receiver, sym::EMPTY, Some(self.pkg), place, None);
            let recv = store.new_obj(recv);
            let ExprKind::FuncType(func) = ast.expr(f.ty).kind else {
                let t = self.typ(f.ty);
                if is_valid(store, t) {
                    let message = format!("{} is not a method signature", self.type_str(t));
                    self.error_at(f.ty, message);
                }
                continue;
            };
            if let Some(tparam) = ast.field_list(ast.func_types[func].tparams).first() {
                self.error(tparam.span.start, "interface methods cannot have type parameters");
            }
            let sig = self.method_type(func, recv);
            self.record_type_expr(f.ty, sig);
            let m = Object::func(name.name, Some(self.pkg), place, Some(sig));
            let m = store.new_obj(m);
            self.record_decl(name, m);
            methods.push(m);
            receivers.push(recv);
        }
        let empty = methods.is_empty() && embeddeds.is_empty();
        sort_methods(store, &mut methods);
        let made = store.new_type(Type::Interface(Box::new(Interface {
            methods: methods.into_boxed_slice(),
            embeddeds: embeddeds.into_boxed_slice(),
            embed_pos: embed_pos.into_boxed_slice(),
            implicit: false,
            type_set: std::sync::OnceLock::new(),
        })));
        let named = def
            .and_then(|d| store.obj(d).typ.get())
            .filter(|&t| matches!(store.ty(unalias(store, t)), Type::Named(_)));
        for recv in receivers {
            store.obj(recv).typ.set(named.unwrap_or(made));
        }
        if !empty {
            let (file, pos) = (self.env.file, self.pos_of(e));
            self.later(move |c| c.check_type_set(made, file, pos));
        }
        made
    }

    /// Reports methods that an interface declares twice, itself or through what it embeds, and
    /// embedded elements that may not be embedded.
    fn check_type_set(&mut self, interface: TypeId, file: u32, pos: u32) {
        let store = self.store;
        let Type::Interface(i) = store.ty(interface) else { return };
        let mut seen: FxHashMap<(Symbol, Option<PkgId>), ObjId> = FxHashMap::default();
        let key = |m: ObjId| {
            let m = store.obj(m);
            (m.name, if m.name.is_exported() { None } else { m.pkg })
        };
        for &m in &i.methods {
            if let Some(other) = seen.insert(key(m), m) {
                self.error_at_obj(m, format!("duplicate method {}", store.obj(m).name));
                self.note_other_declaration(other);
            }
        }
        for (n, &t) in i.embeddeds.iter().enumerate() {
            let at = i.embed_pos.get(n).copied().unwrap_or(pos);
            let u = under(store, t);
            if !matches!(store.ty(u), Type::Interface(_)) {
                let element = matches!(store.ty(u), Type::Union(_));
                if let Type::Union(terms) = store.ty(u)
                    && union_is_too_long(store, terms)
                {
                    self.report_in(file, at, too_many_terms(), false);
                }
                if is_valid(store, u) {
                    let what = if element { "interface element" } else { "non-interface type" };
                    self.verify_version(at, 18, |c| format!("embedding {what} {}", c.type_str(t)));
                }
                continue;
            }
            for &m in &type_set(store, u).methods {
                let Some(&other) = seen.get(&key(m)) else {
                    seen.insert(key(m), m);
                    continue;
                };
                let types = (store.obj(m).typ.get(), store.obj(other).typ.get());
                // Before Go 1.14 not even the same method may come twice.
                if let (Some(x), Some(y)) = types
                    && !(self.allow_version(14) && identical(store, x, y))
                {
                    let message = format!("duplicate method {}", store.obj(m).name);
                    self.report_in(file, at, message, false);
                    self.note_other_declaration(other);
                }
            }
        }
        type_set(store, interface);
    }

    /// A constraint: `~T` and `A | B` stand for an interface with that element only.
    pub(crate) fn bound(&mut self, e: ExprId) -> TypeId {
        let wrap = matches!(
            self.expr_at(e).kind,
            ExprKind::Unary { op: UnaryOp::Tilde, .. } | ExprKind::Binary { op: BinaryOp::Or, .. }
        );
        if !wrap {
            return self.typ(e);
        }
        let t = self.parse_union(e);
        let pos = self.pos_of(e);
        let made = self.store.new_type(Type::Interface(Box::new(Interface {
            methods: Box::default(),
            embeddeds: Box::new([t]),
            embed_pos: Box::new([pos]),
            implicit: true,
            type_set: std::sync::OnceLock::new(),
        })));
        let file = self.env.file;
        self.later(move |c| c.check_type_set(made, file, pos));
        made
    }

    /// An element of an interface: a type, `~T`, or several of them with `|` between.
    fn parse_union(&mut self, e: ExprId) -> TypeId {
        let store = self.store;
        let (mut operators, mut operands) = (Vec::new(), Vec::new());
        self.flatten_union(e, &mut operators, &mut operands);
        let mut terms: Vec<Term> = Vec::new();
        let mut union = store.invalid();
        let mut too_many = false;
        for (i, &x) in operands.iter().enumerate() {
            let term = self.parse_term(x);
            if operands.len() == 1 && !term.tilde {
                return term.ty;
            }
            if terms.len() >= MAX_TERMS {
                if !too_many {
                    self.error_at(x, too_many_terms());
                    too_many = true;
                    union = store.invalid();
                }
            } else {
                terms.push(term);
                // go/types records each `A | B` inside `A | B | C` with the terms so far.
                if i > 0 || operands.len() == 1 {
                    union = store.new_type(Type::Union(terms.as_slice().into()));
                }
            }
            if i > 0 {
                self.record_type_expr(operators[i - 1], union);
            }
        }
        if !too_many {
            self.later(move |c| c.check_terms(&terms, &operands));
        }
        union
    }

    fn parse_term(&mut self, e: ExprId) -> Term {
        let (x, tilde) = match self.expr_at(e).kind {
            ExprKind::Unary { op: UnaryOp::Tilde, x } => (x, true),
            _ => (e, false),
        };
        let mut ty = self.typ(x);
        if is_type_param(self.store, ty) {
            if tilde {
                let what = self.expr_str(e);
                self.error_at(x, format!("type in term {what} cannot be a type parameter"));
            } else {
                self.error_at(x, "term cannot be a type parameter");
            }
            ty = self.store.invalid();
        }
        let term = Term { tilde, ty };
        if tilde {
            let union = self.store.new_type(Type::Union(Box::new([term])));
            self.record_type_expr(e, union);
        }
        term
    }

    /// Go spec, "General interfaces": what the terms of a union must not be.
    fn check_terms(&mut self, terms: &[Term], exprs: &[ExprId]) {
        let store = self.store;
        for (i, term) in terms.iter().enumerate() {
            if !is_valid(store, term.ty) {
                continue;
            }
            let u = under(store, term.ty);
            let interface = matches!(store.ty(u), Type::Interface(_));
            let name = |c: &Self| c.type_str(term.ty);
            if term.tilde && interface {
                let message = format!("invalid use of ~ ({} is an interface)", name(self));
                self.error_at(exprs[i], message);
                continue;
            }
            if term.tilde && !identical(store, u, term.ty) {
                let t = name(self);
                let message =
                    format!("invalid use of ~ (underlying type of {t} is {})", self.type_str(u));
                self.error_at(exprs[i], message);
                continue;
            }
            if interface {
                let set = type_set(store, u);
                let t = name(self);
                if !set.methods.is_empty() {
                    let message = format!("cannot use {t} in union ({t} contains methods)");
                    self.error_at(exprs[i], message);
                } else if term.ty == store.universe().comparable_type {
                    self.error_at(exprs[i], "cannot use comparable in union");
                } else if set.comparable {
                    let message = format!("cannot use {t} in union ({t} embeds comparable)");
                    self.error_at(exprs[i], message);
                }
                continue;
            }
            let is_interface = |t: TypeId| matches!(store.ty(under(store, t)), Type::Interface(_));
            let other = terms[..i]
                .iter()
                .find(|x| !is_interface(x.ty) && !disjoint_terms(store, **x, *term));
            if let Some(other) = other {
                let show = |t: &Term, c: &Self| {
                    format!("{}{}", if t.tilde { "~" } else { "" }, c.type_str(t.ty))
                };
                let message =
                    format!("overlapping terms {} and {}", show(term, self), show(other, self));
                let pos = self.pos_of(exprs[i]);
                self.soft_error(pos, message);
            }
        }
    }

    /// The operators and operands of `A | B | C`, left to right.
    fn flatten_union(&self, e: ExprId, operators: &mut Vec<ExprId>, operands: &mut Vec<ExprId>) {
        let mut at = e;
        while let ExprKind::Binary { op: BinaryOp::Or, x, y, .. } = self.expr_at(at).kind {
            operators.push(at);
            operands.push(y);
            at = x;
        }
        operands.push(at);
        operators.reverse();
        operands.reverse();
    }

    /// The text of the current file.
    #[inline]
    pub(crate) fn text(&self) -> &'a [u8] {
        self.texts[self.env.file as usize]
    }
}

fn too_many_terms() -> String {
    format!("cannot handle more than {MAX_TERMS} union terms (implementation limitation)")
}

/// The names of the fields so far.
#[derive(Default)]
struct NameSet {
    few: SmallVec<[(Symbol, ObjId); 16]>,
    many: FxHashMap<Symbol, ObjId>,
}

impl NameSet {
    /// Adds a name; gives back the field that has it already.
    fn insert(&mut self, name: Symbol, obj: ObjId) -> Option<ObjId> {
        if name.is_blank() {
            return None;
        }
        if self.many.is_empty() {
            if let Some(other) = self.few.iter().find(|n| n.0 == name) {
                return Some(other.1);
            }
            if self.few.len() < 16 {
                self.few.push((name, obj));
                return None;
            }
            self.many.extend(self.few.iter().copied());
        }
        match self.many.entry(name) {
            std::collections::hash_map::Entry::Occupied(other) => Some(*other.get()),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(obj);
                None
            }
        }
    }
}
