//! Checked Go to a control-flow graph in SSA form, with maps, channels, locks and goroutines as
//! explicit operations. See [`ir`] for the table of instructions.

pub mod ir;

pub use ir::{
    Block, BlockId, CallInfo, Callee, Func, FuncId, FuncKind, Instr, LockOp, Op, Program,
    SelectCase, Terminator, ValueId,
};
