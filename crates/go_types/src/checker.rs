//! The state of one package's check. The work is in the files named after its parts.

use std::collections::VecDeque;

use base::{FxHashMap, Symbol};
use go_syntax::ast;
use source::FileId;

use crate::constant::ConstValue;
use crate::info::{ExprRef, FileInfo};
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

/// An expression whose untyped type is not final yet.
#[derive(Clone, Debug)]
pub(crate) struct UntypedInfo {
    pub is_lhs: bool,
    pub mode: crate::operand::Mode,
    pub typ: TypeId,
    pub val: ConstValue,
}

/// Checks one package.
pub struct Checker<'a> {
    /// The arenas.
    pub(crate) store: &'a Store,
    /// The package.
    pub(crate) pkg: PkgId,
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
    /// Untyped expressions whose final type is still open.
    pub(crate) untyped: FxHashMap<ExprRef, UntypedInfo>,
    /// Where we are.
    pub(crate) env: Env,
}
