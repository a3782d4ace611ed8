//! The state of one package's check. The work is in the files named after its parts.

use base::{FxHashMap, FxHashSet, Id, Symbol};
use go_syntax::ast;
use source::FileId;

use crate::constant::ConstValue;
use crate::info::{ExprRef, FileInfo};
use crate::memo::Memo;
use crate::mono::Mono;
use crate::object::{ObjKind, VarKind};
use crate::scope::{ScopeId, Scopes};
use crate::sizes::Sizes;
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

/// Work put off until the enclosing statement or all declarations are complete.
type Action<'a> = Box<dyn FnOnce(&mut Checker<'a>) + Send + 'a>;

/// An [`Action`] with the file that it belongs to.
pub(crate) struct Delayed<'a> {
    pub file: u32,
    pub action: Action<'a>,
}

/// What waits for [`Checker::check_bodies`]: importers do not need it.
pub(crate) enum Body<'a> {
    /// The body of a function declaration.
    Func { file: u32, decl: u32, sig: TypeId, scope: ScopeId, body: ast::StmtId },
    /// The initialiser of a variable with a written type.
    Init { obj: ObjId, init: ast::ExprId, env: Env },
    /// The body of a function literal in an initialiser.
    Literal(Delayed<'a>),
}

/// The surroundings of the expression being checked.
#[derive(Clone, Default)]
pub(crate) struct Env {
    /// Index of the current file in [`Checker::files`].
    pub file: u32,
    /// The innermost scope.
    pub scope: Option<ScopeId>,
    /// The value of `iota`, inside a constant declaration.
    pub iota: Option<ConstValue>,
    /// Where errors of an inherited constant initialiser belong.
    pub err_pos: Option<u32>,
    /// Whether a type parameter list is being checked.
    pub in_tparam_list: bool,
    /// The signature of the function being checked.
    pub sig: Option<TypeId>,
    /// Whether the function being checked uses labels.
    pub has_label: bool,
    /// Whether a function call or channel receive was seen (`len` of an array is not constant then).
    pub has_call_or_recv: bool,
    /// The package-level declaration being checked (index into [`Checker::infos`]), to note what
    /// it refers to.
    pub decl: Option<u32>,
}

/// A declaration that can be checked on demand.
#[derive(Clone, Debug)]
pub(crate) struct DeclInfo {
    /// Its file's index.
    pub file: u32,
    /// Its file's scope.
    pub scope: ScopeId,
    /// All variables of `var a, b = f()`; they share this.
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
    /// initialisation order. May have repetitions.
    pub deps: Vec<ObjId>,
}

impl DeclInfo {
    /// Adds an edge.
    pub fn add_dep(&mut self, to: ObjId) {
        if self.deps.last() == Some(&to) {
            return;
        }
        self.deps.push(to);
        let n = self.deps.len();
        if n >= 64 && n.is_power_of_two() {
            self.deps.sort_unstable();
            self.deps.dedup();
        }
    }
}

/// Where the declaration of a package-level object is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeclRef {
    /// Index into [`Checker::infos`].
    pub info: u32,
    /// Place in [`Checker::obj_list`].
    pub order: u32,
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
    /// Whether anything was wrong, in this phase or before.
    pub(crate) had_error: bool,
    /// Scopes of the package.
    pub(crate) scopes: Scopes,
    /// The scope of the package.
    pub(crate) package_scope: ScopeId,
    /// The scope of each file.
    pub(crate) file_scopes: Vec<ScopeId>,
    /// Package-level declarations, methods included.
    pub(crate) decls: FxHashMap<ObjId, DeclRef>,
    /// What [`DeclRef::info`] points into.
    pub(crate) infos: Vec<DeclInfo>,
    /// The keys of `decls` in source order.
    pub(crate) obj_list: Vec<ObjId>,
    /// Methods found, by receiver base type name.
    pub(crate) methods: FxHashMap<ObjId, Vec<ObjId>>,
    /// What import paths resolve to.
    pub(crate) imports: FxHashMap<Symbol, PkgId>,
    /// The package names of all files, to find unused imports.
    pub(crate) package_names: Vec<ObjId>,
    /// For names that came by a dot-import: the import.
    pub(crate) dot_imports: FxHashMap<(ScopeId, Symbol), ObjId>,
    /// Objects whose declarations are being checked, innermost last.
    pub(crate) path: Vec<ObjId>,
    /// Work put off.
    pub(crate) delayed: Vec<Option<Delayed<'a>>>,
    /// What only the check of bodies looks at.
    pub(crate) bodies: Vec<Body<'a>>,
    /// Whether bodies are being checked.
    pub(crate) in_bodies: bool,
    /// Whether the predeclared functions of go/types' tests exist.
    pub(crate) testing: bool,
    /// The sizes of the target architecture.
    pub(crate) sizes: Sizes,
    /// Untyped left operands of non-constant shifts: their final type must be an integer type.
    /// (That an expression is still untyped is read off [`FileInfo::types`], see `record.rs`.)
    pub(crate) shift_operands: FxHashSet<ExprRef>,
    /// Calls of the predeclared `panic`: they end a function.
    pub(crate) panics: FxHashSet<ExprRef>,
    /// Declared types without type parameters that do not contain themselves.
    pub(crate) valid_types: FxHashSet<TypeId>,
    /// Where the package first writes each instance of a generic type (file, offset): cycles that
    /// go through it are reported there.
    pub(crate) instance_places: FxHashMap<TypeId, (u32, u32)>,
    /// Names that stand for instances in cycles, see [`Checker::cycle_name`].
    pub(crate) instance_names: FxHashMap<TypeId, ObjId>,
    /// Generic functions whose parameters are being checked, with what is known of their types:
    /// the type parameters.
    pub(crate) open_signatures: Vec<(ObjId, TypeId)>,
    /// What type parameters are instantiated with.
    pub(crate) mono: Mono,
    /// Types and parameters that need to exist only once.
    pub(crate) memo: Memo,
    /// The initialisation order, once bodies have been checked.
    pub(crate) init_order: Vec<(Vec<ObjId>, ExprRef)>,
    /// Where we are.
    pub(crate) env: Env,
}

