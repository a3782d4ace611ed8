//! Accesses to plain memory: variables that closures share, fields, package-level variables,
//! elements of slices and arrays. Apart from [`crate::accesses`] because a place of memory is
//! named by its address, and a map by the place that holds it.

use go_ir::{Op, ValueId};
use go_types::{BuiltinId, ConstValue, Type, TypeId};
use knowledge::AccessKind;
use smallvec::{SmallVec, smallvec};

use crate::function::FuncAnalysis;
use crate::path::{Elem, Path, Root};
use crate::summary::Part;

/// Most fields that the copy of a struct is taken apart into.
const MAX_FIELDS: usize = 8;

impl FuncAnalysis<'_, '_> {
    /// The accesses of an instruction to plain memory.
    pub fn memory_events(&mut self, v: ValueId) {
        let func = self.func;
        match &func.instr(v).op {
            Op::Load(addr) => {
                self.place_events(v, *addr, func.instr(v).ty, AccessKind::Read);
            }
            Op::Store { addr, value } => {
                self.place_events(v, *addr, func.instr(*value).ty, AccessKind::Write);
            }
            Op::BuiltinCall { id: BuiltinId::Append, args } => {
                let Some(&slice) = args.first() else { return };
                self.element_events(v, slice, Part::All, AccessKind::Read);
                if let Some(&more) = args.get(1) {
                    self.element_events(v, slice, Part::End, AccessKind::Write);
                    self.element_events(v, more, Part::All, AccessKind::Read);
                }
            }
            Op::BuiltinCall { id: BuiltinId::Copy, args } => {
                if let [to, from] = args[..] {
                    self.element_events(v, to, Part::All, AccessKind::Write);
                    self.element_events(v, from, Part::All, AccessKind::Read);
                }
            }
            Op::BuiltinCall { id: BuiltinId::Clear, args } => {
                if let Some(&slice) = args.first() {
                    self.element_events(v, slice, Part::All, AccessKind::Write);
                }
            }
            Op::Convert(x) if self.is_slice(*x) && !self.is_slice(v) => {
                self.element_events(v, *x, Part::All, AccessKind::Read);
            }
            _ => {}
        }
    }

    /// Whether a value is a slice.
    pub fn is_slice(&self, v: ValueId) -> bool {
        let store = self.cx.store;
        self.func
            .instr(v)
            .ty
            .is_some_and(|t| matches!(store.ty(go_types::under::under(store, t)), Type::Slice(_)))
    }

    /// An access to all (or the next) elements of a slice.
    pub fn element_events(&mut self, v: ValueId, slice: ValueId, part: Part, kind: AccessKind) {
        if !self.is_slice(slice) {
            return;
        }
        for place in self.step(slice, Elem::Item).iter().filter_map(|x| x.as_path()).copied() {
            self.access_event(v, place, kind, None, part, false);
        }
    }

    /// An access to the place at an address.
    fn place_events(&mut self, v: ValueId, addr: ValueId, ty: Option<TypeId>, kind: AccessKind) {
        let func = self.func;
        // A literal under construction: nobody else has it.
        if matches!(func.instr(addr).op, Op::Alloc { var: None }) && kind == AccessKind::Read {
            return;
        }
        let part = self.part_of(addr);
        for place in self.paths(addr) {
            for (place, ty) in self.leaves(place, ty) {
                if kind == AccessKind::Write || self.may_change(&place) {
                    self.access_event(v, place, kind, ty, part, false);
                }
            }
        }
    }

    /// The fields that a copy of a struct touches; other places as they are.
    fn leaves(&self, place: Path, ty: Option<TypeId>) -> SmallVec<[(Path, Option<TypeId>); 4]> {
        let store = self.cx.store;
        if let Some(t) = ty
            && let Type::Struct(s) = store.ty(go_types::under::under(store, t))
        {
            let fields = s.fields.iter().take(MAX_FIELDS);
            let of = |&f: &go_types::ObjId| {
                let object = store.obj(f);
                let place = place.then(Elem::Field(object.origin().unwrap_or(f)))?;
                Some((place, object.typ.get()))
            };
            return fields.filter_map(of).collect();
        }
        smallvec![(place, ty)]
    }

    /// Whether a place may change after it was set up.
    fn may_change(&self, place: &Path) -> bool {
        match (place.elems.last(), place.root) {
            (Some(Elem::Field(f)), _) => self.cx.mutable.contains(f),
            (None, Root::Global(obj)) => self.cx.mutable.contains(obj),
            _ => true,
        }
    }

    /// Which elements an address stands for.
    fn part_of(&self, addr: ValueId) -> Part {
        let mut at = addr;
        loop {
            match self.func.instr(at).op {
                Op::FieldAddr { base, .. } => at = base,
                Op::IndexAddr { index, .. } => return self.index_part(index),
                _ => return Part::Whole,
            }
        }
    }

    fn index_part(&self, index: ValueId) -> Part {
        match &self.func.instr(index).op {
            Op::Const(value) => int(value).map_or(Part::Some, Part::At),
            Op::Convert(x) => self.index_part(*x),
            // `for i := 0; …; i++`, and a range: from the first element on.
            Op::Phi(from) if self.order.in_loop(index) => {
                let starts = from.iter().any(|&x| match &self.func.instr(x).op {
                    Op::Const(value) => matches!(int(value), Some(0 | -1)),
                    _ => false,
                });
                if starts { Part::All } else { Part::Some }
            }
            Op::Binary { x, y, .. } => {
                let one = |v: ValueId| match &self.func.instr(v).op {
                    Op::Const(value) => int(value) == Some(1),
                    _ => false,
                };
                // The hidden counter of a range: one more than last time.
                if one(*y) && matches!(self.func.instr(*x).op, Op::Phi(_)) {
                    self.index_part(*x)
                } else {
                    Part::Some
                }
            }
            _ => Part::Some,
        }
    }
}

fn int(value: &ConstValue) -> Option<i64> {
    value.int64_val()
}
