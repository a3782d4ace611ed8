//! Type inference: finding the type arguments of a call from its arguments and the constraints
//! (Go spec, "Type inference").

use base::FxHashMap;
use smallvec::SmallVec;

use crate::checker::Checker;
use crate::instantiate::{specific_terms, without_tparams};
use crate::operand::{Mode, Operand};
use crate::predicates::{default_type, is_typed, max_type};
use crate::store::{ObjId, Store, TypeId};
use crate::subst::{SubstMap, fresh_tparams, subst};
use crate::types::{Term, Type};
use crate::typeset::type_set;
use crate::typestring::type_string;
use crate::under::{common_under, constraint_interface, unalias};
use crate::unify::{Unifier, UnifyMode};

/// Type arguments, by type parameter.
pub(crate) type Inferred = SmallVec<[TypeId; 4]>;

/// Why inference failed: where and what, or nothing when it has been reported already.
pub(crate) type NotInferred = Option<(u32, String)>;

impl Checker<'_> {
    /// Infers the type arguments for `tparams`. `given` holds those that are known (it may be
    /// shorter); `params` and `args` are the types of the parameters and the arguments for them,
    /// as many of one as of the other. With `reverse` the arguments are what a function is
    /// assigned to, which only words errors differently.
    pub(crate) fn infer(
        &mut self,
        pos: u32,
        tparams: &[TypeId],
        given: &[Option<TypeId>],
        params: &[TypeId],
        args: &[Operand],
        reverse: bool,
    ) -> Result<Inferred, NotInferred> {
        let store = self.store;
        if given.len() == tparams.len()
            && let Some(all) = given.iter().copied().collect::<Option<Inferred>>()
        {
            return Ok(all);
        }
        if args.iter().any(|a| a.mode == Mode::Invalid) {
            return Err(None);
        }
        let mut targs: SmallVec<[Option<TypeId>; 4]> = given.into();
        targs.resize(tparams.len(), None);

        // Parameters whose type arguments are given match by assignability, not by unification.
        let map = SubstMap::partial(tparams, &targs);
        let params: SmallVec<[TypeId; 4]> = params.iter().map(|&t| subst(store, t, &map)).collect();
        let mut u = Unifier::new(tparams, &targs, self.allow_version(21));

        let untyped = self.use_arguments(&mut u, tparams, &params, args, reverse)?;
        self.use_constraints(&mut u, pos, tparams)?;
        self.use_untyped(&mut u, &params, args, &untyped)?;
        let inferred = simplify(store, tparams, &targs, u.inferred(tparams));
        let problem = |p: TypeId| Some((pos, format!("cannot infer {}", tparam_name(store, p))));
        inferred
            .iter()
            .zip(tparams)
            .map(|(t, &p)| t.filter(|&t| !is_parameterized(store, tparams, t)).ok_or(problem(p)))
            .collect()
    }

    /// Unifies parameter types with the types of typed arguments. The result are the indices of
    /// untyped arguments for parameters whose type is a type parameter.
    fn use_arguments(
        &mut self,
        u: &mut Unifier,
        tparams: &[TypeId],
        params: &[TypeId],
        args: &[Operand],
        reverse: bool,
    ) -> Result<SmallVec<[usize; 4]>, NotInferred> {
        let store = self.store;
        let mut untyped = SmallVec::new();
        for (i, (&par, arg)) in params.iter().zip(args).enumerate() {
            if !is_parameterized(store, tparams, par) && !is_parameterized(store, tparams, arg.typ)
            {
                continue;
            }
            if is_typed(store, arg.typ) {
                if !u.unify(self, par, arg.typ, UnifyMode::ASSIGN) {
                    return Err(Some(self.mismatch(u, tparams, par, arg, reverse)));
                }
            } else if matches!(store.ty(par), Type::TypeParam(_)) && !self.is_nil_operand(arg) {
                untyped.push(i);
            }
        }
        Ok(untyped)
    }

    /// Unifies type parameters with the core types and the methods of their constraints, as long
    /// as that finds something.
    fn use_constraints(
        &mut self,
        u: &mut Unifier,
        pos: u32,
        tparams: &[TypeId],
    ) -> Result<(), NotInferred> {
        let store = self.store;
        loop {
            let unknowns = u.unknowns();
            for &tparam in tparams {
                let tx = u.at(tparam);
                let unsatisfied = |tx: TypeId, cause: &str| {
                    let constraint = constraint_string(store, tparam);
                    let (name, tx) = (tparam_name(store, tparam), type_string(store, tx));
                    let space = if cause.is_empty() { "" } else { " " };
                    let text = format!("{name} (type {tx}) does not satisfy {constraint}");
                    Some((pos, format!("{text}{space}{cause}")))
                };
                if let Some((core, single)) = core_term(store, tparam) {
                    match tx {
                        Some(tx) if !u.unify(self, tx, core.ty, UnifyMode::INEXACT) => {
                            return Err(unsatisfied(tx, ""));
                        }
                        None if single && !core.tilde => u.set(tparam, core.ty),
                        Some(_) | None => {}
                    }
                }
                // The methods of a type that is not final yet say nothing.
                let Some(tx) = tx.filter(|&t| !is_parameterized(store, tparams, t)) else {
                    continue;
                };
                let constraint = constraint_interface(store, tparam);
                if type_set(store, constraint).methods.is_empty() {
                    continue;
                }
                let mut cause = String::new();
                let has_all = self.has_all_methods(
                    tx,
                    constraint,
                    true,
                    &mut |c, x, y| u.unify(c, x, y, UnifyMode::EXACT),
                    Some(&mut cause),
                );
                if !has_all {
                    return Err(unsatisfied(tx, &cause));
                }
            }
            if u.unknowns() == unknowns {
                return Ok(());
            }
        }
    }

    /// Gives type parameters that are still open the default type of their untyped arguments.
    fn use_untyped(
        &mut self,
        u: &mut Unifier,
        params: &[TypeId],
        args: &[Operand],
        untyped: &[usize],
    ) -> Result<(), NotInferred> {
        let store = self.store;
        let mut largest: SmallVec<[(TypeId, TypeId); 4]> = SmallVec::new();
        for &i in untyped {
            let (tparam, arg) = (params[i], &args[i]);
            if u.at(tparam).is_some() {
                continue;
            }
            match largest.iter_mut().find(|l| l.0 == tparam) {
                None => largest.push((tparam, arg.typ)),
                Some((_, max)) => match max_type(store, *max, arg.typ) {
                    Some(t) => *max = t,
                    None => {
                        let message = format!(
                            "mismatched types {} and {} (cannot infer {})",
                            type_string(store, *max),
                            type_string(store, arg.typ),
                            tparam_name(store, tparam)
                        );
                        return Err(Some((self.operand_pos(arg), message)));
                    }
                },
            }
        }
        for (tparam, t) in largest {
            u.set(tparam, default_type(store, t));
        }
        Ok(())
    }

    /// The error of an argument whose type does not unify with that of its parameter.
    fn mismatch(
        &self,
        u: &Unifier,
        tparams: &[TypeId],
        par: TypeId,
        arg: &Operand,
        reverse: bool,
    ) -> (u32, String) {
        let store = self.store;
        let name = |t: TypeId| type_string(store, t);
        let what = match arg.expr {
            Some(e) => self.expr_str(e.id),
            None => "argument".to_owned(),
        };
        let (targ, tpar) = (name(arg.typ), name(par));
        let known = u.inferred(tparams);
        let message = if known.iter().all(Option::is_none) {
            let list: Vec<&str> = tparams.iter().map(|&p| tparam_name(store, p)).collect();
            format!("type {targ} of {what} does not match {tpar} (cannot infer {})", and(&list))
        } else {
            let inferred = subst(store, par, &SubstMap::partial(tparams, &known));
            match (inferred == par, reverse) {
                (true, _) => format!("type {targ} of {what} does not match {tpar}"),
                (false, true) => format!(
                    "inferred type {} for {tpar} does not match type {targ} of {what}",
                    name(inferred)
                ),
                (false, false) => format!(
                    "type {targ} of {what} does not match inferred type {} for {tpar}",
                    name(inferred)
                ),
            }
        };
        (self.operand_pos(arg), message)
    }

    fn operand_pos(&self, x: &Operand) -> u32 {
        x.expr.map_or(0, |e| self.asts[e.file as usize].expr(e.id).span.start)
    }

    /// Copies of type parameters, and types with the copies in place of the originals: in a
    /// recursive call, the type parameters to solve for must differ from those of the arguments.
    pub(crate) fn rename_tparams(
        &self,
        tparams: &[TypeId],
        types: &[TypeId],
    ) -> (Box<[TypeId]>, SmallVec<[TypeId; 4]>) {
        if tparams.is_empty() {
            return (Box::default(), types.into());
        }
        let (fresh, map) = fresh_tparams(self.store, tparams, &SubstMap::default());
        let renamed = types.iter().map(|&t| subst(self.store, t, &map)).collect();
        (fresh, renamed)
    }
}

