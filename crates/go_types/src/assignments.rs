//! Assignment: of one operand to a variable of some type, and of value lists to variable lists.

use std::sync::atomic::Ordering;

use base::{FxHashSet, Symbol};
use go_syntax::ast::{ExprId, ExprKind};
use smallvec::SmallVec;

use crate::checker::Checker;
use crate::constant::ConstValue;
use crate::expr::{Operands, Target};
use crate::object::{ObjKind, Object, VarKind};
use crate::operand::{Mode, Operand};
use crate::predicates::{default_type, is_untyped, is_valid};
use crate::store::{ObjId, TypeId};
use crate::types::Basic;
use crate::untyped::Misfit;

/// Where an assignment takes place; built into text only for an error.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Context {
    /// Said as it is.
    Text(&'static str),
    /// `argument to f`, where the expression of the current file is `f`.
    ArgumentTo(ExprId),
    /// `argument to built-in f`
    ArgumentToBuiltin(&'static str),
}

impl From<&'static str> for Context {
    fn from(text: &'static str) -> Self {
        Self::Text(text)
    }
}

/// What is assigned to in `use_lhs`-like places: the variable and whether it was used before.
type KeptUse = Option<(ObjId, bool)>;

impl Checker<'_> {
    /// Checks that `x` can be assigned to a variable of type `t`, converting untyped values.
    /// No type means the blank identifier. After an error `x` is invalid.
    pub(crate) fn assignment(&mut self, x: &mut Operand, t: Option<TypeId>, context: Context) {
        self.single_value(x);
        match x.mode {
            Mode::Invalid => return,
            Mode::Constant
            | Mode::Variable
            | Mode::MapIndex
            | Mode::Value
            | Mode::NilValue
            | Mode::CommaOk
            | Mode::CommaErr => {}
            _ => {
                let (what, context) = (self.operand_string(x), self.context_string(context));
                let t = t.map_or_else(|| "_".to_owned(), |t| self.type_str(t));
                self.error_at_operand(x, format!("cannot assign {what} to {t} in {context}"));
                x.invalidate();
                return;
            }
        }
        let s = self.store;
        if is_untyped(s, x.typ) && !self.assign_untyped(x, t, context) {
            return;
        }
        // A generic function is instantiated by what it is assigned to.
        let target = t.map(|typ| Target { typ });
        self.non_generic(target, x);
        if !x.is_valid() {
            return;
        }
        let Some(t) = t else { return };
        if x.typ == t || self.assignable_to(x, t, None) {
            return;
        }
        let mut cause = String::new();
        self.assignable_to(x, t, Some(&mut cause));
        let mut message = format!(
            "cannot use {} as {} value in {}",
            self.operand_string(x),
            self.type_str(t),
            self.context_string(context)
        );
        if !cause.is_empty() {
            message.push_str(": ");
            message.push_str(&cause);
        }
        self.error_at_operand(x, message);
        x.invalidate();
    }

    /// Gives an untyped operand the type it has in the assignment; whether that works.
    fn assign_untyped(&mut self, x: &mut Operand, t: Option<TypeId>, context: Context) -> bool {
        let s = self.store;
        let target = match t {
            None if x.typ == s.basic(Basic::UntypedNil) => {
                let context = self.context_string(context);
                self.error_at_operand(x, format!("use of untyped nil in {context}"));
                x.invalidate();
                return false;
            }
            Some(t) if !self.defaults_in(Some(t)) => t,
            _ => default_type(s, x.typ),
        };
        match self.implicit_type_and_value(x, target) {
            Ok((typ, val)) => {
                self.set_implicit(x, typ, val);
                true
            }
            Err(misfit) => {
                let message = format!(
                    "cannot use {} as {} value in {}{}",
                    self.operand_string(x),
                    self.type_str(target),
                    self.context_string(context),
                    match misfit {
                        Misfit::Truncated => " (truncated)",
                        Misfit::Overflows => " (overflows)",
                        Misfit::Mismatch => "",
                    }
                );
                self.error_at_operand(x, message);
                x.invalidate();
                false
            }
        }
    }

    fn context_string(&self, context: Context) -> String {
        match context {
            Context::Text(text) => text.to_owned(),
            Context::ArgumentTo(f) => format!("argument to {}", self.expr_str(f)),
            Context::ArgumentToBuiltin(name) => format!("argument to built-in {name}"),
        }
    }

    /// Initialises a constant; without a type it takes that of `x`.
    pub(crate) fn init_const(&mut self, lhs: ObjId, x: &mut Operand) {
        let s = self.store;
        let obj = s.obj(lhs);
        let declared = obj.typ.get();
        let unusable =
            !x.is_valid() || !is_valid(s, x.typ) || declared.is_some_and(|t| !is_valid(s, t));
        if unusable || x.mode != Mode::Constant {
            if !unusable {
                let what = self.operand_string(x);
                self.error_at_operand(x, format!("{what} is not constant"));
            }
            if declared.is_none() {
                obj.typ.set(s.invalid());
            }
            return;
        }
        let t = declared.unwrap_or(x.typ);
        obj.typ.set(t);
        self.assignment(x, Some(t), Context::Text("constant declaration"));
        if !x.is_valid() {
            return;
        }
        if let ObjKind::Const { value } = &obj.kind {
            value.get_or_init(|| std::mem::take(&mut x.val));
        }
    }

    /// Initialises a variable; without a type it takes that of `x`.
    pub(crate) fn init_var(&mut self, lhs: ObjId, x: &mut Operand, context: impl Into<Context>) {
        let context = context.into();
        let s = self.store;
        let cell = &s.obj(lhs).typ;
        let declared = cell.get();
        if !x.is_valid() || !is_valid(s, x.typ) || declared.is_some_and(|t| !is_valid(s, t)) {
            if declared.is_none() {
                cell.set(s.invalid());
            }
            x.invalidate();
            return;
        }
        let t = match declared {
            Some(t) => t,
            None if x.typ == s.basic(Basic::UntypedNil) => {
                let context = self.context_string(context);
                self.error_at_operand(x, format!("use of untyped nil in {context}"));
                cell.set(s.invalid());
                x.invalidate();
                return;
            }
            None => {
                let t = if is_untyped(s, x.typ) { default_type(s, x.typ) } else { x.typ };
                cell.set(t);
                t
            }
        };
        self.assignment(x, Some(t), context);
    }

    /// Initialises variables with a value list. `return_pos` is where a return statement stands,
    /// whose results `lhs` are.
    pub(crate) fn init_vars(&mut self, lhs: &[ObjId], rhs: &[ExprId], return_pos: Option<u32>) {
        let context = Context::Text(match (return_pos, lhs.len()) {
            (Some(_), _) => "return statement",
            (None, 2..) => "multiple assignment",
            _ => "assignment",
        });
        if lhs.len() == rhs.len() && !self.is_lone_call(rhs) {
            for (&v, &e) in lhs.iter().zip(rhs) {
                let target = self.var_target(v);
                let mut x = self.no_operand();
                self.expr(target, &mut x, e);
                self.init_var(v, &mut x, context);
            }
            return;
        }
        let [only] = rhs else {
            if self.use_exprs(rhs) {
                match return_pos {
                    Some(pos) => {
                        let rhs = self.expr_list(rhs);
                        self.return_error(pos, lhs, &rhs);
                    }
                    None => self.assign_error(rhs, lhs.len(), rhs.len()),
                }
            }
            self.invalidate_untyped_vars(lhs);
            return;
        };
        let (mut values, comma_ok) = if lhs.len() == 2 && return_pos.is_none() {
            self.multi_expr_comma_ok(*only)
        } else {
            (self.multi_expr(*only, false), false)
        };
        if lhs.len() == values.len() {
            for (&v, x) in lhs.iter().zip(&mut values) {
                self.init_var(v, x, context);
            }
            self.record_if_comma_ok(comma_ok, *only, &values);
            return;
        }
        if values[0].is_valid() {
            match return_pos {
                Some(pos) => self.return_error(pos, lhs, &values),
                None => self.assign_error(rhs, lhs.len(), values.len()),
            }
        }
        self.invalidate_untyped_vars(lhs);
    }

    /// Assigns a value list to existing variables.
    pub(crate) fn assign_vars(&mut self, lhs: &[ExprId], rhs: &[ExprId]) {
        let context =
            Context::Text(if lhs.len() > 1 { "multiple assignment" } else { "assignment" });
        if lhs.len() == rhs.len() && !self.is_lone_call(rhs) {
            for (&l, &r) in lhs.iter().zip(rhs) {
                self.assign_expr(l, r, context);
            }
            return;
        }
        let [only] = rhs else {
            let lhs_ok = self.use_lhs(lhs);
            let rhs_ok = self.use_exprs(rhs);
            if lhs_ok && rhs_ok {
                self.assign_error(rhs, lhs.len(), rhs.len());
            }
            return;
        };
        let (mut values, comma_ok) = if lhs.len() == 2 {
            self.multi_expr_comma_ok(*only)
        } else {
            (self.multi_expr(*only, false), false)
        };
        if lhs.len() == values.len() {
            for (&l, x) in lhs.iter().zip(&mut values) {
                self.assign_operand(l, x, context);
            }
            self.record_if_comma_ok(comma_ok, *only, &values);
            return;
        }
        if values[0].is_valid() {
            self.assign_error(rhs, lhs.len(), values.len());
        }
        self.use_lhs(lhs);
    }

    /// Checks `lhs = rhs` for single expressions.
    fn assign_expr(&mut self, lhs: ExprId, rhs: ExprId, context: Context) {
        let Ok(t) = self.lhs_var(lhs) else {
            self.use_exprs(&[rhs]);
            return;
        };
        let target = t.map(|typ| Target { typ });
        let mut x = self.no_operand();
        self.expr(target, &mut x, rhs);
        self.assignment(&mut x, t, blank_context(t, context));
    }

    /// Checks the assignment of an operand to `lhs`.
    pub(crate) fn assign_operand(&mut self, lhs: ExprId, x: &mut Operand, context: Context) {
        match self.lhs_var(lhs) {
            Ok(t) => self.assignment(x, t, blank_context(t, context)),
            Err(()) => x.invalidate(),
        }
    }

    /// The type of what is assigned to; `None` for the blank identifier, `Err` after an error.
    /// The variable does not count as used.
    fn lhs_var(&mut self, lhs: ExprId) -> Result<Option<TypeId>, ()> {
        let inner = self.ast().unparen(lhs);
        let name = self.ident_name(inner);
        if name.is_some_and(Symbol::is_blank) {
            self.record_def(inner, None);
            return Ok(None);
        }
        let kept = name.and_then(|name| self.local_var_use(name));
        let mut x = self.no_operand();
        self.expr(None, &mut x, lhs);
        self.restore_use(kept);
        self.assignable_operand(&x).map(Some)
    }

    /// Reports an error unless the operand may stand on the left side of an assignment.
    pub(crate) fn assignable_operand(&mut self, x: &Operand) -> Result<TypeId, ()> {
        if !x.is_valid() || !is_valid(self.store, x.typ) {
            return Err(());
        }
        if matches!(x.mode, Mode::Variable | Mode::MapIndex) {
            return Ok(x.typ);
        }
        let Some(at) = x.expr else { return Err(()) };
        let text = self.expr_string(at);
        if let ExprKind::Selector { x: operand, .. } = self.expr_at(at.id).kind {
            let mut op = self.no_operand();
            self.expr(None, &mut op, operand);
            if op.mode == Mode::MapIndex {
                self.error_in(at, format!("cannot assign to struct field {text} in map"));
                return Err(());
            }
        }
        self.error_in(
            at,
            format!("cannot assign to {text} (neither addressable nor a map index expression)"),
        );
        Err(())
    }

    /// The variable of this package that the name denotes, with whether it has been used.
    pub(crate) fn local_var_use(&self, name: Symbol) -> KeptUse {
        let obj = self.lookup(name)?;
        let o = self.store.obj(obj);
        (matches!(o.kind, ObjKind::Var { .. }) && o.pkg == Some(self.pkg))
            .then(|| (obj, o.used.load(Ordering::Relaxed)))
    }

    /// Sets the use back to what it was.
    pub(crate) fn restore_use(&self, kept: KeptUse) {
        if let Some((obj, used)) = kept {
            self.store.obj(obj).used.store(used, Ordering::Relaxed);
        }
    }

    fn var_target(&self, v: ObjId) -> Option<Target> {
        let obj = self.store.obj(v);
        obj.typ.get().map(|typ| Target { typ })
    }

    fn is_lone_call(&self, rhs: &[ExprId]) -> bool {
        matches!(rhs, [e] if {
            let e = self.ast().unparen(*e);
            matches!(self.expr_at(e).kind, ExprKind::Call { .. })
        })
    }

    fn record_if_comma_ok(&mut self, comma_ok: bool, e: ExprId, values: &Operands) {
        if let [first, second] = values.as_slice()
            && comma_ok
            && first.is_valid()
            && second.is_valid()
        {
            self.record_comma_ok_types(e, first.typ, second.typ);
        }
    }

    fn invalidate_untyped_vars(&self, vars: &[ObjId]) {
        for &v in vars {
            let cell = &self.store.obj(v).typ;
            if cell.get().is_none() {
                cell.set(self.store.invalid());
            }
        }
    }

    fn assign_error(&mut self, rhs: &[ExprId], vars: usize, values: usize) {
        let Some(&first) = rhs.first() else { return };
        let (vars, values) = (measure(vars, "variable"), measure(values, "value"));
        let inner = self.ast().unparen(first);
        let message = match self.expr_at(inner).kind {
            ExprKind::Call { fun, .. } if rhs.len() == 1 => {
                let fun = self.expr_str(fun);
                format!("assignment mismatch: {vars} but {fun} returns {values}")
            }
            _ => format!("assignment mismatch: {vars} but {values}"),
        };
        self.error_at(first, message);
    }

    fn return_error(&mut self, pos: u32, lhs: &[ObjId], rhs: &[Operand]) {
        let operand_pos = |c: &Self, x: &Operand| x.expr.map_or(pos, |at| c.pos_of(at.id));
        let (at, qualifier) = match (rhs.get(lhs.len()), rhs.last()) {
            (Some(extra), _) => (operand_pos(self, extra), "too many"),
            (None, Some(last)) => (operand_pos(self, last), "not enough"),
            _ => (pos, "not enough"),
        };
        let have: SmallVec<[TypeId; 4]> = rhs.iter().map(|x| x.typ).collect();
        let want: SmallVec<[TypeId; 4]> = lhs.iter().map(|&v| self.type_of_obj(v)).collect();
        let message = format!(
            "{qualifier} return values\n\thave {}\n\twant {}",
            self.types_summary(&have, false, false),
            self.types_summary(&want, false, false)
        );
        self.error(at, message);
    }

    /// The type of an object; invalid when it is not known.
    #[inline]
    pub(crate) fn type_of_obj(&self, obj: ObjId) -> TypeId {
        self.store.obj(obj).typ.get().unwrap_or(self.store.invalid())
    }

    /// Checks `lhs := rhs`; `pos` is the place of the operator.
    pub(crate) fn short_var_decl(&mut self, pos: u32, lhs: &[ExprId], rhs: &[ExprId]) {
        let top = self.delayed.len();
        let scope = self.scope();
        let mut seen: SmallVec<[Symbol; 4]> = SmallVec::new();
        let mut seen_many: FxHashSet<Symbol> = FxHashSet::default();
        let mut vars: SmallVec<[ObjId; 4]> = SmallVec::new();
        let mut new_vars: SmallVec<[ObjId; 4]> = SmallVec::new();
        let mut failed = false;
        for &l in lhs {
            let mut var = None;
            if let Some(name) = self.ident_name(l) {
                let repeated = !name.is_blank()
                    && if lhs.len() <= 16 { seen.contains(&name) } else { !seen_many.insert(name) };
                if repeated {
                    self.error_at(l, format!("{name} repeated on left side of :="));
                    failed = true;
                } else {
                    seen.push(name);
                    var = self.short_var(l, name, scope, &mut new_vars);
                    failed |= var.is_none();
                }
            } else {
                self.use_lhs(&[l]);
                let text = self.expr_str(l);
                self.error_at(l, format!("non-name {text} on left side of :="));
                failed = true;
            }
            let var = var.unwrap_or_else(|| {
                let blank = Symbol::intern("_");
                self.new_local_var(self.pos_of(l), blank, None)
            });
            vars.push(var);
        }
        self.init_vars(&vars, rhs, None);
        // Function literals on the right side see the scope as it is before the declaration.
        self.process_delayed(top);
        if new_vars.is_empty() && !failed {
            self.soft_error(pos, "no new variables on left side of :=");
            return;
        }
        let visible_from = rhs.last().map_or(pos, |&e| self.expr_at(e).span.end);
        for v in new_vars {
            self.declare(scope, None, v, visible_from);
        }
    }

    /// The variable that a name on the left of `:=` denotes: one of this scope, or a new one.
    fn short_var(
        &mut self,
        l: ExprId,
        name: Symbol,
        scope: crate::scope::ScopeId,
        new_vars: &mut SmallVec<[ObjId; 4]>,
    ) -> Option<ObjId> {
        if let Some(old) = self.scopes[scope].get(name) {
            self.record_use(l, old);
            if matches!(self.store.obj(old).kind, ObjKind::Var { .. }) {
                return Some(old);
            }
            self.error_at(l, format!("cannot assign to {name}"));
            return None;
        }
        let v = self.new_local_var(self.pos_of(l), name, None);
        if !name.is_blank() {
            new_vars.push(v);
        }
        self.record_def(l, Some(v));
        Some(v)
    }

    /// A new local variable of the current file, declared at `pos`.
    pub(crate) fn new_local_var(&self, pos: u32, name: Symbol, typ: Option<TypeId>) -> ObjId {
        let file = self.files[self.env.file as usize].file;
        let v = Object::var(VarKind::Local, name, Some(self.pkg), Some((file, pos)), typ);
        self.store.new_obj(v)
    }

    /// Evaluates a value list; a lone expression may give several operands.
    pub(crate) fn expr_list(&mut self, list: &[ExprId]) -> Operands {
        if let [only] = list {
            return self.multi_expr(*only, false);
        }
        list.iter()
            .map(|&e| {
                let mut x = self.no_operand();
                self.expr(None, &mut x, e);
                x
            })
            .collect()
    }

    /// An operand of a constant value that stands nowhere in the source.
    pub(crate) fn constant_operand(&self, basic: Basic, val: ConstValue) -> Operand {
        Operand { mode: Mode::Constant, expr: None, typ: self.store.basic(basic), val }
    }
}

fn blank_context(t: Option<TypeId>, context: Context) -> Context {
    match (t, context) {
        (None, Context::Text("assignment")) => Context::Text("assignment to _ identifier"),
        _ => context,
    }
}

fn measure(n: usize, unit: &str) -> String {
    format!("{n} {unit}{}", if n == 1 { "" } else { "s" })
}
