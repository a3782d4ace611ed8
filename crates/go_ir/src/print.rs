//! The IR as text, one instruction a line: for people, and for snapshot tests. The same function
//! always prints the same.
//!
//! ```text
//! func p.(*Hub).Add(t0, t1)
//! b0:
//!     t0 = param 0 : *p.Hub
//!     t1 = param 1 : string
//!     t2 = fieldaddr t0.clients : *map[string]int
//!     t3 = load t2 : map[string]int
//!     t4 = const 1 : int
//!     mapupdate t3[t1] = t4
//!     return
//! ```

use std::fmt::Write;

use base::Id;
use go_syntax::ast::{BinaryOp, UnaryOp};
use go_types::{ConstValue, ObjId, Store, type_string};

use crate::ir::{
    BlockId, CallInfo, Callee, Func, FuncKind, LockOp, Op, Program, Terminator, ValueId,
};

/// Longest text of a constant that is printed whole.
const MAX_CONST: usize = 40;

/// A function as text, with a line break at the end.
pub fn print_func(store: &Store, func: &Func) -> String {
    let mut p = Printer { store, func, out: String::new() };
    p.func();
    p.out
}

/// All functions of a program that `wanted` picks, in order, with an empty line between two.
pub fn print_program(store: &Store, program: &Program, wanted: impl Fn(&Func) -> bool) -> String {
    let texts: Vec<String> =
        program.funcs.iter().filter(|f| wanted(f)).map(|f| print_func(store, f)).collect();
    texts.join("\n")
}

struct Printer<'a> {
    store: &'a Store,
    func: &'a Func,
    out: String,
}

