//! Small functions made by hand, for tests of the passes that need no Go source.

use base::{Id, IndexVec};
use go_types::{PkgId, TypeId};
use smallvec::SmallVec;
use source::{FileId, FileSpan, Span};

use crate::ir::{Block, BlockId, Func, FuncKind, Instr, Op, Terminator, ValueId};

/// A function whose `i`th block leads to the blocks `edges[i]` (two at most).
pub fn func_of_edges(edges: &[&[usize]]) -> Func {
    let file = FileId::from_index(0);
    let span = FileSpan { file, span: Span::default() };
    let mut values: IndexVec<ValueId, Instr> = IndexVec::new();
    let mut blocks: IndexVec<BlockId, Block> = IndexVec::new();
    for targets in edges {
        let block = BlockId::from_index(blocks.len());
        let to: Vec<BlockId> = targets.iter().map(|&t| BlockId::from_index(t)).collect();
        let mut instrs = Vec::new();
        let term = match to[..] {
            [] => Terminator::Return(SmallVec::new()),
            [a] => Terminator::Jump(a),
            [then, els, ..] => {
                let ty = Some(TypeId::from_index(0));
                let cond = values.push(Instr { op: Op::Zero, ty, span, block });
                instrs.push(cond);
                Terminator::If { cond, then, els }
            }
        };
        blocks.push(Block { instrs, term, preds: SmallVec::new() });
    }
    for (from, targets) in edges.iter().enumerate() {
        for &to in *targets {
            blocks[BlockId::from_index(to)].preds.push(BlockId::from_index(from));
        }
    }
    Func {
        name: "p.f".to_owned(),
        kind: FuncKind::Declared,
        obj: None,
        parent: None,
        pkg: PkgId::from_index(0),
        sig: TypeId::from_index(0),
        span,
        params: Vec::new(),
        free_vars: Vec::new(),
        blocks,
        values,
        recover_block: None,
        external: false,
        is_test: false,
    }
}
