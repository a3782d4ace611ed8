//! A program that is watched: what it prints to standard error is passed on as it comes and looked
//! at, and it does not outlive us.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant, SystemTime};

use go_crash::Report;

use super::dump::Dump;

/// How often the program is looked at.
const TICK: Duration = Duration::from_millis(10);
/// How long it has to end after Ctrl-C.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long programs that it leaves behind may hold its output open.
const DRAIN: Duration = Duration::from_secs(2);
/// So much of what it printed is kept.
const MAX_LOG: usize = 16 << 20;

/// How a run ended.
pub struct Run {
    /// With what it exited.
    pub status: ExitStatus,
    /// Its process id.
    pub pid: u32,
    /// What it died of.
    pub crash: Option<Report>,
    /// When the first line of that came.
    pub crashed_at: Option<SystemTime>,
    /// What it printed to standard error, from the start.
    pub log: Vec<u8>,
    /// Whether the user ended it.
    pub interrupted: bool,
}

/// Runs a command to its end. With `both`, standard output is looked at too: `go test` puts there
/// what its tests print.
pub fn run(command: &mut Command, both: bool) -> io::Result<Run> {
    command.stderr(Stdio::piped());
    if both {
        command.stdout(Stdio::piped());
    }
    if io::IsTerminal::is_terminal(&io::stdin()) {
        // A group that is not the terminal's would be stopped when it reads.
        command.stdin(Stdio::null());
    }
    let signals = Signals::watch()?;
    own_group(command);
    let mut child = command.spawn()?;
    let pid = child.id();
    let (send, receive) = mpsc::channel();
    if let Some(stderr) = child.stderr.take() {
        follow(stderr, io::stderr(), send.clone());
    }
    if let Some(stdout) = child.stdout.take() {
        follow(stdout, io::stdout(), send.clone());
    }
    drop(send);
    let mut watch = Watch { dump: Dump::new(), crashed_at: None, log: Vec::new() };
    let status = wait(&mut child, &signals, &receive, &mut watch);
    // Whatever it started goes with it.
    kill_group(pid, true);
    let status = status?;
    let end = Instant::now() + DRAIN;
    while let Ok(piece) = receive.recv_timeout(end.saturating_duration_since(Instant::now())) {
        watch.take(piece);
    }
    let (log, crashed_at) = (std::mem::take(&mut watch.log), watch.crashed_at);
    let interrupted = signals.count() > 0;
    Ok(Run { status, pid, crash: watch.dump.finish(), crashed_at, log, interrupted })
}

type Piece = (SystemTime, Vec<u8>);

/// What came so far.
struct Watch {
    dump: Dump,
    crashed_at: Option<SystemTime>,
    log: Vec<u8>,
}

impl Watch {
    fn take(&mut self, (at, bytes): Piece) {
        self.dump.push(&bytes);
        if self.dump.begun() {
            self.crashed_at.get_or_insert(at);
        }
        let room = MAX_LOG.saturating_sub(self.log.len());
        self.log.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

fn wait(
    child: &mut Child,
    signals: &Signals,
    receive: &mpsc::Receiver<Piece>,
    watch: &mut Watch,
) -> io::Result<ExitStatus> {
    let mut told: Option<(Instant, usize)> = None;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        let count = signals.count();
        match told {
            None if count > 0 => {
                kill_group(child.id(), false);
                told = Some((Instant::now(), count));
            }
            Some((since, before)) if since.elapsed() > PATIENCE || count > before => {
                kill_group(child.id(), true);
                // Of a group that could not be signalled, at least the program itself.
                let _ = child.kill();
                return child.wait();
            }
            _ => {}
        }
        match receive.recv_timeout(TICK) {
            Ok(piece) => watch.take(piece),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => std::thread::sleep(TICK),
        }
    }
}

/// Passes a stream on, untouched, and gives a copy.
fn follow(
    mut from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    send: mpsc::Sender<Piece>,
) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let got = match from.read(&mut buffer) {
                Ok(0) => return,
                Ok(got) => got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return,
            };
            let now = SystemTime::now();
            // Whoever read ours may have gone; the program runs on all the same.
            let _ = to.write_all(&buffer[..got]).and_then(|()| to.flush());
            if send.send((now, buffer[..got].to_vec())).is_err() {
                return;
            }
        }
    });
}

/// Counts Ctrl-C and the like, which do not end us while a program is watched.
struct Signals {
    came: Arc<AtomicBool>,
    count: Cell<usize>,
    /// Whether they end us again.
    over: Arc<AtomicBool>,
}

impl Signals {
    fn watch() -> io::Result<Self> {
        let signals = Self { came: Arc::default(), count: Cell::new(0), over: Arc::default() };
        #[cfg(unix)]
        for signal in signal_hook::consts::TERM_SIGNALS {
            use signal_hook::flag;
            flag::register_conditional_default(*signal, Arc::clone(&signals.over))?;
            flag::register(*signal, Arc::clone(&signals.came))?;
        }
        Ok(signals)
    }

    fn count(&self) -> usize {
        if self.came.swap(false, Ordering::SeqCst) {
            self.count.set(self.count.get() + 1);
        }
        self.count.get()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
    }
}

#[cfg(unix)]
fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(not(unix))]
fn own_group(_command: &mut Command) {}

#[cfg(unix)]
fn kill_group(pid: u32, hard: bool) {
    use nix::sys::signal::{Signal, killpg};
    let signal = if hard { Signal::SIGKILL } else { Signal::SIGINT };
    if let Ok(pid) = i32::try_from(pid) {
        // An error means that nobody is left.
        let _ = killpg(nix::unistd::Pid::from_raw(pid), signal);
    }
}

#[cfg(not(unix))]
fn kill_group(_pid: u32, _hard: bool) {}
