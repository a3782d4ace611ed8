//! The syntax tree of one file: plain enums in typed arenas, no semantics, no parent links.
//!
//! Node kinds are declared here and nowhere else; `walk.rs` has one exhaustive match per kind, so a
//! new kind does not compile until the visitors know it. Names follow the Go specification.
//!
//! Shapes: an [`Expr`] is 24 bytes, a [`Stmt`] 28. Lists are [`ExprRange`]-like windows into flat
//! side vectors. Positions are byte offsets from the start of the file.

use base::{Id, IndexVec, Symbol, define_id};
use source::Span;

define_id! {
    /// An expression or type expression of a [`File`].
    pub struct ExprId;
}
define_id! {
    /// A statement of a [`File`].
    pub struct StmtId;
}
define_id! {
    /// A declaration of a [`File`], top-level or inside a function.
    pub struct DeclId;
}
define_id! {
    /// A parenthesised or single spec of a declaration.
    pub struct SpecId;
}
define_id! {
    /// The parameters and results of a function type.
    pub struct FuncTypeId;
}
define_id! {
    /// A function or method declaration.
    pub struct FuncDeclId;
}

macro_rules! ranges {
    ($($(#[$meta:meta])* $name:ident;)*) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub struct $name {
            /// Index of the first element.
            pub start: u32,
            /// Number of elements.
            pub len: u32,
        }
        impl $name {
            /// Whether the list is empty.
            pub fn is_empty(self) -> bool { self.len == 0 }
            /// Number of elements.
            pub fn len(self) -> usize { self.len as usize }
            /// For slicing the side vector.
            pub fn range(self) -> std::ops::Range<usize> {
                self.start as usize..(self.start + self.len) as usize
            }
        }
    )* };
}

ranges! {
    /// A window of [`File::expr_lists`].
    ExprRange;
    /// A window of [`File::stmt_lists`].
    StmtRange;
    /// A window of [`File::fields`].
    FieldRange;
    /// A window of [`File::idents`].
    IdentRange;
    /// A window of [`File::specs`]: the specs of one declaration are consecutive.
    SpecRange;
}

/// An identifier at a declaring place, or a label. It ends at `pos` + the length of its text
/// (a name that was missing is `_` with a syntax error beside it).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ident {
    /// The name.
    pub name: Symbol,
    /// Offset of its first byte.
    pub pos: u32,
}

impl Ident {
    /// The bytes of the name.
    pub fn span(self) -> Span {
        Span::new(self.pos, self.pos + self.name.as_str().len() as u32)
    }
}

/// An expression with its bytes: `span` is what go/ast's `Pos` and `End` say.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it is.
    pub span: Span,
}

/// Kinds of literal tokens. The text is in the source at the expression's span.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum LitKind {
    Int,
    Float,
    Imag,
    Char,
    String,
}

/// Direction of a channel type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ChanDir {
    /// `chan T`
    Both,
    /// `chan<- T`
    Send,
    /// `<-chan T`
    Recv,
}

/// Unary operators but for `*` ([`ExprKind::Star`]).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum UnaryOp {
    Plus,
    Minus,
    Not,
    /// `^x`
    BitNot,
    /// `&x`
    Addr,
    /// `<-x`
    Recv,
    /// `~T`, in constraints
    Tilde,
}

/// Binary operators, in the order of the specification's table from low to high precedence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum BinaryOp {
    LogicalOr,
    LogicalAnd,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Add,
    Sub,
    Or,
    Xor,
    Mul,
    Div,
    Rem,
    Shl,
    Shr,
    And,
    AndNot,
}

impl UnaryOp {
    /// The operator as written.
    pub fn text(self) -> &'static str {
        match self {
            UnaryOp::Plus => "+",
            UnaryOp::Minus => "-",
            UnaryOp::Not => "!",
            UnaryOp::BitNot => "^",
            UnaryOp::Addr => "&",
            UnaryOp::Recv => "<-",
            UnaryOp::Tilde => "~",
        }
    }
}

