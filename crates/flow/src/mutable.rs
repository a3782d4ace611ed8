//! Which fields and package-level variables change after they have been set up. What never does
//! cannot race, and most fields of a program are of that kind: their reads are not followed.
//!
//! A store counts unless it is part of making the object: a store into a variable or literal of
//! the same function before its address has gone anywhere else, or into a package-level variable
//! during initialisation.

use base::{FxHashMap, FxHashSet};
use go_ir::{Func, FuncKind, Op, Order, Program, ValueId};
use go_types::{ObjId, Store, Type};
use rayon::prelude::*;

use crate::context::deref;
use crate::path::{Path, Root};

/// Places that are written when others may see them.
#[derive(Debug, Default)]
pub(crate) struct Mutable {
    places: FxHashSet<ObjId>,
    /// Fields that some function fills when it makes the object.
    filled: FxHashSet<ObjId>,
    /// The capacities of the channels that a field or package-level variable is set to; `None` when
    /// they differ or are not constants.
    capacities: FxHashMap<ObjId, Option<u32>>,
}

impl Mutable {
    /// Looks through a program.
    pub fn new(store: &Store, program: &Program) -> Self {
        let (places, filled) = program
            .funcs
            .as_slice()
            .par_iter()
            .fold(Stores::default, |mut stores, func| {
                note_stores(store, func, &mut stores);
                stores
            })
            .reduce(Stores::default, |mut a, b| {
                a.0.extend(b.0);
                a.1.extend(b.1);
                a
            });
        Self { places, filled, capacities: channel_capacities(program) }
    }

    /// Whether some function gives the field a value when it makes the object.
    pub fn is_filled_when_made(&self, field: ObjId) -> bool {
        self.filled.contains(&field)
    }

    /// How many values the channel in a field or package-level variable holds, when every channel
    /// that is put there has the same constant capacity.
    pub fn capacity(&self, place: ObjId) -> Option<u32> {
        self.capacities.get(&place).copied().flatten()
    }

    /// Whether the field or package-level variable may change while others look.
    pub fn contains(&self, place: ObjId) -> bool {
        self.places.contains(&place)
    }
}

/// The capacities of channels that are made and stored in one go.
fn channel_capacities(program: &Program) -> FxHashMap<ObjId, Option<u32>> {
    let mut out: FxHashMap<ObjId, Option<u32>> = FxHashMap::default();
    for func in program.funcs.iter() {
        for instr in func.values.iter() {
            let Op::Store { addr, value } = instr.op else { continue };
            if !matches!(func.instr(value).op, Op::MakeChan(_)) {
                continue;
            }
            let place = match func.instr(addr).op {
                Op::FieldAddr { field, .. } => field,
                Op::Global(obj) => obj,
                _ => continue,
            };
            let capacity = crate::timing::capacity(func, &Path::root(Root::Fresh(value)));
            out.entry(place)
                .and_modify(|known| {
                    if *known != capacity {
                        *known = None;
                    }
                })
                .or_insert(capacity);
        }
    }
    out
}

/// The places that are stored to when others may see them, and the fields that are filled when their
/// object is made.
type Stores = (FxHashSet<ObjId>, FxHashSet<ObjId>);

fn note_stores(store: &Store, func: &Func, stores: &mut Stores) {
    let mut escapes = Escapes { func, order: None };
    for (v, instr) in func.values.iter_enumerated() {
        match instr.op {
            Op::Store { .. } => note_place(store, func, v, &mut escapes, stores),
            // The address itself goes somewhere: anything may be stored through it.
            Op::FieldAddr { field, .. } if is_used_as_value(func, v) => {
                stores.0.insert(field);
            }
            Op::Global(obj) if is_used_as_value(func, v) => {
                stores.0.insert(obj);
            }
            _ => {}
        }
    }
}

/// Whether an address is used for anything but loads, stores, steps into it, and method calls on
/// types that take care of themselves.
fn is_used_as_value(func: &Func, addr: ValueId) -> bool {
    // One pass over the function for each address would be quadratic; addresses are used near by.
    let block = func.instr(addr).block;
    let in_block = func.blocks[block].instrs.iter().copied();
    in_block.filter(|&v| v > addr).any(|v| match &func.instr(v).op {
        Op::Load(_) | Op::FieldAddr { .. } | Op::IndexAddr { .. } | Op::Lock { .. } => false,
        Op::Store { value, .. } => *value == addr,
        op => {
            let mut used = false;
            op.for_each_operand(|x| used |= x == addr);
            used
        }
    })
}

fn note_place(
    store: &Store,
    func: &Func,
    at: ValueId,
    escapes: &mut Escapes<'_>,
    (places, filled): &mut Stores,
) {
    let Op::Store { addr, value } = func.instr(at).op else { return };
    let mut base = addr;
    let mut fields: Vec<ObjId> = Vec::new();
    loop {
        match func.instr(base).op {
            Op::FieldAddr { base: b, field, .. } => {
                fields.push(field);
                base = b;
            }
            Op::IndexAddr { base: b, .. } => base = b,
            _ => break,
        }
    }
    match func.instr(base).op {
        Op::Global(obj) => {
            if func.kind != FuncKind::PackageInit && !is_init(store, func) {
                places.insert(obj);
                places.extend(fields);
            }
        }
        Op::Alloc { .. } if !escapes.before(base, at) => {
            if !matches!(func.instr(value).op, Op::Zero) {
                filled.extend(fields.first());
            }
        }
        _ => {
            if fields.is_empty() {
                // `*p = T{…}` sets every field.
                let t = func.instr(addr).ty.map(|t| go_types::under::under(store, deref(store, t)));
                if let Some(Type::Struct(s)) = t.map(|t| store.ty(t)) {
                    places.extend(s.fields.iter().map(|&f| store.obj(f).origin().unwrap_or(f)));
                }
            }
            places.extend(fields);
        }
    }
}

/// Whether a function is one of those that Go runs before `main` (Go spec, Package initialization).
pub(crate) fn is_init(store: &Store, func: &Func) -> bool {
    func.obj.is_some_and(|o| store.obj(o).name.as_str() == "init")
        && matches!(store.ty(func.sig), Type::Signature(s) if s.recv.is_none())
}

/// Where the addresses of a function's own variables go.
struct Escapes<'a> {
    func: &'a Func,
    order: Option<Order<'a>>,
}

impl Escapes<'_> {
    /// Whether the address of `var` may have gone elsewhere before `at` runs.
    fn before(&mut self, var: ValueId, at: ValueId) -> bool {
        let func = self.func;
        let goes: Vec<ValueId> = func
            .values
            .iter_enumerated()
            .filter(|(_, instr)| match &instr.op {
                Op::Load(_) | Op::FieldAddr { .. } | Op::IndexAddr { .. } => false,
                Op::Store { value, .. } => *value == var,
                Op::Lock { .. } => false,
                op => {
                    let mut used = false;
                    op.for_each_operand(|x| used |= x == var);
                    used
                }
            })
            .map(|(v, _)| v)
            .collect();
        if goes.is_empty() {
            return false;
        }
        let order = self.order.get_or_insert_with(|| Order::new(func));
        goes.iter().any(|&g| order.after(g, at, Some(var)))
    }
}
