//! A callee's paths, values, locks and signals in the names that the caller has for them.

use std::sync::Arc;

use base::FxHashMap;
use go_ir::{FuncId, ValueId};
use smallvec::{SmallVec, smallvec};

use crate::function::FuncAnalysis;
use crate::path::{Elem, Path, Root, Val, Vals, What, add_val};
use crate::summary::{Event, Signal, Token, Tokens, add_signal};
use crate::targets::result_root;

/// What a callee's roots are at a call.
pub(crate) struct Sub<'s> {
    /// Arguments, receiver first.
    pub args: &'s [Vals],
    /// Captured variables.
    pub free: &'s [Vals],
    /// The call.
    pub call: ValueId,
}

/// Channels and the like of a callee with what they are at one call.
pub(crate) type Places = FxHashMap<Path, SmallVec<[Path; 1]>>;

impl FuncAnalysis<'_, '_> {
    /// A callee's path here: no value when the caller cannot see it.
    pub fn subst(&self, path: &Path, sub: &Sub<'_>, at: Option<ValueId>) -> Vals {
        let (base, at) = match path.root {
            Root::Param(n) => (sub.args.get(n as usize).cloned().unwrap_or_default(), at),
            // A captured variable may be set again after the closure was made.
            Root::Free(n) => (sub.free.get(n as usize).cloned().unwrap_or_default(), None),
            Root::Ret(n) => (result_root(sub.call, n), None),
            Root::Global(_) | Root::Context(_) => return self.resolve(path, at),
            Root::Fresh(_) => return Vals::new(),
        };
        let mut out = Vals::new();
        for val in base {
            match &val.what {
                What::Path(front) => {
                    let Some(full) = path.behind(front) else { continue };
                    for mut found in self.resolve(&full, at) {
                        found.picked |= val.picked;
                        if path.elems.is_empty() {
                            found.dynamic = found.dynamic.or(val.dynamic);
                        }
                        add_val(&mut out, found);
                    }
                }
                _ if path.elems.is_empty() => add_val(&mut out, val.clone()),
                _ => {}
            }
        }
        out
    }

    /// A callee's lock here: a lock is named by its place, and a copy of a struct has locks of its
    /// own.
    pub fn subst_lock(&self, path: &Path, sub: &Sub<'_>) -> Vals {
        let base = match path.root {
            Root::Param(n) => sub.args.get(n as usize).cloned().unwrap_or_default(),
            Root::Free(n) => sub.free.get(n as usize).cloned().unwrap_or_default(),
            Root::Ret(n) => result_root(sub.call, n),
            Root::Global(_) | Root::Context(_) => return smallvec![Val::path(*path)],
            Root::Fresh(_) => return Vals::new(),
        };
        let mut out = Vals::new();
        for val in &base {
            let Some(full) = val.as_path().and_then(|front| path.behind(front)) else { continue };
            for found in self.resolve_lock(&full) {
                if let Some(&place) = found.as_path() {
                    let picked = val.picked || found.picked;
                    add_val(&mut out, Val { picked, ..Val::path(place) });
                }
            }
        }
        out
    }

    /// A callee's values here.
    pub fn subst_vals(&self, vals: &Vals, sub: &Sub<'_>, at: Option<ValueId>) -> Vals {
        let mut out = Vals::new();
        for val in vals {
            match &val.what {
                What::Path(path) => {
                    for mut found in self.subst(path, sub, at) {
                        found.dynamic = val.dynamic.or(found.dynamic);
                        found.picked |= val.picked;
                        add_val(&mut out, found);
                    }
                }
                What::Closure(f, free) => {
                    let free: Vec<Vals> =
                        free.iter().map(|v| self.subst_vals(v, sub, at)).collect();
                    let what = What::Closure(*f, free.into());
                    add_val(&mut out, Val { what, ..val.clone() });
                }
                What::Bound(method, recv) => {
                    let recv = Arc::new(self.subst_vals(recv, sub, at));
                    add_val(&mut out, Val { what: What::Bound(*method, recv), ..val.clone() });
                }
                What::Func(_) => add_val(&mut out, val.clone()),
            }
        }
        out
    }

    /// A goroutine's signals here.
    pub fn subst_signals(
        &self,
        signals: &[Signal],
        sub: &Sub<'_>,
        known: &mut Places,
    ) -> Vec<Signal> {
        let mut out = Vec::new();
        for signal in signals {
            let mut after = Tokens::new();
            for token in &signal.after {
                let places = self.subst_places(&token.path, sub, known);
                after.extend(places.iter().map(|&path| Token { path, ..*token }));
            }
            for &path in self.subst_places(&signal.token.path, sub, known) {
                let token = Token { path, ..signal.token };
                add_signal(&mut out, Signal { token, after: after.clone() });
            }
        }
        out
    }

