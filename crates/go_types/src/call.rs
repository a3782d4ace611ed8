//! Calls, and the instantiation of generic functions.

use go_syntax::ast::{ExprId, ExprKind};
use smallvec::SmallVec;

use crate::checker::Checker;
use crate::constant::ConstValue;
use crate::expr::{ExprClass, Target};
use crate::instantiate::instantiate;
use crate::object::BuiltinId;
use crate::operand::{Mode, Operand};
use crate::predicates::{is_parameterized, is_type_param};
use crate::store::TypeId;
use crate::types::Type;
use crate::under::{Cause, common_under, under};

/// Type arguments, by position; what is not known yet is absent.
pub(crate) type TypeArgs = SmallVec<[TypeId; 4]>;

impl Checker<'_> {
    /// Checks a call or conversion.
    pub(crate) fn call_expr(&mut self, x: &mut Operand, call: ExprId) -> ExprClass {
        let ExprKind::Call { fun, args, ellipsis } = self.expr_at(call).kind else {
            return ExprClass::Statement;
        };
        let args = self.ast().expr_list(args);
        let mut index = None;
        if let ExprKind::Index { indices, .. } = self.expr_at(fun).kind {
            if self.index_expr(x, fun) {
                // Instantiation waits for the arguments, from which types are inferred too.
                index = Some(self.ast().expr_list(indices));
            }
            x.expr = Some(self.expr_ref(fun));
            self.record(x);
        } else {
            self.expr_or_type(x, fun, true);
        }
        let class = match x.mode {
            Mode::Invalid => {
                self.use_exprs(args);
                ExprClass::Statement
            }
            Mode::TypeExpr => {
                self.conversion_call(x, call, args, ellipsis);
                ExprClass::Conversion
            }
            Mode::Builtin(id) => {
                if !self.builtin(x, call, id) {
                    x.invalidate();
                }
                if x.is_valid() && x.mode != Mode::Constant {
                    self.env.has_call_or_recv = true;
                }
                builtin_class(id)
            }
            _ => {
                self.function_call(x, call, index);
                ExprClass::Statement
            }
        };
        x.expr = Some(self.expr_ref(call));
        class
    }

    /// `T(x)`
    fn conversion_call(&mut self, x: &mut Operand, call: ExprId, args: &[ExprId], dots: bool) {
        self.non_generic(None, x);
        if !x.is_valid() {
            return;
        }
        let t = x.typ;
        x.invalidate();
        if !self.is_complete(t) {
            return;
        }
        match args {
            [] => {
                let message = format!("missing argument in conversion to {}", self.type_str(t));
                self.error(self.closing(call), message);
            }
            &[arg] => {
                let target = Target { typ: t };
                self.expr(Some(target), x, arg);
                if !x.is_valid() {
                    return;
                }
                if dots {
                    let t = self.type_str(t);
                    self.error_at(arg, format!("invalid use of ... in conversion to {t}"));
                    x.invalidate();
                    return;
                }
                if self.is_constraint_interface(t) {
                    let t = self.type_str(t);
                    self.error_at(call, format!(
                        "cannot use interface {t} in conversion (contains specific type constraints or is comparable)"
                    ));
                    x.invalidate();
                    return;
                }
                self.conversion(x, t);
            }
            [.., last] => {
                self.use_exprs(args);
                let message = format!("too many arguments in conversion to {}", self.type_str(t));
                self.error_at(*last, message);
            }
        }
    }

    /// Whether `t` is an interface that may only be used as a constraint.
    fn is_constraint_interface(&self, t: TypeId) -> bool {
        let s = self.store;
        let u = under(s, t);
        matches!(s.ty(u), Type::Interface(_))
            && !is_type_param(s, t)
            && !crate::typeset::type_set(s, u).is_method_set()
    }

    /// The offset of a call's closing parenthesis.
    pub(crate) fn closing(&self, call: ExprId) -> u32 {
        let span = self.expr_at(call).span;
        span.end.saturating_sub(1).max(span.start)
    }

    /// The call of a function value, possibly generic. `index` are explicit type arguments.
    fn function_call(&mut self, x: &mut Operand, call: ExprId, index: Option<&[ExprId]>) {
        let ExprKind::Call { fun, args, .. } = self.expr_at(call).kind else { return };
        let s = self.store;
        let args = self.ast().expr_list(args);
        let cgo = x.mode == Mode::CgoFunc;
        x.val = ConstValue::Unknown;
        let found = common_under(s, x.typ, |t, u| match t.zip(u) {
            Some((t, u)) if !matches!(s.ty(u), Type::Signature(_)) => {
                Some(Cause::Words(format!("{} is not a function", self.type_str(t))))
            }
            _ => None,
        });
        let mut sig = match found {
            Ok(sig) => sig,
            Err(cause) => {
                let cause = cause.message(|t| self.type_str(t));
                let what = self.operand_string(x);
                self.error_at_operand(x, format!("invalid operation: cannot call {what}: {cause}"));
                // The arguments go unchecked, as in go/types.
                x.invalidate();
                return;
            }
        };
        let want = self.tparams_of(sig).len();
        let mut targs = TypeArgs::new();
        let mut type_exprs: &[ExprId] = &[];
        if let Some(index) = index {
            type_exprs = index;
            let Some(list) = self.type_list(index) else {
                self.use_exprs(args);
                x.invalidate();
                return;
            };
            targs = list.into_iter().collect();
            let got = targs.len();
            if got > want {
                let message = format!("got {got} type arguments but want {want}");
                self.error_at(type_exprs[want], message);
                self.use_exprs(args);
                x.invalidate();
                return;
            }
            if got == want && want > 0 {
                // All are given: instantiate now, so that the type is recorded even if the
                // arguments are wrong.
                let pos = self.pos_of(fun);
                self.verify_version(pos, 18, |_| "function instantiation".to_owned());
                sig = self.instantiate_signature(pos, fun, sig, &targs, type_exprs);
                targs.clear();
                type_exprs = &[];
            }
        }
        let mut list = self.generic_expr_list(args);
        let sig = self.arguments(call, sig, targs, type_exprs, &mut list);
        let still_generic = !self.tparams_of(sig).is_empty();
        if want > 0 && !still_generic {
            let at = self.expr_ref(fun);
            self.record_type_and_value(at, Mode::Value, sig, &ConstValue::Unknown);
        }
        let Some(signature) = self.signature_of(sig) else { return };
        match *signature.results {
            [] => x.mode = Mode::NoValue,
            [result] => {
                x.mode = if cgo { Mode::CommaErr } else { Mode::Value };
                x.typ = self.type_of_obj(result);
                if !self.is_complete(x.typ) {
                    x.invalidate();
                    return;
                }
            }
            ref results => {
                x.mode = Mode::Value;
                x.typ = self.memo.tuple(s, results);
            }
        }
        self.env.has_call_or_recv = true;
        // After failed inference the result must not let type parameters out.
        if x.mode == Mode::Value
            && still_generic
            && is_parameterized(s, &self.tparams_of(sig), x.typ)
        {
            x.invalidate();
        }
    }

    /// The type parameters of a signature.
    pub(crate) fn tparams_of(&self, sig: TypeId) -> Box<[TypeId]> {
        self.signature_of(sig).map(|sig| sig.tparams.clone()).unwrap_or_default()
    }

    /// Instantiates the generic function `x`. `index` is the index expression with type arguments,
    /// if there is one; `target` where the function is assigned. Type arguments that are missing
    /// are inferred with `infer`; without it, what was given is handed back and `x` stays as it is.
    pub(crate) fn func_inst(
        &mut self,
        target: Option<Target>,
        pos: u32,
        x: &mut Operand,
        index: Option<ExprId>,
        infer: bool,
    ) -> Option<TypeArgs> {
        let s = self.store;
        let mut type_exprs: &[ExprId] = &[];
        if let Some(e) = index {
            if let ExprKind::Index { indices, .. } = self.expr_at(e).kind {
                type_exprs = self.ast().expr_list(indices);
            }
            x.expr = Some(self.expr_ref(e));
        }
        let version_ok = self.verify_version(pos, 18, |_| "function instantiation".to_owned());
        let mut targs = TypeArgs::new();
        if index.is_some() {
            let Some(list) = self.type_list(type_exprs) else {
                x.invalidate();
                return None;
            };
            targs = list.into_iter().collect();
        }
        let generic = x.typ;
        let tparams = self.tparams_of(generic);
        let (got, want) = (targs.len(), tparams.len());
        if got > want {
            let message = format!("got {got} type arguments but want {want}");
            self.error_at(type_exprs[got - 1], message);
            x.invalidate();
            return None;
        }
        if got < want {
            if !infer {
                return Some(targs);
            }
            // `var v func(int) = g` is inferred like the call of a function with one parameter of
            // the type of g, with v as the argument.
            let mut params: SmallVec<[TypeId; 1]> = SmallVec::new();
            let mut args: SmallVec<[Operand; 1]> = SmallVec::new();
            let wanted = target.and_then(|t| self.target_signature(t));
            if let Some(wanted) = wanted {
                if version_ok && !self.allow_version(21) {
                    let how = if index.is_some() { "partially" } else { "implicitly" };
                    self.verify_version(pos, 21, |_| {
                        format!("{how} instantiated function in assignment")
                    });
                }
                params.push(self.without_tparams(generic));
                let mut arg = Operand::value(x.expr, wanted);
                arg.mode = Mode::Value;
                args.push(arg);
            }
            let (renamed, params) = self.rename_tparams(&tparams, &params);
            let given: SmallVec<[Option<TypeId>; 4]> =
                (0..want).map(|i| targs.get(i).copied()).collect();
            let reverse = wanted.is_some();
            match self.infer(pos, &renamed, &given, &params, &args, reverse) {
                Ok(inferred) => targs = inferred.into_iter().collect(),
                Err(problem) => {
                    if let Some((at, message)) = problem {
                        self.error(at, message);
                    }
                    x.invalidate();
                    return None;
                }
            }
        }
        let e = x.expr.map(|at| at.id);
        x.typ = match e {
            Some(e) => self.instantiate_signature(pos, e, generic, &targs, type_exprs),
            None => instantiate(s, generic, &targs),
        };
        x.mode = Mode::Value;
        None
    }

    /// Instantiates a generic signature for the expression `e` of the current file and records it.
    /// The constraints are verified later.
    pub(crate) fn instantiate_signature(
        &mut self,
        pos: u32,
        e: ExprId,
        sig: TypeId,
        targs: &[TypeId],
        type_exprs: &[ExprId],
    ) -> TypeId {
        let inst = instantiate(self.store, sig, targs);
        self.record_instance(e, targs, inst);
        let targs: TypeArgs = targs.into();
        let places: SmallVec<[u32; 4]> = type_exprs.iter().map(|&e| self.pos_of(e)).collect();
        let file = self.env.file;
        // The constraints may not be complete yet.
        self.later(move |c| {
            let tparams = c.tparams_of(sig);
            if let Err((i, message)) = c.verify(&tparams, &targs) {
                let pos = places.get(i).copied().unwrap_or(pos);
                c.report_in(file, pos, message, true);
            } else {
                c.note_instance(&tparams, &targs);
            }
        });
        inst
    }
}

/// What a call of a predeclared function is in statement position.
fn builtin_class(id: BuiltinId) -> ExprClass {
    match id {
        BuiltinId::Clear
        | BuiltinId::Close
        | BuiltinId::Copy
        | BuiltinId::Delete
        | BuiltinId::Panic
        | BuiltinId::Print
        | BuiltinId::Println
        | BuiltinId::Recover
        | BuiltinId::Assert => ExprClass::Statement,
        _ => ExprClass::Expression,
    }
}
