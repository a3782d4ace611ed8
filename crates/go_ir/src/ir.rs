//! The intermediate representation: one control-flow graph per function, values in SSA form,
//! with maps, channels, locks and goroutines as operations of their own.
//!
//! | group | operations |
//! |---|---|
//! | leaves | `Param` `FreeVar` `Const` `Zero` `Global` `Func` |
//! | memory | `Alloc` `Load` `Store` `FieldAddr` `Field` `IndexAddr` `Index` |
//! | values | `Phi` `Extract` `Unary` `Binary` `Convert` `MakeInterface` `TypeAssert` `MakeClosure` `BoundMethod` `MakeSlice` `SliceExpr` |
//! | maps | `MakeMap` `MapLookup` `MapUpdate` `MapDelete` `MapClear` `MapLen` `MapRange` `StringRange` `RangeNext` |
//! | channels | `MakeChan` `Send` `Recv` `Close` `Select` |
//! | locks | `Lock` (with a [`LockOp`]) |
//! | calls | `Call` `Go` `Defer` `RunDefers` `Recover` `BuiltinCall` |
//! | ends of blocks | [`Terminator`] |
//!
//! A variable that is captured by a closure or whose address is taken is an `Alloc` with loads
//! and stores; every other local is a chain of values joined by `Phi`s. A free variable's value
//! is the *address* of the captured variable's `Alloc`. A struct or array literal is an `Alloc`
//! with a store per element, loaded at the end when the literal is a value. Range over a function
//! is a call of it with the loop body as a closure.
//!
//! Generic functions are lowered once, with their type parameters in place.

use base::{IndexVec, define_id};
use go_syntax::ast::{BinaryOp, UnaryOp};
use go_types::{BuiltinId, ConstValue, ObjId, PkgId, TypeId};
use smallvec::SmallVec;
use source::FileSpan;

define_id! {
    /// A function of a [`Program`].
    pub struct FuncId;
}
define_id! {
    /// A basic block of a function.
    pub struct BlockId;
}
define_id! {
    /// An instruction of a function, and the value that it yields.
    pub struct ValueId;
}

/// The functions lowered so far.
#[derive(Debug, Default)]
pub struct Program {
    /// All functions: declared ones, function literals, package initialisers.
    pub funcs: IndexVec<FuncId, Func>,
    /// Declared functions and methods by object (the origin, for methods of instances).
    pub by_obj: base::FxHashMap<ObjId, FuncId>,
    /// The synthetic initialiser of each package: variable initialisers in order, then `init`s.
    pub inits: base::FxHashMap<PkgId, FuncId>,
    /// Functions that are missing because lowering them panicked, with what the panic said.
    pub crashes: Vec<(String, String)>,
}

/// Where a function comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FuncKind {
    /// A `func` declaration.
    Declared,
    /// A function literal.
    Literal,
    /// The initialiser of a package.
    PackageInit,
    /// The body of a range-over-func loop.
    RangeBody,
}

/// A function.
#[derive(Debug)]
pub struct Func {
    /// As stack traces and `TypeString` users know it: `example.com/hub.(*Hub).Add`, with
    /// `.func1` and so on for literals.
    pub name: String,
    /// What sort of function it is.
    pub kind: FuncKind,
    /// The declared function.
    pub obj: Option<ObjId>,
    /// The function around a literal.
    pub parent: Option<FuncId>,
    /// Its package.
    pub pkg: PkgId,
    /// Its signature.
    pub sig: TypeId,
    /// Its bytes in the source.
    pub span: FileSpan,
    /// `Param` values, the receiver first.
    pub params: Vec<ValueId>,
    /// Captured variables, in the order of `FreeVar` numbers and `MakeClosure` bindings.
    pub free_vars: Vec<ObjId>,
    /// Blocks; the first is the entry. A `defer`red recovery resumes at `recover_block`.
    pub blocks: IndexVec<BlockId, Block>,
    /// Instructions. Each stands in exactly one block.
    pub values: IndexVec<ValueId, Instr>,
    /// Where control goes after a recovered panic: it returns the named results.
    pub recover_block: Option<BlockId>,
    /// Whether there is no body (implemented elsewhere, or not checked).
    pub external: bool,
    /// Whether the function belongs to a `_test.go` file.
    pub is_test: bool,
}

/// A basic block.
#[derive(Debug)]
pub struct Block {
    /// Instructions in order, `Phi`s first.
    pub instrs: Vec<ValueId>,
    /// How it ends.
    pub term: Terminator,
    /// Blocks that lead here, in the order of `Phi` operands.
    pub preds: SmallVec<[BlockId; 2]>,
}

