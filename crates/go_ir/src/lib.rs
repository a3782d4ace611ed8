//! Checked Go to a control-flow graph in SSA form, with maps, channels, locks and goroutines as
//! explicit operations. See [`ir`] for the table of instructions.

pub mod cfg;
pub mod ir;
mod operands;
#[cfg(test)]
mod testing;

pub use cfg::{BlockSet, Cfg, Loop, LoopId};
pub use ir::{
    Block, BlockId, CallInfo, Callee, Func, FuncId, FuncKind, Instr, LockOp, Op, Program,
    SelectCase, Terminator, ValueId,
};