impl BinaryOp {
    /// The operator as written.
    pub fn text(self) -> &'static str {
        match self {
            BinaryOp::LogicalOr => "||",
            BinaryOp::LogicalAnd => "&&",
            BinaryOp::Eq => "==",
            BinaryOp::Ne => "!=",
            BinaryOp::Lt => "<",
            BinaryOp::Le => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::Ge => ">=",
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Or => "|",
            BinaryOp::Xor => "^",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::Rem => "%",
            BinaryOp::Shl => "<<",
            BinaryOp::Shr => ">>",
            BinaryOp::And => "&",
            BinaryOp::AndNot => "&^",
        }
    }
}

/// The expression kinds. Types are expressions, as in go/ast.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ExprKind {
    /// Something that did not parse; a syntax error says what.
    Bad,
    /// A name in use.
    Ident(Symbol),
    /// `1`, `'a'`, `"s"`, …
    BasicLit(LitKind),
    /// `T{a, b: c}`; `ty` is absent for an elided inner type.
    CompositeLit {
        /// The type before the brace.
        ty: Option<ExprId>,
        /// The elements; pairs are [`ExprKind::KeyValue`].
        elts: ExprRange,
    },
    /// `func(…) … { … }`; `ty` is a [`ExprKind::FuncType`], `body` a [`StmtKind::Block`].
    FuncLit {
        /// The signature.
        ty: ExprId,
        /// The block.
        body: StmtId,
    },
    /// `(x)`
    Paren(ExprId),
    /// `x.sel`; the selector name is the last `sel.len()` bytes of the span.
    Selector {
        /// The operand.
        x: ExprId,
        /// The selected name (`_` after a syntax error).
        sel: Symbol,
    },
    /// `x[i]` or `x[T1, T2]`: indexing or instantiation, which only types can tell apart.
    Index {
        /// The operand.
        x: ExprId,
        /// One or more indices.
        indices: ExprRange,
    },
    /// `x[lo:hi]` or `x[lo:hi:max]`; the bounds are in [`File::slice_bounds`].
    Slice {
        /// The operand.
        x: ExprId,
        /// Index into [`File::slice_bounds`].
        bounds: u32,
    },
    /// `x.(T)`; no type for `x.(type)`.
    TypeAssert {
        /// The operand.
        x: ExprId,
        /// The asserted type.
        ty: Option<ExprId>,
    },
    /// `f(a, b...)`
    Call {
        /// What is called or converted to.
        fun: ExprId,
        /// The arguments.
        args: ExprRange,
        /// Whether the last argument is followed by `...`.
        ellipsis: bool,
    },
    /// `*x`: a dereference or a pointer type.
    Star(ExprId),
    /// `-x`, `&x`, `<-x`, …
    Unary {
        /// The operator.
        op: UnaryOp,
        /// The operand.
        x: ExprId,
    },
    /// `x + y`
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Left operand.
        x: ExprId,
        /// Right operand.
        y: ExprId,
        /// Offset of the operator.
        op_pos: u32,
    },
    /// `k: v` inside a composite literal.
    KeyValue {
        /// Field name, index or key.
        key: ExprId,
        /// The element.
        value: ExprId,
    },
    /// `[n]T`, `[...]T` (the length is an [`ExprKind::Ellipsis`]) or `[]T` (no length).
    ArrayType {
        /// The length.
        len: Option<ExprId>,
        /// The element type.
        elem: ExprId,
    },
    /// `...` as an array length, or `...T` as the type of the last parameter.
    Ellipsis(Option<ExprId>),
    /// `struct { … }`
    StructType(FieldRange),
    /// `func(…) …`
    FuncType(FuncTypeId),
    /// `interface { … }`: a field with one name is a method (its type is a `FuncType`), one with
    /// no name is an embedded element (a type, a union of `|` [`ExprKind::Binary`], a `~` unary).
    InterfaceType(FieldRange),
    /// `map[K]V`
    MapType {
        /// Key type.
        key: ExprId,
        /// Element type.
        value: ExprId,
    },
    /// `chan T`
    ChanType {
        /// Direction.
        dir: ChanDir,
        /// Element type.
        elem: ExprId,
    },
}

