//! Going over trees. [`children`] has the one exhaustive match per node kind; [`walk`] drives a
//! [`Visitor`] with a stack of its own, so that no tree is too deep for it.
//!
//! ```text
//! walk(&file, Node::Stmt(body), &mut visitor)
//!   enter_stmt(body) → enter_expr(x) → leave_expr(x) → … → leave_stmt(body)
//! ```

use base::Id;

use crate::ast::{
    DeclId, DeclKind, ExprId, ExprKind, ExprRange, FieldRange, File, FuncTypeId, SpecId, SpecKind,
    StmtId, StmtKind, StmtRange,
};

/// Any node of a [`File`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Node {
    /// An expression or type.
    Expr(ExprId),
    /// A statement.
    Stmt(StmtId),
    /// A declaration.
    Decl(DeclId),
    /// A spec of a declaration.
    Spec(SpecId),
    /// The index of a field, parameter, result or type parameter in [`File::fields`].
    Field(u32),
    /// The signature of a function declaration, function type or interface method.
    FuncType(FuncTypeId),
}

/// What to do at each kind of node, before its children (`enter_…`: whether to visit them) and
/// after (`leave_…`, only if they were visited). Names are no nodes: read them off their owners.
#[allow(unused_variables)]
pub trait Visitor {
    /// Before the parts of an expression.
    fn enter_expr(&mut self, file: &File, id: ExprId) -> bool {
        true
    }
    /// After the parts of an expression.
    fn leave_expr(&mut self, file: &File, id: ExprId) {}
    /// Before the parts of a statement.
    fn enter_stmt(&mut self, file: &File, id: StmtId) -> bool {
        true
    }
    /// After the parts of a statement.
    fn leave_stmt(&mut self, file: &File, id: StmtId) {}
    /// Before the parts of a declaration.
    fn enter_decl(&mut self, file: &File, id: DeclId) -> bool {
        true
    }
    /// After the parts of a declaration.
    fn leave_decl(&mut self, file: &File, id: DeclId) {}
    /// Before the parts of a spec.
    fn enter_spec(&mut self, file: &File, id: SpecId) -> bool {
        true
    }
    /// After the parts of a spec.
    fn leave_spec(&mut self, file: &File, id: SpecId) {}
    /// Before the parts of a field; `index` is its place in [`File::fields`].
    fn enter_field(&mut self, file: &File, index: u32) -> bool {
        true
    }
    /// After the parts of a field.
    fn leave_field(&mut self, file: &File, index: u32) {}
    /// Before the fields of a signature.
    fn enter_func_type(&mut self, file: &File, id: FuncTypeId) -> bool {
        true
    }
    /// After the fields of a signature.
    fn leave_func_type(&mut self, file: &File, id: FuncTypeId) {}
}

/// Visits all declarations of a file in source order.
pub fn walk_file(file: &File, visitor: &mut impl Visitor) {
    for &decl in &file.decls {
        walk(file, Node::Decl(decl), visitor);
    }
}

/// Visits `root` and everything below it, in source order.
pub fn walk(file: &File, root: Node, visitor: &mut impl Visitor) {
    enum Step {
        Enter(Node),
        Leave(Node),
    }
    let mut steps = vec![Step::Enter(root)];
    while let Some(step) = steps.pop() {
        match step {
            Step::Enter(node) => {
                if !enter(file, node, visitor) {
                    continue;
                }
                steps.push(Step::Leave(node));
                let mark = steps.len();
                children(file, node, |child| steps.push(Step::Enter(child)));
                steps[mark..].reverse();
            }
            Step::Leave(node) => leave(file, node, visitor),
        }
    }
}

fn enter(file: &File, node: Node, visitor: &mut impl Visitor) -> bool {
    match node {
        Node::Expr(id) => visitor.enter_expr(file, id),
        Node::Stmt(id) => visitor.enter_stmt(file, id),
        Node::Decl(id) => visitor.enter_decl(file, id),
        Node::Spec(id) => visitor.enter_spec(file, id),
        Node::Field(index) => visitor.enter_field(file, index),
        Node::FuncType(id) => visitor.enter_func_type(file, id),
    }
}

fn leave(file: &File, node: Node, visitor: &mut impl Visitor) {
    match node {
        Node::Expr(id) => visitor.leave_expr(file, id),
        Node::Stmt(id) => visitor.leave_stmt(file, id),
        Node::Decl(id) => visitor.leave_decl(file, id),
        Node::Spec(id) => visitor.leave_spec(file, id),
        Node::Field(index) => visitor.leave_field(file, index),
        Node::FuncType(id) => visitor.leave_func_type(file, id),
    }
}

