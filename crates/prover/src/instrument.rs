//! Rewrites one file: calls of the runtime package around accesses, on the lines where they stand.
//!
//! A trap is only worth something if nothing that another goroutine could wait for comes between it
//! and its access. So the trap stands around the map itself when what is evaluated later is quiet
//! (`Facts::quiet`): `M(m, 7)[k] = v`. Otherwise the operands are evaluated first, in their order:
//!
//! ```text
//! m[k()], err = f()   ⇒   { t0 := k(); t1, t2 := f(); M(m, 7)[t0], err = t1, t2 }
//! ```
//!
//! A range loop is caught at its head and, right after each step, at the start of its body.

use std::collections::BTreeMap;

use base::FxHashSet;
use diag::AccessKind;
use go_syntax::ast::{AssignOp, DeclKind, ExprId, ExprKind, StmtId, StmtKind};
use go_syntax::walk::Node;
use go_types::BuiltinId;
use source::{SourceFile, Span};

use crate::edits::{Edit, Piece, apply};
use crate::facts::Facts;
use crate::ops::{Op, Shape, map_ops, passed_map, plain_op, runs_later};
use crate::sites::{Site, Skip, Want};

/// Which map operations are watched that no finding names.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum Companions {
    /// None.
    #[default]
    None,
    /// Those on maps of these types: the other side of a finding may be one of them.
    Types(FxHashSet<String>),
    /// All.
    All,
}

/// What becomes of the files of a program.
#[derive(Debug, Default)]
pub(crate) struct Instrumenter {
    /// All sites so far; the index is the number.
    pub sites: Vec<Site>,
    /// What was left alone.
    pub skips: Vec<Skip>,
    /// What else is watched.
    pub companions: Companions,
}

/// A reason not to instrument.
type Reason = &'static str;

/// Why channels and wait groups have no traps.
const NO_MEMORY: Reason =
    "a trap catches accesses to memory, and this is to a channel or wait group";

/// An operation with the argument of its trap.
#[derive(Clone, Copy)]
struct Chosen {
    op: Op,
    at: u32,
}

impl Instrumenter {
    /// The new text of a file; `None` when nothing in it is watched.
    pub fn file(
        &mut self,
        facts: &Facts<'_>,
        file: &SourceFile,
        wants: &[Want],
    ) -> Option<Vec<u8>> {
        let mut chosen: Vec<(Op, Vec<usize>)> = Vec::new();
        let ops = map_ops(facts);
        for want in wants {
            if !want.kind.is_in_memory() {
                self.skip(file, want.start, NO_MEMORY, &[want.finding]);
                continue;
            }
            let Some(op) = wanted(facts, &ops, want) else {
                self.skip(
                    file,
                    want.start,
                    "no access that is known stands there",
                    &[want.finding],
                );
                continue;
            };
            match chosen.iter_mut().find(|(known, _)| *known == op) {
                Some((_, findings)) if findings.contains(&want.finding) => {}
                Some((_, findings)) => findings.push(want.finding),
                None => chosen.push((op, vec![want.finding])),
            }
        }
        for op in ops {
            if self.is_companion(facts, &op) && chosen.iter().all(|(known, _)| *known != op) {
                chosen.push((op, Vec::new()));
            }
        }
        if chosen.is_empty() {
            return None;
        }
        chosen.sort_by_key(|(op, _)| (op.anchor, facts.span(op.object).end));

        let mut rewrite = Rewrite::new(facts, runtime_name(facts.text));
        let mut statements: BTreeMap<u32, (StmtId, Vec<Chosen>)> = BTreeMap::new();
        for (op, findings) in chosen {
            if let Err(reason) = rewrite.may_change(&op) {
                self.skip(file, op.anchor, reason, &findings);
                continue;
            }
            let number = self.sites.len();
            let site = site(facts, file, &op, findings);
            let done = Chosen { op, at: site.argument(number) };
            let result = match op.shape {
                Shape::Store { stmt: Some(stmt), .. } | Shape::PlainStore { stmt, new: false } => {
                    let start = facts.ast().stmt(stmt).span.start;
                    statements.entry(start).or_insert((stmt, Vec::new())).1.push(done);
                    Ok(())
                }
                _ => rewrite.operation(done),
            };
            match result {
                Ok(()) => self.sites.push(site),
                Err(reason) => self.skip(file, op.anchor, reason, &site.findings),
            }
        }
        for (stmt, stores) in statements.into_values() {
            if let Err(reason) = rewrite.statement(stmt, &stores) {
                for store in stores {
                    // The number stays: others have been given out since.
                    let site = &self.sites[(store.at >> 2) as usize];
                    let findings = site.findings.clone();
                    self.skip(file, store.op.anchor, reason, &findings);
                }
            }
        }
        rewrite.finish()
    }

