//! Composite literals (Go spec, "Composite literals").

use std::cmp::Ordering;

use std::sync::Arc;

use base::{FxHashMap, FxHashSet};
use go_syntax::ast::{ExprId, ExprKind, ExprRange};
use smallvec::SmallVec;

use crate::assignments::Context;
use crate::checker::Checker;
use crate::constant::{ConstKind, ConstValue};
use crate::lookup::{Lookup, Path, field_path, lookup_field_or_method};
use crate::operand::{Mode, Operand};
use crate::predicates::{identical, is_non_type_param_interface, is_valid};
use crate::store::{ObjId, TypeId};
use crate::types::{Struct, Type};
use crate::under::{core_type, unalias, under};

impl Checker<'_> {
    /// Checks a composite literal. `hint` is the type of an element that leaves its type out.
    pub(crate) fn composite_lit(
        &mut self,
        x: &mut Operand,
        e: ExprId,
        ty: Option<ExprId>,
        elts: ExprRange,
        hint: Option<TypeId>,
    ) {
        let s = self.store;
        let elts = self.ast().expr_list(elts);
        let mut open_array = None;
        let (mut typ, base) = match (ty, hint) {
            (Some(ty), _) => {
                if let ExprKind::ArrayType { len: Some(len), elem } = self.expr_at(ty).kind
                    && matches!(self.expr_at(len).kind, ExprKind::Ellipsis(None))
                {
                    // [...]T gets its length from the elements.
                    let elem = self.var_type(elem);
                    open_array = Some((ty, elem));
                    (s.invalid(), s.invalid())
                } else {
                    let t = self.typ(ty);
                    (t, t)
                }
            }
            // For an element of type *T, {…} means &T{…}.
            (None, Some(hint)) => {
                let base = match core_type(s, hint).map(|u| s.ty(u)) {
                    Some(Type::Pointer(base)) => *base,
                    _ => hint,
                };
                (hint, base)
            }
            (None, None) => {
                self.error_at(e, "missing type in composite literal");
                (s.invalid(), s.invalid())
            }
        };
        if let Some((ty, elem)) = open_array {
            let len = self.indexed_elements(elts, elem, None);
            typ = s.new_type(Type::Array { elem, len });
            self.record_type_expr(ty, typ);
        } else {
            if !self.is_complete(base) {
                x.invalidate();
                return;
            }
            let u = core_type(s, base);
            match u.map(|u| s.ty(u)) {
                Some(Type::Struct(fields)) => self.struct_elements(x, e, elts, fields, base),
                Some(&Type::Array { elem, len }) => {
                    let known = (len >= 0).then_some(len);
                    let n = self.indexed_elements(elts, elem, known);
                    // [n]int{1, 2} where n is invalid: the length is what it ought to be.
                    if len < 0 {
                        typ = s.new_type(Type::Array { elem, len: n });
                        if let Some(ty) = ty {
                            self.record_type_expr(ty, typ);
                        }
                    }
                }
                Some(&Type::Slice(elem)) => {
                    self.indexed_elements(elts, elem, None);
                }
                Some(&Type::Map { key, elem }) => self.map_elements(x, elts, key, elem),
                _ => {
                    self.use_elements(elts);
                    if u.is_none_or(|u| is_valid(s, u)) {
                        let element = if ty.is_none() && hint.is_some() { " element" } else { "" };
                        let cause = if u.is_none() { " (no common underlying type)" } else { "" };
                        let t = self.type_str(typ);
                        self.error_at(
                            e,
                            format!("invalid composite literal{element} type {t}{cause}"),
                        );
                        x.invalidate();
                        return;
                    }
                }
            }
        }
        x.mode = Mode::Value;
        x.typ = typ;
        x.val = ConstValue::Unknown;
    }

    /// Evaluates the elements of a literal that has no usable type. Keys are left alone: they may
    /// be names of fields.
    fn use_elements(&mut self, elts: &[ExprId]) {
        for &e in elts {
            match self.expr_at(e).kind {
                ExprKind::KeyValue { value, .. } => self.use_exprs(&[value]),
                _ => self.use_exprs(&[e]),
            };
        }
    }

    fn struct_elements(
        &mut self,
        x: &mut Operand,
        e: ExprId,
        elts: &[ExprId],
        fields: &Struct,
        base: TypeId,
    ) {
        let Some(&first) = elts.first() else { return };
        if matches!(self.expr_at(first).kind, ExprKind::KeyValue { .. }) {
            self.keyed_fields(x, elts, base);
        } else {
            self.fields_in_order(x, e, elts, fields, base);
        }
    }

    fn keyed_fields(&mut self, x: &mut Operand, elts: &[ExprId], base: TypeId) {
        let s = self.store;
        let Some(u) = core_type(s, base) else { return };
        let mut seen = FieldsSeen::default();
        for &elt in elts {
            let ExprKind::KeyValue { key, value } = self.expr_at(elt).kind else {
                self.error_at(elt, "mixture of field:value and value elements in struct literal");
                continue;
            };
            self.generic_expr(x, value, None);
            let Some(name) = self.ident_name(key) else {
                let text = self.expr_str(key);
                self.error_at(elt, format!("invalid field name {text} in struct literal"));
                continue;
            };
            let found = lookup_field_or_method(s, u, false, Some(self.pkg), name, false);
            let Lookup::Found { obj, index, indirect } = found else {
                let other = lookup_field_or_method(s, u, false, Some(self.pkg), name, true);
                let message = self.lookup_error(base, name, other.obj(), true);
                self.error_at(key, message);
                continue;
            };
            if !s.obj(obj).is_field() {
                self.error_at(key, format!("{name} is not a field"));
                continue;
            }
            // From Go 1.27 a promoted field may be named.
            if index.len() > 1 {
                let pos = self.pos_of(key);
                let ok = self.verify_version(pos, 27, |c| {
                    let path = field_path(s, u, &index);
                    let t = c.type_str(base);
                    format!("use of promoted field {path} in struct literal of type {t}")
                });
                if !ok {
                    continue;
                }
            }
            if indirect {
                let message = format!("invalid implicit pointer indirection to reach {name}");
                self.error_at(key, message);
                continue;
            }
            self.record_use(key, obj);
            let t = self.type_of_obj(obj);
            self.assignment(x, Some(t), Context::Text("struct literal"));
            self.note_field(&mut seen, elt, obj, index);
        }
    }

    /// Reports a field that was named already, or that lies in or around one that was.
    fn note_field(&mut self, seen: &mut FieldsSeen, elt: ExprId, obj: ObjId, index: Path) {
        let s = self.store;
        let name = s.obj(obj).name;
        // Without promoted fields around, only the same field can clash.
        if index.len() == 1 && seen.promoted.is_empty() {
            if seen.direct.insert(index[0], obj).is_some() {
                self.error_at(elt, format!("duplicate field name {name} in struct literal"));
            }
            return;
        }
        let direct = seen.direct.iter().map(|(&i, &o)| (Path::from_slice(&[i]), o));
        let clash = seen
            .promoted
            .iter()
            .cloned()
            .chain(direct)
            .find(|(other, _)| index.starts_with(other) || other.starts_with(&index));
        if let Some((other, alt)) = clash {
            let alt = s.obj(alt).name;
            let message = match other.len().cmp(&index.len()) {
                Ordering::Equal => format!("duplicate field name {name} in struct literal"),
                Ordering::Less => format!(
                    "cannot specify promoted field {name} and enclosing embedded field {alt}"
                ),
                Ordering::Greater => format!(
                    "cannot specify embedded field {name} and enclosed promoted field {alt}"
                ),
            };
            self.error_at(elt, message);
        } else if index.len() == 1 {
            seen.direct.insert(index[0], obj);
        } else {
            seen.promoted.push((index, obj));
        }
    }

    fn fields_in_order(
        &mut self,
        x: &mut Operand,
        e: ExprId,
        elts: &[ExprId],
        fields: &Struct,
        base: TypeId,
    ) {
        let s = self.store;
        let foreign = |f: ObjId| {
            let f = s.obj(f);
            !f.name.is_exported() && f.pkg != Some(self.pkg)
        };
        let hidden = fields.fields.iter().any(|&f| foreign(f));
        let hidden_at: SmallVec<[bool; 8]> = if hidden {
            fields.fields.iter().map(|&f| foreign(f)).collect()
        } else {
            SmallVec::new()
        };
        for (i, &elt) in elts.iter().enumerate() {
            if matches!(self.expr_at(elt).kind, ExprKind::KeyValue { .. }) {
                self.error_at(elt, "mixture of field:value and value elements in struct literal");
                continue;
            }
            self.generic_expr(x, elt, None);
            let Some(&field) = fields.fields.get(i) else {
                let t = self.type_str(base);
                self.error_at(elt, format!("too many values in struct literal of type {t}"));
                break;
            };
            if hidden_at.get(i).is_some_and(|&h| h) {
                let (name, t) = (s.obj(field).name, self.type_str(base));
                self.error_at(elt, format!(
                    "implicit assignment to unexported field {name} in struct literal of type {t}"
                ));
                continue;
            }
            let t = self.type_of_obj(field);
            self.assignment(x, Some(t), Context::Text("struct literal"));
        }
        if elts.len() < fields.fields.len() {
            let t = self.type_str(base);
            let why =
                if hidden { " (type has unexported fields - use key:value pairs)" } else { "" };
            let end = self.closing(e);
            self.error(end, format!("too few values in struct literal of type {t}{why}"));
        }
    }

    fn map_elements(&mut self, x: &mut Operand, elts: &[ExprId], key: TypeId, elem: TypeId) {
        let s = self.store;
        // Under an interface key type, 1 and 1.0 are different keys: their types count too.
        let by_type = is_non_type_param_interface(s, key);
        let mut seen: FxHashMap<KeyVal, SmallVec<[TypeId; 1]>> = FxHashMap::default();
        for &elt in elts {
            let ExprKind::KeyValue { key: k, value } = self.expr_at(elt).kind else {
                self.error_at(elt, "missing key in map literal");
                continue;
            };
            self.generic_expr(x, k, Some(key));
            self.assignment(x, Some(key), Context::Text("map literal"));
            if !x.is_valid() {
                continue;
            }
            if x.mode == Mode::Constant
                && let Some(val) = key_val(&x.val)
            {
                let types = seen.entry(val).or_default();
                let duplicate = if by_type {
                    types.iter().any(|&t| identical(s, t, x.typ))
                } else {
                    !types.is_empty()
                };
                if by_type || types.is_empty() {
                    types.push(x.typ);
                }
                if duplicate {
                    let message = format!("duplicate key {} in map literal", x.val);
                    self.error_at_operand(x, message);
                    continue;
                }
            }
            self.generic_expr(x, value, Some(elem));
            self.assignment(x, Some(elem), Context::Text("map literal"));
        }
    }

    /// Checks the elements of an array or slice literal; the result is its length.
    fn indexed_elements(&mut self, elts: &[ExprId], elem: TypeId, length: Option<i64>) -> i64 {
        // Indices need remembering only once some are given by keys.
        let keyed = elts.iter().any(|&e| matches!(self.expr_at(e).kind, ExprKind::KeyValue { .. }));
        let mut seen: FxHashSet<i64> = FxHashSet::default();
        let (mut index, mut max) = (0i64, 0i64);
        for &elt in elts {
            let mut valid = false;
            let mut value = elt;
            if let ExprKind::KeyValue { key, value: v } = self.expr_at(elt).kind {
                value = v;
                let (t, i) = self.index(key, length);
                if is_valid(self.store, t) {
                    if let Some(i) = i {
                        index = i;
                        valid = true;
                    } else {
                        let text = self.expr_str(key);
                        self.error_at(elt, format!("index {text} must be integer constant"));
                    }
                }
            } else if let Some(length) = length
                && index >= length
            {
                self.error_at(elt, format!("index {index} is out of bounds (>= {length})"));
            } else {
                valid = true;
            }
            if keyed && valid && !seen.insert(index) {
                self.error_at(elt, format!("duplicate index {index} in array or slice literal"));
            }
            index = index.saturating_add(1);
            max = max.max(index);
            let mut x = self.no_operand();
            self.generic_expr(&mut x, value, Some(elem));
            self.assignment(&mut x, Some(elem), Context::Text("array or slice literal"));
        }
        max
    }

    /// The struct behind a type or a pointer to it.
    pub(crate) fn deref_struct(&self, t: TypeId) -> TypeId {
        let s = self.store;
        match s.ty(under(s, t)) {
            Type::Pointer(base) if matches!(s.ty(under(s, *base)), Type::Struct(_)) => *base,
            _ => unalias(s, t),
        }
    }
}

