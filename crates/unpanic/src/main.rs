//! The `unpanic` binary: the allocator, the broken-pipe policy, the stack and the exit code.
//! What the commands do is in [`app`].

// The binary is where the outside begins: it reads the configuration and writes results and fixes.
#![expect(clippy::disallowed_methods, reason = "the binary may use the disk and the environment")]

mod app;
mod cli;
mod cli_gate;
mod cli_guard;
mod cli_lab;
mod cli_scaffold;
mod cli_trace;
mod commands;
mod config;
mod fixes;
mod markdown;
mod output;
mod progress;

use std::io;
use std::process::ExitCode;

use diag::ExitClass;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Deeply nested source is followed by recursion: 256 MB of address space, touched only when used.
const STACK: usize = 256 << 20;

fn main() -> ExitCode {
    // What is touched now stays as it is; commands that need much memory undo it.
    guard::small_pages();
    // Whoever asks for stacks gets those of panics that are caught, too.
    engine::install_panic_hook(std::env::var_os("RUST_BACKTRACE").is_some_and(|v| v != "0"));
    let work = std::thread::Builder::new().name("main".into()).stack_size(STACK).spawn(run);
    match work.map(std::thread::JoinHandle::join) {
        Ok(Ok(class)) => ExitCode::from(class.code()),
        Ok(Err(_)) => ExitCode::from(ExitClass::Bug.code()),
        Err(error) => {
            eprintln!("unpanic: cannot start a thread with a stack of {STACK} bytes: {error}");
            ExitCode::from(ExitClass::Input.code())
        }
    }
}

/// Runs the command line; whatever happens becomes an exit class.
fn run() -> ExitClass {
    match std::panic::catch_unwind(app::run) {
        Ok(Ok(class)) => class,
        // Whoever read our output has seen enough: `unpanic check | head` is no error.
        Ok(Err(error)) if is_broken_pipe(&error) => ExitClass::Clean,
        Ok(Err(error)) => {
            eprintln!("error: {}", output::error_text(&error));
            ExitClass::Usage
        }
        Err(panic) => {
            let arguments: Vec<_> = std::env::args().skip(1).collect();
            eprintln!(
                "error: bug in unpanic: {}\n\nPlease report this line together with the version \
                 ({}), the arguments ({})\nand, if it may be shown, the source that was read. \
                 RUST_BACKTRACE=1 adds the stack.",
                diag::clean_line(&engine::panic_text(&*panic)),
                env!("CARGO_PKG_VERSION"),
                diag::clean_line(&arguments.join(" "))
            );
            ExitClass::Bug
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    io.into_iter().any(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