    fn is_companion(&self, facts: &Facts<'_>, op: &Op) -> bool {
        match &self.companions {
            Companions::None => false,
            Companions::All => true,
            Companions::Types(types) => types.contains(&type_name(facts, op.object)),
        }
    }

    fn skip(&mut self, file: &SourceFile, at: u32, reason: Reason, findings: &[usize]) {
        let line = file.line_col(at).line;
        self.skips.push(Skip {
            file: file.path.clone(),
            line,
            reason,
            findings: findings.to_vec(),
        });
    }
}

/// The types of the maps that findings name in a file, for [`Companions::Types`].
pub(crate) fn wanted_types(facts: &Facts<'_>, wants: &[Want], types: &mut FxHashSet<String>) {
    let ops = map_ops(facts);
    for want in wants {
        if let Some(op) = wanted(facts, &ops, want)
            && facts.map_type(op.object).is_some()
        {
            types.insert(type_name(facts, op.object));
        }
    }
}

/// The operation that a finding means.
fn wanted(facts: &Facts<'_>, ops: &[Op], want: &Want) -> Option<Op> {
    match want.kind {
        AccessKind::Read => return plain_op(facts, false, want.start, want.end),
        AccessKind::Write => return plain_op(facts, true, want.start, want.end),
        _ => {}
    }
    let here = ops.iter().filter(|op| op.anchor == want.start);
    let rank = |op: &&Op| {
        let end = match op.shape {
            Shape::Store { index, .. } | Shape::Load { index } => Some(facts.span(index).end),
            _ => None,
        };
        let exact = want.end.is_some() && end == want.end;
        (op.kind == want.kind, op.kind.is_write() == want.kind.is_write(), exact)
    };
    let found = here.max_by_key(rank).copied();
    found.or_else(|| passed_map(facts, want.start, want.kind))
}

fn site(facts: &Facts<'_>, file: &SourceFile, op: &Op, findings: Vec<usize>) -> Site {
    let place = file.line_col(op.anchor);
    Site {
        file: file.path.clone(),
        line: place.line,
        column: place.column,
        kind: op.kind,
        object: facts.source(facts.span(op.object)),
        type_name: type_name(facts, op.object),
        findings,
    }
}

fn type_name(facts: &Facts<'_>, e: ExprId) -> String {
    facts.info.type_of(e).map_or_else(String::new, |t| go_types::type_string(facts.store, t))
}

/// A name for the runtime package that the file does not use.
fn runtime_name(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let names = (0..).map(|n| if n == 0 { "unpanicrt".into() } else { format!("unpanicrt{n}") });
    let free = |name: &String| !text.contains(name.as_str());
    // A longer name than the text is not in it.
    names.into_iter().find(free).unwrap_or_default()
}

/// The edits of one file.
struct Rewrite<'f, 'a> {
    facts: &'f Facts<'a>,
    rt: String,
    edits: Vec<Edit>,
    temporaries: usize,
    /// Functions in which no call may be added.
    closed: Vec<Span>,
}

impl<'f, 'a> Rewrite<'f, 'a> {
    fn new(facts: &'f Facts<'a>, rt: String) -> Self {
        let closed = closed_functions(facts);
        Self { facts, rt, edits: Vec::new(), temporaries: 0, closed }
    }

    fn finish(mut self) -> Option<Vec<u8>> {
        if self.edits.is_empty() {
            return None;
        }
        let end = self.facts.ast().package.span().end;
        self.edits.push(Edit::insert(end, format!("; import {} \"{}\"", self.rt, crate::RUNTIME)));
        Some(apply(self.facts.text, self.edits))
    }