/// Calls `f` with each direct child of `node`, in source order.
pub fn children(file: &File, node: Node, mut f: impl FnMut(Node)) {
    match node {
        Node::Expr(id) => expr_children(file, id, &mut f),
        Node::Stmt(id) => stmt_children(file, id, &mut f),
        Node::Decl(id) => match file.all_decls[id].kind {
            DeclKind::Bad => {}
            DeclKind::Import(specs)
            | DeclKind::Const(specs)
            | DeclKind::Type(specs)
            | DeclKind::Var(specs) => {
                specs.range().for_each(|i| f(Node::Spec(SpecId::from_index(i))));
            }
            DeclKind::Func(func) => {
                let func = &file.func_decls[func];
                fields(func.recv, &mut f);
                f(Node::FuncType(func.ty));
                opt_stmt(func.body, &mut f);
            }
        },
        Node::Spec(id) => match file.specs[id].kind {
            SpecKind::Import { name: _, path } => f(Node::Expr(path)),
            SpecKind::Value { names: _, ty, values, iota: _ } => {
                opt(ty, &mut f);
                exprs(file, values, &mut f);
            }
            SpecKind::Type { name: _, tparams, is_alias: _, ty } => {
                fields(tparams, &mut f);
                f(Node::Expr(ty));
            }
        },
        Node::Field(index) => {
            let field = &file.fields[index as usize];
            f(Node::Expr(field.ty));
            opt(field.tag, &mut f);
        }
        Node::FuncType(id) => {
            let ty = &file.func_types[id];
            fields(ty.tparams, &mut f);
            fields(ty.params, &mut f);
            fields(ty.results, &mut f);
        }
    }
}

fn expr_children(file: &File, id: ExprId, f: &mut impl FnMut(Node)) {
    match file.exprs[id].kind {
        ExprKind::Bad | ExprKind::Ident(_) | ExprKind::BasicLit(_) => {}
        ExprKind::CompositeLit { ty, elts } => {
            opt(ty, f);
            exprs(file, elts, f);
        }
        ExprKind::FuncLit { ty, body } => {
            f(Node::Expr(ty));
            f(Node::Stmt(body));
        }
        ExprKind::Paren(x)
        | ExprKind::Star(x)
        | ExprKind::Selector { x, sel: _ }
        | ExprKind::Unary { op: _, x } => {
            f(Node::Expr(x));
        }
        ExprKind::Index { x, indices } => {
            f(Node::Expr(x));
            exprs(file, indices, f);
        }
        ExprKind::Slice { x, bounds } => {
            f(Node::Expr(x));
            let bounds = &file.slice_bounds[bounds as usize];
            opt(bounds.lo, f);
            opt(bounds.hi, f);
            opt(bounds.max, f);
        }
        ExprKind::TypeAssert { x, ty } => {
            f(Node::Expr(x));
            opt(ty, f);
        }
        ExprKind::Call { fun, args, ellipsis: _ } => {
            f(Node::Expr(fun));
            exprs(file, args, f);
        }
        ExprKind::Binary { op: _, x, y, op_pos: _ } => {
            f(Node::Expr(x));
            f(Node::Expr(y));
        }
        ExprKind::KeyValue { key, value } | ExprKind::MapType { key, value } => {
            f(Node::Expr(key));
            f(Node::Expr(value));
        }
        ExprKind::ArrayType { len, elem } => {
            opt(len, f);
            f(Node::Expr(elem));
        }
        ExprKind::Ellipsis(elem) => opt(elem, f),
        ExprKind::StructType(range) | ExprKind::InterfaceType(range) => fields(range, f),
        ExprKind::FuncType(ty) => f(Node::FuncType(ty)),
        ExprKind::ChanType { dir: _, elem } => f(Node::Expr(elem)),
    }
}