/// A group of fields, parameters, results, type parameters or interface elements sharing a type.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Field {
    /// The names; none for an embedded field or an unnamed parameter.
    pub names: IdentRange,
    /// The type (for a type parameter: its constraint; for a variadic one: an `Ellipsis`).
    pub ty: ExprId,
    /// The tag of a struct field, a string literal.
    pub tag: Option<ExprId>,
    /// From the first name to the end of the type or tag.
    pub span: Span,
}

/// The parts of a function type.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FuncType {
    /// Type parameters, of declarations only (methods too, from Go 1.27).
    pub tparams: FieldRange,
    /// Parameters.
    pub params: FieldRange,
    /// Results.
    pub results: FieldRange,
    /// From `func` (or the parameters' parenthesis when there is no keyword) to the end.
    pub span: Span,
}

/// A statement with its bytes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Stmt {
    /// What it is.
    pub kind: StmtKind,
    /// Where it is.
    pub span: Span,
}

/// What an assignment does with its right side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AssignOp {
    /// `=`
    Assign,
    /// `:=`
    Define,
    /// `+=` and the like
    Op(BinaryOp),
}

/// `break`, `continue`, `goto`, `fallthrough`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum BranchKind {
    Break,
    Continue,
    Goto,
    Fallthrough,
}

/// The statement kinds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum StmtKind {
    /// Something that did not parse.
    Bad,
    /// `;` alone, or the implicit statement after a label before `}`.
    Empty,
    /// An expression as a statement.
    Expr(ExprId),
    /// `ch <- v`
    Send {
        /// The channel.
        chan: ExprId,
        /// The value.
        value: ExprId,
    },
    /// `x++`, `x--`
    IncDec {
        /// The operand.
        x: ExprId,
        /// `++` rather than `--`.
        inc: bool,
    },
    /// `a, b = c, d` and its kin.
    Assign {
        /// Left side.
        lhs: ExprRange,
        /// Right side.
        rhs: ExprRange,
        /// `=`, `:=` or `op=`.
        op: AssignOp,
    },
    /// `go f(x)`
    Go(ExprId),
    /// `defer f(x)`
    Defer(ExprId),
    /// `return a, b`
    Return(ExprRange),
    /// `break L`; the label is the last `label.len()` bytes of the span.
    Branch {
        /// Which one.
        kind: BranchKind,
        /// Its label.
        label: Option<Symbol>,
    },
    /// `{ … }`
    Block(StmtRange),
    /// `if init; cond { … } else …`
    If {
        /// The simple statement.
        init: Option<StmtId>,
        /// The condition.
        cond: ExprId,
        /// A `Block`.
        then: StmtId,
        /// A `Block` or an `If`.
        els: Option<StmtId>,
    },
    /// `switch init; tag { … }`; `body` is a `Block` of `Case`s.
    Switch {
        /// The simple statement.
        init: Option<StmtId>,
        /// The tag.
        tag: Option<ExprId>,
        /// The clauses.
        body: StmtId,
    },
    /// `switch init; x := y.(type) { … }`
    TypeSwitch {
        /// The simple statement.
        init: Option<StmtId>,
        /// `x := y.(type)` as an `Assign`, or `y.(type)` as an `Expr`.
        assign: StmtId,
        /// A `Block` of `Case`s.
        body: StmtId,
    },
    /// `case a, b:` or `default:`
    Case {
        /// The expressions or types.
        list: ExprRange,
        /// The statements.
        body: StmtRange,
        /// Whether this is `default`.
        is_default: bool,
    },
    /// `select { … }`; `body` is a `Block` of `Comm`s.
    Select {
        /// The clauses.
        body: StmtId,
    },
    /// `case v := <-ch:` or `default:` (no statement) of a select.
    Comm {
        /// The send or receive.
        comm: Option<StmtId>,
        /// The statements.
        body: StmtRange,
    },
    /// `for init; cond; post { … }`
    For {
        /// Before the loop.
        init: Option<StmtId>,
        /// The condition.
        cond: Option<ExprId>,
        /// After each round.
        post: Option<StmtId>,
        /// A `Block`.
        body: StmtId,
    },
    /// `for k, v := range x { … }`
    Range {
        /// Index into [`File::ranges`].
        clause: u32,
        /// A `Block`.
        body: StmtId,
    },
    /// `L: stmt`
    Labeled {
        /// The label.
        label: Ident,
        /// What it labels.
        stmt: StmtId,
    },
    /// A declaration inside a function.
    Decl(DeclId),
}