impl Printer<'_> {
    fn func(&mut self) {
        let f = self.func;
        let params: Vec<String> = f.params.iter().map(|&v| value(v)).collect();
        self.out += &format!("func {}({})", f.name, params.join(", "));
        if f.kind == FuncKind::RangeBody {
            self.out += " rangebody";
        }
        if !f.free_vars.is_empty() {
            let names: Vec<&str> = f.free_vars.iter().map(|&o| self.name(o)).collect();
            self.out += &format!(" captures {}", names.join(", "));
        }
        if f.external {
            self.out += " external\n";
            return;
        }
        self.out.push('\n');
        for b in f.blocks.ids() {
            self.block(b);
        }
    }

    fn block(&mut self, id: BlockId) {
        let block = &self.func.blocks[id];
        self.out += &format!("{}:", label(id));
        if self.func.recover_block == Some(id) {
            self.out += " ; recover";
        } else if !block.preds.is_empty() {
            let preds: Vec<String> = block.preds.iter().map(|&p| label(p)).collect();
            self.out += &format!(" ; from {}", preds.join(" "));
        }
        self.out.push('\n');
        for &v in &block.instrs {
            let instr = self.func.instr(v);
            self.out += "    ";
            if instr.ty.is_some() {
                self.out += &format!("{} = ", value(v));
            }
            self.op(&instr.op);
            if let Some(ty) = instr.ty {
                self.out += &format!(" : {}", type_string(self.store, ty));
            }
            self.out.push('\n');
        }
        let end = match &block.term {
            Terminator::Jump(to) => format!("jump {}", label(*to)),
            Terminator::If { cond, then, els } => {
                format!("if {} then {} else {}", value(*cond), label(*then), label(*els))
            }
            Terminator::Return(vs) if vs.is_empty() => "return".to_owned(),
            Terminator::Return(vs) => format!("return {}", list(vs)),
            Terminator::Panic(v) => format!("panic {}", value(*v)),
            Terminator::Unreachable => "unreachable".to_owned(),
        };
        self.out += &format!("    {end}\n");
    }

    fn op(&mut self, op: &Op) {
        let text = match op {
            Op::Param(n) => format!("param {n}"),
            Op::FreeVar(n) => {
                let name = self.func.free_vars.get(*n as usize).map_or("?", |&o| self.name(o));
                format!("freevar {name}")
            }
            Op::Const(c) => format!("const {}", constant(c)),
            Op::Zero => "zero".to_owned(),
            Op::Global(o) => format!("global {}", self.qualified(*o)),
            Op::Func(o) => format!("func {}", self.qualified(*o)),
            Op::Alloc { var: Some(o) } => format!("alloc {}", self.name(*o)),
            Op::Alloc { var: None } => "alloc".to_owned(),
            Op::Load(v) => format!("load {}", value(*v)),
            Op::Store { addr, value: v } => format!("store {} = {}", value(*addr), value(*v)),
            Op::FieldAddr { base, field, .. } => {
                format!("fieldaddr {}.{}", value(*base), self.name(*field))
            }
            Op::Field { base, field, .. } => {
                format!("field {}.{}", value(*base), self.name(*field))
            }
            Op::IndexAddr { base, index } => {
                format!("indexaddr {}[{}]", value(*base), value(*index))
            }
            Op::Index { base, index } => format!("index {}[{}]", value(*base), value(*index)),
            Op::Phi(vs) => self.phi(vs),
            Op::Extract { tuple, index } => format!("extract {} #{index}", value(*tuple)),
            Op::Unary { op, x } => format!("{}{}", unary(*op), value(*x)),
            Op::Binary { op, x, y } => format!("{} {} {}", value(*x), binary(*op), value(*y)),
            Op::Convert(v) => format!("convert {}", value(*v)),
            Op::MakeInterface(v) => format!("makeinterface {}", value(*v)),
            Op::TypeAssert { x, comma_ok } => format!("typeassert{} {}", ok(*comma_ok), value(*x)),
            Op::MakeClosure { func, bindings } => {
                // The number of a function says nothing to a reader; its bindings do.
                let _ = func;
                format!("closure [{}]", list(bindings))
            }
            Op::BoundMethod { recv, method } => {
                format!("boundmethod {}.{}", value(*recv), self.name(*method))
            }
            Op::MakeSlice { len, cap: None } => format!("makeslice {}", value(*len)),
            Op::MakeSlice { len, cap: Some(cap) } => {
                format!("makeslice {}, {}", value(*len), value(*cap))
            }
            Op::SliceExpr { x, bounds } => {
                let bound = |b: &Option<ValueId>| b.map_or_else(String::new, value);
                let shown: Vec<String> = bounds.iter().map(bound).collect();
                format!("slice {}[{}]", value(*x), shown.join(":").trim_end_matches(':'))
            }
            Op::MakeMap => "makemap".to_owned(),
            Op::MapLookup { map, key, comma_ok } => {
                format!("maplookup{} {}[{}]", ok(*comma_ok), value(*map), value(*key))
            }
            Op::MapUpdate { map, key, value: v, literal } => {
                let literal = if *literal { " literal" } else { "" };
                format!("mapupdate{literal} {}[{}] = {}", value(*map), value(*key), value(*v))
            }
            Op::MapDelete { map, key } => format!("mapdelete {}[{}]", value(*map), value(*key)),
            Op::MapClear(v) => format!("mapclear {}", value(*v)),
            Op::MapLen(v) => format!("maplen {}", value(*v)),
            Op::MapRange(v) => format!("maprange {}", value(*v)),
            Op::RangeNext(v) => format!("rangenext {}", value(*v)),
            Op::StringRange(v) => format!("stringrange {}", value(*v)),
            Op::MakeChan(None) => "makechan".to_owned(),
            Op::MakeChan(Some(n)) => format!("makechan {}", value(*n)),
            Op::Send { chan, value: v } => format!("send {} <- {}", value(*chan), value(*v)),
            Op::Recv { chan, comma_ok } => format!("recv{} {}", ok(*comma_ok), value(*chan)),
            Op::Close(v) => format!("close {}", value(*v)),
            Op::Select { cases, blocking } => {
                let cases: Vec<String> = cases
                    .iter()
                    .map(|c| match c.send {
                        Some(v) => format!("{} <- {}", value(c.chan), value(v)),
                        None => format!("<-{}", value(c.chan)),
                    })
                    .collect();
                let default = if *blocking { "" } else { " default" };
                format!("select [{}]{default}", cases.join(", "))
            }
            Op::Lock { op, addr, deferred } => {
                let defer = if *deferred { "defer " } else { "" };
                format!("{defer}{} {}", lock(*op), value(*addr))
            }
            Op::Call(call) => format!("call {}", self.call(call)),
            Op::Go(call) => format!("go {}", self.call(call)),
            Op::Defer(call) => format!("defer {}", self.call(call)),
            Op::RunDefers => "rundefers".to_owned(),
            Op::Recover => "recover".to_owned(),
            Op::BuiltinCall { id, args } => {
                format!("{}({})", format!("{id:?}").to_lowercase(), list(args))
            }
            Op::Unknown => "unknown".to_owned(),
        };
        self.out += &text;
    }

    fn phi(&self, operands: &[ValueId]) -> String {
        format!("phi {}", list(operands))
    }

    fn call(&self, call: &CallInfo) -> String {
        let mut text = match &call.callee {
            Callee::Static { obj, targs } => {
                let mut name = self.qualified(*obj);
                if !targs.is_empty() {
                    let targs: Vec<String> =
                        targs.iter().map(|&t| type_string(self.store, t)).collect();
                    let _ = write!(name, "[{}]", targs.join(", "));
                }
                name
            }
            Callee::Interface { method } => format!("interface {}", self.qualified(*method)),
            Callee::Value(v) => value(*v),
        };
        let _ = write!(text, "({})", list(&call.args));
        if call.packed {
            text += " packed";
        }
        text
    }

    fn name(&self, obj: ObjId) -> &'static str {
        match self.store.obj(obj).name.as_str() {
            "" => "_",
            name => name,
        }
    }

    /// A package-level name with its package, a method with its receiver's type.
    fn qualified(&self, obj: ObjId) -> String {
        let object = self.store.obj(obj);
        let recv = object.typ.get().and_then(|t| match self.store.ty(t) {
            go_types::Type::Signature(sig) => sig.recv,
            _ => None,
        });
        if let Some(t) = recv.and_then(|r| self.store.obj(r).typ.get()) {
            return format!("({}).{}", type_string(self.store, t), object.name);
        }
        match object.pkg {
            Some(pkg) => format!("{}.{}", self.store.package(pkg).path, object.name),
            None => object.name.as_str().to_owned(),
        }
    }
}