/// Whether a type mentions any of the type parameters, signatures' own aside.
pub fn is_parameterized(store: &Store, tparams: &[TypeId], t: TypeId) -> bool {
    Walker { store, tparams, seen: FxHashMap::default() }.typ(t)
}

struct Walker<'w> {
    store: &'w Store,
    tparams: &'w [TypeId],
    /// Interfaces met: only they can be cyclic without a name.
    seen: FxHashMap<TypeId, bool>,
}

impl Walker<'_> {
    fn typ(&mut self, t: TypeId) -> bool {
        match self.store.ty(t) {
            Type::Basic(_) => false,
            Type::Alias(_) => self.typ(unalias(self.store, t)),
            &Type::Array { elem, .. } | &Type::Slice(elem) | &Type::Chan { elem, .. } => {
                self.typ(elem)
            }
            &Type::Pointer(base) => self.typ(base),
            &Type::Map { key, elem } => self.typ(key) || self.typ(elem),
            Type::Struct(s) => self.vars(&s.fields),
            Type::Tuple(vars) => self.vars(vars),
            Type::Signature(sig) => self.vars(&sig.params) || self.vars(&sig.results),
            Type::Interface(_) => {
                if let Some(&known) = self.seen.get(&t) {
                    return known;
                }
                self.seen.insert(t, false);
                let set = type_set(self.store, t);
                let found = self.vars(&set.methods)
                    || set.terms.iter().flatten().any(|term| self.typ(term.ty));
                self.seen.insert(t, found);
                found
            }
            Type::Union(terms) => terms.iter().any(|term| self.typ(term.ty)),
            Type::Named(named) => named.targs.iter().any(|&t| self.typ(t)),
            Type::TypeParam(_) => self.tparams.contains(&t),
        }
    }

    fn vars(&mut self, vars: &[ObjId]) -> bool {
        vars.iter().any(|&v| self.store.obj(v).typ.get().is_some_and(|t| self.typ(t)))
    }
}

