//! Calls of the functions of package unsafe (Go spec, "Package unsafe").

use go_syntax::ast::{ExprId, ExprKind};

use crate::assignments::Context;
use crate::checker::Checker;
use crate::constant::ConstValue;
use crate::expr::Operands;
use crate::info::SelectionKind;
use crate::lookup::{Lookup, lookup_field_or_method};
use crate::object::BuiltinId;
use crate::operand::{Mode, Operand};
use crate::predicates::default_type;
use crate::store::TypeId;
use crate::types::{Basic, Type};
use crate::under::{core_type, unalias, under};

impl<'a> Checker<'a> {
    /// Checks a call of a function of package unsafe; see `builtin`.
    pub(crate) fn builtin_unsafe(
        &mut self,
        x: &mut Operand,
        _call: ExprId,
        fun: ExprId,
        id: BuiltinId,
        list: &[ExprId],
        args: &mut Operands,
    ) -> bool {
        use BuiltinId as B;
        let s = self.store;
        let pos = self.pos_of(fun);
        match id {
            B::UnsafeAdd => {
                self.verify_version(pos, 17, |_| "unsafe.Add".to_owned());
                let ptr = s.basic(Basic::UnsafePointer);
                self.assignment(x, Some(ptr), Context::Text("argument to unsafe.Add"));
                if !x.is_valid() || !self.is_valid_index(&mut args[1], "length", true) {
                    return false;
                }
                self.unsafe_result(x, fun, &[ptr, args[1].typ], ptr)
            }
            B::UnsafeAlignof => {
                self.assignment(x, None, Context::Text("argument to unsafe.Alignof"));
                x.is_valid() && {
                    let size = (!self.has_var_size(x.typ)).then(|| self.sizes().alignof(s, x.typ));
                    self.measured(x, fun, x.typ, size)
                }
            }
            B::UnsafeSizeof => {
                self.assignment(x, None, Context::Text("argument to unsafe.Sizeof"));
                x.is_valid() && {
                    let size = (!self.has_var_size(x.typ)).then(|| self.sizes().sizeof(s, x.typ));
                    self.measured(x, fun, x.typ, size)
                }
            }
            B::UnsafeOffsetof => self.offsetof_call(x, fun, list[0]),
            B::UnsafeSlice => {
                self.verify_version(pos, 17, |_| "unsafe.Slice".to_owned());
                let Some((ptr, Type::Pointer(base))) = self.common(x.typ) else {
                    let what = self.operand_string(x);
                    self.error_at_operand(x, format!("invalid argument: {what} is not a pointer"));
                    return false;
                };
                if !self.is_valid_index(&mut args[1], "length", false) {
                    return false;
                }
                let slice = self.memo.slice(s, *base);
                self.unsafe_result(x, fun, &[ptr, args[1].typ], slice)
            }
            B::UnsafeSliceData => {
                self.verify_version(pos, 20, |_| "unsafe.SliceData".to_owned());
                let Some((slice, Type::Slice(elem))) = self.common(x.typ) else {
                    let what = self.operand_string(x);
                    self.error_at_operand(x, format!("invalid argument: {what} is not a slice"));
                    return false;
                };
                let ptr = self.memo.pointer(s, *elem);
                self.unsafe_result(x, fun, &[slice], ptr)
            }
            B::UnsafeString => {
                self.verify_version(pos, 20, |_| "unsafe.String".to_owned());
                let ptr = self.memo.pointer(s, s.basic(Basic::Byte));
                self.assignment(x, Some(ptr), Context::Text("argument to unsafe.String"));
                if !x.is_valid() || !self.is_valid_index(&mut args[1], "length", false) {
                    return false;
                }
                self.unsafe_result(x, fun, &[ptr, args[1].typ], s.basic(Basic::String))
            }
            B::UnsafeStringData => {
                self.verify_version(pos, 20, |_| "unsafe.StringData".to_owned());
                let string = s.basic(Basic::String);
                self.assignment(x, Some(string), Context::Text("argument to unsafe.StringData"));
                let ptr = self.memo.pointer(s, s.basic(Basic::Byte));
                x.is_valid() && self.unsafe_result(x, fun, &[string], ptr)
            }
            _ => false,
        }
    }

    fn common(&self, t: TypeId) -> Option<(TypeId, &'a Type)> {
        let u = core_type(self.store, t)?;
        Some((u, self.store.ty(u)))
    }

    fn unsafe_result(
        &mut self,
        x: &mut Operand,
        fun: ExprId,
        params: &[TypeId],
        result: TypeId,
    ) -> bool {
        self.record_builtin_type(fun, params, Some(result), false);
        x.mode = Mode::Value;
        x.typ = result;
        x.val = ConstValue::Unknown;
        true
    }

