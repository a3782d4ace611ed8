//! Finds the accesses of a file that can be instrumented, each anchored where findings place it.

use diag::AccessKind;
use go_syntax::ast::{AssignOp, ExprId, ExprKind, StmtId, StmtKind, UnaryOp};
use go_syntax::walk::Node;
use go_types::{BuiltinId, Mode, SelectionKind, Type};

use crate::facts::Facts;

/// An access in the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Op {
    /// What is done. A compound assignment (`m[k]++`) reads too, and counts as a write.
    pub kind: AccessKind,
    /// Where findings place it.
    pub anchor: u32,
    /// The map, or the memory.
    pub object: ExprId,
    /// What it looks like.
    pub shape: Shape,
}

/// The syntax of an access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    /// `m[k]` on the left side of a statement; `None`: of `range`, which is not instrumented.
    Store { index: ExprId, stmt: Option<StmtId> },
    /// `m[k]` as a value.
    Load { index: ExprId },
    /// An argument of a call: `delete(m, k)`, `maps.Clone(m)`.
    Argument { call: ExprId, index: usize },
    /// The receiver of a method: `md.Set(k, v)`.
    Receiver { call: ExprId },
    /// `maps.Keys(m)`, which reads when it is ranged over, where that does not follow at once.
    Late,
    /// `for k := range m`
    Range { stmt: StmtId },
    /// Memory on the left side of a statement. `new`: among others that `:=` declares.
    PlainStore { stmt: StmtId, new: bool },
    /// Memory as a value.
    PlainLoad,
}

/// All operations on maps.
pub(crate) fn map_ops(facts: &Facts<'_>) -> Vec<Op> {
    let ast = facts.ast();
    let mut ops = Vec::new();
    for (e, expr) in ast.exprs.iter_enumerated() {
        match expr.kind {
            ExprKind::Index { x, .. } if facts.map_type(x).is_some() => {
                ops.extend(index_op(facts, e, x));
            }
            ExprKind::Call { fun, args, .. } => {
                call_ops(facts, e, fun, ast.expr_list(args), &mut ops);
            }
            _ => {}
        }
    }
    for (stmt, node) in ast.stmts.iter_enumerated() {
        let StmtKind::Range { clause, .. } = node.kind else { continue };
        let x = ast.ranges[clause as usize].x;
        if facts.map_type(x).is_some() {
            let anchor = facts.span(x).start;
            let (kind, shape) = (AccessKind::MapIterate, Shape::Range { stmt });
            ops.push(Op { kind, anchor, object: x, shape });
        }
    }
    ops
}

/// The access to plain memory that a finding means: the expression at `start`, up to `end` if that is
/// known, the longest otherwise.
pub(crate) fn plain_op(facts: &Facts<'_>, write: bool, start: u32, end: Option<u32>) -> Option<Op> {
    let ast = facts.ast();
    let mut best: Option<Op> = None;
    for (e, expr) in ast.exprs.iter_enumerated() {
        let fits = expr.span.start == start && end.is_none_or(|end| end == expr.span.end);
        let place = matches!(
            expr.kind,
            ExprKind::Ident(_)
                | ExprKind::Selector { .. }
                | ExprKind::Index { .. }
                | ExprKind::Star(_)
        );
        if !fits || !place || facts.info.mode_of(e) != Mode::Variable {
            continue;
        }
        let (outer, parent) = facts.parent(e);
        let (kind, shape) = match parent {
            Some(Node::Stmt(stmt)) => match ast.stmt(stmt).kind {
                StmtKind::Assign { lhs, op, .. } if ast.expr_list(lhs).contains(&outer) => {
                    let new = op == AssignOp::Define;
                    (AccessKind::Write, Shape::PlainStore { stmt, new })
                }
                StmtKind::IncDec { .. } => {
                    (AccessKind::Write, Shape::PlainStore { stmt, new: false })
                }
                _ => (AccessKind::Read, Shape::PlainLoad),
            },
            Some(Node::Expr(up)) if !is_loaded(facts, outer, up) => continue,
            _ => (AccessKind::Read, Shape::PlainLoad),
        };
        // A compound assignment is both; a finding may name either.
        if kind.is_write() || !write {
            let op = Op { kind, anchor: start, object: e, shape };
            if best.is_none_or(|b| facts.span(b.object).end <= expr.span.end) {
                best = Some(op);
            }
        }
    }
    best
}

/// Whether the expression `up` reads all of its operand `e`: `&e` reads nothing of it, `e.f`, `e[i]` and
/// `e[:]` no more than a part of a struct or array, and a method with a pointer receiver takes its address.
fn is_loaded(facts: &Facts<'_>, e: ExprId, up: ExprId) -> bool {
    let ast = facts.ast();
    let Some(t) = facts.info.type_of(e) else { return false };
    let under = facts.store.ty(go_types::under(facts.store, t));
    match ast.expr(up).kind {
        ExprKind::Unary { op: UnaryOp::Addr, .. } => false,
        ExprKind::Selector { .. } => match facts.info.selections.get(&up) {
            Some(s) if s.kind == SelectionKind::MethodVal => {
                matches!(under, Type::Pointer(_) | Type::Interface(_))
                    || !go_types::has_ptr_recv(facts.store, s.obj)
            }
            _ => matches!(under, Type::Pointer(_)),
        },
        ExprKind::Index { x, .. } | ExprKind::Slice { x, .. }
            if ast.unparen(x) == ast.unparen(e) =>
        {
            !matches!(under, Type::Array { .. })
        }
        _ => true,
    }
}