/// The single specific type of a type parameter's constraint (with `true`), or else its core type.
/// The tilde is set if any term has one.
fn core_term(store: &Store, tparam: TypeId) -> Option<(Term, bool)> {
    let terms = specific_terms(store, tparam)?;
    if let [single] = &*terms {
        return Some((*single, true));
    }
    let ty = common_under(store, tparam, |_, _| None).ok()?;
    Some((Term { tilde: terms.iter().any(|t| t.tilde), ty }, false))
}

/// Replaces type parameters in inferred types by what was inferred for them, until none is left
/// or nothing changes.
fn simplify(
    store: &Store,
    tparams: &[TypeId],
    given: &[Option<TypeId>],
    mut inferred: SmallVec<[Option<TypeId>; 4]>,
) -> SmallVec<[Option<TypeId>; 4]> {
    CycleKiller { store, tparams, inferred: &mut inferred, path: Vec::new() }.run();
    let mut dirty: SmallVec<[usize; 4]> =
        (0..inferred.len()).filter(|&i| inferred[i].is_some() && given[i].is_none()).collect();
    while !dirty.is_empty() {
        let map = SubstMap::partial(tparams, &inferred);
        dirty.retain(|&mut i| {
            let Some(t0) = inferred[i] else { return false };
            let mut t1 = subst(store, t0, &map);
            if t1 == t0 {
                return false;
            }
            // A generic function argument that is instantiated by this is generic no more.
            if let Type::Signature(sig) = store.ty(t1)
                && !sig.tparams.is_empty()
                && !is_parameterized(store, tparams, t1)
            {
                t1 = store.new_type(Type::Signature(Box::new(without_tparams(sig))));
            }
            inferred[i] = Some(t1);
            true
        });
    }
    inferred
}

