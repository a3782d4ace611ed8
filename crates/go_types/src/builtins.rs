//! Calls of predeclared functions (Go spec, "Built-in functions"). Those of package unsafe are in
//! `builtins_unsafe.rs`.

use go_syntax::ast::{BinaryOp, ChanDir, ExprId, ExprKind};
use smallvec::SmallVec;

use crate::arguments::Arguments;
use crate::assignments::Context;
use crate::call::TypeArgs;
use crate::checker::Checker;
use crate::constant::{self, ConstKind, ConstValue};
use crate::expr::Operands;
use crate::object::{BuiltinId, ObjKind, Object};
use crate::operand::{Mode, Operand};
use crate::predicates::{
    all_ordered, all_string, default_type, identical, is_boolean, is_numeric, is_string,
    is_type_param, is_untyped, is_valid,
};
use crate::store::TypeId;
use crate::types::{Basic, Interface, Term, Type, TypeCell, TypeParam};
use crate::typeset::type_set;
use crate::under::{
    Cause, common_under, constraint_interface, typeset_pairs, unalias, under, under_is,
};

/// The least number of arguments, and whether there may be more.
fn arity(id: BuiltinId) -> (usize, bool) {
    use BuiltinId as B;
    match id {
        B::Append | B::Make | B::Max | B::Min => (1, true),
        B::Print | B::Println | B::Trace => (0, true),
        B::Recover => (0, false),
        B::Complex | B::Copy | B::Delete | B::UnsafeAdd | B::UnsafeSlice | B::UnsafeString => {
            (2, false)
        }
        _ => (1, false),
    }
}

/// The name as it is declared.
pub(crate) fn builtin_name(id: BuiltinId) -> &'static str {
    use BuiltinId as B;
    match id {
        B::Append => "append",
        B::Cap => "cap",
        B::Clear => "clear",
        B::Close => "close",
        B::Complex => "complex",
        B::Copy => "copy",
        B::Delete => "delete",
        B::Imag => "imag",
        B::Len => "len",
        B::Make => "make",
        B::Max => "max",
        B::Min => "min",
        B::New => "new",
        B::Panic => "panic",
        B::Print => "print",
        B::Println => "println",
        B::Real => "real",
        B::Recover => "recover",
        B::UnsafeAdd => "Add",
        B::UnsafeAlignof => "Alignof",
        B::UnsafeOffsetof => "Offsetof",
        B::UnsafeSizeof => "Sizeof",
        B::UnsafeSlice => "Slice",
        B::UnsafeSliceData => "SliceData",
        B::UnsafeString => "String",
        B::UnsafeStringData => "StringData",
        B::Assert => "assert",
        B::Trace => "trace",
    }
}

