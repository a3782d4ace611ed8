//! The last passes before events are given: times of system calls' ends, nanoseconds, and whether the
//! events make sense together.

use hashbrown::{HashMap, HashSet};

use super::index::{GC, Index, NETPOLL, Record, SYSCALL, TIMER};
use super::wire::{self, kind};
use crate::generation::signed_nanoseconds;

/// The arguments of an event that was read before.
pub fn arguments(data: &[u8], record: &Record, version: u32) -> (wire::Raw, wire::Arguments) {
    let raw = wire::raw(data, record.at as usize, version).expect("read in the first pass");
    let arguments = wire::arguments(data, &raw).expect("read in the first pass");
    (raw, arguments)
}

/// Gives the ends of system calls the times that they had, sorts, and turns ticks since the first event
/// into nanoseconds.
pub fn set_times(
    events: &mut [Record],
    data: &[u8],
    index: &Index,
    version: u32,
) -> Result<(), &'static str> {
    // An end is written when the goroutine gets a processor again, perhaps long after.
    let mut blocked: HashMap<u64, i64> = HashMap::new();
    let mut moved = false;
    for event in &mut *events {
        match event.kind {
            kind::GO_SYS_BLOCK | kind::GO_IN_SYSCALL => {
                blocked.insert(event.goroutine, event.time);
            }
            kind::GO_SYS_EXIT => {
                let time = arguments(data, event, version).1.args[2] as i64;
                if time == 0 {
                    continue;
                }
                match blocked.get(&event.goroutine) {
                    None | Some(0) => return Err("a system call ends that did not begin"),
                    Some(&begin) if time < begin => {
                        return Err("a system call ends before it begins");
                    }
                    Some(_) => (event.time, moved) = (time, true),
                }
            }
            _ => {}
        }
    }
    if moved {
        events.sort_by_key(|event| event.time);
    }
    let first = events.first().map_or(0, |event| event.time);
    for event in events {
        event.time = signed_nanoseconds(event.time.wrapping_sub(first), index.scale);
        if event.kind == kind::GO_UNBLOCK && index.timers.contains(&event.goroutine) {
            event.proc = TIMER;
        }
        if event.kind == kind::GO_SYS_EXIT {
            event.proc = SYSCALL;
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Status {
    #[default]
    Dead,
    Runnable,
    Running,
    Waiting,
}

#[derive(Clone, Copy, Default)]
struct Goroutine {
    status: Status,
    /// Whether the last that was heard of it is that it waits for the network.
    on_network: bool,
    assists: bool,
    /// Where it last entered a system call, if nothing of it came since.
    call: Option<u32>,
}

#[derive(Clone, Copy, Default)]
struct Proc {
    runs: bool,
    goroutine: u64,
    sweeps: bool,
}

/// What is known of the program while its events go by.
struct Checker<'a> {
    data: &'a [u8],
    version: u32,
    goroutines: HashMap<u64, Goroutine>,
    procs: Vec<Proc>,
    tasks: HashSet<u64>,
    /// The regions of each goroutine, by task and name.
    regions: HashMap<u64, Vec<(u64, u64)>>,
    collects: bool,
    stopped: bool,
}

/// Goes through all events as the program's states do; marks system calls that block, and what
/// happened on no processor.
pub fn check(
    events: &mut [Record],
    data: &[u8],
    index: &Index,
    version: u32,
) -> Result<(), (usize, &'static str)> {
    let mut checker = Checker {
        data,
        version,
        goroutines: HashMap::new(),
        procs: vec![Proc::default(); index.procs.numbers.len()],
        tasks: HashSet::new(),
        regions: HashMap::new(),
        collects: false,
        stopped: false,
    };
    // Code that belongs to no goroutine counts as goroutine 0.
    let nobody = Goroutine { status: Status::Running, ..Goroutine::default() };
    checker.goroutines.insert(0, nobody);
    for i in 0..events.len() {
        let mut event = events[i];
        let call = checker.goroutines.get_mut(&event.goroutine).and_then(|go| go.call.take());
        if let (Some(call), kind::GO_SYS_BLOCK) = (call, event.kind) {
            events[call as usize].blocked = true;
        }
        checker.event(&mut event).map_err(|what| (event.at as usize, what))?;
        if event.kind == kind::GO_SYS_CALL {
            checker.goroutine(event.goroutine).call = Some(i as u32);
        }
        events[i] = event;
    }
    Ok(())
}

impl Checker<'_> {
    fn goroutine(&mut self, id: u64) -> &mut Goroutine {
        self.goroutines.entry(id).or_default()
    }

    /// The event's goroutine has to run on its processor.
    fn running(&self, event: &Record) -> Result<(), &'static str> {
        let status = self.goroutines.get(&event.goroutine).map(|go| go.status);
        if status != Some(Status::Running) {
            return Err("a goroutine does something while it does not run");
        }
        if self.procs[event.proc as usize].goroutine != event.goroutine {
            return Err("a goroutine does something where another one runs");
        }
        Ok(())
    }

    /// As `running`, and it has to be a goroutine.
    fn some_running(&self, event: &Record) -> Result<(), &'static str> {
        self.running(event)?;
        if event.goroutine == 0 { Err("no goroutine does what only one can do") } else { Ok(()) }
    }

    /// It stops running and gives its processor free.
    fn leave(&mut self, event: &Record, status: Status) -> Result<&mut Goroutine, &'static str> {
        self.some_running(event)?;
        self.procs[event.proc as usize].goroutine = 0;
        let goroutine = self.goroutine(event.goroutine);
        goroutine.status = status;
        Ok(goroutine)
    }

    fn event(&mut self, event: &mut Record) -> Result<(), &'static str> {
        let (data, version, at) = (self.data, self.version, *event);
        let args = || arguments(data, &at, version).1.args;
        match event.kind {
            kind::PROC_START | kind::PROC_STOP => {
                let proc = &mut self.procs[event.proc as usize];
                if proc.runs == (event.kind == kind::PROC_START) {
                    return Err("a processor starts or stops twice");
                }
                if proc.runs && proc.goroutine != 0 {
                    return Err("a processor stops while it runs a goroutine");
                }
                proc.runs = !proc.runs;
            }
            kind::GC_START => {
                if std::mem::replace(&mut self.collects, true) {
                    return Err("a collection begins while another is on");
                }
                event.proc = GC;
            }
            kind::GC_DONE if !std::mem::replace(&mut self.collects, false) => {
                return Err("a collection ends that did not begin");
            }
            kind::STW_START if std::mem::replace(&mut self.stopped, true) => {
                return Err("the world stops while it is stopped");
            }
            kind::STW_DONE if !std::mem::replace(&mut self.stopped, false) => {
                return Err("the world starts while it is not stopped");
            }
            kind::GC_SWEEP_START | kind::GC_SWEEP_DONE => {
                let proc = &mut self.procs[event.proc as usize];
                if proc.sweeps == (event.kind == kind::GC_SWEEP_START) {
                    return Err("sweeping begins or ends twice");
                }
                proc.sweeps = !proc.sweeps;
            }
            kind::GC_MARK_ASSIST_START => {
                if std::mem::replace(&mut self.goroutine(event.goroutine).assists, true) {
                    return Err("a goroutine begins to help marking while it does");
                }
            }
            // It may have begun before the trace.
            kind::GC_MARK_ASSIST_DONE => self.goroutine(event.goroutine).assists = false,
            kind::GO_WAITING | kind::GO_IN_SYSCALL => {
                let goroutine = self.goroutine(event.goroutine);
                if goroutine.status != Status::Runnable {
                    return Err("a goroutine waits from the start that is there already");
                }
                (goroutine.status, goroutine.on_network) = (Status::Waiting, false);
            }
            kind::GO_CREATE => {
                let id = args()[0];
                self.running(event)?;
                let created = Goroutine { status: Status::Runnable, ..Goroutine::default() };
                if self.goroutines.insert(id, created).is_some() {
                    return Err("a goroutine begins twice");
                }
            }
            kind::GO_START | kind::GO_START_LABEL => {
                let occupied = self.procs[event.proc as usize].goroutine != 0;
                let goroutine = self.goroutine(event.goroutine);
                if goroutine.status != Status::Runnable {
                    return Err("a goroutine starts to run that cannot");
                }
                if occupied {
                    return Err("a goroutine starts to run where another one runs");
                }
                (goroutine.status, goroutine.on_network) = (Status::Running, false);
                self.procs[event.proc as usize].goroutine = event.goroutine;
            }
            kind::GO_END | kind::GO_STOP => {
                self.leave(event, Status::Dead)?;
                if event.kind == kind::GO_END {
                    self.regions.remove(&event.goroutine);
                }
            }
            kind::GO_SCHED | kind::GO_PREEMPT => {
                self.leave(event, Status::Runnable)?.on_network = false;
            }
            kind::GO_SLEEP
            | kind::GO_BLOCK
            | kind::GO_BLOCK_SEND..=kind::GO_BLOCK_NET
            | kind::GO_BLOCK_GC => {
                let on_network = event.kind == kind::GO_BLOCK_NET;
                self.leave(event, Status::Waiting)?.on_network = on_network;
            }
            kind::GO_SYS_CALL => {
                self.some_running(event)?;
                self.goroutine(event.goroutine).on_network = false;
            }
            kind::GO_SYS_BLOCK => {
                self.leave(event, Status::Waiting)?;
            }
            kind::GO_SYS_EXIT => {
                let goroutine = self.goroutine(event.goroutine);
                if goroutine.status != Status::Waiting {
                    return Err("a system call ends in which no goroutine is");
                }
                (goroutine.status, goroutine.on_network) = (Status::Runnable, false);
            }
            kind::GO_UNBLOCK => self.unblock(event)?,
            kind::USER_TASK_CREATE => {
                if !self.tasks.insert(args()[0]) {
                    return Err("a task begins twice");
                }
            }
            kind::USER_TASK_END => {
                let task = args()[0];
                self.tasks.remove(&task);
            }
            kind::USER_REGION => self.region(event)?,
            _ => {}
        }
        Ok(())
    }

    fn unblock(&mut self, event: &mut Record) -> Result<(), &'static str> {
        let other = arguments(self.data, event, self.version).1.args[0];
        // What the timers do may be written wherever they were seen.
        if event.proc != TIMER {
            self.running(event)?;
        } else if self.goroutine(event.goroutine).status != Status::Running {
            return Err("a goroutine unblocks another while it does not run");
        }
        let other = self.goroutine(other);
        if other.status != Status::Waiting {
            return Err("a goroutine is unblocked that does not wait");
        }
        if other.on_network {
            event.proc = NETPOLL;
        }
        (other.status, other.on_network) = (Status::Runnable, false);
        Ok(())
    }

    fn region(&mut self, event: &Record) -> Result<(), &'static str> {
        let [task, mode, name, _] = arguments(self.data, event, self.version).1.args;
        let regions = self.regions.entry(event.goroutine).or_default();
        match mode {
            0 => regions.push((task, name)),
            1 => {
                // What began before the trace may end.
                if regions.pop().is_some_and(|open| open != (task, name)) {
                    return Err("a region ends that is not the innermost one");
                }
            }
            _ => return Err("a region neither begins nor ends"),
        }
        Ok(())
    }
}
