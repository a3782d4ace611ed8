//! The candidate as a process: started in a group of its own, started again when it ends if its supervisor
//! in production would do so, ended with us by whatever we end of.
//!
//! A guard process holds the other end of a pipe and knows which groups run. When the pipe closes, it kills
//! them: that also holds when we are killed with SIGKILL.

use std::io::{BufRead as _, Write as _};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::Error;
use crate::output::Output;
use crate::plan::Plan;

/// Something that dies right after its start is not started again faster than this.
const MIN_LIFE: Duration = Duration::from_millis(200);

/// How to start the guard: this program with these arguments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GuardCommand {
    /// The program.
    pub program: std::path::PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// The guard itself: reads `+PGID` and `-PGID` from standard input, kills what is left at its end.
pub fn guard_main() -> u8 {
    let mut groups = std::collections::BTreeSet::new();
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        let number = |text: &str| text.parse::<i32>().ok().filter(|pid| *pid > 1);
        if let Some(group) = line.strip_prefix('+').and_then(number) {
            groups.insert(group);
        } else if let Some(group) = line.strip_prefix('-').and_then(number) {
            groups.remove(&group);
        }
    }
    for group in groups {
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
    0
}

struct Guard {
    child: std::process::Child,
    pipe: Option<std::process::ChildStdin>,
}

impl Guard {
    fn start(command: &GuardCommand) -> Result<Self, Error> {
        let mut start = std::process::Command::new(&command.program);
        start.args(&command.arguments).stdin(Stdio::piped()).stdout(Stdio::null());
        // Ctrl-C goes to our group; the guard has to outlive it.
        std::os::unix::process::CommandExt::process_group(&mut start, 0);
        let mut child = start
            .spawn()
            .map_err(|error| Error::Harness(format!("cannot start the guard process: {error}")))?;
        let pipe = child.stdin.take();
        Ok(Self { child, pipe })
    }

    fn tell(&mut self, sign: char, group: u32) {
        if let Some(pipe) = &mut self.pipe {
            let _ = writeln!(pipe, "{sign}{group}");
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.pipe = None;
        let _ = self.child.wait();
    }
}

/// How the process ended once.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Exit {
    /// When.
    #[serde(skip)]
    pub at: Option<Instant>,
    /// Its exit code; none when a signal killed it.
    pub code: Option<i32>,
    /// In words.
    pub text: String,
}

#[derive(Default)]
struct State {
    pid: Option<u32>,
    exits: Vec<Exit>,
    starts: Vec<Instant>,
    /// It could not be started again.
    failed: Option<String>,
}

/// A candidate that runs.
pub struct Candidate {
    state: Arc<Mutex<State>>,
    stop: watch::Sender<bool>,
    supervisor: tokio::task::JoinHandle<()>,
    output: Output,
    stop_timeout: Duration,
    restart: bool,
}

impl Candidate {
    /// Starts it.
    pub fn start(plan: &Plan, output: Output, guard: Option<&GuardCommand>) -> Result<Self, Error> {
        let mut guard = guard.map(Guard::start).transpose()?;
        let state: Arc<Mutex<State>> = Arc::default();
        let (child, readers) = spawn(plan, &output)?;
        let group = child.id().unwrap_or(0);
        if let Some(guard) = &mut guard {
            guard.tell('+', group);
        }
        {
            let mut state = lock(&state);
            state.pid = child.id();
            state.starts.push(Instant::now());
        }
        let (stop, stopped) = watch::channel(false);
        let supervisor = Supervisor {
            plan: plan.clone(),
            output: output.clone(),
            state: Arc::clone(&state),
            stopped,
            guard,
        };
        let supervisor = tokio::spawn(supervisor.run(child, group, readers));
        let stop_timeout = plan.config.candidate.stop_timeout.0;
        let restart = plan.config.candidate.restart;
        Ok(Self { state, stop, supervisor, output, stop_timeout, restart })
    }

    /// Whether it runs now.
    pub fn is_running(&self) -> bool {
        lock(&self.state).pid.is_some()
    }

    /// Whether it is started again when it ends.
    pub fn will_restart(&self) -> bool {
        self.restart && self.failed().is_none()
    }

    /// Its process id.
    pub fn pid(&self) -> Option<u32> {
        lock(&self.state).pid
    }

    /// How it ended since then.
    pub fn exits_since(&self, since: Instant) -> Vec<Exit> {
        let state = lock(&self.state);
        state.exits.iter().filter(|exit| exit.at.is_some_and(|at| at >= since)).cloned().collect()
    }

    /// Why it could not be started again.
    pub fn failed(&self) -> Option<String> {
        lock(&self.state).failed.clone()
    }

    /// What it printed.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Sends a signal to the process itself, as an orchestrator does.
    pub fn signal(&self, signal: Signal) -> bool {
        let pid = self.pid().and_then(|pid| i32::try_from(pid).ok());
        pid.is_some_and(|pid| nix::sys::signal::kill(Pid::from_raw(pid), signal).is_ok())
    }

    /// Limits its address space to what it has now and so many bytes more. Gives what to restore.
    pub fn limit_memory(&self, more: u64) -> Option<MemoryLimit> {
        #[cfg(target_os = "linux")]
        {
            use rustix::process::{Pid, Resource, Rlimit, prlimit};
            let raw = self.pid()?;
            let pid = Pid::from_raw(i32::try_from(raw).ok()?)?;
            let status = std::fs::read_to_string(format!("/proc/{raw}/status")).ok()?;
            let size = status.lines().find_map(|line| line.strip_prefix("VmSize:"))?;
            let kilobytes: u64 = size.split_whitespace().next()?.parse().ok()?;
            let limit = (kilobytes << 10).saturating_add(more);
            let old = rustix::process::getrlimit(Resource::As);
            let new = Rlimit { current: Some(limit), maximum: old.maximum };
            let old = prlimit(Some(pid), Resource::As, new).ok()?;
            Some(MemoryLimit { pid: raw, old })
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = more;
            None
        }
    }

