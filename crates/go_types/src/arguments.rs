//! The arguments of a call: matching them with parameters, inferring type arguments, assigning.

use go_syntax::ast::{ExprId, ExprKind};
use smallvec::SmallVec;

use crate::assignments::Context;
use crate::call::TypeArgs;
use crate::checker::Checker;
use crate::operand::{Mode, Operand};
use crate::store::TypeId;
use crate::types::{Signature, Type};

/// Evaluated arguments. Generic functions among them may be instantiated in part only: their type
/// arguments stand beside them.
#[derive(Default)]
pub(crate) struct Arguments {
    /// The operands.
    pub list: SmallVec<[Operand; 4]>,
    /// Type arguments of partially instantiated generic functions, by argument; may be shorter.
    pub targs: SmallVec<[TypeArgs; 1]>,
}

impl Checker<'_> {
    /// Evaluates call arguments. A lone call gives all its values; generic functions may stay
    /// uninstantiated (from Go 1.21).
    pub(crate) fn generic_expr_list(&mut self, list: &[ExprId]) -> Arguments {
        let infer = !self.allow_version(21);
        let mut arguments = Arguments::default();
        for (i, &e) in list.iter().enumerate() {
            let mut x = self.no_operand();
            if matches!(self.expr_at(e).kind, ExprKind::Index { .. }) {
                if self.index_expr(&mut x, e) {
                    let pos = self.pos_of(e);
                    let given = self.func_inst(None, pos, &mut x, Some(e), infer);
                    x.expr = Some(self.expr_ref(e));
                    match given {
                        Some(given) => {
                            arguments.targs.resize_with(i, TypeArgs::default);
                            arguments.targs.push(given);
                        }
                        None => self.record(&x),
                    }
                } else {
                    self.finish_index_argument(&mut x, e);
                }
            } else if list.len() == 1 {
                arguments.list = self.multi_expr(e, true);
                return arguments;
            } else {
                self.generic_expr(&mut x, e, None);
            }
            arguments.list.push(x);
        }
        arguments
    }

    /// What `raw_expr` does after an index expression that is not an instantiation.
    fn finish_index_argument(&mut self, x: &mut Operand, e: ExprId) {
        x.expr = Some(self.expr_ref(e));
        self.record(x);
        if x.mode == Mode::TypeExpr {
            let what = self.operand_string(x);
            self.error_at_operand(x, format!("{what} is not an expression"));
            x.invalidate();
        }
    }

    /// Checks arguments against a signature that may be generic. The result is the signature,
    /// instantiated where it was generic; the signature as it came after an error.
    pub(crate) fn arguments(
        &mut self,
        call: ExprId,
        sig: TypeId,
        mut targs: TypeArgs,
        type_exprs: &[ExprId],
        arguments: &mut Arguments,
    ) -> TypeId {
        let s = self.store;
        let (fun, call_args, dots) = match self.expr_at(call).kind {
            ExprKind::Call { fun, args, ellipsis } => (fun, self.ast().expr_list(args), ellipsis),
            _ => return sig,
        };
        let Type::Signature(signature) = s.ty(sig) else { return sig };
        let nargs = arguments.list.len();
        if signature.variadic && dots && call_args.len() == 1 && nargs > 1 {
            let text = self.expr_str(call_args[0]);
            self.error(
                self.expr_at(call_args[0]).span.end,
                format!("cannot use ... with {nargs}-valued {text}"),
            );
            return sig;
        }
        if dots && !signature.variadic {
            let at = call_args.last().map_or(self.closing(call), |&e| self.expr_at(e).span.end);
            let text = self.expr_str(fun);
            self.error(at, format!("cannot use ... in call to non-variadic {text}"));
            return sig;
        }
        let spread = signature.variadic && !dots;
        let npars = signature.params.len();
        let fits = if spread { nargs + 1 >= npars } else { nargs == npars };
        if !fits {
            self.wrong_argument_count(call, fun, signature, &arguments.list, dots);
            return sig;
        }
        let generic_args = arguments.list.iter().any(|a| self.is_generic_signature(a.typ));
        if signature.tparams.is_empty() && !generic_args {
            for (i, x) in arguments.list.iter_mut().enumerate() {
                let t = self.param_type(signature, i, spread);
                self.assignment(x, Some(t), Context::ArgumentTo(fun));
            }
            return sig;
        }

        // The callee's type parameters come first, then those of each generic argument.
        let n = signature.tparams.len();
        let mut params: SmallVec<[TypeId; 4]> =
            (0..nargs).map(|i| self.param_type(signature, i, spread)).collect();
        let mut tparams: SmallVec<[TypeId; 4]> = SmallVec::new();
        let mut given: SmallVec<[Option<TypeId>; 4]> = SmallVec::new();
        if n > 0 {
            let pos = self.pos_of(call);
            self.verify_version(pos, 18, |_| "implicit function instantiation".to_owned());
            let (renamed, renamed_params) = self.rename_tparams(&signature.tparams, &params);
            tparams.extend_from_slice(&renamed);
            params = renamed_params.into_iter().collect();
            given.extend(targs.drain(..).map(Some));
            given.resize(n, None);
        }
        let mut generic: SmallVec<[(usize, TypeId); 1]> = SmallVec::new();
        for (i, x) in arguments.list.iter_mut().enumerate() {
            if !self.is_generic_signature(x.typ) {
                continue;
            }
            // f(g, g): each use of g gets type parameters of its own.
            let own = self.tparams_of(x.typ);
            let (renamed, body) = self.rename_tparams(&own, &[self.without_tparams(x.typ)]);
            generic.push((i, x.typ));
            x.typ = self.with_tparams(body[0], &renamed);
            tparams.extend_from_slice(&renamed);
            if let Some(partial) = arguments.targs.get(i) {
                given.extend(partial.iter().copied().map(Some));
            }
            given.resize(tparams.len(), None);
        }
        if let Some(&(first, _)) = generic.first() {
            let pos = arguments.list[first].expr.map_or(0, |at| self.pos_of(at.id));
            self.verify_version(pos, 21, |_| {
                "implicitly instantiated function as argument".to_owned()
            });
        }
        let pos = self.pos_of(call);
        let inferred = match self.infer(pos, &tparams, &given, &params, &arguments.list, false) {
            Ok(inferred) => inferred,
            Err(problem) => {
                if let Some((at, message)) = problem {
                    let text = self.expr_str(fun);
                    self.error(at, format!("in call to {text}, {message}"));
                }
                return sig;
            }
        };
        let mut result = sig;
        if n > 0 {
            let start = self.pos_of(call);
            result = self.instantiate_signature(start, fun, sig, &inferred[..n], type_exprs);
        }
        let mut at = n;
        for &(i, origin) in &generic {
            let x = &mut arguments.list[i];
            let own = self.tparams_of(origin).len();
            let targs = &inferred[at..at + own];
            at += own;
            if let Some(e) = x.expr {
                let pos = self.pos_of(call);
                x.typ = self.instantiate_signature(pos, e.id, origin, targs, &[]);
            }
            let x = arguments.list[i].clone();
            self.record(&x);
        }
        let Type::Signature(signature) = s.ty(result) else { return result };
        for (i, x) in arguments.list.iter_mut().enumerate() {
            let t = self.param_type(signature, i, spread);
            self.assignment(x, Some(t), Context::ArgumentTo(fun));
        }
        result
    }

    fn is_generic_signature(&self, t: TypeId) -> bool {
        matches!(self.store.ty(t), Type::Signature(sig) if !sig.tparams.is_empty())
    }

    /// The type that argument `i` is assigned to; with `spread` the arguments beyond the others go
    /// to the elements of the variadic parameter.
    fn param_type(&self, sig: &Signature, i: usize, spread: bool) -> TypeId {
        let last = sig.params.len().saturating_sub(1);
        let t = self.type_of_obj(sig.params[i.min(last)]);
        match self.store.ty(t) {
            Type::Slice(elem) if spread && i >= last => *elem,
            _ => t,
        }
    }

    fn wrong_argument_count(
        &mut self,
        call: ExprId,
        fun: ExprId,
        sig: &Signature,
        args: &[Operand],
        dots: bool,
    ) {
        let extra = args.get(sig.params.len()).and_then(|x| x.expr);
        let (at, qualifier) = match extra {
            Some(extra) if !sig.variadic || dots => (self.pos_of(extra.id), "too many"),
            _ => (self.closing(call), "not enough"),
        };
        let have: SmallVec<[TypeId; 4]> = args.iter().map(|x| x.typ).collect();
        let want: SmallVec<[TypeId; 4]> = sig.params.iter().map(|&v| self.type_of_obj(v)).collect();
        let message = format!(
            "{qualifier} arguments in call to {}\n\thave {}\n\twant {}",
            self.expr_str(fun),
            self.types_summary(&have, false, dots),
            self.types_summary(&want, sig.variadic, false)
        );
        self.error(at, message);
    }

    /// A signature without its type parameters.
    pub(crate) fn without_tparams(&self, sig: TypeId) -> TypeId {
        self.with_tparams(sig, &[])
    }

    /// A signature with other type parameters.
    fn with_tparams(&self, sig: TypeId, tparams: &[TypeId]) -> TypeId {
        let Type::Signature(old) = self.store.ty(sig) else { return sig };
        self.store.new_type(Type::Signature(Box::new(Signature {
            recv: old.recv,
            recv_tparams: Box::default(),
            tparams: tparams.into(),
            params: old.params.clone(),
            results: old.results.clone(),
            variadic: old.variadic,
        })))
    }
}
