//! What the instrumenter asks about one file: who the parent of a node is, what is a map, and which
//! expressions do nothing that another goroutine could wait for or be waited for.

use base::Id;
use go_syntax::ast::{self, BinaryOp, ExprId, ExprKind, StmtId, StmtKind, UnaryOp};
use go_syntax::walk::{Node, Visitor, children, walk_file};
use go_types::under::core_type;
use go_types::{BuiltinId, FileInfo, Mode, ObjId, Store, Type, TypeId};
use source::Span;

/// A checked file with the way up its tree.
pub(crate) struct Facts<'a> {
    /// The tables of the file.
    pub info: &'a FileInfo,
    /// All types and objects.
    pub store: &'a Store,
    /// Its bytes.
    pub text: &'a [u8],
    expr_parents: Vec<Option<Node>>,
    stmt_parents: Vec<Option<Node>>,
}

/// Notes the parent of each node on the way.
struct Parents {
    stack: Vec<Node>,
    exprs: Vec<Option<Node>>,
    stmts: Vec<Option<Node>>,
}

impl Visitor for Parents {
    fn enter_expr(&mut self, _: &ast::File, id: ExprId) -> bool {
        self.exprs[id.index()] = self.stack.last().copied();
        self.stack.push(Node::Expr(id));
        true
    }
    fn leave_expr(&mut self, _: &ast::File, _: ExprId) {
        self.stack.pop();
    }
    fn enter_stmt(&mut self, _: &ast::File, id: StmtId) -> bool {
        self.stmts[id.index()] = self.stack.last().copied();
        self.stack.push(Node::Stmt(id));
        true
    }
    fn leave_stmt(&mut self, _: &ast::File, _: StmtId) {
        self.stack.pop();
    }
    fn enter_decl(&mut self, _: &ast::File, id: ast::DeclId) -> bool {
        self.stack.push(Node::Decl(id));
        true
    }
    fn leave_decl(&mut self, _: &ast::File, _: ast::DeclId) {
        self.stack.pop();
    }
    fn enter_spec(&mut self, _: &ast::File, id: ast::SpecId) -> bool {
        self.stack.push(Node::Spec(id));
        true
    }
    fn leave_spec(&mut self, _: &ast::File, _: ast::SpecId) {
        self.stack.pop();
    }
}

impl<'a> Facts<'a> {
    /// The facts of a file whose bodies are checked.
    pub fn new(info: &'a FileInfo, store: &'a Store, text: &'a [u8]) -> Self {
        let mut parents = Parents {
            stack: Vec::new(),
            exprs: vec![None; info.ast.exprs.len()],
            stmts: vec![None; info.ast.stmts.len()],
        };
        walk_file(&info.ast, &mut parents);
        let Parents { exprs: expr_parents, stmts: stmt_parents, .. } = parents;
        Self { info, store, text, expr_parents, stmt_parents }
    }