    fn may_change(&self, op: &Op) -> Result<(), Reason> {
        let version = self.facts.info.go_version;
        if version != 0 && version < 18 {
            return Err("the file is Go 1.17 or older, which cannot call generic functions");
        }
        if self.closed.iter().any(|span| span.contains(op.anchor)) {
            return Err("the function must not call others (//go:nosplit and the like)");
        }
        Ok(())
    }

    fn temporary(&mut self) -> String {
        self.temporaries += 1;
        format!("{}T{}", self.rt, self.temporaries)
    }

    /// Anything but the left side of a statement.
    fn operation(&mut self, chosen: Chosen) -> Result<(), Reason> {
        let Chosen { op, at } = chosen;
        let facts = self.facts;
        match op.shape {
            Shape::Store { stmt: None, .. } => Err("`range` assigns to a map element"),
            Shape::Store { .. } | Shape::PlainStore { new: false, .. } => Ok(()),
            Shape::Late => Err("the iterator may be used up later"),
            Shape::Load { index } => self.load(op, index, at),
            Shape::Argument { call, index } => self.argument(op, call, index, at),
            Shape::Receiver { call } => self.call(op, call, None, at),
            Shape::Range { stmt } => {
                self.range(op, stmt, at);
                Ok(())
            }
            Shape::PlainLoad => {
                self.wrap_place(op.object, at);
                Ok(())
            }
            Shape::PlainStore { stmt, new: true } => {
                if !facts.in_list(stmt) {
                    return Err("it is assigned in the head of a statement");
                }
                // Right after the assignment is as good as right before.
                let end = facts.ast().stmt(stmt).span.end;
                let name = facts.source(facts.span(op.object));
                self.edits.push(Edit::insert(end, format!("; {}.P(&{name}, {at})", self.rt)));
                Ok(())
            }
        }
    }

    fn wrap_map(&mut self, map: ExprId, at: u32) {
        let (before, after) = (format!("{}.M(", self.rt), format!(", {at})"));
        self.edits.push(Edit::wrap(self.facts.span(map), 1, before, after));
    }

    fn wrap_place(&mut self, place: ExprId, at: u32) {
        let (before, after) = (format!("(*{}.P(&", self.rt), format!(", {at}))"));
        self.edits.push(Edit::wrap(self.facts.span(place), 2, before, after));
    }

    fn load(&mut self, op: Op, index: ExprId, at: u32) -> Result<(), Reason> {
        let facts = self.facts;
        let ExprKind::Index { x, indices } = facts.ast().expr(index).kind else { return Ok(()) };
        let Some(&key) = facts.ast().expr_list(indices).first() else { return Ok(()) };
        if facts.quiet(key) {
            self.wrap_map(op.object, at);
            return Ok(());
        }
        self.can_pass_key(op.object, key)?;
        let two = facts
            .info
            .type_of(index)
            .is_some_and(|t| matches!(facts.store.ty(t), go_types::Type::Tuple(_)));
        let pieces = vec![
            Piece::Text(format!("{}.{}(", self.rt, if two { "R2" } else { "R" })),
            Piece::Source(facts.span(x)),
            Piece::Text(", ".into()),
            Piece::Source(facts.span(key)),
            Piece::Text(format!(", {at})")),
        ];
        self.edits.push(Edit { span: facts.span(index), rank: 1, pieces });
        Ok(())
    }

    /// Whether a key can be an argument of a generic function without a conversion.
    fn can_pass_key(&self, map: ExprId, key: ExprId) -> Result<(), Reason> {
        let facts = self.facts;
        let wanted = facts.map_type(map).and_then(|m| facts.key_type(m));
        let own = facts.info.type_of(key);
        let same = wanted.zip(own).is_some_and(|(a, b)| go_types::identical(facts.store, a, b));
        if same && !facts.context_typed(key) {
            Ok(())
        } else {
            Err("the key takes calls and a conversion")
        }
    }

