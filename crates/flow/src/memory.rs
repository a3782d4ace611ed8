//! Accesses to plain memory: variables that closures share, fields, package-level variables,
//! elements of slices and arrays. Apart from [`crate::accesses`] because a place of memory is
//! named by its address, and a map by the place that holds it.

use go_ir::{BlockId, Op, Terminator, ValueId};
use go_syntax::ast::BinaryOp;
use go_types::{BuiltinId, ConstValue, Type, TypeId};
use knowledge::AccessKind;

use crate::accesses::Touch;
use crate::function::FuncAnalysis;
use crate::path::{Elem, Path, Root};
use crate::summary::Part;

/// How deep structs in structs are looked through.
const MAX_NESTING: u32 = 4;

impl FuncAnalysis<'_, '_> {
    /// The accesses of an instruction to plain memory.
    pub fn memory_events(&mut self, v: ValueId) {
        let func = self.func;
        match &func.instr(v).op {
            Op::Load(addr) => {
                self.place_events(v, *addr, AccessKind::Read, false);
            }
            Op::Store { addr, .. } => {
                self.place_events(v, *addr, AccessKind::Write, false);
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
        let store = self.cx.store;
        let elem = self.func.instr(slice).ty.and_then(|t| {
            match store.ty(go_types::under::under(store, t)) {
                Type::Slice(elem) => Some(*elem),
                _ => None,
            }
        });
        let part = if part == Part::All { self.slice_part(slice) } else { part };
        let touch = Touch { kind, ty: elem, part, atomic: false, indirect: false, picked: false };
        for place in self.step(slice, Elem::Item).iter().filter_map(|x| x.as_path()).copied() {
            self.access_event(v, place, touch);
        }
    }

    /// Which elements of the whole a slice value has, when it was cut out with constant bounds.
    fn slice_part(&self, slice: ValueId) -> Part {
        let constant = |v: ValueId| match &self.func.instr(v).op {
            Op::Const(value) => int(value),
            _ => None,
        };
        match self.func.instr(slice).op {
            Op::SliceExpr { bounds: [lo, Some(hi), _], .. } => {
                match (lo.map_or(Some(0), constant), constant(hi)) {
                    (Some(lo), Some(hi)) => Part::Range(lo, hi),
                    _ => Part::All,
                }
            }
            _ => Part::All,
        }
    }

    /// An access to the place at an address.
    pub fn place_events(&mut self, v: ValueId, addr: ValueId, kind: AccessKind, atomic: bool) {
        let func = self.func;
        // A literal under construction: nobody else has it.
        if matches!(func.instr(addr).op, Op::Alloc { var: None }) && kind == AccessKind::Read {
            return;
        }
        let ty = func.instr(addr).ty.map(|t| crate::context::deref(self.cx.store, t));
        let indirect = !matches!(
            func.instr(addr).op,
            Op::FieldAddr { .. }
                | Op::IndexAddr { .. }
                | Op::Alloc { .. }
                | Op::FreeVar(_)
                | Op::Global(_)
        );
        let part = self.part_of(addr);
        for (place, picked) in self.places(addr) {
            let touch = Touch { kind, ty, part, atomic, indirect, picked };
            // The place that holds a pointer may be constant, what it points to need not.
            if kind == AccessKind::Write || indirect || self.may_change(&place, ty) {
                self.access_event(v, place, touch);
            }
        }
    }

    /// Whether a place may change after it was set up: the place, or a field of the struct there.
    fn may_change(&self, place: &Path, ty: Option<TypeId>) -> bool {
        match (place.elems.last(), place.root) {
            (Some(Elem::Field(f)), _) => self.cx.mutable.contains(f),
            (None, Root::Global(obj)) => self.cx.mutable.contains(obj),
            _ => ty.is_none_or(|t| self.has_changing_part(t, 0)),
        }
    }

    /// Whether a value of the type has a part that changes: all but structs whose fields never do.
    fn has_changing_part(&self, t: TypeId, depth: u32) -> bool {
        let store = self.cx.store;
        match store.ty(go_types::under::under(store, t)) {
            Type::Struct(s) if depth < MAX_NESTING => s.fields.iter().any(|&f| {
                let object = store.obj(f);
                self.cx.mutable.contains(object.origin().unwrap_or(f))
                    || object.typ.get().is_some_and(|t| {
                        matches!(store.ty(go_types::under::under(store, t)), Type::Struct(_))
                            && self.has_changing_part(t, depth + 1)
                    })
            }),
            _ => true,
        }
    }

    /// Whether an instruction runs only while some place is nil that is set there too:
    ///
    /// ```go
    /// if p.queue == nil { p.queue = make(chan job); p.size = n }
    /// ```
    pub fn runs_while_nil(&mut self, v: ValueId) -> bool {
        if self.nil_regions.is_none() {
            self.nil_regions = Some(self.find_nil_regions());
        }
        let regions = self.nil_regions.as_deref().unwrap_or_default();
        regions.iter().any(|&block| self.order.block_dominates(block, v))
    }

    fn find_nil_regions(&self) -> Vec<BlockId> {
        let func = self.func;
        let is_nil = |v: ValueId| match func.instr(v).op {
            Op::Zero => true,
            Op::MakeInterface(x) | Op::Convert(x) => matches!(func.instr(x).op, Op::Zero),
            _ => false,
        };
        let mut regions = Vec::new();
        for block in func.blocks.iter() {
            let Terminator::If { cond, then, els } = block.term else { continue };
            let (x, y, region) = match func.instr(cond).op {
                Op::Binary { op: BinaryOp::Eq, x, y } => (x, y, then),
                Op::Binary { op: BinaryOp::Ne, x, y } => (x, y, els),
                _ => continue,
            };
            let Op::Load(place) = func.instr(x).op else { continue };
            if !is_nil(y) || func.blocks[region].preds.len() != 1 {
                continue;
            }
            let places = self.paths(place);
            let sets = |(v, instr): (ValueId, &go_ir::Instr)| match instr.op {
                Op::Store { addr, value } => {
                    !is_nil(value)
                        && self.order.block_dominates(region, v)
                        && self.paths(addr) == places
                }
                _ => false,
            };
            if !places.is_empty() && func.values.iter_enumerated().any(sets) {
                regions.push(region);
            }
        }
        regions
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
            Op::Const(value) => int(value).map_or(Part::Some, |i| Part::Range(i, i + 1)),
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