fn value(v: ValueId) -> String {
    format!("t{}", v.index())
}

fn label(b: BlockId) -> String {
    format!("b{}", b.index())
}

fn list(vs: &[ValueId]) -> String {
    let vs: Vec<String> = vs.iter().map(|&v| value(v)).collect();
    vs.join(", ")
}

fn ok(comma_ok: bool) -> &'static str {
    if comma_ok { ",ok" } else { "" }
}

fn constant(c: &ConstValue) -> String {
    let text = c.to_string();
    match text.char_indices().nth(MAX_CONST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn lock(op: LockOp) -> &'static str {
    match op {
        LockOp::Lock => "lock",
        LockOp::Unlock => "unlock",
        LockOp::RLock => "rlock",
        LockOp::RUnlock => "runlock",
        LockOp::TryLock => "trylock",
        LockOp::TryRLock => "tryrlock",
    }
}

fn unary(op: UnaryOp) -> &'static str {
    match op {
        UnaryOp::Plus => "+",
        UnaryOp::Minus => "-",
        UnaryOp::Not => "!",
        UnaryOp::BitNot => "^",
        UnaryOp::Addr => "&",
        UnaryOp::Recv => "<-",
        UnaryOp::Tilde => "~",
    }
}

fn binary(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::LogicalOr => "||",
        BinaryOp::LogicalAnd => "&&",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Or => "|",
        BinaryOp::Xor => "^",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
        BinaryOp::Shl => "<<",
        BinaryOp::Shr => ">>",
        BinaryOp::And => "&",
        BinaryOp::AndNot => "&^",
    }
}
