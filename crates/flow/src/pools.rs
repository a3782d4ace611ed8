//! Objects of a `sync.Pool`: uses that may come after the return to the pool, and objects that go
//! back full. Apart from the steps, because an object's stay in a pool is neither an access nor a
//! lock: from `Put` on, somebody else may have it.

use go_ir::ValueId;
use knowledge::{AccessKind, FlowHow};

use crate::function::FuncAnalysis;
use crate::outside::own_object;
use crate::pairs::{Pair, Side};
use crate::path::{Elem, Path, Root};
use crate::steps::{LocalReturn, PoolLeak};
use crate::summary::{Event, Part};

impl FuncAnalysis<'_, '_> {
    /// The return of an object to a pool.
    pub fn pool_put(&mut self, v: ValueId) {
        let Some(model) = self.model_of(v) else { return };
        for flow in &model.flows {
            let (Some("pool"), FlowHow::Store, Some(from)) =
                (flow.slot.as_deref(), flow.how, flow.from)
            else {
                continue;
            };
            for val in self.operand(v, from) {
                let Some(path) = val.as_path() else { continue };
                let mut step = self.own_step(v);
                step.pos = self.runs_at(v);
                let step = self.push_step(step);
                self.push_event(Event {
                    path: *path,
                    kind: AccessKind::Write,
                    ty: None,
                    part: Part::Whole,
                    atomic: false,
                    indirect: true,
                    picked: false,
                    once: false,
                    value_receiver: None,
                    copied_mutex: false,
                    put: true,
                    made: None,
                    context_key: None,
                    site: self.own_site(v),
                    step,
                });
            }
        }
    }

    /// Uses of an object that may come after its return to the pool.
    pub fn find_after_put(&self) -> Vec<Pair> {
        let mut out = Vec::new();
        let channels = crate::pairs::Channels {
            mutable: &self.cx.mutable,
            code: Some(self.func),
            threads: &self.threads,
        };
        for put in self.events.iter().filter(|e| e.put) {
            let made = match put.path.root {
                Root::Fresh(made) => Some(made),
                _ => None,
            };
            // Only the object itself: what hangs on a longer-lived struct is somebody else's.
            if !put.path.elems.is_empty() {
                continue;
            }
            let below = |e: &Event| {
                e.path.starts_with(&put.path) && e.path.elems.len() <= put.path.elems.len() + 1
            };
            let put_step = &self.steps[put.step as usize];
            for event in self.events.iter().filter(|e| !e.put && e.is_map() && below(e)) {
                let step = &self.steps[event.step as usize];
                let later = match (put_step.thread, step.thread) {
                    (None, None) => self.order.after(put_step.pos, step.pos, made),
                    (a, b) if a == b => false,
                    (None, Some(t)) => {
                        let spawn = self.threads[t as usize].pos;
                        spawn == put_step.pos || self.order.after(spawn, put_step.pos, made)
                    }
                    _ => put_step.thread.is_some_and(|t| step.parallel.contains(t)),
                };
                if !later || !crate::pairs::unordered(put_step, step, false, false, &channels) {
                    continue;
                }
                let (a, b) = (self.side(event), self.side(put));
                out.push(Pair { scope: self.id, a, b, same_object: true });
            }
        }
        out
    }

    /// An access with when it happens and on which goroutine.
    fn side(&self, event: &Event) -> Side {
        let step = self.steps[event.step as usize].clone();
        let thread = step.thread.map(|t| self.threads[t as usize].clone());
        Side { event: event.clone(), step, thread }
    }

    /// Calls whose result comes out of a pool as the last user left it.
    fn pool_gets(&self) -> Vec<ValueId> {
        let takes =
            |f: &knowledge::Flow| f.slot.as_deref() == Some("pool") && f.how == FlowHow::Load;
        let mut gets: Vec<ValueId> = self
            .targets
            .iter()
            .filter(|&(&v, targets)| {
                self.model_of(v).is_some_and(|m| m.flows.iter().any(takes))
                    || targets.iter().any(|t| {
                        matches!(t.code, crate::targets::Code::Func(f, _) if t.run.spawn.is_none()
                            && self.summary_of(f).is_some_and(|s| s.pooled))
                    })
            })
            .map(|(&v, _)| v)
            .collect();
        gets.sort();
        gets
    }

    /// Whether a pooled object is emptied here: cleared, or given a new map.
    fn is_emptied(&self, object: &Path, map: Option<&Path>, get: ValueId) -> bool {
        let store = self.cx.store;
        let is_map = |p: &Path| {
            let t = p.last_field().and_then(|f| store.obj(f).typ.get());
            t.is_some_and(|t| {
                matches!(store.ty(go_types::under::under(store, t)), go_types::Type::Map { .. })
            })
        };
        let concerns =
            |p: &Path| map.map_or_else(|| p.starts_with(object) && is_map(p), |m| p == m);
        self.events.iter().any(|e| {
            matches!(e.kind, AccessKind::MapClear | AccessKind::MapDelete) && concerns(&e.path)
        }) || self.facts.iter().any(|f| {
            f.at != get
                && ((concerns(&f.dest)
                    && f.dest.elems.len() > object.elems.len()
                    && f.dest.elems.last() != Some(Elem::Item))
                    || f.dest == *object)
        }) || self.replaced.iter().any(|p| concerns(p) && p.elems.last() != Some(Elem::Item))
    }

    pub fn returns_pooled(&self, returns: &[LocalReturn]) -> bool {
        let gets = self.pool_gets();
        !gets.is_empty()
            && returns.iter().filter_map(|r| r.vals.first()).flatten().filter_map(own_object).any(
                |made| {
                    gets.contains(&made)
                        && !self.is_emptied(&Path::root(Root::Fresh(made)), None, made)
                },
            )
    }

    /// Objects from a pool that are filled and put back without being emptied.
    pub fn find_pool_leaks(&self) -> Vec<PoolLeak> {
        let mut out: Vec<PoolLeak> = Vec::new();
        for get in self.pool_gets() {
            let taken = Path::root(Root::Fresh(get));
            let of_object = || self.events.iter().filter(|e| e.path.starts_with(&taken));
            let Some(put) = of_object().find(|e| e.put) else { continue };
            let leaked = of_object()
                .filter(|e| e.kind == AccessKind::MapWrite)
                .find(|e| !self.is_emptied(&taken, Some(&e.path), get));
            if let Some(write) = leaked {
                out.push(PoolLeak { get, write: self.side(write), put: put.clone() });
            }
        }
        out
    }
}
