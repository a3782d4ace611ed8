//! Index expressions, slice expressions, and the checks on their indices.

use go_syntax::ast::{ExprId, ExprKind};

use crate::assignments::Context;
use crate::checker::Checker;
use crate::constant;
use crate::constant::ConstValue;
use crate::operand::{Mode, Operand};
use crate::predicates::{all_integer, identical, is_string, is_type_param, is_untyped, is_valid};
use crate::store::TypeId;
use crate::types::{Basic, Type};
use crate::under::{typeset_pairs, under, under_is};

/// What indexing a type gives.
#[derive(Clone, Copy)]
struct Indexed {
    /// The key type of a map.
    key: Option<TypeId>,
    elem: TypeId,
    mode: Mode,
    /// The number of elements where it is known.
    length: Option<i64>,
}

impl Checker<'_> {
    /// Checks the index expression `e`. The result is whether it is a function instantiation: then
    /// `x` is the generic function, and instantiating it is up to the caller.
    pub(crate) fn index_expr(&mut self, x: &mut Operand, e: ExprId) -> bool {
        let ExprKind::Index { x: operand, indices } = self.expr_at(e).kind else { return false };
        let indices = self.ast().expr_list(indices);
        self.expr_or_type(x, operand, true);
        match x.mode {
            Mode::Invalid => {
                self.use_exprs(indices);
                return false;
            }
            Mode::TypeExpr => {
                x.invalidate();
                x.typ = self.var_type(e);
                if is_valid(self.store, x.typ) {
                    x.mode = Mode::TypeExpr;
                }
                return false;
            }
            Mode::Value => {
                let u = under(self.store, x.typ);
                if self.signature_of(u).is_some_and(|sig| !sig.tparams.is_empty()) {
                    return true;
                }
            }
            _ => {}
        }
        self.non_generic(None, x);
        if !x.is_valid() {
            return false;
        }
        if !self.is_complete_for_index(x.typ) {
            x.invalidate();
            return false;
        }
        let Some(indexed) = self.indexed(x) else {
            let what = self.operand_string(x);
            self.error_at_operand(x, format!("cannot index {what}"));
            self.use_exprs(indices);
            x.invalidate();
            return false;
        };
        let Some(index) = self.single_index(e, indices) else {
            x.invalidate();
            return false;
        };
        x.mode = indexed.mode;
        x.typ = indexed.elem;
        x.val = ConstValue::Unknown;
        if let Some(key) = indexed.key {
            let mut k = self.no_operand();
            self.generic_expr(&mut k, index, None);
            self.assignment(&mut k, Some(key), Context::Text("map index"));
            x.expr = Some(self.expr_ref(e));
        } else {
            self.index(index, indexed.length);
        }
        false
    }

    /// Values of incomplete types cannot be indexed, nor can what a pointer to one points to.
    fn is_complete_for_index(&mut self, t: TypeId) -> bool {
        if !self.is_complete(t) {
            return false;
        }
        match self.store.ty(under(self.store, t)) {
            Type::Pointer(base) => self.is_complete(*base),
            Type::Map { elem, .. } => self.is_complete(*elem),
            _ => true,
        }
    }

    fn indexed(&self, x: &Operand) -> Option<Indexed> {
        let s = self.store;
        if !is_type_param(s, x.typ) {
            let mut indexed = self.indexed_one(under(s, x.typ), x.mode)?;
            if let ConstValue::Str(text) = &x.val
                && x.mode == Mode::Constant
            {
                indexed.length = Some(text.len() as i64);
            }
            return Some(indexed);
        }
        let mut all: Option<Indexed> = None;
        // Indexing a variable gives a variable unless some type in the set says otherwise.
        let mut mode = Mode::Variable;
        let ok = under_is(s, x.typ, |u| {
            let Some(one) = u.and_then(|u| self.indexed_one(u, x.mode)) else { return false };
            if one.mode == Mode::Value {
                mode = Mode::Value;
            }
            let Some(all) = &mut all else {
                all = Some(one);
                return true;
            };
            let same_key = match (all.key, one.key) {
                (None, None) => true,
                (Some(a), Some(b)) => identical(s, a, b),
                _ => false,
            };
            if let (Some(least), Some(length)) = (all.length, one.length) {
                all.length = Some(least.min(length));
            }
            same_key && identical(s, all.elem, one.elem)
        });
        let mut all = all.filter(|_| ok)?;
        all.mode = if all.key.is_some() { Mode::MapIndex } else { mode };
        Some(all)
    }

    fn indexed_one(&self, u: TypeId, operand: Mode) -> Option<Indexed> {
        let s = self.store;
        let array = |elem, len, mode| Indexed { key: None, elem, mode, length: known(len) };
        Some(match *s.ty(u) {
            // An element of a string is a byte value, never a constant.
            Type::Basic(_) if is_string(s, u) => {
                Indexed { key: None, elem: s.basic(Basic::Byte), mode: Mode::Value, length: None }
            }
            Type::Array { elem, len } => {
                let mode = if operand == Mode::Variable { Mode::Variable } else { Mode::Value };
                array(elem, len, mode)
            }
            Type::Pointer(base) => match *s.ty(under(s, base)) {
                Type::Array { elem, len } => array(elem, len, Mode::Variable),
                _ => return None,
            },
            Type::Slice(elem) => array(elem, -1, Mode::Variable),
            Type::Map { key, elem } => {
                Indexed { key: Some(key), elem, mode: Mode::MapIndex, length: None }
            }
            _ => return None,
        })
    }

    fn single_index(&mut self, e: ExprId, indices: &[ExprId]) -> Option<ExprId> {
        if let Some(&second) = indices.get(1) {
            self.error_at(second, "invalid operation: more than one index");
        }
        if indices.is_empty() {
            self.error_at(e, "index expression with 0 indices");
        }
        indices.first().copied()
    }

    /// Checks a slice expression.
    pub(crate) fn slice_expr(&mut self, x: &mut Operand, e: ExprId, operand: ExprId, bounds: u32) {
        let bounds = self.ast().slice_bounds[bounds as usize];
        let list = [bounds.lo, bounds.hi, bounds.max];
        self.expr(None, x, operand);
        if !x.is_valid() {
            for e in list.into_iter().flatten() {
                self.use_exprs(&[e]);
            }
            return;
        }
        let s = self.store;
        let Some(common) = self.sliced_type(x) else {
            x.invalidate();
            return;
        };
        if let Type::Pointer(base) = s.ty(under(s, x.typ))
            && !self.is_complete(*base)
        {
            x.invalidate();
            return;
        }
        let mut length = None;
        match *s.ty(common) {
            Type::Basic(_) if is_string(s, common) => {
                if bounds.three {
                    let at = bounds.max.unwrap_or(e);
                    self.error_at(at, "invalid operation: 3-index slice of string");
                    x.invalidate();
                    return;
                }
                if x.mode == Mode::Constant {
                    length = Some(x.val.str_len() as i64);
                }
                if is_untyped(s, x.typ) {
                    x.typ = s.basic(Basic::String);
                }
            }
            Type::Array { elem, len } => {
                length = known(len);
                if x.mode != Mode::Variable {
                    let what = self.operand_string(x);
                    self.error_at_operand(x, format!("cannot slice unaddressable value {what}"));
                    x.invalidate();
                    return;
                }
                x.typ = self.memo.slice(s, elem);
            }
            Type::Pointer(base) => match *s.ty(under(s, base)) {
                Type::Array { elem, len } => {
                    length = known(len);
                    x.typ = self.memo.slice(s, elem);
                }
                _ => {
                    self.cannot_slice(x);
                    return;
                }
            },
            Type::Slice(_) => {}
            _ => {
                self.cannot_slice(x);
                return;
            }
        }
        x.mode = Mode::Value;
        x.val = ConstValue::Unknown;
        if bounds.three && (bounds.hi.is_none() || bounds.max.is_none()) {
            let end = self.expr_at(e).span.end - 1;
            self.error(end, "2nd and 3rd index required in 3-index slice");
            x.invalidate();
            return;
        }
        self.slice_bounds(list, length);
    }

    fn cannot_slice(&mut self, x: &mut Operand) {
        let what = self.operand_string(x);
        self.error_at_operand(x, format!("cannot slice {what}"));
        x.invalidate();
    }

    /// The underlying type that all types of `x` have in common, byte slices going along with
    /// strings; `None` after an error.
    fn sliced_type(&mut self, x: &Operand) -> Option<TypeId> {
        let s = self.store;
        if !is_type_param(s, x.typ) {
            return Some(under(s, x.typ));
        }
        let mut common: Option<(TypeId, TypeId)> = None;
        let mut has_string = false;
        let mut problem = None;
        let bytes = self.memo.slice(s, s.basic(Basic::Byte));
        for pair in typeset_pairs(s, x.typ) {
            let Some((t, mut u)) = pair else {
                problem = Some(None);
                break;
            };
            if is_string(s, u) {
                u = bytes;
                has_string = true;
            }
            match common {
                None => common = Some((t, u)),
                Some((first, cu)) if !identical(s, cu, u) => {
                    problem = Some(Some((first, t)));
                    break;
                }
                _ => {}
            }
        }
        if let Some(problem) = problem {
            let what = self.operand_string(x);
            let message = match problem {
                None => {
                    format!("cannot slice {what}: no specific type in {}", self.type_str(x.typ))
                }
                Some((a, b)) => format!(
                    "cannot slice {what}: {} and {} have different underlying types",
                    self.type_str(a),
                    self.type_str(b)
                ),
            };
            self.error_at_operand(x, message);
            return None;
        }
        if has_string { Some(s.basic(Basic::String)) } else { common.map(|c| c.1) }
    }

    fn slice_bounds(&mut self, list: [Option<ExprId>; 3], length: Option<i64>) {
        let mut values = [None; 3];
        for (i, bound) in list.into_iter().enumerate() {
            values[i] = match bound {
                Some(bound) => self.index(bound, length.map(|n| n.saturating_add(1))).1,
                None if i == 0 => Some(0),
                None => length,
            };
        }
        for i in 0..2 {
            let Some(x) = values[i].filter(|&x| x > 0) else { continue };
            for j in i + 1..3 {
                if let (Some(y), Some(at)) = (values[j], list[j])
                    && y < x
                {
                    self.error_at(at, format!("invalid slice indices: {y} < {x}"));
                    return;
                }
            }
        }
    }

    /// Checks an index against an upper bound. Gives its type (invalid after an error) and its
    /// value when that is a valid constant.
    pub(crate) fn index(&mut self, index: ExprId, max: Option<i64>) -> (TypeId, Option<i64>) {
        let mut x = self.no_operand();
        self.expr(None, &mut x, index);
        if !self.is_valid_index(&mut x, "index", false) {
            return (self.store.invalid(), None);
        }
        if x.mode != Mode::Constant {
            return (x.typ, None);
        }
        let Some(v) = x.val.int64_val() else { return (self.store.invalid(), None) };
        if let Some(max) = max
            && v >= max
        {
            self.error_at_operand(
                &x,
                format!("invalid argument: index {} out of bounds [0:{max}]", x.val),
            );
            return (self.store.invalid(), None);
        }
        (x.typ, Some(v))
    }

    /// Checks that an operand can be an index: of integer type or a constant that fits `int`.
    pub(crate) fn is_valid_index(
        &mut self,
        x: &mut Operand,
        what: &str,
        allow_negative: bool,
    ) -> bool {
        if !x.is_valid() {
            return false;
        }
        let s = self.store;
        if is_untyped(s, x.typ) {
            self.convert_untyped(x, s.basic(Basic::Int));
            if !x.is_valid() {
                return false;
            }
        }
        let problem = if !all_integer(s, x.typ) {
            "must be integer"
        } else if x.mode != Mode::Constant {
            return true;
        } else if !allow_negative && x.val.sign() < 0 {
            "must not be negative"
        } else if let Some(val) = constant::representable_const(&x.val, Basic::Int, self.sizes()) {
            x.val = val;
            return true;
        } else {
            "overflows int"
        };
        let text = self.operand_string(x);
        self.error_at_operand(x, format!("invalid argument: {what} {text} {problem}"));
        false
    }
}

/// An array length, unless it is unknown after an error.
fn known(len: i64) -> Option<i64> {
    (len >= 0).then_some(len)
}