/// The head of a `for … range`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RangeClause {
    /// First variable.
    pub key: Option<ExprId>,
    /// Second variable.
    pub value: Option<ExprId>,
    /// Whether they are declared (`:=`) rather than assigned.
    pub define: bool,
    /// What is ranged over.
    pub x: ExprId,
}

/// A declaration with its bytes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Decl {
    /// What it is.
    pub kind: DeclKind,
    /// From the keyword to the end.
    pub span: Span,
}

/// The declaration kinds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum DeclKind {
    /// Something that did not parse.
    Bad,
    /// `import`
    Import(SpecRange),
    /// `const`
    Const(SpecRange),
    /// `type`
    Type(SpecRange),
    /// `var`
    Var(SpecRange),
    /// `func`
    Func(FuncDeclId),
}

/// One spec of a declaration.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spec {
    /// What it is.
    pub kind: SpecKind,
    /// Where it is.
    pub span: Span,
}

/// The spec kinds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum SpecKind {
    /// `name "path"`
    Import {
        /// `.`, `_` or a name.
        name: Option<Ident>,
        /// A string literal.
        path: ExprId,
    },
    /// `a, b T = c, d` of `const` or `var`. An implicit repetition has neither type nor values.
    Value {
        /// The names.
        names: IdentRange,
        /// The type.
        ty: Option<ExprId>,
        /// The values.
        values: ExprRange,
        /// The position in its group: what `iota` is.
        iota: u32,
    },
    /// `type A[P any] T` or `type A[P any] = T`
    Type {
        /// The name.
        name: Ident,
        /// Type parameters.
        tparams: FieldRange,
        /// Whether `=` makes it an alias.
        is_alias: bool,
        /// The type.
        ty: ExprId,
    },
}

/// A function or method.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FuncDecl {
    /// The receiver: empty for a function, one field for a method.
    pub recv: FieldRange,
    /// The name.
    pub name: Ident,
    /// The signature.
    pub ty: FuncTypeId,
    /// A `Block`; absent for a function implemented elsewhere.
    pub body: Option<StmtId>,
}

/// A syntax error. Parsing goes on after it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyntaxError {
    /// Offset of the place.
    pub pos: u32,
    /// What was expected and what was found.
    pub message: String,
}

