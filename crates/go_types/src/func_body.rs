//! Function bodies, and what is common to all statements of one.

use go_syntax::ast::{StmtId, StmtKind};

use crate::checker::{Checker, Env};
use crate::constant::ConstValue;
use crate::scope::ScopeId;
use crate::store::TypeId;

impl Checker<'_> {
    /// Checks the body of a function or function literal. `scope` holds its parameters; `decl` is
    /// the package-level declaration that it belongs to; `iota` counts in literals inside constant
    /// declarations.
    pub(crate) fn func_body(
        &mut self,
        file: u32,
        decl: Option<u32>,
        sig: TypeId,
        scope: ScopeId,
        body: StmtId,
        iota: Option<ConstValue>,
    ) {
        let env = Env { file, scope: Some(scope), decl, sig: Some(sig), iota, ..Env::default() };
        let outer = std::mem::replace(&mut self.env, env);
        let first = self.scopes.len();
        if let StmtKind::Block(list) = self.ast().stmt(body).kind {
            self.stmt_list(crate::stmt::Ctx::default(), self.ast().stmt_list(list));
        }
        if self.env.has_label {
            self.labels(body);
        }
        let has_results = self.signature_of(sig).is_some_and(|sig| !sig.results.is_empty());
        if has_results && !self.is_terminating(body, None) {
            let end = self.ast().stmt(body).span.end;
            self.error(end.saturating_sub(1), "missing return");
        }
        self.usage(scope, first);
        self.env = outer;
    }
}
