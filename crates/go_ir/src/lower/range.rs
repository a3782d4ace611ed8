//! `for … range`, over everything that can be ranged over.

use base::{Symbol, sym};
use go_syntax::ast::{BinaryOp, ExprId, RangeClause, StmtId};
use go_types::{Basic, BuiltinId, ConstValue, ObjId, Object, Type, TypeId, VarKind};
use smallvec::{SmallVec, smallvec};
use source::FileSpan;

use super::Lowerer;
use super::jump::{Exit, Target};
use crate::ir::{BlockId, CallInfo, FuncKind, Op, ValueId};

/// What a round of a counting loop takes its value from.
enum Elements {
    /// None is wanted, or there are none (`range 10`).
    None,
    /// A slice, or a pointer to an array.
    Memory(ValueId),
    /// An array value.
    Array(ValueId),
}

/// The blocks of a loop.
#[derive(Clone, Copy)]
struct Blocks {
    head: BlockId,
    inside: BlockId,
    cont: BlockId,
    done: BlockId,
}

impl Lowerer<'_> {
    pub(super) fn range_stmt(&mut self, clause: RangeClause, body: StmtId, label: Option<Symbol>) {
        let ty = self.type_of(clause.x);
        let span = self.span(clause.x);
        if self.facts.range_bodies.contains(&body) {
            return self.range_func(clause, body, label);
        }
        if clause.define && !self.is_per_round() {
            for e in [clause.key, clause.value].into_iter().flatten() {
                if let Some(obj) = self.defined_by(e) {
                    self.declare_zero(obj, self.span(e));
                }
            }
        }
        let int = self.int_type();
        match *self.core_type(ty) {
            Type::Map { key, elem } => {
                let map = self.expr(clause.x);
                let iter = self.emit(Op::MapRange(map), ty, span);
                self.iterate(iter, [key, elem], clause, body, label);
            }
            Type::Chan { elem, .. } => self.range_chan(elem, clause, body, label),
            Type::Basic(b) if matches!(b, Basic::String | Basic::UntypedString) => {
                let text = self.expr(clause.x);
                let iter = self.emit(Op::StringRange(text), ty, span);
                let rune = self.store.basic(Basic::Rune);
                self.iterate(iter, [int, rune], clause, body, label);
            }
            Type::Basic(b) if b != Basic::Invalid => {
                // The variable has the type of the count, or gives its type to a constant one.
                let counted = clause.key.and_then(|k| self.var_type(k)).unwrap_or(ty);
                let count = self.expr_to(clause.x, counted);
                self.count(count, counted, Elements::None, int, clause, body, label);
            }
            Type::Slice(elem) => {
                let slice = self.expr(clause.x);
                let op = Op::BuiltinCall { id: BuiltinId::Len, args: smallvec![slice] };
                let len = self.emit(op, int, span);
                self.count(len, int, Elements::Memory(slice), elem, clause, body, label);
            }
            Type::Array { elem, len } => {
                // The array is copied before the loop, if its values are wanted.
                let place = self.place(clause.x);
                let elements = match clause.value {
                    Some(_) => Elements::Array(self.load(place, span)),
                    None => Elements::None,
                };
                let len = self.int_const(len, span);
                self.count(len, int, elements, elem, clause, body, label);
            }
            Type::Pointer(array) => {
                let pointer = self.expr(clause.x);
                let (elem, len) = match *self.core_type(array) {
                    Type::Array { elem, len } => (elem, len),
                    _ => (self.store.invalid(), 0),
                };
                let len = self.int_const(len, span);
                self.count(len, int, Elements::Memory(pointer), elem, clause, body, label);
            }
            _ => {
                let unknown = self.expr(clause.x);
                let invalid = self.store.invalid();
                let iter = self.emit(Op::Convert(unknown), invalid, span);
                self.iterate_unknown(iter, clause, body, label);
            }
        }
    }

    fn var_type(&self, e: ExprId) -> Option<TypeId> {
        match self.obj_of(e) {
            Some(obj) if !self.store.obj(obj).name.is_blank() => self.store.obj(obj).typ.get(),
            _ => self.file.type_of(e),
        }
    }

    fn blocks(&mut self) -> Blocks {
        let [head, inside, cont, done] = [(); 4].map(|()| self.f.ssa.new_block());
        self.f.ssa.jump(head);
        self.f.ssa.switch_to(head);
        Blocks { head, inside, cont, done }
    }

    fn finish_loop(&mut self, b: Blocks) {
        self.f.ssa.jump_on(b.head);
        self.f.ssa.seal(b.head);
        self.f.ssa.switch_to_sealed(b.done);
    }

    /// A loop that counts from 0 to `len`, of type `counted`.
    #[expect(clippy::too_many_arguments, reason = "the parts of one loop")]
    fn count(
        &mut self,
        len: ValueId,
        counted: TypeId,
        elements: Elements,
        elem: TypeId,
        clause: RangeClause,
        body: StmtId,
        label: Option<Symbol>,
    ) {
        let span = self.span(clause.x);
        let counter = self.f.ssa.new_var(counted, span);
        let zero = self.emit(Op::Const(ConstValue::Int(0)), counted, span);
        self.f.ssa.write(counter, zero);
        let b = self.blocks();
        let index = self.f.ssa.read(counter);
        let less = Op::Binary { op: BinaryOp::Lt, x: index, y: len };
        let cond = self.emit(less, self.bool_type(), span);
        self.f.ssa.branch(cond, b.inside, b.done);
        self.f.ssa.switch_to_sealed(b.inside);
        let value = clause.value.map(|e| (self.is_blank(e), elements)).and_then(|(blank, from)| {
            let pointer = self.pointer_to(elem);
            match from {
                _ if blank => None,
                Elements::None => None,
                Elements::Memory(base) => {
                    let at = self.emit(Op::IndexAddr { base, index }, pointer, span);
                    Some(self.emit(Op::Load(at), elem, span))
                }
                Elements::Array(base) => Some(self.emit(Op::Index { base, index }, elem, span)),
            }
        });
        self.bind(clause, Some(index), value);
        self.loop_rounds(b.cont, b.done, body, label);
        self.f.ssa.switch_to_sealed(b.cont);
        let one = self.emit(Op::Const(ConstValue::Int(1)), counted, span);
        let next = self.emit(Op::Binary { op: BinaryOp::Add, x: index, y: one }, counted, span);
        self.f.ssa.write(counter, next);
        self.finish_loop(b);
    }

    /// A loop over the iterator of a map or string.
    fn iterate(
        &mut self,
        iter: ValueId,
        [key, value]: [TypeId; 2],
        clause: RangeClause,
        body: StmtId,
        label: Option<Symbol>,
    ) {
        let span = self.span(clause.x);
        let bool_type = self.bool_type();
        let tuple_type = self.tuple_of(&[bool_type, key, value]);
        let b = self.blocks();
        let next = self.emit(Op::RangeNext(iter), tuple_type, span);
        let ok = self.extract(next, 0, bool_type, span);
        self.f.ssa.branch(ok, b.inside, b.done);
        self.f.ssa.switch_to_sealed(b.inside);
        let key = clause.key.map(|e| self.extract(next, 1, key, self.span(e)));
        let value = clause.value.map(|e| self.extract(next, 2, value, self.span(e)));
        self.bind(clause, key, value);
        self.loop_rounds(b.cont, b.done, body, label);
        self.f.ssa.switch_to_sealed(b.cont);
        self.finish_loop(b);
    }

    fn iterate_unknown(
        &mut self,
        of: ValueId,
        clause: RangeClause,
        body: StmtId,
        label: Option<Symbol>,
    ) {
        let span = self.span(clause.x);
        let invalid = self.value_type(of);
        let b = self.blocks();
        let more = self.unknown(self.bool_type(), span);
        self.f.ssa.branch(more, b.inside, b.done);
        self.f.ssa.switch_to_sealed(b.inside);
        let key = clause.key.map(|e| self.unknown(invalid, self.span(e)));
        let value = clause.value.map(|e| self.unknown(invalid, self.span(e)));
        self.bind(clause, key, value);
        self.loop_rounds(b.cont, b.done, body, label);
        self.f.ssa.switch_to_sealed(b.cont);
        self.finish_loop(b);
    }

    fn range_chan(
        &mut self,
        elem: TypeId,
        clause: RangeClause,
        body: StmtId,
        label: Option<Symbol>,
    ) {
        let span = self.span(clause.x);
        let chan = self.expr(clause.x);
        let bool_type = self.bool_type();
        let tuple_type = self.tuple_of(&[elem, bool_type]);
        let b = self.blocks();
        let received = self.emit(Op::Recv { chan, comma_ok: true }, tuple_type, span);
        let ok = self.extract(received, 1, bool_type, span);
        self.f.ssa.branch(ok, b.inside, b.done);
        self.f.ssa.switch_to_sealed(b.inside);
        let value = clause.key.map(|e| self.extract(received, 0, elem, self.span(e)));
        self.bind(clause, value, None);
        self.loop_rounds(b.cont, b.done, body, label);
        self.f.ssa.switch_to_sealed(b.cont);
        self.finish_loop(b);
    }

    fn is_blank(&self, e: ExprId) -> bool {
        matches!(self.ast.expr(e).kind, go_syntax::ast::ExprKind::Ident(n) if n.is_blank())
    }

    /// Gives the variables of a round their values.
    fn bind(&mut self, clause: RangeClause, key: Option<ValueId>, value: Option<ValueId>) {
        for (e, v) in [(clause.key, key), (clause.value, value)] {
            let (Some(e), Some(v)) = (e, v) else { continue };
            let span = self.span(e);
            if !clause.define {
                let target = self.target(e);
                let v = match self.target_type(&target) {
                    Some(ty) => self.coerce(v, ty, span),
                    None => v,
                };
                self.assign(&target, v, span);
            } else if let Some(obj) = self.defined_by(e) {
                let in_closure = self.f.kind == FuncKind::RangeBody && !self.declared_here(obj);
                if self.is_per_round() || in_closure {
                    self.declare(obj, v, span);
                } else {
                    self.write_var(obj, v, span);
                }
            }
        }
    }

    fn declared_here(&self, obj: ObjId) -> bool {
        self.f.slots.contains_key(&obj)
    }

    /// A call of the iterator function with the body as a closure.
    fn range_func(&mut self, clause: RangeClause, body: StmtId, label: Option<Symbol>) {
        let span = self.span(clause.x);
        let ty = self.type_of(clause.x);
        let yield_type = self
            .signature(ty)
            .and_then(|sig| sig.params.first().copied())
            .map_or_else(|| self.store.invalid(), |p| self.obj_type(p));
        let yield_params: Vec<ObjId> =
            self.signature(yield_type).map(|sig| sig.params.to_vec()).unwrap_or_default();
        let mut args: SmallVec<[ValueId; 4]> = SmallVec::new();
        let callee = self.callee(clause.x, &mut args);
        let flag = self.exit_flag(span);

        let name = self.range_body_name();
        self.enter_func(FuncKind::RangeBody, name, yield_type, self.stmt_span(body));
        self.f.body = Some(body);
        self.f.exit_flag = Some(flag);
        let target = Target { label, brk: Exit::Yield(false), cont: Some(Exit::Yield(true)) };
        self.f.targets.push(target);
        let params: Vec<ValueId> = (0u32..)
            .zip(&yield_params)
            .map(|(i, &p)| self.emit(Op::Param(i), self.obj_type(p), span))
            .collect();
        self.f.params.clone_from(&params);
        self.bind(clause, params.first().copied(), params.get(1).copied());
        self.stmt(body);
        if !self.f.ssa.is_done() {
            self.yield_result(true, span);
        }
        let exits = std::mem::take(&mut self.f.exits);
        let closure = self.leave_func(yield_type, self.stmt_span(body));

        args.push(closure);
        self.effect(Op::Call(CallInfo { callee, args, packed: false }), span);
        self.take_exits(flag, &exits, span);
    }

    /// A variable that says how a range-over-func loop was left; 0 when it ran to its end.
    fn exit_flag(&mut self, span: FileSpan) -> ObjId {
        let place = Some((span.file, span.span.start));
        let (pkg, int) = (Some(self.info.pkg), Some(self.int_type()));
        let flag = self.store.new_obj(Object::var(VarKind::Local, sym::EMPTY, pkg, place, int));
        self.facts.in_memory.insert(flag);
        self.declare_zero(flag, span);
        flag
    }
}