    fn argument(&mut self, op: Op, call: ExprId, index: usize, at: u32) -> Result<(), Reason> {
        let facts = self.facts;
        let ExprKind::Call { fun, args, .. } = facts.ast().expr(call).kind else { return Ok(()) };
        let args = facts.ast().expr_list(args);
        let later = runs_later(facts, call);
        let quiet = args[index + 1..].iter().all(|&a| facts.quiet(a));
        let (name, key) = match facts.builtin(fun) {
            Some(BuiltinId::Delete) => ("Delete", args.get(1)),
            Some(BuiltinId::Clear) => ("Clear", None),
            _ => return self.call(op, call, Some(index), at),
        };
        if !later && quiet {
            self.wrap_map(op.object, at);
            return Ok(());
        }
        let mut pieces =
            vec![Piece::Text(format!("{}.{name}(", self.rt)), Piece::Source(facts.span(op.object))];
        if let Some(&key) = key {
            if !facts.info.consts.contains_key(&key) {
                self.can_pass_key(op.object, key)?;
            }
            pieces.push(Piece::Text(", ".into()));
            pieces.push(Piece::Source(facts.span(key)));
        }
        pieces.push(Piece::Text(format!(", {at})")));
        self.edits.push(Edit { span: facts.span(call), rank: 1, pieces });
        Ok(())
    }

    /// A call that uses a map: its receiver, or one of its arguments.
    fn call(&mut self, op: Op, call: ExprId, index: Option<usize>, at: u32) -> Result<(), Reason> {
        let facts = self.facts;
        let ast = facts.ast();
        let ExprKind::Call { args, .. } = ast.expr(call).kind else { return Ok(()) };
        if runs_later(facts, call) {
            return Err("the call is deferred or starts a goroutine");
        }
        let args = ast.expr_list(args);
        let first = index.map_or(0, |index| index + 1);
        if args[first..].iter().all(|&a| facts.quiet(a)) {
            self.wrap_map(op.object, at);
            return Ok(());
        }
        let (_, parent) = facts.parent(call);
        let Some(Node::Stmt(stmt)) = parent else {
            return Err("a later argument takes calls");
        };
        if !matches!(ast.stmt(stmt).kind, StmtKind::Expr(_)) || !facts.in_list(stmt) {
            return Err("a later argument takes calls");
        }
        // `f(g())` passes all results of g.
        let several = |e: ExprId| {
            let t = facts.info.type_of(e);
            t.is_some_and(|t| matches!(facts.store.ty(t), go_types::Type::Tuple(_)))
        };
        let receiver = index.is_none().then_some(op.object);
        let loud: Vec<ExprId> =
            receiver.into_iter().chain(args.iter().copied()).filter(|&e| !facts.quiet(e)).collect();
        if loud
            .iter()
            .any(|&e| facts.context_typed(e) || several(e) || facts.lines(facts.span(e)) > 0)
        {
            return Err("a later argument takes calls, and is no plain value");
        }
        let span = ast.stmt(stmt).span;
        let mut pieces = vec![Piece::Text("{ ".into())];
        let mut rest = Vec::new();
        let mut from = span.start;
        for e in receiver.into_iter().chain(args.iter().copied()) {
            let own = facts.span(e);
            let name = loud.contains(&e).then(|| self.temporary());
            if let Some(name) = &name {
                pieces.push(Piece::Text(format!("{name} := ")));
                pieces.push(Piece::Source(own));
                pieces.push(Piece::Text("; ".into()));
            }
            let watched = e == op.object;
            if name.is_none() && !watched {
                continue;
            }
            rest.push(Piece::Source(Span::new(from, own.start)));
            let value = name.map_or(Piece::Source(own), Piece::Text);
            if watched {
                rest.push(Piece::Text(format!("{}.M(", self.rt)));
                rest.push(value);
                rest.push(Piece::Text(format!(", {at})")));
            } else {
                rest.push(value);
            }
            from = own.end;
        }
        pieces.append(&mut rest);
        pieces.push(Piece::Source(Span::new(from, span.end)));
        pieces.push(Piece::Text(" }".into()));
        self.edits.push(Edit { span, rank: 0, pieces });
        Ok(())
    }