    /// The result of `Sizeof` and its like: constant unless the size hangs on a type parameter.
    fn measured(
        &mut self,
        x: &mut Operand,
        fun: ExprId,
        argument: TypeId,
        size: Option<i64>,
    ) -> bool {
        let uintptr = self.store.basic(Basic::Uintptr);
        match size {
            None => {
                let argument = default_type(self.store, argument);
                return self.unsafe_result(x, fun, &[argument], uintptr);
            }
            Some(size) if size < 0 => {
                let what = self.operand_string(x);
                self.error_at_operand(x, format!("{what} is too large"));
                return false;
            }
            Some(size) => x.val = ConstValue::Int(size),
        }
        x.mode = Mode::Constant;
        x.typ = uintptr;
        true
    }

    /// `unsafe.Offsetof(x.f)`
    fn offsetof_call(&mut self, x: &mut Operand, fun: ExprId, arg: ExprId) -> bool {
        let s = self.store;
        let inner = self.ast().unparen(arg);
        let ExprKind::Selector { x: operand, sel } = self.expr_at(inner).kind else {
            let text = self.expr_str(arg);
            self.error_at(arg, format!("invalid argument: {text} is not a selector expression"));
            self.use_exprs(&[arg]);
            return false;
        };
        self.expr(None, x, operand);
        if !x.is_valid() {
            return false;
        }
        let base = self.deref_struct(x.typ);
        let found = lookup_field_or_method(s, base, false, Some(self.pkg), sel, false);
        let Lookup::Found { obj, index, indirect } = found else {
            let t = self.type_str(base);
            self.error_at_operand(x, format!("invalid argument: {t} has no single field {sel}"));
            return false;
        };
        if !s.obj(obj).is_field() {
            let text = self.expr_str(arg);
            self.error_at(arg, format!("invalid argument: {text} is a method value"));
            return false;
        }
        if indirect {
            let t = self.type_str(base);
            self.error_at_operand(
                x,
                format!("invalid argument: field {sel} is embedded via a pointer in {t}"),
            );
            return false;
        }
        self.record_selection(inner, SelectionKind::FieldVal, base, obj, &index, false);
        let field = self.type_of_obj(obj);
        let mode = if x.mode == Mode::Variable { Mode::Variable } else { Mode::Value };
        let at = self.expr_ref(inner);
        self.record_type_and_value(at, mode, field, &ConstValue::Unknown);
        let offset = (!self.has_var_size(base)).then(|| self.sizes().offsetof(s, base, &index));
        self.measured(x, fun, field, offset)
    }

    /// Whether the size of a type hangs on a type parameter, or cannot be known after an error:
    /// `type A [unsafe.Sizeof(S{})]byte; type S struct { a A }`, which is reported here.
    fn has_var_size(&mut self, t: TypeId) -> bool {
        self.has_var_size_in(t, &mut Vec::new())
    }

    /// `foreign`: the types of other packages that `t` is a part of.
    fn has_var_size_in(&mut self, t: TypeId, foreign: &mut Vec<TypeId>) -> bool {
        let s = self.store;
        let t = unalias(s, t);
        match s.ty(t) {
            Type::Named(named) => {
                let rhs = match named.rhs.get() {
                    Some(rhs) if named.origin.is_none() => rhs,
                    _ => under(s, t),
                };
                let own = named.origin.is_some() || s.obj(named.obj).pkg == Some(self.pkg);
                let Some(name) = self.cycle_name(t).filter(|_| own) else {
                    // Only an import cycle leaves such a type unfinished.
                    if foreign.contains(&t) {
                        return true;
                    }
                    foreign.push(t);
                    let var_size = self.has_var_size_in(rhs, foreign) || self.is_portable_simd(t);
                    foreign.pop();
                    return var_size;
                };
                if let Some(i) = self.path_index(name) {
                    let cycle = self.path[i..].to_vec();
                    let first = self.first_in_source(&cycle);
                    self.cycle_error(&cycle, first);
                    return true;
                }
                self.push(name);
                let var_size = self.has_var_size_in(rhs, foreign);
                self.pop();
                var_size || self.is_portable_simd(t)
            }
            Type::Array { elem, .. } => self.has_var_size_in(*elem, foreign),
            Type::Struct(made) => {
                made.fields.iter().any(|&f| self.has_var_size_in(self.type_of_obj(f), foreign))
            }
            Type::TypeParam(_) => true,
            _ => false,
        }
    }

    /// The vector types of package simd have whatever size the machine has.
    fn is_portable_simd(&self, t: TypeId) -> bool {
        let s = self.store;
        let Type::Named(named) = s.ty(t) else { return false };
        let obj = s.obj(named.obj);
        obj.name.as_str() == "_simd"
            && obj.pkg.is_some_and(|p| s.package(p).path.as_str() == "simd")
    }
}
