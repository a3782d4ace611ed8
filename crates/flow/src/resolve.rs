//! What is stored at a place: the stores that a function makes or has had made for it, looked
//! through. Apart from the values of instructions, because callers' paths are resolved here too.

use go_ir::{Op, ValueId};
use go_types::Type;
use smallvec::{SmallVec, smallvec};

use crate::function::{Fact, FuncAnalysis};
use crate::path::{Elem, Path, Root, Val, Vals, What, add_val};

/// Most places that are looked through when a path is resolved.
const MAX_RESOLVE: usize = 16;

impl FuncAnalysis<'_, '_> {
    /// What is stored at the places among `vals`, seen from the instruction `at`.
    pub fn resolve_all(&self, vals: &Vals, at: Option<ValueId>) -> Vals {
        let mut out = Vals::new();
        for val in vals {
            match val.as_path() {
                None => add_val(&mut out, val.clone()),
                Some(path) => {
                    for mut found in self.resolve(path, at) {
                        found.dynamic = found.dynamic.or(val.dynamic);
                        found.picked |= val.picked;
                        add_val(&mut out, found);
                    }
                }
            }
        }
        out
    }

    /// What is stored at a place: the place itself when no store is known, or when its identity
    /// is the caller's business (then only functions are looked through).
    pub fn resolve(&self, path: &Path, at: Option<ValueId>) -> Vals {
        self.resolve_with(path, at, true)
    }

    /// Like [`Self::resolve`] for the place of a lock: a variable that a struct was copied to is
    /// another place.
    pub fn resolve_lock(&self, path: &Path) -> Vals {
        self.resolve_with(path, None, false)
    }

    /// Whether an instruction makes a variable of a struct or array type.
    pub fn is_struct_variable(&self, v: ValueId) -> bool {
        let instr = self.func.instr(v);
        matches!(instr.op, Op::Alloc { .. })
            && instr.ty.is_some_and(|t| self.is_aggregate(crate::context::deref(self.cx.store, t)))
    }

    /// Whether a type is a struct or an array: assigning copies what is in it.
    fn is_aggregate(&self, t: go_types::TypeId) -> bool {
        let under = go_types::under::under(self.cx.store, t);
        matches!(self.cx.store.ty(under), Type::Struct(_) | Type::Array { .. })
    }

    /// Whether a place holds a struct or array.
    fn holds_aggregate(&self, place: &Path) -> bool {
        match (place.elems.last(), place.root) {
            (Some(Elem::Field(f)), _) => {
                self.cx.store.obj(f).typ.get().is_some_and(|t| self.is_aggregate(t))
            }
            (None, Root::Fresh(v)) => self.is_struct_variable(v),
            _ => false,
        }
    }

    fn resolve_with(&self, path: &Path, at: Option<ValueId>, copies: bool) -> Vals {
        if !self.stored_roots.contains(&path.root) {
            return smallvec![Val::path(*path)];
        }
        let key = (*path, at, copies);
        {
            let mut known = self.resolved.borrow_mut();
            if known.0 != self.facts.len() {
                // Another store may change every answer.
                known.0 = self.facts.len();
                known.1.clear();
            } else if let Some(vals) = known.1.get(&key) {
                return vals.clone();
            }
        }
        let found = self.look_through(path, at, copies);
        self.resolved.borrow_mut().1.insert(key, found.clone());
        found
    }

    fn look_through(&self, path: &Path, at: Option<ValueId>, copies: bool) -> Vals {
        let mut out = Vals::new();
        let mut seen: SmallVec<[Path; 4]> = smallvec![*path];
        let mut todo: SmallVec<[Val; 4]> = smallvec![Val::path(*path)];
        while let Some(val) = todo.pop() {
            let Some(path) = val.as_path() else { continue };
            let Some((cut, facts)) = self.stores_to(path, copies) else {
                add_val(&mut out, val);
                continue;
            };
            let whole = cut == path.elems.len();
            if whole && cut == 0 && self.is_changed_copy(path.root) {
                // A copy of a struct with fields of its own.
                add_val(&mut out, val);
                continue;
            }
            let outside = !matches!(path.root, Root::Fresh(_) | Root::Context(_));
            if outside || seen.len() >= MAX_RESOLVE {
                // The caller knows this place by its own name.
                add_val(&mut out, val.clone());
            }
            let before = (todo.len(), out.len());
            for stored in self.visible(&facts, at).iter().flat_map(|f| &f.vals) {
                let Some(front) = stored.as_path() else {
                    if whole {
                        let from_container = facts.first().is_some_and(|f| f.dest.has_item());
                        let picked = stored.picked || val.picked || from_container;
                        add_val(&mut out, Val { picked, ..stored.clone() });
                    }
                    continue;
                };
                if self.is_handed_over(path, front) {
                    continue;
                }
                let dynamic = if whole { stored.dynamic.or(val.dynamic) } else { val.dynamic };
                let Some(full) = path.suffix_behind(cut, front) else { continue };
                let from_container = facts.first().is_some_and(|f| f.dest.has_item());
                let picked = (stored.picked || val.picked || from_container)
                    && !self.is_stored_often(front.root);
                let found = Val { what: What::Path(full), dynamic, picked };
                if whole && !outside && self.is_address_in(path, front) {
                    add_val(&mut out, found);
                    continue;
                }
                if outside {
                    if whole && stored.dynamic.is_some() {
                        add_val(&mut out, found);
                    }
                } else if !seen.contains(&full) && seen.len() < MAX_RESOLVE {
                    seen.push(full);
                    todo.push(found);
                }
            }
            if before == (todo.len(), out.len()) {
                // What is stored there came from there: the place is all that is known.
                add_val(&mut out, val);
            }
        }
        if out.is_empty() {
            out.push(Val::path(*path));
        }
        out
    }

