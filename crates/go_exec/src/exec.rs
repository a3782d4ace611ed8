//! Runs one command under the guard, with a time limit, and reads what it prints as it comes.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use go_crash::{Collector, Event, Parser, Report};

use crate::guard::{Guard, KILL, kill_group, own_group};

/// So much of the end of each stream is kept.
const TAIL: usize = 64 << 10;
/// Of each stream so many crashes and reports are kept.
const MAX_REPORTS: usize = 64;
/// How often a running command is looked at, once it runs for a while.
const TICK: Duration = Duration::from_millis(20);
/// How often at first: many end at once.
const FIRST_TICK: Duration = Duration::from_millis(1);
/// Who holds a pipe open longer after the command has ended is not waited for.
const LINGER: Duration = Duration::from_secs(2);

/// What became of a command.
#[derive(Default)]
pub struct Executed {
    /// Its exit code; 128 and more for a signal.
    pub code: u8,
    /// Whether the time limit ended it.
    pub timed_out: bool,
    /// Whether the caller ended it.
    pub stopped: bool,
    /// The last that it printed to standard output: 64 KiB at least, 128 at most.
    pub stdout: Vec<u8>,
    /// The last that it printed to standard error, as much.
    pub stderr: Vec<u8>,
    /// Crashes and reports in what it printed, as far as they are wanted.
    pub reports: Vec<Report>,
}

impl Executed {
    /// The last that it printed, standard output then standard error.
    pub fn tail(&self) -> String {
        let text = |stream: &[u8]| String::from_utf8_lossy(stream).into_owned();
        text(&self.stdout) + &text(&self.stderr)
    }
}

/// What to run.
pub struct Execution<'a> {
    /// The guard; without one the command is started directly, in a group of its own.
    pub guard: Option<&'a Guard>,
    /// The folder that goes with the run. What a go command makes for itself lies there too: killed, it
    /// removes nothing.
    pub workspace: &'a Path,
    /// Program and arguments.
    pub command: Vec<OsString>,
    /// Where.
    pub dir: &'a Path,
    /// Added to the environment.
    pub env: Vec<(String, OsString)>,
    /// Taken from the environment.
    pub env_remove: &'a [&'static str],
    /// For how long.
    pub limit: Duration,
    /// Which crashes and reports are kept.
    pub wanted: fn(&Report) -> bool,
}

impl Execution<'_> {
    /// Runs it to its end, to the time limit, or until `enough` says so.
    pub fn run(&self, enough: &mut dyn FnMut() -> bool) -> std::io::Result<Executed> {
        let mut command = self.command();
        command.current_dir(self.dir);
        for name in self.env_remove {
            command.env_remove(name);
        }
        command.env("GOTMPDIR", self.workspace);
        command.envs(self.env.iter().map(|(k, v)| (k, v)));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = own_group(&mut command).spawn()?;
        let streams = [
            child.stdout.take().map(|s| listen(Box::new(s), self.wanted)),
            child.stderr.take().map(|s| listen(Box::new(s), self.wanted)),
        ];
        let mut executed = Executed::default();
        let began = Instant::now();
        let mut killed = false;
        let mut tick = FIRST_TICK;
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
            std::thread::sleep(tick);
            tick = (tick * 2).min(TICK);
        };
        executed.code = status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(255);
        let heard = streams.map(|stream| {
            let heard = stream.and_then(|stream| stream.recv_timeout(LINGER).ok());
            let (tail, reports) = heard.unwrap_or_default();
            executed.reports.extend(reports);
            tail
        });
        [executed.stdout, executed.stderr] = heard;
        Ok(executed)
    }

    fn command(&self) -> Command {
        let (program, arguments) = match self.guard {
            Some(guard) => {
                let mut arguments = guard.arguments.clone();
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
fn listen(
    mut stream: Box<dyn Read + Send>,
    wanted: fn(&Report) -> bool,
) -> Receiver<(Vec<u8>, Vec<Report>)> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let mut parser = Parser::new();
        let mut collector = Collector::new();
        let (mut tail, mut reports) = (Vec::new(), Vec::new());
        let mut sink = |event: Event<'_>| {
            if let Some(report) = collector.event(event)
                && reports.len() < MAX_REPORTS
                && wanted(&report)
            {
                reports.push(report);
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
        let _ = send.send((tail, reports));
    });
    receive
}
