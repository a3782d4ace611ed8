//! The state of one package's check. The work is in the files named after its parts.

use std::collections::VecDeque;

use base::{FxHashMap, FxHashSet, Symbol};
use go_syntax::ast;
use source::FileId;

use crate::constant::ConstValue;
use crate::info::{ExprRef, FileInfo};
use crate::memo::Memo;
use crate::scope::{ScopeId, Scopes};
use crate::store::{ObjId, PkgId, Store, TypeId};

/// Something wrong in the source. The check goes on after it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TypeError {
    /// The file.
    pub file: FileId,
    /// Offset of the place.
    pub pos: u32,
    /// What is wrong, in one line.
    pub message: String,
    /// Whether go/types calls it soft: the types are known all the same (unused things).
    pub soft: bool,
}

/// Work put off until the enclosing declaration is complete.
pub(crate) type Action<'a> = Box<dyn FnOnce(&mut Checker<'a>) + 'a>;

/// The surroundings of the expression being checked.
#[derive(Clone, Default)]
pub(crate) struct Env {
    /// Index of the current file in [`Checker::files`].
    pub file: u32,
    /// The innermost scope.
    pub scope: Option<ScopeId>,
    /// Offset to look names up at, when it is not the end of the scope.
    pub pos: Option<u32>,
    /// The value of `iota`, inside a constant declaration.
    pub iota: Option<ConstValue>,
    /// Where errors of an inherited constant initialiser belong.
    pub err_pos: Option<u32>,
    /// Whether a type parameter list is being checked.
    pub in_tparam_list: bool,
    /// The signature of the function being checked.
    pub sig: Option<TypeId>,
    /// Names of the panics of the function, to tell terminating calls.
    pub has_label: bool,
    /// Whether a function call or channel receive was seen (`len` of an array is not constant then).
    pub has_call_or_recv: bool,
    /// The package-level declaration being checked, to record what it refers to.
    pub decl: Option<ObjId>,
}

/// A declaration that can be checked on demand.
#[derive(Clone, Debug)]
pub(crate) struct DeclInfo {
    /// Its file's index.
    pub file: u32,
    /// All variables of `var a, b = f()`.
    pub lhs: Vec<ObjId>,
    /// The declared type.
    pub ty: Option<ast::ExprId>,
    /// The initialiser.
    pub init: Option<ast::ExprId>,
    /// Whether the initialiser is inherited from an earlier constant spec.
    pub inherited: bool,
    /// The value of `iota`, for a constant.
    pub iota: u32,
    /// For a type: its spec.
    pub spec: Option<ast::SpecId>,
    /// For a function: its declaration.
    pub func: Option<ast::FuncDeclId>,
    /// Package-level objects that the initialiser or body refers to: the edges of the
    /// initialisation order.
    pub deps: Vec<ObjId>,
}

/// Checks one package.
pub struct Checker<'a> {
    /// The arenas.
    pub(crate) store: &'a Store,
    /// The package.
    pub(crate) pkg: PkgId,
    /// The trees, by file; `ast()` is the current one. They outlive the checker, so that a node
    /// can be held while the checker is changed.
    pub(crate) asts: Vec<&'a ast::File>,
    /// The source texts, by file: literals are read from there.
    pub(crate) texts: Vec<&'a [u8]>,
    /// The minor number of each file's Go language version (21 for `go1.21`); 0 allows everything.
    pub(crate) versions: Vec<u16>,
    /// The results, by file.
    pub(crate) files: Vec<FileInfo>,
    /// What is wrong so far.
    pub(crate) errors: Vec<TypeError>,
    /// Scopes of the package.
    pub(crate) scopes: Scopes,
    /// Package-level declarations, methods included.
    pub(crate) decls: FxHashMap<ObjId, DeclInfo>,
    /// Methods found, by receiver base type name.
    pub(crate) methods: FxHashMap<ObjId, Vec<ObjId>>,
    /// What the imports of each file resolve to.
    pub(crate) imports: FxHashMap<Symbol, PkgId>,
    /// Objects whose declarations are being checked, innermost last.
    pub(crate) path: Vec<ObjId>,
    /// Work put off.
    pub(crate) delayed: VecDeque<Action<'a>>,
    /// Untyped left operands of non-constant shifts: their final type must be an integer type.
    /// (That an expression is still untyped is read off [`FileInfo::types`], see `record.rs`.)
    pub(crate) shift_operands: FxHashSet<ExprRef>,
    /// Calls of the predeclared `panic`: they end a function.
    pub(crate) panics: FxHashSet<ExprRef>,
    /// Types and parameters that need to exist only once.
    pub(crate) memo: Memo,
    /// Where we are.
    pub(crate) env: Env,
}

impl<'a> Checker<'a> {
    /// The tree of the current file.
    #[inline]
    pub(crate) fn ast(&self) -> &'a ast::File {
        self.asts[self.env.file as usize]
    }

    /// An expression of the current file.
    #[inline]
    pub(crate) fn expr_at(&self, e: ast::ExprId) -> &'a ast::Expr {
        self.ast().expr(e)
    }

    /// Where an expression of the current file starts: the place that its errors are reported at.
    #[inline]
    pub(crate) fn pos_of(&self, e: ast::ExprId) -> u32 {
        self.ast().expr(e).span.start
    }

    /// The current file's expression, qualified with the file.
    #[inline]
    pub(crate) fn expr_ref(&self, e: ast::ExprId) -> ExprRef {
        ExprRef { file: self.env.file, id: e }
    }

    /// Whether the current file's language version has a feature of go1.`minor`.
    #[inline]
    pub(crate) fn allow_version(&self, minor: u16) -> bool {
        let version = self.versions[self.env.file as usize];
        version == 0 || version >= minor
    }

    /// Reports `what` at `pos` unless the language version has it; whether it has.
    pub(crate) fn verify_version(
        &mut self,
        pos: u32,
        minor: u16,
        what: impl FnOnce(&Self) -> String,
    ) -> bool {
        if self.allow_version(minor) {
            return true;
        }
        let message = format!("{} requires go1.{minor} or later", what(self));
        self.error(pos, message);
        false
    }

    /// Reports an error at an offset of the current file.
    pub(crate) fn error(&mut self, pos: u32, message: impl Into<String>) {
        self.report(pos, message.into(), false);
    }

    /// Reports an error that leaves the types known.
    pub(crate) fn soft_error(&mut self, pos: u32, message: impl Into<String>) {
        self.report(pos, message.into(), true);
    }

    fn report(&mut self, pos: u32, message: String, soft: bool) {
        // A message about something that was invalid already is a consequence of an error that
        // has been reported.
        let follows = |what: &str| message.find(what).is_some_and(|at| at > 0);
        if !self.errors.is_empty() && (follows("invalid operand") || follows("invalid type")) {
            return;
        }
        let file = self.files[self.env.file as usize].file;
        let pos = self.env.err_pos.unwrap_or(pos);
        self.errors.push(TypeError { file, pos, message, soft });
    }
}
