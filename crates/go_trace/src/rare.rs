//! The rules of order for all types of events but the five frequent ones that `order` has itself.
//! These may stand for several events, or change what they say, so they pass through `Order::out`.

use std::sync::Arc;

use crate::event::{Event, GoState, NO_TASK, ProcState};
use crate::order::{Context, Gc, Need, Order, Raw, Step, Verdict, check};
use crate::state::{
    P_ABANDONED, P_IDLE, P_RUNNING, P_SYSCALL, RUNNABLE, RUNNING, SYSCALL, Seq, WAITING,
};
use crate::tables::Tables;
use crate::wire::EventType as E;

impl Order {
    /// [`Order::advance`] for the rest.
    #[inline(never)]
    pub(crate) fn rare(
        &mut self,
        raw: &Raw,
        cx: Context,
        thread: i64,
        tables: &mut Tables,
    ) -> Verdict {
        self.len = 0;
        let Raw { kind, time, args } = *raw;
        let (proc, goroutine) = (cx.proc, cx.goroutine);
        let event = &mut Event { kind, time, thread, proc, goroutine, args };
        let generation = self.generation;
        match kind {
            E::GO_DESTROY => {
                let at = self.running(cx, RUNNING)?;
                self.gos.remove(at, &mut self.budget);
                self.bind(cx, -1, usize::MAX);
                self.pass(event)
            }
            E::GO_SYSCALL_END_BLOCKED => {
                if event.proc != -1 {
                    let proc = self.procs.find(proc).ok_or("its processor does not exist")?;
                    if self.procs.at(proc).status == P_SYSCALL {
                        return Ok(Step::Held);
                    }
                }
                check(cx, Need::May, Need::Must)?;
                let at = self.in_syscall(cx)?;
                self.gos.at(at).status = RUNNABLE;
                self.bind(cx, -1, usize::MAX);
                self.pass(event)
            }
            E::GO_CREATE | E::GO_CREATE_BLOCKED => {
                check(cx, Need::Must, Need::May)?;
                if let Some(at) = self.current(cx)
                    && self.gos.at(at).status != RUNNING
                {
                    return Err("its goroutine is in another state");
                }
                let id = args[0] as i64;
                if self.gos.find(id).is_some() {
                    return Err("the new goroutine exists already");
                }
                let status = if kind == E::GO_CREATE { RUNNABLE } else { WAITING };
                self.gos.add(id, status, Seq(generation, 0), &mut self.budget)?;
                self.pass(event)
            }
            E::GO_CREATE_SYSCALL => {
                check(cx, Need::May, Need::No)?;
                let id = args[0] as i64;
                if self.gos.find(id).is_some() {
                    return Err("the new goroutine exists already");
                }
                let at = self.gos.add(id, SYSCALL, Seq(generation, 0), &mut self.budget)?;
                self.bind(cx, id, at);
                self.pass(event)
            }
            E::GO_DESTROY_SYSCALL => self.destroy_in_syscall(event, cx),
            E::GO_SWITCH | E::GO_SWITCH_DESTROY => self.switch(event, cx),
            E::GO_STATUS | E::GO_STATUS_STACK => self.go_status(event, cx),
            E::PROC_START => {
                let (id, seq) = (args[0] as i64, Seq(generation, args[1]));
                let Some(at) = self.procs.find(id) else { return Ok(Step::Held) };
                let state = self.procs.at(at);
                if state.status != P_IDLE || !seq.follows(state.seq) || proc != -1 {
                    return Ok(Step::Held);
                }
                check(cx, Need::No, Need::May)?;
                state.status = P_RUNNING;
                state.seq = seq;
                self.bind_proc(cx, id);
                self.pass(event)
            }
            E::PROC_STOP => {
                let at = self.procs.find(proc).ok_or("its processor does not exist")?;
                let state = self.procs.at(at);
                if state.status != P_RUNNING && state.status != P_SYSCALL {
                    return Err("its processor is in another state");
                }
                check(cx, Need::Must, Need::May)?;
                state.status = P_IDLE;
                self.bind_proc(cx, -1);
                self.pass(event)
            }
            E::PROC_STEAL => self.steal(event, cx),
            E::PROC_STATUS => self.proc_status(event, cx),
            E::PROCS_CHANGE | E::GO_LABEL | E::USER_LOG => {
                check(cx, Need::Must, Need::Must)?;
                self.pass(event)
            }
            E::HEAP_ALLOC | E::HEAP_GOAL => {
                check(cx, Need::Must, Need::May)?;
                self.pass(event)
            }
            E::STW_BEGIN | E::GC_MARK_ASSIST_BEGIN => {
                check(cx, Need::Must, Need::Must)?;
                let reason = if kind == E::STW_BEGIN { args[0] } else { 0 };
                let at = self.current(cx).ok_or("its goroutine does not exist")?;
                self.gos.at(at).open().ranges.begin(kind, reason)?;
                self.pass(event)
            }
            E::STW_END | E::GC_MARK_ASSIST_END => {
                check(cx, Need::Must, Need::Must)?;
                let at = self.current(cx).ok_or("its goroutine does not exist")?;
                let ranges = &mut self.gos.at(at).open().ranges;
                if kind == E::STW_END {
                    event.args[0] = ranges.end(E::STW_BEGIN)?;
                } else {
                    ranges.end(E::GC_MARK_ASSIST_BEGIN)?;
                }
                self.pass(event)
            }
            E::GC_MARK_ASSIST_ACTIVE => {
                let at = self.gos.find(args[0] as i64).ok_or("its goroutine does not exist")?;
                let ranges = &mut self.gos.at(at).open().ranges;
                ranges.active(E::GC_MARK_ASSIST_BEGIN, self.first)?;
                self.pass(event)
            }
            E::GC_SWEEP_BEGIN | E::GC_SWEEP_END => {
                check(cx, Need::Must, Need::May)?;
                let at = self.procs.find(proc).ok_or("its processor does not exist")?;
                let ranges = &mut self.procs.at(at).ranges;
                if kind == E::GC_SWEEP_BEGIN {
                    ranges.begin(E::GC_SWEEP_BEGIN, 0)?;
                } else {
                    ranges.end(E::GC_SWEEP_BEGIN)?;
                }
                self.pass(event)
            }
            E::GC_SWEEP_ACTIVE => {
                let at = self.procs.find(args[0] as i64).ok_or("its processor does not exist")?;
                self.procs.at(at).ranges.active(E::GC_SWEEP_BEGIN, self.first)?;
                self.pass(event)
            }
            E::GC_ACTIVE | E::GC_BEGIN | E::GC_END => self.collector(event, cx),
            E::USER_TASK_BEGIN | E::USER_TASK_END => self.task(event, cx, tables),
            E::USER_REGION_BEGIN | E::USER_REGION_END => self.region(event, cx, tables),
            kind if kind.is_experimental() && !kind.arguments().is_empty() => {
                check(cx, Need::May, Need::May)?;
                self.pass(event)
            }
            _ => Err("no event of a thread"),
        }
    }