/// The end of a block.
#[derive(Clone, Debug)]
pub enum Terminator {
    /// Go on there.
    Jump(BlockId),
    /// Go one way or the other.
    If {
        /// A boolean.
        cond: ValueId,
        /// When true.
        then: BlockId,
        /// When false.
        els: BlockId,
    },
    /// Leave the function. `RunDefers` has run before, when there are any, as before a `Panic`.
    Return(SmallVec<[ValueId; 2]>),
    /// `panic(v)`
    Panic(ValueId),
    /// Control does not get here (after `os.Exit`-like calls, `select {}`, endless loops).
    Unreachable,
}

/// An instruction.
#[derive(Clone, Debug)]
pub struct Instr {
    /// What it does.
    pub op: Op,
    /// The type of its value; `None` when it yields none.
    pub ty: Option<TypeId>,
    /// The expression or statement that it was made from.
    pub span: FileSpan,
    /// The block that it stands in.
    pub block: BlockId,
}

/// What is called.
#[derive(Clone, Debug)]
pub enum Callee {
    /// A declared function or method, known statically. Methods take the receiver as first
    /// argument. `obj` is the origin for an instance of a generic.
    Static {
        /// Which one.
        obj: ObjId,
        /// Type arguments of the call, for generic functions.
        targs: SmallVec<[TypeId; 2]>,
    },
    /// A method of an interface; the receiver is the first argument.
    Interface {
        /// The interface's method.
        method: ObjId,
    },
    /// A function value.
    Value(ValueId),
}

/// A call, whichever way it is run.
#[derive(Clone, Debug)]
pub struct CallInfo {
    /// What is called.
    pub callee: Callee,
    /// Arguments, receiver first. Variadic arguments are already packed into a slice.
    pub args: SmallVec<[ValueId; 4]>,
    /// Whether the packed slice was made for this call (elements are the stores into its
    /// `Alloc`), rather than passed with `...`.
    pub packed: bool,
}

/// Operations on `sync.Mutex` and `sync.RWMutex` (and on `sync.Locker`, as `Lock`/`Unlock`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub enum LockOp {
    Lock,
    Unlock,
    RLock,
    RUnlock,
    /// Yields a bool: whether the lock was taken.
    TryLock,
    TryRLock,
}

/// One case of a select.
#[derive(Clone, Debug)]
pub struct SelectCase {
    /// The channel.
    pub chan: ValueId,
    /// The value sent; `None` for a receive.
    pub send: Option<ValueId>,
    /// The case's bytes.
    pub span: FileSpan,
}

/// What an instruction does.
#[derive(Clone, Debug)]
pub enum Op {
    /// The `n`th parameter, receiver first.
    Param(u32),
    /// The address of the `n`th captured variable.
    FreeVar(u32),
    /// A constant.
    Const(ConstValue),
    /// The zero value of the instruction's type (`nil` included).
    Zero,
    /// The address of a package-level variable.
    Global(ObjId),
    /// A declared function as a value.
    Func(ObjId),

    /// A new variable; yields its address. One execution, one variable: inside a loop each
    /// round makes a new one. `var` is the source variable, if it has a name.
    Alloc {
        /// The variable.
        var: Option<ObjId>,
    },
    /// `*addr`
    Load(ValueId),
    /// `*addr = value`
    Store {
        /// Address.
        addr: ValueId,
        /// Value.
        value: ValueId,
    },
    /// `&base.field`, where `base` is a pointer to a struct. Embedding is spelled out: one
    /// `FieldAddr` (and `Load`, for an embedded pointer) per level.
    FieldAddr {
        /// Pointer to the struct.
        base: ValueId,
        /// Number of the field.
        index: u32,
        /// The field (its origin, for instances).
        field: ObjId,
    },
    /// `base.field` of a struct value that has no address.
    Field {
        /// The struct.
        base: ValueId,
        /// Number of the field.
        index: u32,
        /// The field (its origin, for instances).
        field: ObjId,
    },
    /// `&base[index]` of a slice or pointer to array.
    IndexAddr {
        /// Slice or pointer.
        base: ValueId,
        /// Index.
        index: ValueId,
    },
    /// `base[index]` of a string or array value.
    Index {
        /// String or array.
        base: ValueId,
        /// Index.
        index: ValueId,
    },