/// The tree of one file.
#[derive(Clone, Debug)]
pub struct File {
    /// The name in the package clause.
    pub package: Ident,
    /// Offset of the `package` keyword: directives and the file's doc stand before it.
    pub package_pos: u32,
    /// All expressions.
    pub exprs: IndexVec<ExprId, Expr>,
    /// All statements.
    pub stmts: IndexVec<StmtId, Stmt>,
    /// All declarations, also those inside functions.
    pub all_decls: IndexVec<DeclId, Decl>,
    /// All specs.
    pub specs: IndexVec<SpecId, Spec>,
    /// All function types.
    pub func_types: IndexVec<FuncTypeId, FuncType>,
    /// All function declarations.
    pub func_decls: IndexVec<FuncDeclId, FuncDecl>,
    /// Bounds of slice expressions: low, high, max.
    pub slice_bounds: Vec<SliceBounds>,
    /// Heads of range loops.
    pub ranges: Vec<RangeClause>,
    /// What [`FieldRange`] points into.
    pub fields: Vec<Field>,
    /// What [`IdentRange`] points into.
    pub idents: Vec<Ident>,
    /// What [`ExprRange`] points into.
    pub expr_lists: Vec<ExprId>,
    /// What [`StmtRange`] points into.
    pub stmt_lists: Vec<StmtId>,
    /// The top-level declarations in source order, imports first.
    pub decls: Vec<DeclId>,
    /// Every comment with its delimiters, in source order.
    pub comments: Vec<Span>,
    /// What did not parse, in source order.
    pub errors: Vec<SyntaxError>,
}

/// The bounds of a slice expression.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SliceBounds {
    /// Low bound.
    pub lo: Option<ExprId>,
    /// High bound.
    pub hi: Option<ExprId>,
    /// Capacity bound.
    pub max: Option<ExprId>,
    /// Whether the second colon is there.
    pub three: bool,
}

const _: () = assert!(size_of::<Expr>() == 24);
const _: () = assert!(size_of::<Stmt>() <= 28);

impl File {
    /// The expression of an id.
    #[inline]
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id]
    }
    /// The statement of an id.
    #[inline]
    pub fn stmt(&self, id: StmtId) -> &Stmt {
        &self.stmts[id]
    }
    /// The expressions of a list.
    #[inline]
    pub fn expr_list(&self, r: ExprRange) -> &[ExprId] {
        &self.expr_lists[r.range()]
    }
    /// The statements of a list.
    #[inline]
    pub fn stmt_list(&self, r: StmtRange) -> &[StmtId] {
        &self.stmt_lists[r.range()]
    }
    /// The fields of a list.
    #[inline]
    pub fn field_list(&self, r: FieldRange) -> &[Field] {
        &self.fields[r.range()]
    }
    /// The identifiers of a list.
    #[inline]
    pub fn ident_list(&self, r: IdentRange) -> &[Ident] {
        &self.idents[r.range()]
    }
    /// The ids of the specs of a declaration.
    pub fn spec_ids(&self, r: SpecRange) -> impl ExactSizeIterator<Item = SpecId> + use<> {
        r.range().map(SpecId::from_index)
    }
    /// The place of the selector name of a [`ExprKind::Selector`].
    pub fn selector_span(&self, id: ExprId) -> Span {
        let e = self.expr(id);
        match e.kind {
            ExprKind::Selector { sel, .. } => {
                Span::new(e.span.end - sel.as_str().len() as u32, e.span.end)
            }
            _ => e.span,
        }
    }
    /// The expression with its parentheses taken off.
    pub fn unparen(&self, mut id: ExprId) -> ExprId {
        while let ExprKind::Paren(inner) = self.expr(id).kind {
            id = inner;
        }
        id
    }
    /// Heap bytes that the tree holds.
    pub fn heap_bytes(&self) -> usize {
        self.exprs.heap_bytes()
            + self.stmts.heap_bytes()
            + self.all_decls.heap_bytes()
            + self.specs.heap_bytes()
            + self.func_types.heap_bytes()
            + self.func_decls.heap_bytes()
            + self.slice_bounds.capacity() * size_of::<SliceBounds>()
            + self.ranges.capacity() * size_of::<RangeClause>()
            + self.fields.capacity() * size_of::<Field>()
            + self.idents.capacity() * size_of::<Ident>()
            + self.expr_lists.capacity() * 4
            + self.stmt_lists.capacity() * 4
            + self.decls.capacity() * 4
            + self.comments.capacity() * size_of::<Span>()
    }
}
