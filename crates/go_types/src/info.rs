//! What the check of a package found out, in side tables keyed by the ids of the syntax tree.

use std::sync::Arc;

use base::{FxHashMap, Id};
use go_syntax::ast::{self, ExprId, SpecId, StmtId};
use source::FileId;

use crate::constant::ConstValue;
use crate::operand::Mode;
use crate::store::{ObjId, PkgId, TypeId};

/// An expression of a package: the file's place in [`PackageInfo::files`], and the node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ExprRef {
    /// Index of the file in its package.
    pub file: u32,
    /// The expression in that file.
    pub id: ExprId,
}

/// What a selector selects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum SelectionKind {
    FieldVal,
    MethodVal,
    MethodExpr,
}

/// A selector that goes through a type (a qualified identifier is a plain use instead).
#[derive(Clone, Debug)]
pub struct Selection {
    /// Field, method value or method expression.
    pub kind: SelectionKind,
    /// The type of the operand before any embedding or indirection.
    pub recv: TypeId,
    /// The field or method.
    pub obj: ObjId,
    /// Field indices from `recv` to the object; the last one is the field or method number.
    pub index: Box<[u32]>,
    /// Whether a pointer was followed on the way.
    pub indirect: bool,
}

/// An instantiated generic function or type in use.
#[derive(Clone, Debug)]
pub struct Instance {
    /// The type arguments, inferred ones included.
    pub targs: Box<[TypeId]>,
    /// The instantiated type.
    pub ty: TypeId,
}

/// The tables of one file. The dense ones have one entry per [`ExprId`].
#[derive(Debug)]
pub struct FileInfo {
    /// Which file.
    pub file: FileId,
    /// Its tree.
    pub ast: Arc<ast::File>,
    /// The minor number of its Go language version (21 for `go1.21`): it decides what a loop
    /// variable is. 0 stands for the newest.
    pub go_version: u16,
    /// The type of each expression; `None` where go/types records none, or the body was not
    /// checked. In a comma-ok context the type is the tuple `(T, bool)`, as in go/types.
    pub types: Vec<Option<TypeId>>,
    /// The mode of each expression.
    pub modes: Vec<Mode>,
    /// For an identifier, what it denotes (use or `:=` definition); for a selector, what is
    /// selected.
    pub objs: Vec<Option<ObjId>>,
    /// Values of constant expressions.
    pub consts: FxHashMap<ExprId, ConstValue>,
    /// Objects declared by an [`ast::Ident`] (not an expression), by the offset of the name.
    pub defs: FxHashMap<u32, ObjId>,
    /// Selections, by selector expression.
    pub selections: FxHashMap<ExprId, Selection>,
    /// Instances, by identifier or selector expression of the generic function or type.
    pub instances: FxHashMap<ExprId, Instance>,
    /// The variable that each clause of a type switch declares.
    pub case_objs: FxHashMap<StmtId, ObjId>,
    /// The package name that an import without a name declares.
    pub import_objs: FxHashMap<SpecId, ObjId>,
}

impl FileInfo {
    /// Empty tables for a tree.
    pub fn new(file: FileId, ast: Arc<ast::File>) -> Self {
        let n = ast.exprs.len();
        Self {
            file,
            ast,
            go_version: 0,
            types: vec![None; n],
            modes: vec![Mode::Invalid; n],
            objs: vec![None; n],
            consts: FxHashMap::default(),
            defs: FxHashMap::default(),
            selections: FxHashMap::default(),
            instances: FxHashMap::default(),
            case_objs: FxHashMap::default(),
            import_objs: FxHashMap::default(),
        }
    }
    /// The recorded type of an expression.
    pub fn type_of(&self, e: ExprId) -> Option<TypeId> {
        self.types[e.index()]
    }
    /// The recorded mode of an expression.
    pub fn mode_of(&self, e: ExprId) -> Mode {
        self.modes[e.index()]
    }
    /// What an identifier or selector denotes.
    pub fn obj_of(&self, e: ExprId) -> Option<ObjId> {
        self.objs[e.index()]
    }
}

/// The result of checking a package.
#[derive(Debug)]
pub struct PackageInfo {
    /// The package.
    pub pkg: PkgId,
    /// Its files, in the order of the project's package.
    pub files: Vec<FileInfo>,
    /// Package-level variables in initialisation order, each with its initialiser (several
    /// variables for `var a, b = f()`); empty when bodies were not checked.
    pub init_order: Vec<(Vec<ObjId>, ExprRef)>,
    /// Whether function bodies were checked.
    pub bodies: bool,
}