impl<'a> Checker<'a> {
    /// A checker for a package, without files.
    pub(crate) fn new(store: &'a Store, pkg: PkgId, testing: bool) -> Self {
        Self {
            store,
            pkg,
            asts: Vec::new(),
            texts: Vec::new(),
            versions: Vec::new(),
            files: Vec::new(),
            errors: Vec::new(),
            had_error: false,
            scopes: Scopes::new(),
            package_scope: ScopeId::from_index(0),
            file_scopes: Vec::new(),
            decls: FxHashMap::default(),
            infos: Vec::new(),
            obj_list: Vec::new(),
            methods: FxHashMap::default(),
            imports: FxHashMap::default(),
            package_names: Vec::new(),
            dot_imports: FxHashMap::default(),
            path: Vec::new(),
            delayed: Vec::new(),
            bodies: Vec::new(),
            in_bodies: false,
            testing,
            sizes: Sizes::default(),
            shift_operands: FxHashSet::default(),
            panics: FxHashSet::default(),
            valid_types: FxHashSet::default(),
            instance_places: FxHashMap::default(),
            instance_names: FxHashMap::default(),
            open_signatures: Vec::new(),
            mono: Mono::default(),
            memo: Memo::default(),
            init_order: Vec::new(),
            env: Env::default(),
        }
    }

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

    /// Reports an error at the name of an object of this package.
    pub(crate) fn error_at_obj(&mut self, obj: ObjId, message: impl Into<String>) {
        self.report_at_obj(obj, message.into(), false);
    }

    /// As [`Self::error_at_obj`], for an error that leaves the types known.
    pub(crate) fn soft_error_at_obj(&mut self, obj: ObjId, message: impl Into<String>) {
        self.report_at_obj(obj, message.into(), true);
    }

    /// An object's name as messages of this package show it: qualified if it is of another one.
    pub(crate) fn qualified_name(&self, obj: ObjId) -> String {
        let o = self.store.obj(obj);
        match o.pkg {
            Some(pkg) if pkg != self.pkg => format!("{}.{}", self.store.package(pkg).path, o.name),
            _ => o.name.to_string(),
        }
    }

    /// What sort of thing an object is, in a message.
    pub(crate) fn kind_str(&self, obj: ObjId) -> &'static str {
        match self.store.obj(obj).kind {
            ObjKind::PkgName { .. } => "package name",
            ObjKind::Const { .. } => "constant",
            ObjKind::TypeName => "type name",
            ObjKind::Var { kind: VarKind::Field { .. }, .. } => "field",
            ObjKind::Var { .. } => "variable",
            ObjKind::Func { .. } => "function",
            ObjKind::Label => "label",
            ObjKind::Builtin(_) => "built-in function",
            ObjKind::Nil => "untyped nil",
        }
    }

    fn report_at_obj(&mut self, obj: ObjId, message: String, soft: bool) {
        let o = self.store.obj(obj);
        // An object of another package (through a dot-import) has no place here.
        let Some(file) = o.file.and_then(|f| self.file_order(f)) else { return };
        self.report_in(file, o.pos, message, soft);
    }

    /// The sizes of the target architecture.
    #[inline]
    pub(crate) fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    /// The current file.
    #[inline]
    pub(crate) fn file_id(&self) -> FileId {
        self.files[self.env.file as usize].file
    }

    /// The index of a file of this package.
    pub(crate) fn file_order(&self, file: FileId) -> Option<u32> {
        self.files.iter().position(|f| f.file == file).map(|i| i as u32)
    }

    fn report(&mut self, pos: u32, message: String, soft: bool) {
        self.report_in(self.env.file, pos, message, soft);
    }

    /// Reports an error in a file of this package, given by its index.
    pub(crate) fn report_in(&mut self, file: u32, pos: u32, message: String, soft: bool) {
        // A message about something that was invalid already is a consequence of an error that
        // has been reported.
        let follows = |what: &str| message.find(what).is_some_and(|at| at > 0);
        if self.had_error && (follows("invalid operand") || follows("invalid type")) {
            return;
        }
        self.had_error = true;
        let file = self.files[file as usize].file;
        let pos = self.env.err_pos.unwrap_or(pos);
        self.errors.push(TypeError { file, pos, message, soft });
    }
}