fn stmt_children(file: &File, id: StmtId, f: &mut impl FnMut(Node)) {
    match file.stmts[id].kind {
        StmtKind::Bad | StmtKind::Empty | StmtKind::Branch { kind: _, label: _ } => {}
        StmtKind::Expr(x)
        | StmtKind::Go(x)
        | StmtKind::Defer(x)
        | StmtKind::IncDec { x, inc: _ } => f(Node::Expr(x)),
        StmtKind::Send { chan, value } => {
            f(Node::Expr(chan));
            f(Node::Expr(value));
        }
        StmtKind::Assign { lhs, rhs, op: _ } => {
            exprs(file, lhs, f);
            exprs(file, rhs, f);
        }
        StmtKind::Return(results) => exprs(file, results, f),
        StmtKind::Block(list) => stmts(file, list, f),
        StmtKind::If { init, cond, then, els } => {
            opt_stmt(init, f);
            f(Node::Expr(cond));
            f(Node::Stmt(then));
            opt_stmt(els, f);
        }
        StmtKind::Switch { init, tag, body } => {
            opt_stmt(init, f);
            opt(tag, f);
            f(Node::Stmt(body));
        }
        StmtKind::TypeSwitch { init, assign, body } => {
            opt_stmt(init, f);
            f(Node::Stmt(assign));
            f(Node::Stmt(body));
        }
        StmtKind::Case { list, body, is_default: _ } => {
            exprs(file, list, f);
            stmts(file, body, f);
        }
        StmtKind::Select { body } => f(Node::Stmt(body)),
        StmtKind::Comm { comm, body } => {
            opt_stmt(comm, f);
            stmts(file, body, f);
        }
        StmtKind::For { init, cond, post, body } => {
            opt_stmt(init, f);
            opt(cond, f);
            opt_stmt(post, f);
            f(Node::Stmt(body));
        }
        StmtKind::Range { clause, body } => {
            let clause = &file.ranges[clause as usize];
            opt(clause.key, f);
            opt(clause.value, f);
            f(Node::Expr(clause.x));
            f(Node::Stmt(body));
        }
        StmtKind::Labeled { label: _, stmt } => f(Node::Stmt(stmt)),
        StmtKind::Decl(decl) => f(Node::Decl(decl)),
    }
}

fn opt(x: Option<ExprId>, f: &mut impl FnMut(Node)) {
    if let Some(x) = x {
        f(Node::Expr(x));
    }
}

fn opt_stmt(s: Option<StmtId>, f: &mut impl FnMut(Node)) {
    if let Some(s) = s {
        f(Node::Stmt(s));
    }
}

fn exprs(file: &File, list: ExprRange, f: &mut impl FnMut(Node)) {
    file.expr_list(list).iter().for_each(|&x| f(Node::Expr(x)));
}

fn stmts(file: &File, list: StmtRange, f: &mut impl FnMut(Node)) {
    file.stmt_list(list).iter().for_each(|&s| f(Node::Stmt(s)));
}

fn fields(list: FieldRange, f: &mut impl FnMut(Node)) {
    list.range().for_each(|i| f(Node::Field(i as u32)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ParseMode, parse};

    /// Writes down the kinds of nodes in the order of the visit.
    #[derive(Default)]
    struct Trace(String);

    impl Visitor for Trace {
        fn enter_expr(&mut self, file: &File, id: ExprId) -> bool {
            if let ExprKind::Ident(name) = file.expr(id).kind {
                self.0 += name.as_str();
            } else {
                self.0.push('(');
            }
            !matches!(file.expr(id).kind, ExprKind::FuncLit { .. })
        }
        fn leave_expr(&mut self, file: &File, id: ExprId) {
            if !matches!(file.expr(id).kind, ExprKind::Ident(_)) {
                self.0.push(')');
            }
        }
        fn enter_stmt(&mut self, _: &File, _: StmtId) -> bool {
            self.0.push('[');
            true
        }
        fn leave_stmt(&mut self, _: &File, _: StmtId) {
            self.0.push(']');
        }
    }

    #[test]
    fn nodes_are_visited_in_source_order_and_skipped_on_request() {
        let text =
            b"package p; func f(a T) R { for k, v := range m { g(k+v, func() {}) }; return x[i] }";
        let file = parse(text, &mut base::LocalInterner::default(), ParseMode::Full);
        let mut trace = Trace::default();
        walk_file(&file, &mut trace);
        assert_eq!(trace.0, "TR[[kvm[[(g(kv)()]]][(xi)]]");
    }

    #[test]
    fn a_long_chain_is_no_danger() {
        let text = format!("package p; var x = 1{}", " + 1".repeat(200_000));
        let file = parse(text.as_bytes(), &mut base::LocalInterner::default(), ParseMode::Full);
        assert_eq!(file.errors, []);
        let mut trace = Trace::default();
        walk_file(&file, &mut trace);
        assert_eq!(trace.0.len(), 2 * 400_001);
    }
}