/// Takes back what was inferred for type parameters that stand for types containing themselves
/// (`[A interface{ *A }]`): replacing them would never end.
struct CycleKiller<'k> {
    store: &'k Store,
    tparams: &'k [TypeId],
    inferred: &'k mut SmallVec<[Option<TypeId>; 4]>,
    path: Vec<TypeId>,
}

impl CycleKiller<'_> {
    fn run(&mut self) {
        for &p in self.tparams {
            self.typ(p);
        }
    }

    fn typ(&mut self, t: TypeId) {
        let t = unalias(self.store, t);
        if matches!(self.store.ty(t), Type::Basic(_)) {
            return;
        }
        if self.path.contains(&t) {
            if let Some(i) = self.tparams.iter().position(|&p| p == t) {
                self.inferred[i] = None;
            }
            return;
        }
        self.path.push(t);
        match self.store.ty(t) {
            &Type::Array { elem, .. } | &Type::Slice(elem) | &Type::Chan { elem, .. } => {
                self.typ(elem);
            }
            &Type::Pointer(base) => self.typ(base),
            &Type::Map { key, elem } => {
                self.typ(key);
                self.typ(elem);
            }
            Type::Struct(s) => self.vars(&s.fields),
            Type::Tuple(vars) => self.vars(vars),
            Type::Signature(sig) => {
                self.vars(&sig.params);
                self.vars(&sig.results);
            }
            Type::Union(terms) => terms.iter().for_each(|term| self.typ(term.ty)),
            Type::Interface(i) => {
                self.vars(&i.methods);
                i.embeddeds.iter().for_each(|&e| self.typ(e));
            }
            Type::Named(named) => named.targs.iter().for_each(|&t| self.typ(t)),
            Type::TypeParam(_) => {
                if let Some(i) = self.tparams.iter().position(|&p| p == t)
                    && let Some(inferred) = self.inferred[i]
                {
                    self.typ(inferred);
                }
            }
            Type::Basic(_) | Type::Alias(_) => {}
        }
        self.path.pop();
    }

    fn vars(&mut self, vars: &[ObjId]) {
        for &v in vars {
            if let Some(t) = self.store.obj(v).typ.get() {
                self.typ(t);
            }
        }
    }
}

fn tparam_name(store: &Store, tparam: TypeId) -> &'static str {
    match store.ty(tparam) {
        Type::TypeParam(p) => store.obj(p.obj).name.as_str(),
        _ => "_",
    }
}

fn constraint_string(store: &Store, tparam: TypeId) -> String {
    match store.ty(tparam) {
        Type::TypeParam(p) => p.bound.get().map_or_else(String::new, |b| type_string(store, b)),
        _ => String::new(),
    }
}

/// `A`, `A and B`, `A, B, and C`
fn and(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [a] => (*a).to_owned(),
        [a, b] => format!("{a} and {b}"),
        [rest @ .., last] => format!("{}, and {last}", rest.join(", ")),
    }
}