/// The map of a call at `start` that a library uses: the only one among the arguments, or the one whose
/// method is called (`md.Set(k, v)`).
pub(crate) fn passed_map(facts: &Facts<'_>, start: u32, kind: AccessKind) -> Option<Op> {
    let ast = facts.ast();
    let mut found = None;
    for (call, expr) in ast.exprs.iter_enumerated() {
        let ExprKind::Call { fun, args, .. } = expr.kind else { continue };
        if expr.span.start != start || facts.builtin(fun).is_some() {
            continue;
        }
        let fun = ast.unparen(fun);
        if let ExprKind::Selector { x, .. } = ast.expr(fun).kind
            && facts.map_type(x).is_some()
            && facts.info.selections.get(&fun).is_some_and(|s| {
                s.kind == SelectionKind::MethodVal && !go_types::has_ptr_recv(facts.store, s.obj)
            })
        {
            found = Some(Op { kind, anchor: start, object: x, shape: Shape::Receiver { call } });
            continue;
        }
        let maps = ast.expr_list(args).iter().enumerate();
        let mut maps = maps.filter(|(_, a)| facts.map_type(**a).is_some());
        if let (Some((index, &object)), None) = (maps.next(), maps.next()) {
            let shape = Shape::Argument { call, index };
            found = Some(Op { kind, anchor: start, object, shape });
        }
    }
    found
}

fn index_op(facts: &Facts<'_>, index: ExprId, object: ExprId) -> Option<Op> {
    let ast = facts.ast();
    let anchor = facts.span(index).start;
    let (outer, parent) = facts.parent(index);
    let store = |stmt| {
        Some(Op { kind: AccessKind::MapWrite, anchor, object, shape: Shape::Store { index, stmt } })
    };
    if let Some(Node::Stmt(stmt)) = parent {
        match ast.stmt(stmt).kind {
            StmtKind::Assign { lhs, .. } if ast.expr_list(lhs).contains(&outer) => {
                return store(Some(stmt));
            }
            StmtKind::IncDec { .. } => return store(Some(stmt)),
            StmtKind::Range { clause, .. } => {
                let clause = &ast.ranges[clause as usize];
                if clause.key == Some(outer) || clause.value == Some(outer) {
                    return store(None);
                }
            }
            _ => {}
        }
    }
    // A node that no parent knows is not part of the program.
    parent?;
    Some(Op { kind: AccessKind::MapRead, anchor, object, shape: Shape::Load { index } })
}

fn call_ops(facts: &Facts<'_>, call: ExprId, fun: ExprId, args: &[ExprId], ops: &mut Vec<Op>) {
    let anchor = facts.span(call).start;
    let mut add = |kind, index: usize, late: bool| {
        let Some(&object) = args.get(index) else { return };
        if facts.map_type(object).is_some() {
            let shape = if late { Shape::Late } else { Shape::Argument { call, index } };
            ops.push(Op { kind, anchor, object, shape });
        }
    };
    match facts.builtin(fun) {
        Some(BuiltinId::Delete) => return add(AccessKind::MapDelete, 0, false),
        Some(BuiltinId::Clear) => return add(AccessKind::MapClear, 0, false),
        Some(BuiltinId::Len) => return add(AccessKind::MapLen, 0, false),
        Some(_) => return,
        None => {}
    }
    let Some((path, name)) = facts.callee(fun) else { return };
    match (path, name) {
        ("maps" | "golang.org/x/exp/maps", "Clone")
        | ("golang.org/x/exp/maps", "Keys" | "Values") => add(AccessKind::MapIterate, 0, false),
        ("maps" | "golang.org/x/exp/maps", "Equal" | "EqualFunc") => {
            add(AccessKind::MapIterate, 0, false);
            add(AccessKind::MapIterate, 1, false);
        }
        ("maps" | "golang.org/x/exp/maps", "Copy") => {
            add(AccessKind::MapWrite, 0, false);
            add(AccessKind::MapIterate, 1, false);
        }
        ("maps" | "golang.org/x/exp/maps", "DeleteFunc") => add(AccessKind::MapDelete, 0, false),
        ("golang.org/x/exp/maps", "Clear") => add(AccessKind::MapClear, 0, false),
        ("maps", "Insert") => add(AccessKind::MapWrite, 0, false),
        ("maps", "Keys" | "Values" | "All") => {
            add(AccessKind::MapIterate, 0, !consumed_at_once(facts, call));
        }
        _ => {}
    }
}

/// Whether an iterator is used up where it is made.
fn consumed_at_once(facts: &Facts<'_>, call: ExprId) -> bool {
    let ast = facts.ast();
    let (outer, parent) = facts.parent(call);
    match parent {
        Some(Node::Stmt(stmt)) => match ast.stmt(stmt).kind {
            StmtKind::Range { clause, .. } => ast.ranges[clause as usize].x == outer,
            _ => false,
        },
        Some(Node::Expr(up)) => match ast.expr(up).kind {
            ExprKind::Call { fun, args, .. } if !runs_later(facts, up) => {
                let args = ast.expr_list(args);
                let Some(place) = args.iter().position(|&a| a == outer) else { return false };
                let uses_up = matches!(
                    facts.callee(fun),
                    Some(
                        (
                            "slices",
                            "Collect" | "AppendSeq" | "Sorted" | "SortedFunc" | "SortedStableFunc"
                        ) | ("maps", "Collect" | "Insert")
                    )
                );
                uses_up && args[place + 1..].iter().all(|&a| facts.quiet(a))
            }
            _ => false,
        },
        _ => false,
    }
}

/// Whether a call is deferred or started as a goroutine: its arguments are evaluated now, and it runs
/// later.
pub(crate) fn runs_later(facts: &Facts<'_>, call: ExprId) -> bool {
    match facts.parent(call).1 {
        Some(Node::Stmt(stmt)) => {
            matches!(facts.ast().stmt(stmt).kind, StmtKind::Go(_) | StmtKind::Defer(_))
        }
        _ => false,
    }
}
