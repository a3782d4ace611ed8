//! Going on after a gap. Of a generation that is cut off, some threads have no more events while others
//! do, and those follow from what is lost: a goroutine starts to run that nobody is known to have
//! woken. Here the state is set as the event needs it; strict reading never does that.

use crate::event::Event;
use crate::order::{Context, Gc, Order, Raw};
use crate::state::{P_ABANDONED, P_IDLE, P_RUNNING, RUNNABLE, Seq, WAITING};
use crate::wire::EventType as E;

/// What was done so that an event may pass.
pub enum Resumed {
    /// Nothing: the event contradicts what is known, or is older.
    Not,
    /// It may pass now.
    Yes,
    /// It may pass after this event, which says what its goroutine does.
    After(Event),
}

impl Order {
    /// Supposes what is missing before an event that is held.
    pub fn resume(&mut self, raw: &Raw, cx: Context) -> Resumed {
        let [first, second, ..] = raw.args;
        match raw.kind {
            E::GO_START if cx.proc != -1 && cx.goroutine == -1 => {
                self.suppose(raw, first as i64, second, RUNNABLE)
            }
            E::GO_UNBLOCK => self.suppose(raw, first as i64, second, WAITING),
            E::GO_SWITCH | E::GO_SWITCH_DESTROY if cx.goroutine != first as i64 => {
                self.suppose(raw, first as i64, second, WAITING)
            }
            E::PROC_START if cx.proc == -1 => self.suppose_proc(first as i64, second, P_IDLE),
            E::PROC_STEAL => self.suppose_proc(first as i64, second, P_ABANDONED),
            // Its processor was taken from it, by a thread whose events are lost.
            E::GO_SYSCALL_END_BLOCKED if cx.proc != -1 => {
                let Some(at) = self.procs.find(cx.proc) else { return Resumed::Not };
                self.procs.at(at).status = P_IDLE;
                self.bind_proc(cx, -1);
                Resumed::Yes
            }
            E::GC_BEGIN | E::GC_END if first > self.gc_seq => {
                self.gc_seq = first - 1;
                self.gc = if raw.kind == E::GC_BEGIN { Gc::Off } else { Gc::On };
                Resumed::Yes
            }
            _ => Resumed::Not,
        }
    }

    /// The goroutine is in this state, right before the event with that sequence number.
    fn suppose(&mut self, raw: &Raw, id: i64, seq: u64, status: u8) -> Resumed {
        let Some(before) = seq.checked_sub(1) else { return Resumed::Not };
        let before = Seq(self.generation, before);
        if let Some(at) = self.gos.find(id) {
            let go = self.gos.at(at);
            if !before.is_newer(go.seq) && (go.status == status || before != go.seq) {
                return Resumed::Not;
            }
            (go.status, go.seq) = (status, before);
            // Whoever ran it does so no more.
            self.work += self.threads.release(|thread| {
                if thread.goroutine == id {
                    (thread.goroutine, thread.go) = (-1, usize::MAX);
                }
            });
        } else if self.gos.add(id, status, before, &mut self.budget).is_err() {
            return Resumed::Not;
        }
        let args = [id as u64, u64::MAX, u64::from(status), 0];
        let (kind, time) = (E::GO_STATUS, raw.time);
        Resumed::After(Event { kind, time, thread: -1, proc: -1, goroutine: -1, args })
    }

    fn suppose_proc(&mut self, id: i64, seq: u64, status: u8) -> Resumed {
        let Some(before) = seq.checked_sub(1) else { return Resumed::Not };
        let before = Seq(self.generation, before);
        if let Some(at) = self.procs.find(id) {
            let proc = self.procs.at(at);
            if !before.is_newer(proc.seq) && (proc.status == status || before != proc.seq) {
                return Resumed::Not;
            }
            let ran = proc.status == P_RUNNING;
            (proc.status, proc.seq) = (status, before);
            if ran || status == P_IDLE {
                self.work += self.threads.release(|thread| {
                    if thread.proc == id {
                        thread.proc = -1;
                    }
                });
            }
        } else if self.procs.add(id, status, before, &mut self.budget).is_err() {
            return Resumed::Not;
        }
        Resumed::Yes
    }
}