    /// The tree.
    pub fn ast(&self) -> &'a ast::File {
        &self.info.ast
    }
    /// The bytes of an expression.
    pub fn span(&self, e: ExprId) -> Span {
        self.ast().expr(e).span
    }
    /// Its text.
    pub fn source(&self, span: Span) -> String {
        String::from_utf8_lossy(&self.text[span.range()]).into_owned()
    }
    /// How many line breaks are in a span.
    pub fn lines(&self, span: Span) -> usize {
        self.text[span.range()].iter().filter(|&&b| b == b'\n').count()
    }

    /// The node above an expression, parentheses skipped; with the expression's outermost pair.
    pub fn parent(&self, mut e: ExprId) -> (ExprId, Option<Node>) {
        loop {
            match self.expr_parents[e.index()] {
                Some(Node::Expr(up)) if matches!(self.ast().expr(up).kind, ExprKind::Paren(_)) => {
                    e = up;
                }
                above => return (e, above),
            }
        }
    }
    /// The node above a statement.
    pub fn stmt_parent(&self, s: StmtId) -> Option<Node> {
        self.stmt_parents[s.index()]
    }
    /// Whether a statement stands where any number of statements could.
    pub fn in_list(&self, s: StmtId) -> bool {
        let Some(Node::Stmt(up)) = self.stmt_parent(s) else { return false };
        match self.ast().stmt(up).kind {
            StmtKind::Block(_) | StmtKind::Case { .. } => true,
            StmtKind::Comm { comm, .. } => comm != Some(s),
            StmtKind::Labeled { .. } => self.in_list(up),
            _ => false,
        }
    }

    /// The map type that an expression has, through names and type parameters.
    pub fn map_type(&self, e: ExprId) -> Option<TypeId> {
        let value = matches!(
            self.info.mode_of(e),
            Mode::Variable | Mode::Value | Mode::MapIndex | Mode::CommaOk
        );
        let t = self.info.type_of(e).filter(|_| value)?;
        // In a comma-ok context the type is a tuple.
        let t = match self.store.ty(t) {
            Type::Tuple(parts) => self.store.obj(*parts.first()?).typ.get()?,
            _ => t,
        };
        let core = core_type(self.store, t)?;
        matches!(self.store.ty(core), Type::Map { .. }).then_some(core)
    }
    /// The key type of a map type.
    pub fn key_type(&self, map: TypeId) -> Option<TypeId> {
        match self.store.ty(map) {
            Type::Map { key, .. } => Some(*key),
            _ => None,
        }
    }
    /// Whether the function of a call is a built-in one, and which.
    pub fn builtin(&self, fun: ExprId) -> Option<BuiltinId> {
        match self.info.mode_of(self.ast().unparen(fun)) {
            Mode::Builtin(id) => Some(id),
            _ => None,
        }
    }
    /// The declared function that an expression names, with the path of its package.
    pub fn callee(&self, fun: ExprId) -> Option<(&'static str, &'static str)> {
        let mut fun = self.ast().unparen(fun);
        if let ExprKind::Index { x, .. } = self.ast().expr(fun).kind {
            fun = self.ast().unparen(x);
        }
        let obj: ObjId = self.info.obj_of(fun).or_else(|| match self.ast().expr(fun).kind {
            ExprKind::Selector { .. } => self.info.selections.get(&fun).map(|s| s.obj),
            _ => None,
        })?;
        let obj = self.store.obj(obj);
        let path = self.store.package(obj.pkg?).path;
        matches!(obj.kind, go_types::ObjKind::Func { .. })
            .then(|| (path.as_str(), obj.name.as_str()))
    }

    /// Whether evaluating an expression runs no code of the program and waits for nobody: no calls,
    /// no receives. Function literals are not run by being evaluated.
    pub fn quiet(&self, e: ExprId) -> bool {
        if self.info.consts.contains_key(&e) {
            return true;
        }
        let ast = self.ast();
        match ast.expr(e).kind {
            ExprKind::FuncLit { .. } => return true,
            ExprKind::Unary { op: UnaryOp::Recv, .. } | ExprKind::Bad => return false,
            ExprKind::Call { fun, args, .. } => {
                let harmless = match self.info.mode_of(ast.unparen(fun)) {
                    Mode::TypeExpr => true,
                    Mode::Builtin(id) => !matches!(
                        id,
                        BuiltinId::Clear
                            | BuiltinId::Close
                            | BuiltinId::Delete
                            | BuiltinId::Panic
                            | BuiltinId::Print
                            | BuiltinId::Println
                            | BuiltinId::Recover
                    ),
                    _ => false,
                };
                return harmless && ast.expr_list(args).iter().all(|&a| self.quiet(a));
            }
            _ => {}
        }
        let mut quiet = true;
        children(ast, Node::Expr(e), |child| {
            if let Node::Expr(child) = child {
                quiet = quiet && self.quiet(child);
            }
        });
        quiet
    }

    /// Whether an expression's type may come from where it stands: `a == b` is any boolean type, and
    /// a temporary would fix it.
    pub fn context_typed(&self, e: ExprId) -> bool {
        let ast = self.ast();
        if self.info.consts.contains_key(&e) {
            return true;
        }
        match ast.expr(e).kind {
            ExprKind::Paren(x)
            | ExprKind::Unary {
                x,
                op: UnaryOp::Not | UnaryOp::Minus | UnaryOp::Plus | UnaryOp::BitNot,
            } => self.context_typed(x),
            ExprKind::Binary { op, x, y, .. } => match op {
                BinaryOp::Eq
                | BinaryOp::Ne
                | BinaryOp::Lt
                | BinaryOp::Le
                | BinaryOp::Gt
                | BinaryOp::Ge => true,
                BinaryOp::Shl | BinaryOp::Shr => self.context_typed(x),
                _ => self.context_typed(x) && self.context_typed(y),
            },
            ExprKind::Ident(_) => self.info.mode_of(e) == Mode::NilValue,
            _ => false,
        }
    }

    /// Whether a label is the target of a `goto`.
    pub fn is_goto_target(&self, label: base::Symbol) -> bool {
        let ast = self.ast();
        ast.stmts.iter().any(|s| {
            matches!(s.kind, StmtKind::Branch { kind: ast::BranchKind::Goto, label: Some(l) } if l == label)
        })
    }
}
