//! Labels and the jumps to them (Go spec, "Labeled statements", "Goto statements").

use base::{FxHashMap, Symbol};
use go_syntax::ast::{AssignOp, BranchKind, DeclKind, StmtId, StmtKind};

use crate::checker::Checker;

/// A label of the function.
struct Label {
    pos: u32,
    used: bool,
}

/// A block with the labels declared in it.
struct Block {
    parent: Option<usize>,
    /// The labeled statement that this block is the body of.
    labeled: Option<StmtId>,
    /// Labels declared directly here.
    labels: Vec<(Symbol, StmtId)>,
}

/// The jumps of a function while they are matched with its labels.
struct Jumps {
    all: FxHashMap<Symbol, Label>,
    blocks: Vec<Block>,
}

/// Forward gotos that no label has been found for yet, and variable declarations since.
#[derive(Default)]
struct Forward {
    jumps: Vec<StmtId>,
    /// The last variable declaration of the block, and the jumps that were open then.
    var_decl: Option<u32>,
    over: Vec<StmtId>,
}

impl Checker<'_> {
    /// Checks the labels of a function body.
    pub(crate) fn labels(&mut self, body: StmtId) {
        let StmtKind::Block(list) = self.ast().stmt(body).kind else { return };
        let mut jumps = Jumps { all: FxHashMap::default(), blocks: Vec::new() };
        let list = self.ast().stmt_list(list);
        for jump in self.block_branches(&mut jumps, None, None, list) {
            let Some((name, pos)) = self.jump_label(jump) else { continue };
            let message = match jumps.all.get_mut(&name) {
                Some(label) => {
                    label.used = true;
                    format!("goto {name} jumps into block")
                }
                None => format!("label {name} not declared"),
            };
            self.error(pos, message);
        }
        let mut unused: Vec<(u32, Symbol)> =
            jumps.all.iter().filter(|l| !l.1.used).map(|(&n, l)| (l.pos, n)).collect();
        unused.sort_by_key(|u| u.0);
        for (pos, name) in unused {
            self.soft_error(pos, format!("label {name} declared and not used"));
        }
    }

    /// The label of a branch statement and where it stands.
    fn jump_label(&self, s: StmtId) -> Option<(Symbol, u32)> {
        let stmt = self.ast().stmt(s);
        let StmtKind::Branch { label: Some(name), .. } = stmt.kind else { return None };
        Some((name, stmt.span.end - name.as_str().len() as u32))
    }

    /// Goes through a block; gives back the gotos that lead out of it.
    fn block_branches(
        &mut self,
        jumps: &mut Jumps,
        parent: Option<usize>,
        labeled: Option<StmtId>,
        list: &[StmtId],
    ) -> Vec<StmtId> {
        let block = jumps.blocks.len();
        jumps.blocks.push(Block { parent, labeled, labels: Vec::new() });
        let mut forward = Forward::default();
        for &s in list {
            self.stmt_branches(jumps, block, &mut forward, None, s);
        }
        forward.jumps
    }

    fn stmt_branches(
        &mut self,
        jumps: &mut Jumps,
        block: usize,
        forward: &mut Forward,
        labeled: Option<StmtId>,
        s: StmtId,
    ) {
        let ast = self.ast();
        let stmt = ast.stmt(s);
        match stmt.kind {
            StmtKind::Decl(d) => {
                if let DeclKind::Var(_) = ast.all_decls[d].kind {
                    forward.var_decl = Some(stmt.span.start);
                    forward.over.clone_from(&forward.jumps);
                }
            }
            StmtKind::Assign { op: AssignOp::Define, .. } => {
                forward.var_decl = Some(stmt.span.start);
                forward.over.clone_from(&forward.jumps);
            }
            StmtKind::Labeled { label, stmt: inner } => {
                let mut of = labeled;
                if !label.name.is_blank() {
                    self.declare_label(jumps, block, s, label.name, label.pos);
                    self.resolve_forward(jumps, forward, label.name);
                    of = Some(s);
                }
                self.stmt_branches(jumps, block, forward, of, inner);
            }
            StmtKind::Branch { kind, label: Some(name) } => {
                self.label_branch(jumps, block, forward, s, kind, name);
            }
            StmtKind::Block(list) => {
                let open = self.block_branches(jumps, Some(block), labeled, ast.stmt_list(list));
                forward.jumps.extend(open);
            }
            StmtKind::Case { body, .. } | StmtKind::Comm { body, .. } => {
                let open = self.block_branches(jumps, Some(block), None, ast.stmt_list(body));
                forward.jumps.extend(open);
            }
            StmtKind::If { then, els, .. } => {
                self.stmt_branches(jumps, block, forward, labeled, then);
                if let Some(els) = els {
                    self.stmt_branches(jumps, block, forward, labeled, els);
                }
            }
            StmtKind::Switch { body, .. }
            | StmtKind::TypeSwitch { body, .. }
            | StmtKind::Select { body }
            | StmtKind::For { body, .. }
            | StmtKind::Range { body, .. } => {
                self.stmt_branches(jumps, block, forward, labeled, body);
            }
            _ => {}
        }
    }

    fn declare_label(
        &mut self,
        jumps: &mut Jumps,
        block: usize,
        s: StmtId,
        name: Symbol,
        pos: u32,
    ) {
        if let Some(other) = jumps.all.get(&name) {
            let other = other.pos;
            self.soft_error(pos, format!("label {name} already declared"));
            self.soft_error(other, format!("\tother declaration of {name}"));
            return;
        }
        jumps.all.insert(name, Label { pos, used: false });
        jumps.blocks[block].labels.push((name, s));
    }

    /// Matches the open gotos with a label just met.
    fn resolve_forward(&mut self, jumps: &mut Jumps, forward: &mut Forward, name: Symbol) {
        let open = std::mem::take(&mut forward.jumps);
        for jump in open {
            match self.jump_label(jump) {
                Some((target, pos)) if target == name => {
                    if let Some(label) = jumps.all.get_mut(&name) {
                        label.used = true;
                    }
                    if forward.var_decl.is_some() && forward.over.contains(&jump) {
                        let message = format!("goto {name} jumps over variable declaration");
                        self.soft_error(pos, message);
                    }
                }
                _ => forward.jumps.push(jump),
            }
        }
    }

    fn label_branch(
        &mut self,
        jumps: &mut Jumps,
        block: usize,
        forward: &mut Forward,
        s: StmtId,
        kind: BranchKind,
        name: Symbol,
    ) {
        let Some((_, pos)) = self.jump_label(s) else { return };
        match kind {
            BranchKind::Break | BranchKind::Continue => {
                let target = enclosing_target(self, jumps, block, name);
                let is_loop = matches!(target, Some(StmtKind::For { .. } | StmtKind::Range { .. }));
                let breakable = matches!(
                    target,
                    Some(
                        StmtKind::Switch { .. }
                            | StmtKind::TypeSwitch { .. }
                            | StmtKind::Select { .. }
                    )
                );
                if kind == BranchKind::Break && !is_loop && !breakable {
                    self.error(pos, format!("invalid break label {name}"));
                    return;
                }
                if kind == BranchKind::Continue && !is_loop {
                    self.error(pos, format!("invalid continue label {name}"));
                    return;
                }
            }
            BranchKind::Goto => {
                if !is_goto_target(jumps, block, name) {
                    forward.jumps.push(s);
                    return;
                }
            }
            BranchKind::Fallthrough => {
                self.error(pos, "fallthrough cannot have a label");
                return;
            }
        }
        if let Some(label) = jumps.all.get_mut(&name) {
            label.used = true;
        }
    }
}

/// Whether a label of that name was declared in this block or one around it.
fn is_goto_target(jumps: &Jumps, block: usize, name: Symbol) -> bool {
    let mut at = Some(block);
    while let Some(b) = at {
        let b = &jumps.blocks[b];
        if b.labels.iter().any(|l| l.0 == name) {
            return true;
        }
        at = b.parent;
    }
    false
}

/// What the enclosing statement of that label is.
fn enclosing_target(
    c: &Checker<'_>,
    jumps: &Jumps,
    block: usize,
    name: Symbol,
) -> Option<StmtKind> {
    let mut at = Some(block);
    while let Some(b) = at {
        let b = &jumps.blocks[b];
        if let Some(labeled) = b.labeled
            && let StmtKind::Labeled { label, stmt } = c.ast().stmt(labeled).kind
            && label.name == name
        {
            return Some(c.ast().stmt(stmt).kind);
        }
        at = b.parent;
    }
    None
}