impl Checker<'_> {
    /// Checks a call of a predeclared function. Whether it is valid; the result is in `x` then.
    pub(crate) fn builtin(&mut self, x: &mut Operand, call: ExprId, id: BuiltinId) -> bool {
        let ExprKind::Call { args, ellipsis, .. } = self.expr_at(call).kind else { return false };
        let list = self.ast().expr_list(args);
        let name = builtin_name(id);
        if ellipsis && id != BuiltinId::Append {
            let at = list.last().map_or(self.closing(call), |&e| self.expr_at(e).span.end);
            self.error(at, format!("invalid operation: invalid use of ... with built-in {name}"));
            self.use_exprs(list);
            return false;
        }
        // len and cap of an array are constant unless something in the argument must be run.
        let outer = self.env.has_call_or_recv;
        let measures = matches!(id, BuiltinId::Len | BuiltinId::Cap);
        if measures {
            self.env.has_call_or_recv = false;
        }
        let ok = self.builtin_with_args(x, call, id, list);
        if measures {
            self.env.has_call_or_recv = outer;
        }
        ok
    }

    fn builtin_with_args(
        &mut self,
        x: &mut Operand,
        call: ExprId,
        id: BuiltinId,
        list: &[ExprId],
    ) -> bool {
        use BuiltinId as B;
        let mut args = Operands::new();
        let mut nargs = list.len();
        if !matches!(id, B::Make | B::New | B::UnsafeOffsetof | B::Trace) {
            args = self.expr_list(list);
            nargs = args.len();
            if args.iter().any(|a| !a.is_valid()) {
                return false;
            }
            if let Some(first) = args.first() {
                *x = first.clone();
            }
        }
        let (least, variadic) = arity(id);
        if nargs < least || (!variadic && nargs > least) {
            let qualifier = if nargs < least { "not enough" } else { "too many" };
            let text = self.expr_str(call);
            self.error(self.closing(call), format!(
                "invalid operation: {qualifier} arguments for {text} (expected {least}, found {nargs})"
            ));
            return false;
        }
        let ExprKind::Call { fun, .. } = self.expr_at(call).kind else { return false };
        match id {
            B::Append => self.builtin_append(x, call, fun, args),
            B::Cap | B::Len => self.builtin_len(x, fun, id),
            B::Clear => self.builtin_clear(x, fun),
            B::Close => self.builtin_close(x, fun),
            B::Complex => self.builtin_complex(x, call, fun, &mut args[1]),
            B::Copy => self.builtin_copy(x, fun, &args[1]),
            B::Delete => self.builtin_delete(x, fun, &args[1]),
            B::Imag | B::Real => self.builtin_real(x, fun, id),
            B::Make => self.builtin_make(x, call, fun, list),
            B::Max | B::Min => self.builtin_min(x, fun, id, &mut args),
            B::New => self.builtin_new(x, fun, list[0]),
            B::Panic => self.builtin_panic(x, call, fun),
            B::Print | B::Println => self.builtin_print(x, fun, id, &mut args),
            B::Recover => {
                x.mode = Mode::Value;
                x.typ = self.store.universe().empty_interface;
                x.val = ConstValue::Unknown;
                self.record_builtin_type(fun, &[], Some(x.typ), false);
                true
            }
            B::Assert => self.builtin_assert(x, call),
            B::Trace => self.builtin_trace(x, list),
            _ => self.builtin_unsafe(x, call, fun, id, list, &mut args),
        }
    }

    /// The value that a call without result leaves behind.
    fn no_value(x: &mut Operand) -> bool {
        x.mode = Mode::NoValue;
        x.val = ConstValue::Unknown;
        true
    }

    fn fail(&mut self, x: &Operand, message: String) -> bool {
        self.error_at_operand(x, message);
        false
    }

    /// `append(s S, x ...E) S`; a byte slice takes a string too.
    fn builtin_append(
        &mut self,
        x: &mut Operand,
        call: ExprId,
        fun: ExprId,
        args: Operands,
    ) -> bool {
        let s = self.store;
        let elem = match self.slice_elem(x) {
            Ok(elem) => elem,
            Err(cause) => return self.fail(x, format!("invalid append: {cause}")),
        };
        let dots = matches!(self.expr_at(call).kind, ExprKind::Call { ellipsis: true, .. });
        let slice = x.typ;
        if let [_, y] = args.as_slice()
            && dots
            && self.takes_bytes(x)
            && self.bytes_or_strings(y.typ) == Some(true)
        {
            self.record_builtin_type(fun, &[slice, default_type(s, y.typ)], Some(slice), true);
        } else {
            let rest = self.memo.slice(s, elem);
            let sig = self.memo.signature(s, &[slice, rest], Some(slice), true);
            let mut arguments = Arguments { list: args, ..Arguments::default() };
            self.arguments(call, sig, TypeArgs::new(), &[], &mut arguments);
            self.record_builtin_type(fun, &[slice, rest], Some(slice), true);
        }
        x.mode = Mode::Value;
        x.val = ConstValue::Unknown;
        true
    }

    fn takes_bytes(&mut self, x: &Operand) -> bool {
        let bytes = self.memo.slice(self.store, self.store.basic(Basic::Byte));
        self.assignable_to(x, bytes, None)
    }

    /// Whether all types of the set are byte slices or strings (`Some`), and whether there is a
    /// string among them.
    fn bytes_or_strings(&self, t: TypeId) -> Option<bool> {
        let s = self.store;
        let mut has_string = false;
        let ok = under_is(s, t, |u| match u.map(|u| (u, s.ty(u))) {
            Some((_, Type::Slice(elem))) => identical(s, *elem, s.basic(Basic::Byte)),
            Some((u, _)) if is_string(s, u) => {
                has_string = true;
                true
            }
            _ => false,
        });
        ok.then_some(has_string)
    }

    /// The element type of a slice operand; an error says why there is none.
    fn slice_elem(&self, x: &Operand) -> Result<TypeId, String> {
        let s = self.store;
        let mut elem: Option<TypeId> = None;
        for pair in typeset_pairs(s, x.typ) {
            let Some(Type::Slice(e)) = pair.map(|p| s.ty(p.1)) else {
                return Err(if self.is_nil_operand(x) {
                    "argument must be a slice; have untyped nil".to_owned()
                } else {
                    format!("argument must be a slice; have {}", self.operand_string(x))
                });
            };
            match elem {
                None => elem = Some(*e),
                Some(first) if !identical(s, first, *e) => {
                    return Err(format!(
                        "mismatched slice element types {} and {} in {}",
                        self.type_str(first),
                        self.type_str(*e),
                        self.operand_string(x)
                    ));
                }
                _ => {}
            }
        }
        elem.ok_or_else(|| "argument must be a slice".to_owned())
    }

    fn builtin_len(&mut self, x: &mut Operand, fun: ExprId, id: BuiltinId) -> bool {
        let s = self.store;
        let is_len = id == BuiltinId::Len;
        let array_behind = |u: TypeId| match s.ty(unalias(s, u)) {
            Type::Pointer(base) if matches!(s.ty(under(s, *base)), Type::Array { .. }) => {
                under(s, *base)
            }
            _ => u,
        };
        let measurable = |u: TypeId| match s.ty(u) {
            Type::Basic(_) => is_len && is_string(s, u),
            Type::Array { .. } | Type::Slice(_) | Type::Chan { .. } => true,
            Type::Map { .. } => is_len,
            _ => false,
        };
        let u = array_behind(under(s, x.typ));
        let mut mode = Mode::Invalid;
        let mut val = ConstValue::Unknown;
        match *s.ty(u) {
            Type::Interface(_) if is_type_param(s, x.typ) => {
                let all = under_is(s, x.typ, |u| u.is_some_and(|u| measurable(array_behind(u))));
                if all {
                    mode = Mode::Value;
                }
            }
            Type::Basic(_) if x.mode == Mode::Constant && measurable(u) => {
                mode = Mode::Constant;
                val = ConstValue::Int(x.val.str_len() as i64);
            }
            Type::Array { len, .. } if !self.env.has_call_or_recv => {
                mode = Mode::Constant;
                if len >= 0 {
                    val = ConstValue::Int(len);
                }
            }
            _ if measurable(u) => mode = Mode::Value,
            _ => {}
        }
        if mode == Mode::Invalid {
            if is_valid(s, under(s, x.typ)) {
                let what = self.operand_string(x);
                let name = builtin_name(id);
                self.error_at_operand(x, format!("invalid argument: {what} for built-in {name}"));
            }
            return false;
        }
        let int = s.basic(Basic::Int);
        if mode != Mode::Constant {
            self.record_builtin_type(fun, &[default_type(s, x.typ)], Some(int), false);
        }
        x.mode = mode;
        x.typ = int;
        x.val = val;
        true
    }

    fn builtin_clear(&mut self, x: &mut Operand, fun: ExprId) -> bool {
        let s = self.store;
        let pos = self.pos_of(fun);
        self.verify_version(pos, 21, |_| "clear".to_owned());
        let ok = under_is(s, x.typ, |u| {
            u.is_some_and(|u| matches!(s.ty(u), Type::Map { .. } | Type::Slice(_)))
        });
        if !ok {
            let what = self.operand_string(x);
            return self.fail(x, format!(
                "invalid argument: cannot clear {what}: argument must be (or constrained by) map or slice"
            ));
        }
        self.record_builtin_type(fun, &[x.typ], None, false);
        Self::no_value(x)
    }

    fn builtin_close(&mut self, x: &mut Operand, fun: ExprId) -> bool {
        let s = self.store;
        let mut receive_only = false;
        let ok = under_is(s, x.typ, |u| match u.map(|u| s.ty(u)) {
            Some(Type::Chan { dir, .. }) => {
                receive_only = *dir == ChanDir::Recv;
                !receive_only
            }
            _ => false,
        });
        if !ok {
            let what = self.operand_string(x);
            let kind = if receive_only { "receive-only channel" } else { "non-channel" };
            return self.fail(x, format!("invalid operation: cannot close {kind} {what}"));
        }
        self.record_builtin_type(fun, &[x.typ], None, false);
        Self::no_value(x)
    }

    /// `complex(re, im)`
    fn builtin_complex(
        &mut self,
        x: &mut Operand,
        call: ExprId,
        fun: ExprId,
        y: &mut Operand,
    ) -> bool {
        let s = self.store;
        match (is_untyped(s, x.typ), is_untyped(s, y.typ)) {
            (false, false) => {}
            (true, false) => self.convert_untyped(x, y.typ),
            (false, true) => self.convert_untyped(y, x.typ),
            (true, true) if x.mode == Mode::Constant && y.mode == Mode::Constant => {
                for side in [&mut *x, &mut *y] {
                    if is_numeric(s, side.typ) && side.val.imag().sign() == 0 {
                        side.typ = s.basic(Basic::UntypedFloat);
                    }
                }
            }
            // One of them has a shift whose type is open: an error comes of this.
            (true, true) => {
                self.convert_untyped(x, s.basic(Basic::Float64));
                self.convert_untyped(y, s.basic(Basic::Float64));
            }
        }
        if !x.is_valid() || !y.is_valid() {
            return false;
        }
        if !identical(s, x.typ, y.typ) {
            let message = format!(
                "invalid operation: {} (mismatched types {} and {})",
                self.expr_str(call),
                self.type_str(x.typ),
                self.type_str(y.typ)
            );
            return self.fail(x, message);
        }
        let result = self.apply_to_types(x, BuiltinId::Complex, |b| match b {
            Basic::Float32 => Some(Basic::Complex64),
            Basic::Float64 => Some(Basic::Complex128),
            Basic::UntypedFloat => Some(Basic::UntypedComplex),
            _ => None,
        });
        let Some(result) = result else {
            let t = self.type_str(x.typ);
            return self.fail(
                x,
                format!("invalid argument: arguments have type {t}, expected floating-point"),
            );
        };
        if x.mode == Mode::Constant && y.mode == Mode::Constant {
            let im = y.val.to_float().make_imag();
            x.val = constant::binary_op(&x.val.to_float(), BinaryOp::Add, &im, false);
        } else {
            x.mode = Mode::Value;
            x.val = ConstValue::Unknown;
            let t = default_type(s, x.typ);
            self.record_builtin_type(fun, &[t, t], Some(result), false);
        }
        x.typ = result;
        true
    }

    /// `real(c)` and `imag(c)`
    fn builtin_real(&mut self, x: &mut Operand, fun: ExprId, id: BuiltinId) -> bool {
        let s = self.store;
        if is_untyped(s, x.typ) {
            if x.mode == Mode::Constant {
                if is_numeric(s, x.typ) {
                    x.typ = s.basic(Basic::UntypedComplex);
                }
            } else {
                self.convert_untyped(x, s.basic(Basic::Complex128));
                if !x.is_valid() {
                    return false;
                }
            }
        }
        let result = self.apply_to_types(x, id, |b| match b {
            Basic::Complex64 => Some(Basic::Float32),
            Basic::Complex128 => Some(Basic::Float64),
            Basic::UntypedComplex => Some(Basic::UntypedFloat),
            _ => None,
        });
        let Some(result) = result else {
            let t = self.type_str(x.typ);
            return self.fail(
                x,
                format!("invalid argument: argument has type {t}, expected complex type"),
            );
        };
        if x.mode == Mode::Constant {
            x.val = if id == BuiltinId::Real { x.val.real() } else { x.val.imag() };
        } else {
            x.mode = Mode::Value;
            let t = default_type(s, x.typ);
            self.record_builtin_type(fun, &[t], Some(result), false);
        }
        x.typ = result;
        true
    }

    /// Maps the operand's type; for a type parameter, to a new one whose terms are the mapped ones.
    fn apply_to_types(
        &mut self,
        x: &Operand,
        id: BuiltinId,
        f: impl Fn(Basic) -> Option<Basic>,
    ) -> Option<TypeId> {
        let s = self.store;
        let map = |t: TypeId| match s.ty(under(s, t)) {
            Type::Basic(b) => f(*b).map(|b| s.basic(b)),
            _ => None,
        };
        let p = unalias(s, x.typ);
        let Type::TypeParam(param) = s.ty(p) else { return map(x.typ) };
        let terms = type_set(s, constraint_interface(s, p)).terms.as_deref()?;
        let mapped: Option<Box<[Term]>> =
            terms.iter().map(|t| Some(Term { tilde: t.tilde, ty: map(t.ty)? })).collect();
        let mapped = mapped.filter(|m| !m.is_empty())?;
        let what = self.operand_string(x);
        let name = builtin_name(id);
        self.soft_error_at_operand(x, format!(
            "{what} not supported as argument to built-in {name} for go1.18 (see go.dev/issue/50937)"
        ));
        let obj = Object::new(ObjKind::TypeName, s.obj(param.obj).name, Some(self.pkg), None, None);
        let obj = s.new_obj(obj);
        let union = s.new_type(Type::Union(mapped));
        let bound = s.new_type(Type::Interface(Box::new(Interface {
            methods: Box::default(),
            embeddeds: Box::new([union]),
            embed_pos: Box::default(),
            implicit: false,
            type_set: std::sync::OnceLock::new(),
        })));
        let t = s.new_type(Type::TypeParam(Box::new(TypeParam {
            obj,
            index: param.index,
            bound: TypeCell::new(bound),
        })));
        s.obj(obj).typ.set(t);
        Some(t)
    }

    /// `copy(dst, src)`; the source may be a string for a byte slice.
    fn builtin_copy(&mut self, x: &mut Operand, fun: ExprId, y: &Operand) -> bool {
        let s = self.store;
        let dst = match self.slice_elem(x) {
            Ok(elem) => elem,
            Err(cause) => return self.fail(x, format!("invalid copy: {cause}")),
        };
        if !(self.takes_bytes(x) && self.bytes_or_strings(y.typ).is_some()) {
            let src = match self.slice_elem(y) {
                Ok(elem) => elem,
                Err(_) if all_string(s, y.typ) => s.basic(Basic::Byte),
                Err(cause) => return self.fail(y, format!("invalid copy: {cause}")),
            };
            if !identical(s, dst, src) {
                let message = format!(
                    "invalid copy: arguments {} and {} have different element types {} and {}",
                    self.operand_string(x),
                    self.operand_string(y),
                    self.type_str(dst),
                    self.type_str(src)
                );
                return self.fail(x, message);
            }
        }
        let int = s.basic(Basic::Int);
        self.record_builtin_type(fun, &[x.typ, default_type(s, y.typ)], Some(int), false);
        x.mode = Mode::Value;
        x.typ = int;
        true
    }

    fn builtin_delete(&mut self, x: &mut Operand, fun: ExprId, arg: &Operand) -> bool {
        let s = self.store;
        let map = x.typ;
        let mut key: Option<TypeId> = None;
        let mut differ = false;
        let ok = under_is(s, map, |u| match u.map(|u| s.ty(u)) {
            Some(Type::Map { key: k, .. }) => {
                differ = key.is_some_and(|key| !identical(s, key, *k));
                key = Some(*k);
                !differ
            }
            _ => false,
        });
        let Some(key) = key.filter(|_| ok) else {
            let what = self.operand_string(x);
            return self.fail(
                x,
                if differ {
                    format!("invalid argument: maps of {what} must have identical key types")
                } else {
                    format!("invalid argument: {what} is not a map")
                },
            );
        };
        *x = arg.clone();
        self.assignment(x, Some(key), Context::Text("argument to delete"));
        if !x.is_valid() {
            return false;
        }
        self.record_builtin_type(fun, &[map, key], None, false);
        Self::no_value(x)
    }

    /// `make(T, sizes…)`
    fn builtin_make(
        &mut self,
        x: &mut Operand,
        call: ExprId,
        fun: ExprId,
        list: &[ExprId],
    ) -> bool {
        let s = self.store;
        let t = self.var_type(list[0]);
        if !is_valid(s, t) {
            return false;
        }
        let common = common_under(s, t, |_, u| match u.map(|u| s.ty(u)) {
            Some(Type::Slice(_) | Type::Map { .. } | Type::Chan { .. }) => None,
            None => Some(Cause::text("no specific type")),
            _ => Some(Cause::text("type must be slice, map, or channel")),
        });
        let u = match common {
            Ok(u) => u,
            Err(cause) => {
                let (text, cause) = (self.expr_str(list[0]), cause.message(|t| self.type_str(t)));
                self.error_at(list[0], format!("invalid argument: cannot make {text}: {cause}"));
                return false;
            }
        };
        let least = if matches!(s.ty(u), Type::Slice(_)) { 2 } else { 1 };
        if list.len() < least || list.len() > least + 1 {
            let text = self.expr_str(call);
            let found = list.len();
            self.error_at(
                call,
                format!(
                    "invalid operation: {text} expects {least} or {} arguments; found {found}",
                    least + 1
                ),
            );
            return false;
        }
        let mut types: SmallVec<[TypeId; 3]> = SmallVec::new();
        types.push(t);
        let mut sizes: SmallVec<[i64; 2]> = SmallVec::new();
        for &arg in &list[1..] {
            let (typ, size) = self.index(arg, None);
            types.push(default_type(s, typ));
            sizes.extend(size);
        }
        if let [len, cap] = *sizes
            && len > cap
        {
            self.error_at(list[1], "invalid argument: length and capacity swapped");
        }
        x.mode = Mode::Value;
        x.typ = t;
        x.val = ConstValue::Unknown;
        self.record_builtin_type(fun, &types, Some(t), false);
        true
    }

    fn builtin_min(
        &mut self,
        x: &mut Operand,
        fun: ExprId,
        id: BuiltinId,
        args: &mut Operands,
    ) -> bool {
        let s = self.store;
        let name = builtin_name(id);
        let pos = self.pos_of(fun);
        self.verify_version(pos, 21, |_| format!("built-in {name}"));
        let op = if id == BuiltinId::Max { BinaryOp::Gt } else { BinaryOp::Lt };
        for (i, a) in args.iter_mut().enumerate() {
            if !all_ordered(s, a.typ) {
                let what = self.operand_string(a);
                return self.fail(a, format!("invalid argument: {what} cannot be ordered"));
            }
            if i == 0 {
                continue;
            }
            self.match_operands(x, a);
            if !x.is_valid() {
                return false;
            }
            if !identical(s, x.typ, a.typ) {
                let text = a.expr.map(|at| self.expr_string(at)).unwrap_or_default();
                let message = format!(
                    "invalid argument: mismatched types {} (previous argument) and {} (type of {text})",
                    self.type_str(x.typ),
                    self.type_str(a.typ)
                );
                return self.fail(a, message);
            }
            if x.mode == Mode::Constant && a.mode == Mode::Constant {
                if !a.val.is_unknown()
                    && !x.val.is_unknown()
                    && constant::compare(&a.val, op, &x.val)
                {
                    *x = a.clone();
                }
            } else {
                x.mode = Mode::Value;
                x.val = ConstValue::Unknown;
            }
        }
        if x.mode != Mode::Constant {
            x.mode = Mode::Value;
            let any = s.universe().empty_interface;
            self.assignment(x, Some(any), Context::ArgumentToBuiltin(name));
            if !x.is_valid() {
                return false;
            }
        }
        for a in args.iter() {
            if let Some(at) = a.expr {
                self.update_expr_type(at, x.typ, true);
            }
        }
        if x.mode != Mode::Constant {
            let types: SmallVec<[TypeId; 4]> = args.iter().map(|_| x.typ).collect();
            self.record_builtin_type(fun, &types, Some(x.typ), false);
        }
        true
    }

    /// `new(T)`, and from Go 1.26 `new(value)`
    fn builtin_new(&mut self, x: &mut Operand, fun: ExprId, arg: ExprId) -> bool {
        let s = self.store;
        self.expr_or_type(x, arg, false);
        self.exclude_all_but_types(x);
        match x.mode {
            Mode::Invalid => return false,
            Mode::TypeExpr => self.valid_var_type(arg, x.typ),
            _ => {
                if is_untyped(s, x.typ) {
                    self.assignment(x, None, Context::Text("argument to new"));
                    if !x.is_valid() {
                        return false;
                    }
                }
                let pos = self.pos_of(fun);
                self.verify_version(pos, 26, |c| format!("new({})", c.expr_str(arg)));
            }
        }
        let t = x.typ;
        x.mode = Mode::Value;
        x.typ = self.memo.pointer(s, t);
        x.val = ConstValue::Unknown;
        self.record_builtin_type(fun, &[t], Some(x.typ), false);
        true
    }

    fn builtin_panic(&mut self, x: &mut Operand, call: ExprId, fun: ExprId) -> bool {
        let at = self.expr_ref(call);
        self.panics.insert(at);
        let any = self.store.universe().empty_interface;
        self.assignment(x, Some(any), Context::Text("argument to panic"));
        if !x.is_valid() {
            return false;
        }
        self.record_builtin_type(fun, &[any], None, false);
        Self::no_value(x)
    }

    fn builtin_print(
        &mut self,
        x: &mut Operand,
        fun: ExprId,
        id: BuiltinId,
        args: &mut Operands,
    ) -> bool {
        let mut types: SmallVec<[TypeId; 4]> = SmallVec::new();
        for a in args.iter_mut() {
            self.assignment(a, None, Context::ArgumentToBuiltin(builtin_name(id)));
            if !a.is_valid() {
                return false;
            }
            types.push(a.typ);
        }
        self.record_builtin_type(fun, &types, None, false);
        Self::no_value(x)
    }

    /// `assert(condition)` of go/types' test files.
    fn builtin_assert(&mut self, x: &mut Operand, call: ExprId) -> bool {
        if x.mode != Mode::Constant
            || !is_boolean(self.store, x.typ)
            || x.val.kind() != ConstKind::Bool
        {
            let what = self.operand_string(x);
            return self.fail(x, format!("invalid argument: {what} is not a boolean constant"));
        }
        if !x.val.bool_val() {
            let text = self.expr_str(call);
            self.error_at(call, format!("{text} failed"));
        }
        true
    }

    /// `trace(x, …)` of go/types' test files: the value of the first argument.
    fn builtin_trace(&mut self, x: &mut Operand, list: &[ExprId]) -> bool {
        let Some((&first, rest)) = list.split_first() else { return Self::no_value(x) };
        self.raw_expr(None, x, first, None, false);
        for &e in rest {
            let mut y = self.no_operand();
            self.raw_expr(None, &mut y, e, None, false);
        }
        x.is_valid()
    }
}
