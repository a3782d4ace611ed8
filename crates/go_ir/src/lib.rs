//! Checked Go to a control-flow graph in SSA form, with maps, channels, locks and goroutines as
//! explicit operations. See [`ir`] for the table of instructions.

pub mod cfg;
pub mod ir;
mod lower;
mod operands;
mod order;
mod print;
mod simplify;
mod ssa;
#[cfg(test)]
mod testing;
mod verify;

pub use cfg::{BlockSet, Cfg, Loop, LoopId};
pub use ir::{
    Block, BlockId, CallInfo, Callee, Func, FuncId, FuncKind, Instr, LockOp, Op, Program,
    SelectCase, Terminator, ValueId,
};
pub use lower::{LoweredPackage, lower_package, lower_program};
pub use order::{Gate, Gates, Order};
pub use print::{print_func, print_program};
pub use verify::verify;