/// The fields that a struct literal has named.
#[derive(Default)]
struct FieldsSeen {
    /// Fields of the struct itself, by number.
    direct: FxHashMap<u32, ObjId>,
    /// Fields of embedded structs, with their paths.
    promoted: Vec<(Path, ObjId)>,
}

/// A constant as a key: equal values of different kinds (`1`, `1.0`, `1+0i`) are one key.
#[derive(PartialEq, Eq, Hash)]
enum KeyVal {
    Bool(bool),
    Int(i64),
    Uint(u64),
    /// Bits of a float.
    Float(u64),
    Complex(u64, u64),
    Str(Arc<[u8]>),
}

fn key_val(val: &ConstValue) -> Option<KeyVal> {
    let float = |v: &ConstValue| v.to_f64().map(f64::to_bits);
    Some(match val.kind() {
        ConstKind::Bool => KeyVal::Bool(val.bool_val()),
        ConstKind::String => KeyVal::Str(val.str_val()?.into()),
        ConstKind::Int | ConstKind::Float | ConstKind::Complex => {
            let int = val.to_int();
            if let Some(i) = int.int64_val() {
                KeyVal::Int(i)
            } else if let Some(u) = int.uint64_val() {
                KeyVal::Uint(u)
            } else if !int.is_unknown() {
                return None;
            } else if let Some(f) = float(&val.to_float()) {
                KeyVal::Float(f)
            } else {
                KeyVal::Complex(float(&val.real())?, float(&val.imag())?)
            }
        }
        ConstKind::Unknown => return None,
    })
}