    fn range(&mut self, op: Op, stmt: StmtId, at: u32) {
        let facts = self.facts;
        let ast = facts.ast();
        let mut outer = stmt;
        let mut jumped_to = false;
        while let Some(Node::Stmt(up)) = facts.stmt_parent(outer)
            && let StmtKind::Labeled { label, .. } = ast.stmt(up).kind
        {
            jumped_to |= facts.is_goto_target(label.name);
            outer = up;
        }
        let x = facts.span(op.object);
        let StmtKind::Range { body, .. } = ast.stmt(stmt).kind else { return };
        if jumped_to || facts.lines(x) > 0 || !facts.in_list(outer) {
            self.wrap_map(op.object, at);
            return;
        }
        let (whole, map) = (ast.stmt(outer).span, self.temporary());
        self.edits.push(Edit {
            span: whole,
            rank: 0,
            pieces: vec![
                Piece::Text(format!("{{ {map} := ")),
                Piece::Source(x),
                Piece::Text("; ".into()),
                Piece::Source(Span::new(whole.start, x.start)),
                Piece::Text(format!("{}.M({map}, {at})", self.rt)),
                Piece::Source(Span::new(x.end, whole.end)),
                Piece::Text(" }".into()),
            ],
        });
        let inside = ast.stmt(body).span.start + 1;
        self.edits.push(Edit::insert(inside, format!(" {}.I({map}, {at});", self.rt)));
    }

    /// The stores of one statement.
    fn statement(&mut self, stmt: StmtId, stores: &[Chosen]) -> Result<(), Reason> {
        let facts = self.facts;
        let ast = facts.ast();
        let (lhs, rhs, op): (Vec<ExprId>, &[ExprId], String) = match ast.stmt(stmt).kind {
            StmtKind::IncDec { x, inc } => (vec![x], &[], if inc { "++" } else { "--" }.into()),
            StmtKind::Assign { lhs, rhs, op } => {
                let sign = match op {
                    AssignOp::Assign => "=".into(),
                    AssignOp::Define => return Err("it is declared there"),
                    AssignOp::Op(op) => format!("{}=", op.text()),
                };
                (ast.expr_list(lhs).to_vec(), ast.expr_list(rhs), sign)
            }
            _ => return Err("the statement is of no known kind"),
        };
        let places: Vec<Place> = lhs.iter().map(|&e| self.place(e, stores)).collect();
        let loud = |e: &ExprId| !facts.quiet(*e);
        let operands = places.iter().flat_map(Place::operands).filter(loud).count();
        let first = places.first().is_some_and(|p| p.map.as_ref().is_some_and(loud));
        // Alone, a map that takes a call comes first anyway.
        let in_place = operands == 0 || (operands == 1 && first && places.len() == 1);
        // `case m[k] = <-c:` has received before it evaluates the left side.
        let received = matches!(facts.stmt_parent(stmt), Some(Node::Stmt(up))
            if matches!(ast.stmt(up).kind, StmtKind::Comm { comm, .. } if comm == Some(stmt)));
        if in_place && (received || rhs.iter().all(|&e| facts.quiet(e))) {
            for store in stores {
                match store.op.shape {
                    Shape::Store { .. } => self.wrap_map(store.op.object, store.at),
                    _ => self.wrap_place(store.op.object, store.at),
                }
            }
            return Ok(());
        }
        self.turn_around(stmt, &places, rhs, &op)
    }

    fn place(&self, e: ExprId, stores: &[Chosen]) -> Place {
        let ast = self.facts.ast();
        let inner = ast.unparen(e);
        let own = |c: &&Chosen| match c.op.shape {
            Shape::Store { index, .. } => index == inner,
            _ => c.op.object == inner,
        };
        let at = stores.iter().find(own).map(|c| c.at);
        match ast.expr(inner).kind {
            ExprKind::Index { x, indices } if self.facts.map_type(x).is_some() => {
                Place { whole: e, map: Some(x), key: ast.expr_list(indices).first().copied(), at }
            }
            _ => Place { whole: e, map: None, key: None, at },
        }
    }