    /// Takes a memory limit back, if the process still is the same.
    pub fn unlimit_memory(&self, limit: &MemoryLimit) {
        #[cfg(target_os = "linux")]
        if self.pid() == Some(limit.pid)
            && let Some(pid) =
                i32::try_from(limit.pid).ok().and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::prlimit(Some(pid), rustix::process::Resource::As, limit.old);
        }
    }

    /// Ends it: SIGTERM, and SIGKILL to the whole group when that takes too long. Says whether it ended by
    /// itself in time.
    pub async fn stop(self) -> bool {
        let _ = self.stop.send(true);
        let running = self.pid();
        let asked = self.signal(Signal::SIGTERM);
        let mut supervisor = self.supervisor;
        let ended = tokio::time::timeout(self.stop_timeout, &mut supervisor).await.is_ok();
        if !ended {
            if let Some(pid) = running {
                kill_group(pid);
            }
            let _ = supervisor.await;
        }
        ended || !asked
    }
}

/// What a memory limit was before.
pub struct MemoryLimit {
    pid: u32,
    #[cfg(target_os = "linux")]
    old: rustix::process::Rlimit,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kill_group(leader: u32) {
    if let Ok(leader) = i32::try_from(leader)
        && leader > 1
    {
        let _ = killpg(Pid::from_raw(leader), Signal::SIGKILL);
    }
}

type Readers = Vec<tokio::task::JoinHandle<()>>;

fn spawn(plan: &Plan, output: &Output) -> Result<(Child, Readers), Error> {
    let (program, arguments) = plan
        .command
        .split_first()
        .ok_or_else(|| Error::Usage("there is no command to start".to_owned()))?;
    // A relative path is meant from where gate.toml lies, not from where the system looks for it.
    let path = std::path::Path::new(program);
    let program = if path.components().count() > 1 { plan.dir.join(path) } else { path.to_owned() };
    let mut command = Command::new(&program);
    command
        .args(arguments)
        .envs(plan.env.iter().map(|(name, value)| (name, value)))
        .current_dir(&plan.dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| Error::Input {
        path: program.clone(),
        why: format!("the candidate cannot be started: {error}"),
    })?;
    let mut readers = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        let output = output.clone();
        readers.push(tokio::spawn(async move { output.read(stdout).await }));
    }
    if let Some(stderr) = child.stderr.take() {
        let output = output.clone();
        readers.push(tokio::spawn(async move { output.read(stderr).await }));
    }
    Ok((child, readers))
}

struct Supervisor {
    plan: Plan,
    output: Output,
    state: Arc<Mutex<State>>,
    stopped: watch::Receiver<bool>,
    guard: Option<Guard>,
}

impl Supervisor {
    async fn run(mut self, mut child: Child, mut group: u32, mut readers: Readers) {
        loop {
            let started = Instant::now();
            let status = child.wait().await;
            // What it started itself goes with it, as with a container.
            kill_group(group);
            if let Some(guard) = &mut self.guard {
                guard.tell('-', group);
            }
            {
                let mut state = lock(&self.state);
                state.pid = None;
                state.exits.push(exit_of(status));
            }
            if !self.plan.config.candidate.restart || *self.stopped.borrow() {
                break;
            }
            if started.elapsed() < MIN_LIFE {
                tokio::select! {
                    () = tokio::time::sleep(MIN_LIFE) => {}
                    _ = self.stopped.changed() => break,
                }
            }
            match spawn(&self.plan, &self.output) {
                Ok((next, next_readers)) => {
                    child = next;
                    group = child.id().unwrap_or(0);
                    readers.extend(next_readers);
                    readers.retain(|reader| !reader.is_finished());
                    if let Some(guard) = &mut self.guard {
                        guard.tell('+', group);
                    }
                    let mut state = lock(&self.state);
                    state.pid = child.id();
                    state.starts.push(Instant::now());
                    drop(state);
                    // Asked to stop meanwhile: nobody has told this one.
                    if *self.stopped.borrow() {
                        kill_group(group);
                    }
                }
                Err(error) => {
                    lock(&self.state).failed = Some(error.to_string());
                    break;
                }
            }
        }
        // What is still in the pipes is read, unless somebody outside the group holds them open.
        for reader in readers {
            let abort = reader.abort_handle();
            if tokio::time::timeout(Duration::from_secs(1), reader).await.is_err() {
                abort.abort();
            }
        }
    }
}

fn exit_of(status: std::io::Result<std::process::ExitStatus>) -> Exit {
    use std::os::unix::process::ExitStatusExt as _;
    let at = Some(Instant::now());
    match status {
        Ok(status) => {
            let text = match (status.code(), status.signal()) {
                (Some(code), _) => format!("exit code {code}"),
                (None, Some(signal)) => Signal::try_from(signal)
                    .map_or_else(|_| format!("signal {signal}"), |s| s.to_string()),
                (None, None) => status.to_string(),
            };
            Exit { at, code: status.code(), text }
        }
        Err(error) => Exit { at, code: None, text: format!("lost: {error}") },
    }
}
