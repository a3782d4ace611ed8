//! Runs one command under the guard, with a time limit, and reads what it prints as it comes.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use go_crash::{Class, Collector, Event, Goroutine, Parser};

use crate::guard::{Guard, KILL, kill_group, own_group};

/// So much of the end of each stream is kept.
const TAIL: usize = 64 << 10;
/// How often a running command is looked at.
const TICK: Duration = Duration::from_millis(20);
/// Who holds a pipe open longer after the command has ended is not waited for.
const LINGER: Duration = Duration::from_secs(2);

/// A fatal map error: the message and the goroutine that it printed first.
pub(crate) type MapCrash = (String, Goroutine);

/// What became of a command.
#[derive(Debug, Default)]
pub(crate) struct Executed {
    /// Its exit code; 128 and more for a signal.
    pub code: u8,
    /// Whether the time limit ended it.
    pub timed_out: bool,
    /// Whether the caller ended it.
    pub stopped: bool,
    /// The last that it printed, standard output then standard error.
    pub tail: String,
    /// Fatal map errors in what it printed.
    pub crashes: Vec<MapCrash>,
}

/// What to run.
pub(crate) struct Execution<'a> {
    /// The guard; without one the command is started directly, in a group of its own.
    pub guard: Option<&'a Guard>,
    /// The folder that goes when unpanic dies.
    pub workspace: &'a Path,
    /// Program and arguments.
    pub command: Vec<OsString>,
    /// Where.
    pub dir: &'a Path,
    /// Added to the environment.
    pub env: Vec<(String, OsString)>,
    /// For how long.
    pub limit: Duration,
}

impl Execution<'_> {
    /// Runs it to its end, to the time limit, or until `enough` says so.
    pub fn run(&self, enough: &mut dyn FnMut() -> bool) -> std::io::Result<Executed> {
        let mut command = self.command();
        command.current_dir(self.dir).envs(self.env.iter().map(|(k, v)| (k, v)));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = own_group(&mut command).spawn()?;
        let streams = [
            child.stdout.take().map(|s| listen(Box::new(s))),
            child.stderr.take().map(|s| listen(Box::new(s))),
        ];
        let mut executed = Executed::default();
        let began = Instant::now();
        let mut killed = false;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            executed.timed_out |= !killed && began.elapsed() > self.limit;
            executed.stopped |= !killed && !executed.timed_out && enough();
            if !killed && (executed.timed_out || executed.stopped) {
                kill(&mut child);
                killed = true;
            }
            std::thread::sleep(TICK);
        };
        executed.code = status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(255);
        for heard in streams.into_iter().flatten() {
            if let Ok((tail, crashes)) = heard.recv_timeout(LINGER) {
                executed.tail += &String::from_utf8_lossy(&tail);
                executed.crashes.extend(crashes);
            }
        }
        Ok(executed)
    }

    fn command(&self) -> Command {
        let (program, arguments) = match self.guard {
            Some(guard) => {
                let mut arguments = guard.arguments.clone();
                arguments.push(self.workspace.into());
                arguments.push("--".into());
                arguments.extend(self.command.iter().cloned());
                (guard.program.clone().into_os_string(), arguments)
            }
            None => (self.command[0].clone(), self.command[1..].to_vec()),
        };
        let mut command = Command::new(program);
        command.args(arguments);
        command.stdin(if self.guard.is_some() { Stdio::piped() } else { Stdio::null() });
        command
    }
}

/// Asks the guard, or kills the group.
fn kill(child: &mut Child) {
    match child.stdin.take() {
        Some(mut pipe) => {
            let _ = pipe.write_all(&[KILL]);
        }
        None => kill_group(child.id()),
    }
}

/// Reads a stream to its end on a thread of its own.
fn listen(mut stream: Box<dyn Read + Send>) -> Receiver<(Vec<u8>, Vec<MapCrash>)> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let mut parser = Parser::new();
        let mut collector = Collector::new();
        let (mut tail, mut crashes) = (Vec::new(), Vec::new());
        let mut sink = |event: Event<'_>| {
            if let Some(report) = collector.event(event)
                && report.class() == Class::ConcurrentMap
                && let Some(stack) = report.crashed.first()
            {
                crashes.push((report.head.message.clone(), stack.clone()));
            }
        };
        let mut buffer = vec![0; 1 << 14];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => {
                    parser.push(&buffer[..n], &mut sink);
                    tail.extend_from_slice(&buffer[..n]);
                    if tail.len() > 2 * TAIL {
                        tail.drain(..tail.len() - TAIL);
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        parser.finish(&mut sink);
        let _ = send.send((tail, crashes));
    });
    receive
}