    /// Evaluates what takes calls into temporaries, in its order, then does the statement.
    fn turn_around(
        &mut self,
        stmt: StmtId,
        places: &[Place],
        rhs: &[ExprId],
        op: &str,
    ) -> Result<(), Reason> {
        let facts = self.facts;
        let ast = facts.ast();
        if !facts.in_list(stmt) {
            return Err("it is assigned in the head of a statement, from calls");
        }
        if places.iter().any(|p| p.map.is_none() && !facts.quiet(p.whole)) {
            return Err("another variable of the assignment takes calls");
        }
        let loud: Vec<ExprId> = places
            .iter()
            .flat_map(Place::operands)
            .chain(rhs.iter().copied())
            .filter(|&e| !facts.quiet(e))
            .collect();
        if loud.iter().any(|&e| facts.context_typed(e)) {
            return Err("an operand takes calls and has its type from where it stands");
        }
        let many = rhs.len() == 1 && places.len() > 1;
        if many && !matches!(ast.expr(ast.unparen(rhs[0])).kind, ExprKind::Call { .. }) {
            return Err("both results of a receive are assigned");
        }
        let span = ast.stmt(stmt).span;
        let mut pieces = vec![Piece::Text("{ ".into())];
        let mut names: BTreeMap<u32, String> = BTreeMap::new();
        for &e in &loud {
            let count = if many && e == rhs[0] { places.len() } else { 1 };
            let list: Vec<String> = (0..count).map(|_| self.temporary()).collect();
            let list = list.join(", ");
            pieces.push(Piece::Text(format!("{list} := ")));
            pieces.push(Piece::Source(facts.span(e)));
            pieces.push(Piece::Text("; ".into()));
            names.insert(base::Id::index(e) as u32, list);
        }
        let operand = |e: ExprId| match names.get(&(base::Id::index(e) as u32)) {
            Some(name) => Piece::Text(name.clone()),
            None => Piece::Source(facts.span(e)),
        };
        let total = facts.lines(span);
        let file = SourceFile::new("", facts.text.to_vec());
        let line = |at: u32| {
            let place = file.line_col(at);
            format!("/*line :{}:{}*/", place.line, place.column)
        };
        if total > 0 {
            pieces.push(Piece::Text(line(span.start)));
        }
        for (index, place) in places.iter().enumerate() {
            if index > 0 {
                pieces.push(Piece::Text(", ".into()));
            }
            match (place.map, place.key, place.at) {
                (Some(map), Some(key), at) => {
                    let (open, close) = match at {
                        Some(at) => (format!("{}.M(", self.rt), format!(", {at})[")),
                        None => (String::new(), "[".into()),
                    };
                    pieces.push(Piece::Text(open));
                    pieces.push(operand(map));
                    pieces.push(Piece::Text(close));
                    pieces.push(operand(key));
                    pieces.push(Piece::Text("]".into()));
                }
                (_, _, Some(at)) => {
                    pieces.push(Piece::Text(format!("(*{}.P(&", self.rt)));
                    pieces.push(Piece::Source(facts.span(place.whole)));
                    pieces.push(Piece::Text(format!(", {at}))")));
                }
                _ => pieces.push(Piece::Source(facts.span(place.whole))),
            }
        }
        pieces.push(Piece::Text(format!(" {op} ")));
        for (index, &e) in rhs.iter().enumerate() {
            if index > 0 {
                pieces.push(Piece::Text(", ".into()));
            }
            pieces.push(operand(e));
        }
        pieces.push(Piece::Text(" }".into()));
        if total > 0 {
            pieces.push(Piece::Text(line(span.end)));
        }
        self.edits.push(Edit { span, rank: 0, pieces });
        Ok(())
    }
}

/// A left side.
struct Place {
    whole: ExprId,
    map: Option<ExprId>,
    key: Option<ExprId>,
    /// The argument of its trap, if it has one.
    at: Option<u32>,
}

impl Place {
    /// What is evaluated before the assignment, in order.
    fn operands(&self) -> Vec<ExprId> {
        match (self.map, self.key) {
            (Some(map), Some(key)) => vec![map, key],
            _ => vec![self.whole],
        }
    }
}

/// Functions with directives that forbid a call in them.
fn closed_functions(facts: &Facts<'_>) -> Vec<Span> {
    const DIRECTIVES: [&[u8]; 3] = [b"//go:nosplit", b"//go:systemstack", b"//go:nowritebarrier"];
    let ast = facts.ast();
    let mut closed = Vec::new();
    let is_closing = |c: &&Span| DIRECTIVES.iter().any(|d| facts.text[c.range()].starts_with(d));
    for comment in ast.comments.iter().filter(is_closing) {
        let after = |d: &&go_syntax::ast::DeclId| ast.all_decls[**d].span.start >= comment.end;
        if let Some(&decl) = ast.decls.iter().find(after)
            && matches!(ast.all_decls[decl].kind, DeclKind::Func(_))
        {
            closed.push(ast.all_decls[decl].span);
        }
    }
    closed
}
