//! The order in which package-level variables are initialised (Go spec, "Package
//! initialization"), and the cycles that make one impossible.
//!
//! The graph has constants and variables as nodes; functions pass on what they refer to. Instead
//! of removing functions one by one, the variables reachable through functions are collected once
//! per strongly connected component of the function graph.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use base::{FxHashMap, FxHashSet};

use crate::checker::Checker;
use crate::info::ExprRef;
use crate::object::ObjKind;
use crate::store::ObjId;

/// Place of an object in [`Checker::obj_list`]: its order in the source.
type Order = u32;

impl Checker<'_> {
    /// Computes the initialisation order and reports cycles.
    pub(crate) fn init_order(&mut self) -> Vec<(Vec<ObjId>, ExprRef)> {
        let graph = self.value_graph();
        let mut preds: FxHashMap<Order, Vec<Order>> = FxHashMap::default();
        let mut pending: FxHashMap<Order, usize> = FxHashMap::default();
        // Constants first, then few dependencies, then source order.
        let mut queue: BTreeSet<(bool, usize, Order)> = BTreeSet::new();
        for (&n, deps) in &graph {
            for &d in deps {
                preds.entry(d).or_default().push(n);
            }
            pending.insert(n, deps.len());
            queue.insert((self.is_variable(n), deps.len(), n));
        }
        let mut order = Vec::new();
        let mut emitted = FxHashSet::default();
        while let Some((_, left, n)) = queue.pop_first() {
            pending.remove(&n);
            if left > 0
                && let Some(cycle) = self.find_path(n)
            {
                self.report_init_cycle(&cycle);
            }
            for &p in preds.get(&n).map_or(&[][..], |p| p) {
                if let Some(count) = pending.get_mut(&p) {
                    let variable = self.is_variable(p);
                    queue.remove(&(variable, *count, p));
                    *count -= 1;
                    queue.insert((variable, *count, p));
                }
            }
            let obj = self.obj_list[n as usize];
            if !self.is_variable(n) {
                continue;
            }
            let Some(decl) = self.decls.get(&obj) else { continue };
            let info = &self.infos[decl.info as usize];
            let Some(init) = info.init else { continue };
            if emitted.insert(decl.info) {
                let lhs = if info.lhs.is_empty() { vec![obj] } else { info.lhs.clone() };
                order.push((lhs, ExprRef { file: info.file, id: init }));
            }
        }
        order
    }

    fn is_variable(&self, n: Order) -> bool {
        matches!(self.store.obj(self.obj_list[n as usize]).kind, ObjKind::Var { .. })
    }

    fn deps_of(&self, n: Order) -> Vec<Order> {
        let obj = self.obj_list[n as usize];
        let Some(decl) = self.decls.get(&obj) else { return Vec::new() };
        let mut deps: Vec<Order> = self.infos[decl.info as usize]
            .deps
            .iter()
            .filter_map(|d| self.decls.get(d).map(|d| d.order))
            .collect();
        deps.sort_unstable();
        deps.dedup();
        deps
    }

    /// For each constant and variable: the constants and variables that it needs, directly or
    /// through functions.
    fn value_graph(&self) -> FxHashMap<Order, Vec<Order>> {
        let mut through = Through { c: self, values: FxHashMap::default() };
        let mut graph = FxHashMap::default();
        for n in 0..self.obj_list.len() as Order {
            let kind = &self.store.obj(self.obj_list[n as usize]).kind;
            if !matches!(kind, ObjKind::Const { .. } | ObjKind::Var { .. }) {
                continue;
            }
            let mut needs = BTreeSet::new();
            for d in self.deps_of(n) {
                if self.is_function(d) {
                    needs.extend(through.of(d).iter().copied());
                } else {
                    needs.insert(d);
                }
            }
            graph.insert(n, needs.into_iter().collect());
        }
        graph
    }

    fn is_function(&self, n: Order) -> bool {
        matches!(self.store.obj(self.obj_list[n as usize]).kind, ObjKind::Func { .. })
    }

    /// A path of references from `from` back to itself, last step first.
    fn find_path(&self, from: Order) -> Option<Vec<ObjId>> {
        // Depth first, without recursion: (node, its dependencies, how many have been tried).
        let mut seen = FxHashSet::default();
        let mut stack = vec![(from, self.deps_of(from), 0)];
        seen.insert(from);
        while let Some((_, deps, next)) = stack.last_mut() {
            let Some(&d) = deps.get(*next) else {
                stack.pop();
                continue;
            };
            *next += 1;
            if d == from {
                let mut path = vec![self.obj_list[from as usize]];
                path.extend(stack[1..].iter().rev().map(|s| self.obj_list[s.0 as usize]));
                return Some(path);
            }
            if seen.insert(d) {
                let deps = self.deps_of(d);
                stack.push((d, deps, 0));
            }
        }
        None
    }

    fn report_init_cycle(&mut self, cycle: &[ObjId]) {
        let store = self.store;
        let first = cycle[0];
        let name = store.obj(first).name;
        if cycle.len() == 1 {
            let message = format!("initialization cycle: {name} refers to itself");
            self.error_at_obj(first, message);
            return;
        }
        self.error_at_obj(first, format!("initialization cycle for {name}"));
        let mut at = first;
        for &next in cycle.iter().rev() {
            let message = format!("\t{} refers to {}", store.obj(at).name, store.obj(next).name);
            self.error_at_obj(at, message);
            at = next;
        }
    }
}

/// The values that functions need, found once for each.
struct Through<'c, 'a> {
    c: &'c Checker<'a>,
    values: FxHashMap<Order, std::rc::Rc<[Order]>>,
}

impl Through<'_, '_> {
    /// All constants and variables that a function refers to, directly or through others.
    fn of(&mut self, f: Order) -> std::rc::Rc<[Order]> {
        if let Some(known) = self.values.get(&f) {
            return known.clone();
        }
        let mut found = BTreeSet::new();
        let mut seen = FxHashSet::default();
        let mut queue = BinaryHeap::from([Reverse(f)]);
        seen.insert(f);
        while let Some(Reverse(at)) = queue.pop() {
            for d in self.c.deps_of(at) {
                if !self.c.is_function(d) {
                    found.insert(d);
                } else if let Some(known) = self.values.get(&d) {
                    found.extend(known.iter().copied());
                } else if seen.insert(d) {
                    queue.push(Reverse(d));
                }
            }
        }
        let found: std::rc::Rc<[Order]> = found.into_iter().collect();
        self.values.insert(f, found.clone());
        found
    }
}