    /// Joins values, one per predecessor of the block.
    Phi(SmallVec<[ValueId; 2]>),
    /// The `index`th part of a tuple: of a call with several results, of a comma-ok form
    /// (value 0, ok 1), of `RangeNext` (ok 0, key 1, value 2), of `Select` (chosen 0, ok 1,
    /// then one value per receive case).
    Extract {
        /// The tuple.
        tuple: ValueId,
        /// Which part.
        index: u32,
    },
    /// `op x`; a receive is `Recv`, an address is the operand's own.
    Unary {
        /// Operator.
        op: UnaryOp,
        /// Operand.
        x: ValueId,
    },
    /// `x op y`; `&&` and `||` are control flow.
    Binary {
        /// Operator.
        op: BinaryOp,
        /// Left.
        x: ValueId,
        /// Right.
        y: ValueId,
    },
    /// A conversion between non-interface types, or of one interface to another.
    Convert(ValueId),
    /// A concrete value becomes an interface value.
    MakeInterface(ValueId),
    /// `x.(T)`, the type being the instruction's (in a tuple with a bool for comma-ok).
    TypeAssert {
        /// The interface value.
        x: ValueId,
        /// Whether this is the two-valued form.
        comma_ok: bool,
    },
    /// A function literal with its captured variables' addresses.
    MakeClosure {
        /// The literal.
        func: FuncId,
        /// Addresses, parallel to [`Func::free_vars`].
        bindings: SmallVec<[ValueId; 4]>,
    },
    /// The method value `recv.method`. `recv` is what the method receives (already addressed or
    /// dereferenced), or an interface value.
    BoundMethod {
        /// Receiver.
        recv: ValueId,
        /// The method (its origin, for instances).
        method: ObjId,
    },
    /// `make([]T, len, cap)`
    MakeSlice {
        /// Length.
        len: ValueId,
        /// Capacity.
        cap: Option<ValueId>,
    },
    /// `x[lo:hi:max]`; `x` is a string, a slice or a pointer to array.
    SliceExpr {
        /// Operand.
        x: ValueId,
        /// `lo`, `hi` and `max`, as far as they are there.
        bounds: [Option<ValueId>; 3],
    },

    /// `make(map[K]V)` or a map literal (whose elements follow as `MapUpdate`s).
    MakeMap,
    /// `m[k]`
    MapLookup {
        /// The map.
        map: ValueId,
        /// The key.
        key: ValueId,
        /// Whether this is the two-valued form.
        comma_ok: bool,
    },
    /// `m[k] = v`; for `m[k] += v` a `MapLookup` comes first. `literal`: part of a map literal.
    MapUpdate {
        /// The map.
        map: ValueId,
        /// The key.
        key: ValueId,
        /// The element.
        value: ValueId,
        /// Whether it initialises a literal.
        literal: bool,
    },
    /// `delete(m, k)`
    MapDelete {
        /// The map.
        map: ValueId,
        /// The key.
        key: ValueId,
    },
    /// `clear(m)`
    MapClear(ValueId),
    /// `len(m)`
    MapLen(ValueId),
    /// Starts `range m`; yields an iterator.
    MapRange(ValueId),
    /// The next round of an iterator (of a `MapRange`, or a string's `Range`): (ok, key, value).
    RangeNext(ValueId),
    /// Starts `range s` over a string.
    StringRange(ValueId),

    /// `make(chan T, n)`
    MakeChan(Option<ValueId>),
    /// `ch <- v`
    Send {
        /// The channel.
        chan: ValueId,
        /// The value.
        value: ValueId,
    },
    /// `<-ch`, also each round of `range ch`.
    Recv {
        /// The channel.
        chan: ValueId,
        /// Whether this is the two-valued form.
        comma_ok: bool,
    },
    /// `close(ch)`
    Close(ValueId),
    /// A select: yields (index of the chosen case, ok, received values…). `blocking` is false
    /// when there is a default, whose index is -1.
    Select {
        /// The cases but for default.
        cases: Vec<SelectCase>,
        /// Whether there is no default.
        blocking: bool,
    },

    /// A mutex operation; `addr` is the address of the mutex (or the `sync.Locker`).
    Lock {
        /// Which operation.
        op: LockOp,
        /// The mutex.
        addr: ValueId,
        /// Whether the operation is deferred: it happens at `RunDefers`.
        deferred: bool,
    },

    /// A call that returns here.
    Call(CallInfo),
    /// `go f(x)`
    Go(CallInfo),
    /// `defer f(x)`
    Defer(CallInfo),
    /// Runs what was deferred, last first.
    RunDefers,
    /// `recover()`
    Recover,
    /// A built-in function that has no operation of its own.
    BuiltinCall {
        /// Which one.
        id: BuiltinId,
        /// Arguments; a type argument has no value and is left out.
        args: SmallVec<[ValueId; 3]>,
    },
    /// Something that the front end could not make sense of: any value, no effect.
    Unknown,
}

impl Func {
    /// The instruction of a value.
    #[inline]
    pub fn instr(&self, v: ValueId) -> &Instr {
        &self.values[v]
    }
    /// The entry block.
    pub fn entry(&self) -> BlockId {
        <BlockId as base::Id>::from_index(0)
    }
    /// Where control can go from a block.
    pub fn succs(&self, b: BlockId) -> SmallVec<[BlockId; 2]> {
        match &self.blocks[b].term {
            Terminator::Jump(to) => SmallVec::from_slice(&[*to]),
            Terminator::If { then, els, .. } => SmallVec::from_slice(&[*then, *els]),
            Terminator::Return(_) | Terminator::Panic(_) | Terminator::Unreachable => {
                SmallVec::new()
            }
        }
    }
}
