//! A file as text, one line a node: what `oracle/syntax` prints of go/parser's trees, so that the
//! two can be compared, and what `unpanic debug parse` shows.
//!
//! A line has the kind under its go/ast name, the start and end offsets, and what else tells nodes
//! apart: names with their offsets, operators, flags. Nodes stand in source order; comments (start
//! only) follow them.

use std::fmt::Write as _;

use source::Span;

use crate::ast::{
    AssignOp, BranchKind, ChanDir, DeclId, DeclKind, ExprId, ExprKind, File, FuncTypeId,
    IdentRange, LitKind, SpecId, SpecKind, StmtId, StmtKind,
};
use crate::walk::{Visitor, walk_file};

/// The dump of a file.
pub fn dump(file: &File) -> String {
    let mut dumper =
        Dumper { out: String::with_capacity(64 * (file.exprs.len() + file.stmts.len())) };
    dumper.line("File", Span::new(file.package_pos, file.package.span().end));
    dumper.word(file.package.name.as_str());
    walk_file(file, &mut dumper);
    for comment in &file.comments {
        dumper.line("Comment", Span { start: comment.start, end: 0 });
    }
    dumper.out.push('\n');
    dumper.out
}

/// FNV-1a with 64 bits: how dumps of many files are compared.
pub fn fnv1a(text: &[u8]) -> u64 {
    text.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &b| {
        (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

struct Dumper {
    out: String,
}

impl Dumper {
    fn line(&mut self, kind: &str, span: Span) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out.push_str(kind);
        self.number(span.start);
        self.number(span.end);
    }

    fn word(&mut self, word: &str) {
        self.out.push(' ');
        self.out.push_str(word);
    }

    fn number(&mut self, n: u32) {
        write!(self.out, " {n}").expect("a String takes everything");
    }

    fn flag(&mut self, flag: bool) {
        self.word(if flag { "true" } else { "false" });
    }

    fn names(&mut self, file: &File, names: IdentRange) {
        for name in file.ident_list(names) {
            self.word(name.name.as_str());
            self.number(name.pos);
        }
    }
}

impl Visitor for Dumper {
    fn enter_decl(&mut self, file: &File, id: DeclId) -> bool {
        let decl = &file.all_decls[id];
        match decl.kind {
            DeclKind::Bad => self.line("Bad", decl.span),
            DeclKind::Func(func) => {
                let name = file.func_decls[func].name;
                self.line("FuncDecl", decl.span);
                self.word(name.name.as_str());
                self.number(name.pos);
            }
            DeclKind::Import(_) | DeclKind::Const(_) | DeclKind::Type(_) | DeclKind::Var(_) => {
                self.line("GenDecl", decl.span);
                self.word(match decl.kind {
                    DeclKind::Import(_) => "import",
                    DeclKind::Const(_) => "const",
                    DeclKind::Type(_) => "type",
                    _ => "var",
                });
            }
        }
        true
    }

    fn enter_spec(&mut self, file: &File, id: SpecId) -> bool {
        let spec = &file.specs[id];
        match spec.kind {
            SpecKind::Import { name, .. } => {
                self.line("ImportSpec", spec.span);
                self.word(name.map_or("-", |name| name.name.as_str()));
            }
            SpecKind::Value { names, iota, .. } => {
                self.line("ValueSpec", spec.span);
                self.number(iota);
                self.names(file, names);
            }
            SpecKind::Type { name, is_alias, .. } => {
                self.line("TypeSpec", spec.span);
                self.word(name.name.as_str());
                self.word(if is_alias { "alias" } else { "defined" });
            }
        }
        true
    }

    fn enter_field(&mut self, file: &File, index: u32) -> bool {
        let field = &file.fields[index as usize];
        self.line("Field", field.span);
        self.names(file, field.names);
        true
    }

    fn enter_func_type(&mut self, file: &File, id: FuncTypeId) -> bool {
        self.line("Signature", file.func_types[id].span);
        true
    }

    fn enter_expr(&mut self, file: &File, id: ExprId) -> bool {
        let expr = file.expr(id);
        let kind = match expr.kind {
            ExprKind::Bad => "Bad",
            ExprKind::Ident(_) => "Ident",
            ExprKind::BasicLit(_) => "BasicLit",
            ExprKind::CompositeLit { .. } => "CompositeLit",
            ExprKind::FuncLit { .. } => "FuncLit",
            ExprKind::Paren(_) => "ParenExpr",
            ExprKind::Selector { .. } => "SelectorExpr",
            ExprKind::Index { .. } => "IndexExpr",
            ExprKind::Slice { .. } => "SliceExpr",
            ExprKind::TypeAssert { .. } => "TypeAssertExpr",
            ExprKind::Call { .. } => "CallExpr",
            ExprKind::Star(_) => "StarExpr",
            ExprKind::Unary { .. } => "UnaryExpr",
            ExprKind::Binary { .. } => "BinaryExpr",
            ExprKind::KeyValue { .. } => "KeyValueExpr",
            ExprKind::ArrayType { .. } => "ArrayType",
            ExprKind::Ellipsis(_) => "Ellipsis",
            ExprKind::StructType(_) => "StructType",
            ExprKind::FuncType(_) => "FuncType",
            ExprKind::InterfaceType(_) => "InterfaceType",
            ExprKind::MapType { .. } => "MapType",
            ExprKind::ChanType { .. } => "ChanType",
        };
        self.line(kind, expr.span);
        match expr.kind {
            ExprKind::Ident(name) => self.word(name.as_str()),
            ExprKind::BasicLit(kind) => self.word(match kind {
                LitKind::Int => "INT",
                LitKind::Float => "FLOAT",
                LitKind::Imag => "IMAG",
                LitKind::Char => "CHAR",
                LitKind::String => "STRING",
            }),
            ExprKind::Selector { sel, .. } => {
                self.word(sel.as_str());
                self.number(file.selector_span(id).start);
            }
            ExprKind::Slice { bounds, .. } => self.flag(file.slice_bounds[bounds as usize].three),
            ExprKind::Call { ellipsis, .. } => self.flag(ellipsis),
            ExprKind::Unary { op, .. } => self.word(op.text()),
            ExprKind::Binary { op, op_pos, .. } => {
                self.word(op.text());
                self.number(op_pos);
            }
            ExprKind::ChanType { dir, .. } => self.word(match dir {
                ChanDir::Both => "both",
                ChanDir::Send => "send",
                ChanDir::Recv => "recv",
            }),
            _ => {}
        }
        true
    }

    fn enter_stmt(&mut self, file: &File, id: StmtId) -> bool {
        let stmt = file.stmt(id);
        let kind = match stmt.kind {
            StmtKind::Bad => "Bad",
            StmtKind::Empty => "EmptyStmt",
            StmtKind::Expr(_) => "ExprStmt",
            StmtKind::Send { .. } => "SendStmt",
            StmtKind::IncDec { .. } => "IncDecStmt",
            StmtKind::Assign { .. } => "AssignStmt",
            StmtKind::Go(_) => "GoStmt",
            StmtKind::Defer(_) => "DeferStmt",
            StmtKind::Return(_) => "ReturnStmt",
            StmtKind::Branch { .. } => "BranchStmt",
            StmtKind::Block(_) => "BlockStmt",
            StmtKind::If { .. } => "IfStmt",
            StmtKind::Switch { .. } => "SwitchStmt",
            StmtKind::TypeSwitch { .. } => "TypeSwitchStmt",
            StmtKind::Case { .. } => "CaseClause",
            StmtKind::Select { .. } => "SelectStmt",
            StmtKind::Comm { .. } => "CommClause",
            StmtKind::For { .. } => "ForStmt",
            StmtKind::Range { .. } => "RangeStmt",
            StmtKind::Labeled { .. } => "LabeledStmt",
            StmtKind::Decl(_) => "DeclStmt",
        };
        self.line(kind, stmt.span);
        match stmt.kind {
            StmtKind::IncDec { inc, .. } => self.word(if inc { "++" } else { "--" }),
            StmtKind::Assign { op, .. } => match op {
                AssignOp::Assign => self.word("="),
                AssignOp::Define => self.word(":="),
                AssignOp::Op(op) => {
                    self.word(op.text());
                    self.out.push('=');
                }
            },
            StmtKind::Branch { kind, label } => {
                self.word(match kind {
                    BranchKind::Break => "break",
                    BranchKind::Continue => "continue",
                    BranchKind::Goto => "goto",
                    BranchKind::Fallthrough => "fallthrough",
                });
                self.word(label.map_or("-", |label| label.as_str()));
            }
            StmtKind::Case { is_default, .. } => self.flag(is_default),
            StmtKind::Range { clause, .. } => self.flag(file.ranges[clause as usize].define),
            StmtKind::Labeled { label, .. } => self.word(label.name.as_str()),
            _ => {}
        }
        true
    }
}
