//! Expressions: the dispatch over their kinds, and the entry points that differ in what they
//! accept (one value, several, a type, a generic function).

use go_syntax::ast::{ExprId, ExprKind, UnaryOp};
use smallvec::SmallVec;

use crate::checker::Checker;
use crate::operand::{Mode, Operand};
use crate::predicates::{identical, is_generic, is_interface, is_type_param, is_valid};
use crate::store::{ObjId, TypeId};
use crate::types::{Basic, Type};
use crate::under::{under, under_is};

/// What an expression is in statement position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ExprClass {
    /// A conversion: its value must be used.
    Conversion,
    /// Anything else whose value must be used.
    Expression,
    /// A call or receive: may stand alone.
    Statement,
}

/// Where a value goes: lets a generic function that is assigned be instantiated from the type of
/// the variable. It counts only if the type is a function type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// The type of the variable.
    pub typ: TypeId,
}

/// Operands of an argument or value list.
pub(crate) type Operands = SmallVec<[Operand; 4]>;

/// What an expression may not be where a value is expected.
#[derive(Clone, Copy)]
enum Exclude {
    /// Calls without a result.
    NoValue,
    /// Those, predeclared functions and types.
    NotAValue,
}

impl Checker<'_> {
    /// A blank operand to check an expression into.
    #[inline]
    pub(crate) fn no_operand(&self) -> Operand {
        Operand::invalid(self.store.invalid())
    }

    /// Checks an expression or type and records it. With `allow_generic` the result may be an
    /// uninstantiated generic type or function. `hint` is the type of a composite literal's
    /// element, for literals that leave it out. After an error the mode is `Invalid`.
    pub(crate) fn raw_expr(
        &mut self,
        target: Option<Target>,
        x: &mut Operand,
        e: ExprId,
        hint: Option<TypeId>,
        allow_generic: bool,
    ) -> ExprClass {
        let class = stacker::maybe_grow(crate::RED_ZONE, crate::STACK_STEP, || {
            self.expr_internal(target, x, e, hint)
        });
        if !allow_generic {
            self.non_generic(target, x);
        }
        self.record(x);
        class
    }

    /// Checks an expression that must have exactly one value.
    #[inline]
    pub(crate) fn expr(&mut self, target: Option<Target>, x: &mut Operand, e: ExprId) {
        self.raw_expr(target, x, e, None, false);
        self.exclude(x, Exclude::NotAValue);
        self.single_value(x);
    }

    /// As [`Self::expr`], but the value may be an uninstantiated generic function.
    pub(crate) fn generic_expr(&mut self, x: &mut Operand, e: ExprId, hint: Option<TypeId>) {
        self.raw_expr(None, x, e, hint, true);
        self.exclude(x, Exclude::NotAValue);
        self.single_value(x);
    }

    /// Checks an expression that is one value or a type.
    pub(crate) fn expr_or_type(&mut self, x: &mut Operand, e: ExprId, allow_generic: bool) {
        self.raw_expr(None, x, e, None, allow_generic);
        self.exclude(x, Exclude::NoValue);
        self.single_value(x);
    }

    /// Checks an expression that may have several values; `generic` is for call arguments. Not
    /// valid in the first operand after an error.
    pub(crate) fn multi_expr(&mut self, e: ExprId, generic: bool) -> Operands {
        let mut x = self.no_operand();
        self.raw_expr(None, &mut x, e, None, generic);
        self.exclude(&mut x, Exclude::NotAValue);
        if x.is_valid()
            && let Type::Tuple(vars) = self.store.ty(x.typ)
        {
            let typ = |v: &ObjId| self.store.obj(*v).typ.get().unwrap_or(self.store.invalid());
            return vars.iter().map(|v| Operand::value(x.expr, typ(v))).collect();
        }
        SmallVec::from_iter([x])
    }

    /// As [`Self::multi_expr`]; a map index, receive or type assertion gives its comma-ok pair, and
    /// the flag says so.
    pub(crate) fn multi_expr_comma_ok(&mut self, e: ExprId) -> (Operands, bool) {
        let mut list = self.multi_expr(e, false);
        let [x] = list.as_slice() else { return (list, false) };
        let second = match x.mode {
            Mode::MapIndex | Mode::CommaOk => self.store.basic(Basic::UntypedBool),
            Mode::CommaErr => self.store.universe().error_type,
            _ => return (list, false),
        };
        let second = Operand::value(x.expr, second);
        list.push(second);
        (list, true)
    }

    /// Evaluates expressions for their effects on the tables only; whether all are valid.
    pub(crate) fn use_exprs(&mut self, list: &[ExprId]) -> bool {
        let mut ok = true;
        for &e in list {
            ok &= self.use_expr(e, false);
        }
        ok
    }

    /// As [`Self::use_exprs`] for the left side of an assignment, which does not use variables.
    pub(crate) fn use_lhs(&mut self, list: &[ExprId]) -> bool {
        let mut ok = true;
        for &e in list {
            ok &= self.use_expr(e, true);
        }
        ok
    }

    fn use_expr(&mut self, e: ExprId, lhs: bool) -> bool {
        let mut x = self.no_operand();
        let inner = self.ast().unparen(e);
        let Some(name) = self.ident_name(inner) else {
            self.raw_expr(None, &mut x, e, None, true);
            return x.is_valid();
        };
        if name.is_blank() {
            return true;
        }
        let kept = lhs.then(|| self.local_var_use(name)).flatten();
        self.expr_or_type(&mut x, inner, true);
        self.restore_use(kept);
        x.is_valid()
    }

    /// Reports an error if `x` is a generic type, or a generic function that `target` does not
    /// tell how to instantiate.
    #[inline]
    pub(crate) fn non_generic(&mut self, target: Option<Target>, x: &mut Operand) {
        if !x.is_valid() || x.mode == Mode::NoValue {
            return;
        }
        let what = match self.store.ty(x.typ) {
            Type::Alias(_) | Type::Named(_) if is_generic(self.store, x.typ) => "type",
            Type::Signature(sig) if !sig.tparams.is_empty() => {
                if target.is_some_and(|t| self.target_signature(t).is_some()) {
                    let pos = x.expr.map_or(0, |at| self.pos_of(at.id));
                    self.func_inst(target, pos, x, None, true);
                    return;
                }
                "function"
            }
            _ => return,
        };
        let expr = x.expr.map(|at| self.expr_string(at)).unwrap_or_default();
        self.error_at_operand(x, format!("cannot use generic {what} {expr} without instantiation"));
        x.invalidate();
        x.typ = self.store.invalid();
    }

    /// Reports an error if `x` has several values.
    #[inline]
    pub(crate) fn single_value(&mut self, x: &mut Operand) {
        if x.mode == Mode::Value && matches!(self.store.ty(x.typ), Type::Tuple(_)) {
            let message =
                format!("multiple-value {} in single-value context", self.operand_string(x));
            self.error_at_operand(x, message);
            x.invalidate();
        }
    }

    #[inline]
    fn exclude(&mut self, x: &mut Operand, exclude: Exclude) {
        let what = match (x.mode, exclude) {
            (Mode::NoValue, Exclude::NotAValue) => "used as value",
            (Mode::NoValue, Exclude::NoValue) => "used as value or type",
            (Mode::Builtin(_), Exclude::NotAValue) => "must be called",
            (Mode::TypeExpr, Exclude::NotAValue) => "is not an expression",
            _ => return,
        };
        let message = format!("{} {what}", self.operand_string(x));
        self.error_at_operand(x, message);
        x.invalidate();
    }

    /// Reports an error if `x` has no value or is a predeclared function; types may pass.
    pub(crate) fn exclude_all_but_types(&mut self, x: &mut Operand) {
        if matches!(x.mode, Mode::NoValue | Mode::Builtin(_)) {
            self.exclude(x, Exclude::NotAValue);
        }
    }

    fn expr_internal(
        &mut self,
        target: Option<Target>,
        x: &mut Operand,
        e: ExprId,
        hint: Option<TypeId>,
    ) -> ExprClass {
        x.invalidate();
        x.typ = self.store.invalid();
        let at = Some(self.expr_ref(e));
        let mut class = ExprClass::Expression;
        match self.expr_at(e).kind {
            // The parser has reported it.
            ExprKind::Bad => {}
            ExprKind::Ident(_) => self.ident(x, e, false),
            ExprKind::Ellipsis(_) => self.error_at(e, "invalid use of ..."),
            ExprKind::BasicLit(kind) => self.basic_lit(x, e, kind),
            ExprKind::FuncLit { ty, body } => self.func_lit(x, ty, body),
            ExprKind::CompositeLit { ty, elts } => self.composite_lit(x, e, ty, elts, hint),
            ExprKind::Paren(inner) => {
                // Inference does not look into parentheses: no target.
                let class = self.raw_expr(None, x, inner, None, false);
                x.expr = at;
                return class;
            }
            ExprKind::Selector { .. } => self.selector(x, e, false),
            ExprKind::Index { .. } => {
                if self.index_expr(x, e) {
                    let pos = self.pos_of(e);
                    self.func_inst(target, pos, x, Some(e), true);
                }
            }
            ExprKind::Slice { x: operand, bounds } => self.slice_expr(x, e, operand, bounds),
            ExprKind::TypeAssert { x: operand, ty } => self.type_assert_expr(x, e, operand, ty),
            ExprKind::Call { .. } => return self.call_expr(x, e),
            ExprKind::Star(operand) => self.star(x, operand),
            ExprKind::Unary { op, x: operand } => {
                self.unary(x, e, op, operand);
                if op == UnaryOp::Recv && x.is_valid() {
                    class = ExprClass::Statement;
                }
            }
            ExprKind::Binary { .. } => self.binary_expr(x, e),
            ExprKind::KeyValue { .. } => self.error_at(e, "no key:value expected"),
            ExprKind::ArrayType { .. }
            | ExprKind::StructType(_)
            | ExprKind::FuncType(_)
            | ExprKind::InterfaceType(_)
            | ExprKind::MapType { .. }
            | ExprKind::ChanType { .. } => {
                x.typ = self.typ(e);
                x.mode = Mode::TypeExpr;
            }
        }
        x.expr = at;
        // After an error, nothing more is said about the expression as a statement.
        if x.is_valid() { class } else { ExprClass::Statement }
    }

    /// `*x`: a dereference or a pointer type.
    fn star(&mut self, x: &mut Operand, operand: ExprId) {
        self.expr_or_type(x, operand, false);
        let s = self.store;
        match x.mode {
            Mode::Invalid => {}
            Mode::TypeExpr => {
                self.valid_var_type(operand, x.typ);
                x.typ = self.memo.pointer(s, x.typ);
            }
            _ => {
                let mut base: Option<TypeId> = None;
                let mut differ = false;
                let ok = under_is(s, x.typ, |u| match u.map(|u| s.ty(u)) {
                    Some(Type::Pointer(b)) => {
                        differ = base.is_some_and(|base| !identical(s, *b, base));
                        base = Some(*b);
                        !differ
                    }
                    _ => false,
                });
                if !ok {
                    let what = self.operand_string(x);
                    self.error_at_operand(
                        x,
                        if differ {
                            format!(
                                "invalid operation: pointers of {what} must have identical base types"
                            )
                        } else {
                            format!("invalid operation: cannot indirect {what}")
                        },
                    );
                    x.invalidate();
                    return;
                }
                match base {
                    Some(base) if self.is_complete(base) => {
                        x.mode = Mode::Variable;
                        x.typ = base;
                    }
                    _ => x.invalidate(),
                }
            }
        }
    }

    /// `x.(T)`
    fn type_assert_expr(
        &mut self,
        x: &mut Operand,
        e: ExprId,
        operand: ExprId,
        ty: Option<ExprId>,
    ) {
        self.expr(None, x, operand);
        if !x.is_valid() {
            return;
        }
        let s = self.store;
        let fail = |c: &mut Self, x: &mut Operand, message: String| {
            c.error_at_operand(x, message);
            x.invalidate();
        };
        let Some(ty) = ty else {
            self.error_at(e, "use of .(type) outside type switch");
            x.invalidate();
            return;
        };
        if is_type_param(s, x.typ) {
            let what = self.operand_string(x);
            fail(
                self,
                x,
                format!(
                    "invalid operation: cannot use type assertion on type parameter value {what}"
                ),
            );
            return;
        }
        if !is_interface(s, x.typ) {
            let what = self.operand_string(x);
            fail(self, x, format!("invalid operation: {what} is not an interface"));
            return;
        }
        let t = self.var_type(ty);
        if !is_valid(s, t) || !self.is_complete(t) {
            x.invalidate();
            return;
        }
        self.type_assertion(e, x, t, false);
        x.mode = Mode::CommaOk;
        x.typ = t;
    }

    /// Reports an error at `e` if `x`, an interface, cannot hold a `t`.
    pub(crate) fn type_assertion(&mut self, e: ExprId, x: &Operand, t: TypeId, in_switch: bool) {
        let mut cause = String::new();
        if self.new_assertable_to(x.typ, t, Some(&mut cause)) {
            return;
        }
        let (text, t) = (self.expr_str(e), self.type_str(t));
        let message = if in_switch {
            let what = self.operand_string(x);
            format!(
                "impossible type switch case: {text}\n\t{what} cannot have dynamic type {t} {cause}"
            )
        } else {
            let typ = self.type_str(x.typ);
            format!("impossible type assertion: {text}\n\t{t} does not implement {typ} {cause}")
        };
        self.error_at(e, message);
    }

    /// The function type of a target, if it has one.
    pub(crate) fn target_signature(&self, target: Target) -> Option<TypeId> {
        let s = self.store;
        let u = crate::under::core_type(s, target.typ)?;
        matches!(s.ty(u), Type::Signature(_)).then_some(u)
    }

    /// Whether the underlying type is basic and which; `None` for all else.
    pub(crate) fn basic_under(&self, t: TypeId) -> Option<Basic> {
        match self.store.ty(under(self.store, t)) {
            Type::Basic(b) => Some(*b),
            _ => None,
        }
    }
}