    /// Whether what a field or variable holds is the address of a variable, not what is in the variable.
    fn is_address_in(&self, place: &Path, value: &Path) -> bool {
        let Root::Fresh(var) = value.root else { return false };
        let holds = match (place.elems.last(), place.root) {
            (Some(Elem::Field(field)), _) => self.cx.store.obj(field).typ.get(),
            (None, Root::Fresh(holder)) => {
                let holder = self.func.instr(holder);
                let is_variable = matches!(holder.op, Op::Alloc { .. });
                let ty = holder.ty.filter(|_| is_variable);
                ty.map(|t| crate::context::deref(self.cx.store, t))
            }
            _ => None,
        };
        let variable = self.func.instr(var);
        value.elems.is_empty()
            && matches!(variable.op, Op::Alloc { .. })
            && variable
                .ty
                .zip(holds)
                .is_some_and(|(a, b)| go_types::predicates::identical(self.cx.store, a, b))
    }

    /// What a variable holds, when it is one of pointers, slices or maps; other places as they are.
    pub fn content_of(&self, place: &Val, at: Option<ValueId>) -> Vals {
        let holds = |v: ValueId| {
            let variable = self.func.instr(v);
            matches!(variable.op, Op::Alloc { .. })
                && variable
                    .ty
                    .is_some_and(|t| !self.is_aggregate(crate::context::deref(self.cx.store, t)))
        };
        match place.as_path() {
            Some(Path { root: Root::Fresh(v), elems }) if elems.is_empty() && holds(*v) => {
                self.resolve_all(&smallvec![place.clone()], at)
            }
            _ => smallvec![place.clone()],
        }
    }

    /// Whether what one field held went on to another field of the same object and was replaced:
    /// `p.subs, p.next = p.next, make(…)`. The two fields hold different things at any time.
    fn is_handed_over(&self, to: &Path, from: &Path) -> bool {
        if to.root != from.root || self.moves.is_empty() || !self.moves.contains_key(&(*to, *from))
        {
            return false;
        }
        let moved = &self.moves[&(*to, *from)];
        let mut stores = self.facts_by_dest.get(from).into_iter().flatten();
        self.replaced.contains(from)
            || stores.any(|&i| {
                let at = self.facts[i as usize].at;
                moved.iter().any(|&m| at == m || self.order.after(m, at, None))
            })
    }

    /// Whether a struct variable has fields that were set by themselves.
    fn is_changed_copy(&self, root: Root) -> bool {
        let Root::Fresh(v) = root else { return false };
        self.is_struct_variable(v) && self.set_fields.contains(&root)
    }

    /// Whether a path leads through the fields of one struct only, and through no pointer.
    pub fn is_by_value(&self, path: &Path) -> bool {
        self.is_by_value_from(path, 0)
    }

    fn is_by_value_from(&self, path: &Path, from: usize) -> bool {
        let store = self.cx.store;
        path.elems.to_vec().iter().skip(from).all(|elem| match elem {
            Elem::Field(f) => store.obj(*f).typ.get().is_some_and(|t| {
                matches!(store.ty(go_types::under::under(store, t)), Type::Struct(_))
            }),
            Elem::Item | Elem::Part(_) => false,
        })
    }

    /// The stores to the longest prefix of a path that something is stored to, and its length.
    fn stores_to(&self, path: &Path, copies: bool) -> Option<(usize, SmallVec<[&Fact; 4]>)> {
        if !self.stored_roots.contains(&path.root) {
            return None;
        }
        let mut prefix = *path;
        loop {
            let cut = prefix.elems.len();
            let copied = !copies
                && self.facts_by_dest.contains_key(&prefix)
                && self.holds_aggregate(&prefix)
                && self.is_by_value_from(path, cut);
            if !copied && let Some(list) = self.facts_by_dest.get(&prefix) {
                return Some((cut, list.iter().map(|&i| &self.facts[i as usize]).collect()));
            }
            prefix = prefix.parent()?;
        }
    }

    /// The stores that can still be seen at `at`: the last one that always came before, and those
    /// that may have come after it.
    fn visible<'f>(&self, facts: &[&'f Fact], at: Option<ValueId>) -> SmallVec<[&'f Fact; 4]> {
        let Some(at) = at else { return facts.iter().copied().collect() };
        if facts.first().is_some_and(|f| f.dest.has_item()) {
            return facts.iter().copied().collect();
        }
        let mut last: Option<&Fact> = None;
        for &fact in facts.iter().filter(|f| self.order.dominates(f.at, at)) {
            if last.is_none_or(|l| self.order.dominates(l.at, fact.at)) {
                last = Some(fact);
            }
        }
        let Some(last) = last else { return facts.iter().copied().collect() };
        facts
            .iter()
            .copied()
            .filter(|f| {
                f.at == last.at
                    || (!self.order.dominates(f.at, last.at)
                        && self.order.after(f.at, at, Some(last.at)))
            })
            .collect()
    }
}