    fn push(&mut self, event: &Event) {
        self.out[self.len] = *event;
        self.len += 1;
    }

    #[expect(clippy::unnecessary_wraps, reason = "it ends most arms of `rare`")]
    fn pass(&mut self, event: &Event) -> Verdict {
        self.push(event);
        Ok(Step::Passed)
    }

    fn in_syscall(&mut self, cx: Context) -> Result<usize, &'static str> {
        let at = self.current(cx).ok_or("its goroutine does not exist")?;
        if self.gos.at(at).status != SYSCALL {
            return Err("its goroutine is in another state");
        }
        Ok(at)
    }

    /// A goroutine of a callback from C goes away. Its thread loses its processor, too: the system
    /// may use the thread's number again.
    fn destroy_in_syscall(&mut self, event: &mut Event, cx: Context) -> Verdict {
        check(cx, Need::May, Need::Must)?;
        let at = self.in_syscall(cx)?;
        if event.proc != -1 {
            let proc = self.procs.find(event.proc).ok_or("its processor does not exist")?;
            let proc = self.procs.at(proc);
            if proc.status != P_SYSCALL {
                return Err("its processor is not in a system call");
            }
            proc.status = P_ABANDONED;
            self.bind_proc(cx, -1);
            let args = [event.proc as u64, 0, 0, u64::from(P_SYSCALL)];
            self.push(&Event { kind: E::PROC_STEAL, args, ..*event });
        }
        self.gos.remove(at, &mut self.budget);
        self.bind(cx, -1, usize::MAX);
        self.pass(event)
    }

    /// `iter.Pull` and the like: the next goroutine is woken, this one stops, the next one starts.
    fn switch(&mut self, event: &mut Event, cx: Context) -> Verdict {
        let at = self.running(cx, RUNNING)?;
        let (id, seq) = (event.args[0] as i64, Seq(self.generation, event.args[1]));
        let Some(next) = self.gos.find(id) else { return Ok(Step::Held) };
        let state = self.gos.at(next);
        if state.status != WAITING || !seq.follows(state.seq) {
            return Ok(Step::Held);
        }
        self.push(event);
        if event.kind == E::GO_SWITCH {
            self.gos.at(at).status = WAITING;
            self.push(&Event { kind: E::GO_BLOCK, args: [0; 4], ..*event });
        } else {
            self.gos.remove(at, &mut self.budget);
            self.push(&Event { kind: E::GO_DESTROY, args: [0; 4], ..*event });
        }
        let state = self.gos.at(next);
        (state.status, state.seq) = (RUNNING, seq);
        self.bind(cx, id, next);
        let args = [event.args[0], event.args[1], 0, 0];
        self.pass(&Event { kind: E::GO_START, goroutine: -1, args, ..*event })
    }

    fn go_status(&mut self, event: &mut Event, cx: Context) -> Verdict {
        let [id, of, status, _] = event.args;
        let (id, of) = (id as i64, of as i64);
        if GoState::of_status(status).is_none() {
            return Err("a goroutine state that there is not");
        }
        let seq = Seq(self.generation, 0);
        let known = self.gos.find(id);
        let at = match known {
            Some(at) => {
                let state = self.gos.at(at);
                if u64::from(state.status) != status {
                    return Err("the goroutine is in another state");
                }
                state.seq = seq;
                at
            }
            None if self.first => self.gos.add(id, status as u8, seq, &mut self.budget)?,
            None => return Err("a new goroutine's state after the first generation"),
        };
        event.args[2] = status | u64::from(known.is_some()) << 32;
        match status as u8 {
            RUNNING => self.bind(cx, id, at),
            SYSCALL if of == -1 => return Err("a system call without a thread"),
            SYSCALL if of == event.thread => {
                if !self.first && event.goroutine != id {
                    return Err("the thread of the system call has another goroutine");
                }
                self.bind(cx, id, at);
            }
            SYSCALL => {
                // Both have been in the system call all the time.
                if let Some(other) = self.threads.find(of) {
                    if self.threads.at(other).goroutine != id {
                        return Err("the thread of the system call has another goroutine");
                    }
                    event.goroutine = id;
                } else {
                    let other = self.threads.add(of, &mut self.budget)?;
                    let other = self.threads.at(other);
                    (other.goroutine, other.go) = (id, at);
                }
                event.thread = of;
            }
            _ => {}
        }
        self.pass(event)
    }

    fn proc_status(&mut self, event: &mut Event, cx: Context) -> Verdict {
        let (id, mut status) = (event.args[0] as i64, event.args[1]);
        let Some(state) = ProcState::of_status(status) else {
            return Err("a processor state that there is not");
        };
        let seq = Seq(self.generation, 0);
        let mut from = state as u64;
        let abandoned = status == u64::from(P_ABANDONED);
        let mut promoted = false;
        if let Some(at) = self.procs.find(id) {
            let proc = self.procs.at(at);
            if abandoned && proc.status == P_SYSCALL {
                // What was lost is known after all.
                (from, promoted) = (ProcState::Running as u64, true);
                event.args[1] = u64::from(P_SYSCALL);
            } else if u64::from(proc.status) != status {
                return Err("the processor is in another state");
            }
            proc.seq = seq;
        } else {
            self.procs.add(id, status as u8, seq, &mut self.budget)?;
            from = if self.first { ProcState::Undetermined } else { ProcState::NotExist } as u64;
        }
        event.args[2] = from;
        if promoted {
            // It belongs to the thread that is about to lose the processor.
            let (owner, work) = self.threads.owner(id);
            self.work += work;
            let owner = owner.ok_or("no thread has the processor that is about to be taken")?;
            event.thread = owner.id;
            event.proc = id;
            event.goroutine = owner.goroutine;
            status = u64::from(P_ABANDONED);
        }
        if status == u64::from(P_RUNNING) || status == u64::from(P_SYSCALL) {
            self.bind_proc(cx, id);
        }
        self.pass(event)
    }

    fn steal(&mut self, event: &mut Event, cx: Context) -> Verdict {
        let (id, seq) = (event.args[0] as i64, Seq(self.generation, event.args[1]));
        let Some(at) = self.procs.find(id) else { return Ok(Step::Held) };
        let proc = self.procs.at(at);
        let old = proc.status;
        if (old != P_SYSCALL && old != P_ABANDONED) || !seq.follows(proc.seq) {
            return Ok(Step::Held);
        }
        check(cx, Need::May, Need::May)?;
        let from = event.args[2] as i64;
        event.args[3] = u64::from(old);
        (proc.status, proc.seq) = (P_IDLE, seq);
        if old == P_ABANDONED {
            return self.pass(event);
        }
        if from == event.thread {
            if event.proc != id {
                return Err("the thread does not have the processor that it gives up");
            }
            self.bind_proc(cx, -1);
            return self.pass(event);
        }
        let other = self.threads.find(from).ok_or("the robbed thread does not exist")?;
        let other = self.threads.at(other);
        if other.proc != id {
            return Err("the robbed thread does not have the processor");
        }
        other.proc = -1;
        self.pass(event)
    }

    /// Both ends of a collection carry sequence numbers: they may be on different threads.
    fn collector(&mut self, event: &mut Event, cx: Context) -> Verdict {
        let seq = event.args[0];
        let start = match event.kind {
            E::GC_ACTIVE if self.first => {
                if self.gc != Gc::Unknown {
                    return Err("the collector was known already");
                }
                true
            }
            E::GC_BEGIN => self.gc == Gc::Unknown,
            _ => false,
        };
        if start {
            self.gc = Gc::On;
            self.gc_seq = seq;
            return self.pass(event);
        }
        if seq != self.gc_seq.wrapping_add(1) {
            return Ok(Step::Held);
        }
        let on = self.gc == Gc::On;
        if on == (event.kind == E::GC_BEGIN) {
            return Err("the collector is in another state");
        }
        self.gc_seq = seq;
        self.gc = if event.kind == E::GC_END { Gc::Off } else { Gc::On };
        check(cx, Need::Must, Need::Must)?;
        self.pass(event)
    }

    fn task(&mut self, event: &mut Event, cx: Context, tables: &mut Tables) -> Verdict {
        let id = event.args[0];
        if event.kind == E::USER_TASK_BEGIN {
            if self.tasks.contains_key(&id) {
                return Err("the task has begun already");
            }
            if event.args[1] == 0 {
                event.args[1] = NO_TASK;
            }
            if !tables.has_string(event.args[2]) {
                return Err("a string that is not there");
            }
            check(cx, Need::Must, Need::Must)?;
            self.budget.open()?;
            let name = self.name(event.args[2], tables);
            self.tasks.insert(id, (event.args[1], name));
        } else {
            check(cx, Need::Must, Need::Must)?;
            // Its name may be of an earlier generation.
            let task = self.tasks.remove(&id);
            self.budget.close(usize::from(task.is_some()));
            let (parent, name) = task.unwrap_or_else(|| (NO_TASK, Arc::default()));
            event.args[2] = parent;
            event.args[3] = tables.add_extra(name);
        }
        self.pass(event)
    }

    fn region(&mut self, event: &mut Event, cx: Context, tables: &Tables) -> Verdict {
        check(cx, Need::Must, Need::Must)?;
        let [task, id, ..] = event.args;
        if !tables.has_string(id) {
            return Err("a string that is not there");
        }
        let at = self.current(cx).ok_or("its goroutine does not exist")?;
        if event.kind == E::USER_REGION_BEGIN {
            self.budget.open()?;
            let name = self.name(id, tables);
            self.gos.at(at).open().regions.push((task, name));
            return self.pass(event);
        }
        let regions = &mut self.gos.at(at).open().regions;
        if let Some(last) = regions.last() {
            let name = tables.string(id);
            let lost = tables.partial && name.is_empty();
            if last.0 != task || *last.1 != *name && !lost {
                return Err("another region is the innermost one");
            }
            regions.pop();
            self.budget.close(1);
        }
        self.pass(event)
    }

    /// A name that outlives its generation.
    fn name(&mut self, id: u64, tables: &Tables) -> Arc<[u8]> {
        self.names.entry(id).or_insert_with(|| tables.string(id).into()).clone()
    }
}
