//! Starting a child: its environment, its limits, its group, and its tie to this process.
//!
//! The kernel kills a child with SIGKILL when the guard dies (`PR_SET_PDEATHSIG`), also when that
//! dies by SIGKILL: an orphan would keep the port and serve without anybody looking. The signal is
//! bound to the thread that started the child, so that one thread, which lives as long as the guard,
//! starts them all.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;
use std::sync::mpsc;

use nix::sys::resource::Resource;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::options::{Limit, Options};

type Job = (std::process::Command, oneshot::Sender<io::Result<Child>>);

/// The thread that starts children.
pub(crate) struct Spawner {
    jobs: mpsc::Sender<Job>,
}

impl Spawner {
    /// Starts the thread; call it inside the runtime.
    pub fn new() -> Result<Self> {
        let (jobs, receive) = mpsc::channel::<Job>();
        let runtime = tokio::runtime::Handle::current();
        std::thread::Builder::new()
            .name("spawner".into())
            .spawn(move || {
                let _inside = runtime.enter();
                for (command, answer) in receive {
                    // Nobody waits any more: the child is killed as it is dropped.
                    let _ = answer.send(Command::from(command).kill_on_drop(true).spawn());
                }
            })
            .map_err(|source| Error::Io { doing: "cannot start a thread", source })?;
        Ok(Self { jobs })
    }

    /// Starts the service on `port`.
    pub async fn start(&self, options: &Options, port: u16) -> Result<Child> {
        let command = command(options, port);
        let program = options.command.first().map(|p| p.to_string_lossy().into_owned());
        let failed = |source| Error::Spawn { program: program.clone().unwrap_or_default(), source };
        let (send, receive) = oneshot::channel();
        let gone = || failed(io::Error::other("the thread that starts children is gone"));
        self.jobs.send((command, send)).map_err(|_| gone())?;
        receive.await.map_err(|_| gone())?.map_err(failed)
    }
}

fn command(options: &Options, port: u16) -> std::process::Command {
    let own_port = options.upstream.port.is_none();
    let expand = |text: &OsString| match text.to_str() {
        Some(plain) if own_port => OsString::from(plain.replace("{port}", &port.to_string())),
        _ => text.clone(),
    };
    let words: Vec<OsString> = options.command.iter().map(expand).collect();
    let program = words.first().map_or(OsStr::new(""), OsString::as_os_str);
    let mut command = std::process::Command::new(program);
    command.args(words.iter().skip(1)).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if own_port {
        command.env(&options.port_env, port.to_string());
    }
    if let Some(level) = &options.traceback
        && std::env::var_os("GOTRACEBACK").is_none()
    {
        command.env("GOTRACEBACK", level);
    }
    let memory = options.limits.iter().find(|(limit, _)| *limit == Limit::Memory);
    if let Some((_, bytes)) = memory
        && std::env::var_os("GOMEMLIMIT").is_none()
    {
        command.env("GOMEMLIMIT", (bytes / 10 * 9).to_string());
    }
    tie(&mut command, &options.limits);
    command
}

/// What a child does between fork and exec.
#[expect(
    unsafe_code,
    reason = "std has no safe way to run code between fork and exec; what runs is prctl, getppid and \
              setrlimit, which are plain system calls and take no lock"
)]
fn tie(command: &mut std::process::Command, limits: &[(Limit, u64)]) {
    let parent = nix::unistd::getpid();
    let limits: Vec<(Resource, u64)> =
        limits.iter().map(|&(l, value)| (resource(l), value)).collect();
    let before_exec = move || {
        #[cfg(target_os = "linux")]
        {
            nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
            crate::pages::pages_as_before();
            // It may have died before that.
            if nix::unistd::getppid() != parent {
                return Err(io::Error::from_raw_os_error(nix::libc::ESRCH));
            }
        }
        #[cfg(not(target_os = "linux"))]
        let _ = parent;
        for &(resource, value) in &limits {
            nix::sys::resource::setrlimit(resource, value, value)?;
        }
        Ok(())
    };
    // SAFETY: the closure allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(before_exec);
    }
}

fn resource(limit: Limit) -> Resource {
    match limit {
        Limit::Files => Resource::RLIMIT_NOFILE,
        Limit::Memory => Resource::RLIMIT_DATA,
        Limit::Core => Resource::RLIMIT_CORE,
        Limit::Processes => Resource::RLIMIT_NPROC,
        Limit::FileSize => Resource::RLIMIT_FSIZE,
    }
}