    /// A callee's signal here.
    pub fn subst_token(&self, token: &Token, sub: &Sub<'_>) -> Tokens {
        let places = self.find_places(&token.path, sub);
        places.into_iter().map(|path| Token { path, ..*token }).collect()
    }

    /// What a callee signals or waits for here; `known` is what was found out about the same call.
    pub fn subst_places<'k>(
        &self,
        path: &Path,
        sub: &Sub<'_>,
        known: &'k mut Places,
    ) -> &'k [Path] {
        known.entry(*path).or_insert_with(|| self.find_places(path, sub))
    }

    fn find_places(&self, path: &Path, sub: &Sub<'_>) -> SmallVec<[Path; 1]> {
        let places = self.subst(path, sub, Some(sub.call));
        let places = places.iter().flat_map(|p| self.content_of(p, Some(sub.call)));
        places.filter_map(|p| p.as_path().copied()).collect()
    }

    /// A place of memory: the path itself, not what is in it. A struct that was copied is another
    /// place.
    pub fn subst_slot(&self, path: &Path, sub: &Sub<'_>) -> Vals {
        let root = Path::root(path.root);
        let Some((front, last)) = path.elems.split_last() else {
            return match path.root {
                Root::Param(n) => sub.args.get(n as usize).cloned().unwrap_or_default(),
                Root::Free(n) => sub.free.get(n as usize).cloned().unwrap_or_default(),
                Root::Ret(n) => result_root(sub.call, n),
                Root::Global(_) | Root::Context(_) => smallvec![Val::path(root)],
                Root::Fresh(_) => Vals::new(),
            };
        };
        let mut out = Vals::new();
        let mut add = |base: &Val| {
            let bases = match last {
                // An element of the slice that a variable holds.
                Elem::Item => self.content_of(base, None),
                _ => smallvec![base.clone()],
            };
            for base in &bases {
                if let Some(place) = base.as_path().and_then(|p| p.then(last)) {
                    add_val(&mut out, Val { picked: base.picked, ..Val::path(place) });
                }
            }
        };
        match path.root {
            Root::Param(_) | Root::Ret(_) if front.is_empty() => {
                self.subst_slot(&root, sub).iter().for_each(&mut add);
            }
            _ => {
                let front = Path { root: path.root, elems: front };
                self.subst_lock(&front, sub).iter().for_each(&mut add);
            }
        }
        out
    }

    /// A place that is stored to: the path itself, not what is in it.
    pub fn subst_place(&self, path: &Path, sub: &Sub<'_>) -> Vec<Path> {
        let Some((front, last)) = path.elems.split_last() else {
            let vals = match path.root {
                // The variable itself, not its content.
                Root::Free(n) => sub.free.get(n as usize).cloned().unwrap_or_default(),
                Root::Context(_) | Root::Global(_) => return vec![*path],
                _ => return Vec::new(),
            };
            return vals.iter().filter_map(Val::as_path).copied().collect();
        };
        let front = Path { root: path.root, elems: front };
        let bases = self.subst(&front, sub, Some(sub.call));
        bases.iter().filter_map(Val::as_path).filter_map(|b| b.then(last)).collect()
    }

    /// What an access of a type is to, when a pointer leads to a variable: the variable, or what the
    /// variable holds.
    pub fn pointed_to(&self, place: &Val, event: &Event, at: ValueId) -> Vals {
        let store = self.cx.store;
        let variable = match place.as_path() {
            Some(Path { root: Root::Fresh(v), elems }) if elems.is_empty() => self.func.instr(*v),
            _ => return smallvec![place.clone()],
        };
        let held = variable.ty.map(|t| crate::context::deref(store, t));
        let same = |(a, b)| go_types::predicates::identical(store, a, b);
        let is_it = event.is_plain() && held.zip(event.ty).is_some_and(same);
        if is_it { smallvec![place.clone()] } else { self.content_of(place, Some(at)) }
    }

    /// Whether an access leads through a parameter that is a pointer to a pointer: `**p = 1`.
    pub fn is_two_pointers_away(&self, f: FuncId, event: &Event) -> bool {
        let Root::Param(n) = event.path.root else { return false };
        let store = self.cx.store;
        let param = self.cx.func(f).params.get(n as usize).copied();
        let pointee = param
            .and_then(|p| self.cx.func(f).instr(p).ty)
            .map(|t| crate::context::deref(store, t));
        let is_pointer = pointee.is_some_and(|t| {
            let under = go_types::under::under(store, t);
            matches!(store.ty(under), go_types::Type::Pointer(_) | go_types::Type::Interface(_))
        });
        event.indirect
            && event.path.elems.is_empty()
            && is_pointer
            && pointee
                .zip(event.ty)
                .is_some_and(|(p, t)| !go_types::predicates::identical(store, p, t))
    }
}
