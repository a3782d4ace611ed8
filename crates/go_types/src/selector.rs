//! Selectors: qualified identifiers, fields, method values and method expressions.

use base::{Symbol, sym};
use go_syntax::ast::{ExprId, ExprKind};
use smallvec::SmallVec;

use crate::checker::Checker;
use crate::constant::ConstValue;
use crate::info::SelectionKind;
use crate::lookup::{Lookup, lookup_field_or_method};
use crate::missing::has_invalid_embedded_fields;
use crate::object::{ObjKind, Object, VarKind};
use crate::operand::{Mode, Operand};
use crate::predicates::is_valid;
use crate::store::{ObjId, PkgId, TypeId};
use crate::types::{Signature, Type};
use crate::under::under;

impl Checker<'_> {
    /// Checks the selector expression `e`. With `want_type`, anything but a qualified type is an
    /// error.
    pub(crate) fn selector(&mut self, x: &mut Operand, e: ExprId, want_type: bool) {
        self.selector_or_invalid(x, e, want_type);
        if !x.is_valid() {
            x.typ = self.store.invalid();
        }
        x.expr = Some(self.expr_ref(e));
    }

    fn selector_or_invalid(&mut self, x: &mut Operand, e: ExprId, want_type: bool) {
        let ExprKind::Selector { x: operand, sel } = self.expr_at(e).kind else {
            x.invalidate();
            return;
        };
        // Package names occur only here: there is no operand mode for them.
        if let Some(name) = self.ident_name(operand)
            && let Some(obj) = self.lookup(name)
            && let ObjKind::PkgName { imported } = self.store.obj(obj).kind
        {
            self.record_use(operand, obj);
            self.mark_used(obj);
            self.qualified_ident(x, e, imported, sel);
            return;
        }
        self.expr_or_type(x, operand, false);
        match x.mode {
            Mode::Invalid => return,
            Mode::Builtin(_) => {
                let what = self.operand_string(x);
                self.error_at_sel(e, format!("invalid use of {what} in selector expression"));
                x.invalidate();
                return;
            }
            _ => {}
        }
        let s = self.store;
        if !self.is_complete(x.typ) {
            x.invalidate();
            return;
        }
        if want_type {
            let text = self.expr_str(e);
            self.error_at_sel(e, format!("{text} is not a type"));
            x.invalidate();
            return;
        }
        // Selecting through a pointer dereferences it.
        if let Type::Pointer(base) = s.ty(under(s, x.typ))
            && !self.is_complete(*base)
        {
            x.invalidate();
            return;
        }
        let addressable = x.mode == Mode::Variable;
        let found = lookup_field_or_method(s, x.typ, addressable, Some(self.pkg), sel, false);
        let Lookup::Found { obj, index, indirect } = found else {
            self.selection_error(x, e, sel, &found);
            x.invalidate();
            return;
        };
        if s.obj(obj).is_field() {
            if x.mode == Mode::TypeExpr {
                let t = self.type_str(x.typ);
                self.error_at(
                    operand,
                    format!("operand for field selector {sel} must be value of type {t}"),
                );
                x.invalidate();
                return;
            }
            self.record_selection(e, SelectionKind::FieldVal, x.typ, obj, &index, indirect);
            x.mode = if addressable || indirect { Mode::Variable } else { Mode::Value };
            x.typ = self.type_of_obj(obj);
            x.val = ConstValue::Unknown;
            return;
        }
        self.obj_decl(obj);
        self.add_decl_dep(obj);
        let method = self.type_of_obj(obj);
        if x.mode == Mode::TypeExpr {
            self.record_selection(e, SelectionKind::MethodExpr, x.typ, obj, &index, indirect);
            match self.method_expr_type(method, x.typ) {
                Some(t) => x.typ = t,
                None => {
                    self.error_at(e, "illegal cycle in method declaration");
                    x.invalidate();
                    return;
                }
            }
        } else {
            self.record_selection(e, SelectionKind::MethodVal, x.typ, obj, &index, indirect);
            x.typ = self.memo.method_value(s, method);
        }
        x.mode = Mode::Value;
        x.val = ConstValue::Unknown;
    }

    /// `p.Name`, where `p` is an imported package.
    fn qualified_ident(&mut self, x: &mut Operand, e: ExprId, pkg: PkgId, sel: Symbol) {
        let s = self.store;
        let Some(obj) = s.lookup(pkg, sel) else {
            if !s.package(pkg).fake && !sel.is_blank() {
                let text = self.expr_str(e);
                let message = match self.other_case(pkg, sel) {
                    Some(other) => format!("undefined: {text} (but have {other})"),
                    None => format!("undefined: {text}"),
                };
                self.error_at_sel(e, message);
            }
            x.invalidate();
            return;
        };
        if !sel.is_exported() {
            let name = s.package(pkg).name.get().copied().unwrap_or(sym::EMPTY);
            self.error_at_sel(e, format!("name {sel} not exported by package {name}"));
        }
        self.record_use(e, obj);
        let object = s.obj(obj);
        x.typ = self.type_of_obj(obj);
        x.val = ConstValue::Unknown;
        x.mode = match &object.kind {
            ObjKind::Const { value } => {
                x.val = value.get().cloned().unwrap_or_default();
                Mode::Constant
            }
            ObjKind::TypeName => Mode::TypeExpr,
            ObjKind::Var { .. } => Mode::Variable,
            ObjKind::Func { .. } => Mode::Value,
            ObjKind::Builtin(id) => Mode::Builtin(*id),
            _ => Mode::Invalid,
        };
        // What another package could not type has been reported there.
        if !is_valid(s, x.typ) && !matches!(x.mode, Mode::Builtin(_)) {
            x.invalidate();
        }
    }

    /// An exported name of a package that differs in letter case only.
    fn other_case(&self, pkg: PkgId, sel: Symbol) -> Option<Symbol> {
        let scope = self.store.package(pkg).scope.get()?;
        let wanted = sel.as_str().to_lowercase();
        scope
            .keys()
            .filter(|n| n.is_exported() && n.as_str().to_lowercase() == wanted)
            .min_by_key(|n| n.as_str())
            .copied()
    }

    /// The function type of `T.m`: the receiver becomes the first parameter.
    fn method_expr_type(&self, method: TypeId, recv: TypeId) -> Option<TypeId> {
        let s = self.store;
        let Type::Signature(sig) = s.ty(method) else { return None };
        let receiver = s.obj(sig.recv?);
        // Named parameters and nameless ones do not mix.
        let named = sig.params.first().is_some_and(|&p| s.obj(p).name != sym::EMPTY);
        let name = match receiver.name {
            _ if !named => sym::EMPTY,
            name if name == sym::EMPTY => sym::BLANK,
            name => name,
        };
        let place = receiver.file.map(|f| (f, receiver.pos));
        let first = Object::var(VarKind::Param, name, receiver.pkg, place, Some(recv));
        let mut params: SmallVec<[ObjId; 4]> = SmallVec::new();
        params.push(s.new_obj(first));
        params.extend_from_slice(&sig.params);
        Some(s.new_type(Type::Signature(Box::new(Signature {
            recv: None,
            recv_tparams: Box::default(),
            tparams: sig.tparams.clone(),
            params: params.into_boxed_slice(),
            results: sig.results.clone(),
            variadic: sig.variadic,
        }))))
    }

    /// Says why a field or method was not found.
    fn selection_error(&mut self, x: &Operand, e: ExprId, sel: Symbol, found: &Lookup) {
        let s = self.store;
        if !is_valid(s, under(s, x.typ)) {
            return;
        }
        // What a missing package would have brought may have the name.
        if matches!(found, Lookup::NotFound)
            && has_invalid_embedded_fields(s, x.typ, &mut SmallVec::new())
        {
            return;
        }
        let operand = x.expr.map(|at| self.expr_string(at)).unwrap_or_default();
        let t = self.type_str(x.typ);
        let message = match found {
            Lookup::Ambiguous(_) => format!("ambiguous selector {operand}.{sel}"),
            Lookup::PointerReceiver if x.mode == Mode::TypeExpr => {
                format!("invalid method expression {t}.{sel} (needs pointer receiver (*{t}).{sel})")
            }
            Lookup::PointerReceiver => format!("cannot call pointer method {sel} on {t}"),
            _ => {
                let why = self.missing_selection(x, sel);
                format!("{operand}.{sel} undefined ({why})")
            }
        };
        self.error_at_sel(e, message);
    }

    fn missing_selection(&self, x: &Operand, sel: Symbol) -> String {
        let s = self.store;
        let t = self.type_str(x.typ);
        if let Type::Pointer(base) = s.ty(under(s, x.typ))
            && matches!(s.ty(under(s, *base)), Type::Interface(_))
        {
            let kind = if crate::predicates::is_type_param(s, *base) {
                "type parameter"
            } else {
                "interface"
            };
            return format!("type {t} is pointer to {kind}, not {kind}");
        }
        let addressable = x.mode == Mode::Variable;
        let other = lookup_field_or_method(s, x.typ, addressable, Some(self.pkg), sel, true);
        self.lookup_error(x.typ, sel, other.obj(), false)
    }

    /// Why a type has no field or method `sel`; `other` is one whose name is nearly the same.
    pub(crate) fn lookup_error(
        &self,
        t: TypeId,
        sel: Symbol,
        other: Option<ObjId>,
        in_literal: bool,
    ) -> String {
        let s = self.store;
        let t = self.type_str(t);
        let kind_of = |o: &Object| if o.is_field() { "field" } else { "method" };
        match other.map(|o| s.obj(o)) {
            Some(o) if o.name == sel => {
                // Same name, other package: it is not exported.
                let kind = kind_of(o);
                if in_literal {
                    format!("cannot refer to unexported {kind} {sel} in struct literal of type {t}")
                } else {
                    format!("cannot refer to unexported {kind} {sel}")
                }
            }
            Some(o) => {
                let (kind, name) = (kind_of(o), o.name);
                if in_literal {
                    format!(
                        "unknown field {sel} in struct literal of type {t}, but does have {name}"
                    )
                } else {
                    let what = if o.is_field() && !in_literal { "field" } else { kind };
                    format!("type {t} has no field or method {sel}, but does have {what} {name}")
                }
            }
            None if in_literal => format!("unknown field {sel} in struct literal of type {t}"),
            None => format!("type {t} has no field or method {sel}"),
        }
    }

    fn error_at_sel(&mut self, e: ExprId, message: String) {
        let pos = self.ast().selector_span(e).start;
        self.error(pos, message);
    }
}
