//! The program's story: parse the command line, read the configuration, run one command.

use clap::Parser;
use diag::ExitClass;
use source::{OsSystem, System};

use crate::cli::{Cli, Command, DebugCommand};
use crate::{commands, config, output};

/// What every command starts from.
pub struct App {
    /// The machine.
    pub system: OsSystem,
    /// Where the command runs.
    pub dir: std::path::PathBuf,
    /// The flags that all commands share.
    pub global: crate::cli::Global,
    /// `unpanic.toml`, or its defaults.
    pub config: engine::Config,
}

/// Runs the command that the command line names.
pub fn run() -> anyhow::Result<ExitClass> {
    let Cli { global, command } = Cli::parse_from(crate::cli_gate::arguments(std::env::args_os()));
    // The guard reads no configuration: it must not fail on what its parent has accepted.
    if let Command::ProveGuard(args) = &command {
        return Ok(commands::prove::guard(args));
    }
    if let Command::GateGuard = &command {
        return Ok(commands::gate::guard());
    }
    let system = OsSystem;
    let dir = system.current_dir();
    // `gate --config` names a gate.toml; unpanic.toml is found as ever.
    let named = global.config.as_deref().filter(|_| !matches!(command, Command::Gate(_)));
    let config = match config::read(&system, &dir, named) {
        Ok(config) => config,
        Err(problems) => {
            output::print_problems(&problems, &source::SourceMap::new(), &dir, global.color)?;
            return Ok(ExitClass::Usage);
        }
    };
    let app = App { system, dir, global, config };
    start_threads(&app)?;
    if !matches!(command, Command::Guard(_)) {
        guard::pages_as_before();
    }
    match command {
        Command::Check(args) => commands::check::run(&app, *args),
        Command::Explain(args) => commands::explain::run(&app, &args),
        Command::Rules(args) => commands::rules::run(&args),
        Command::Layout(args) => commands::layout::run(&app, &args),
        Command::Crash(args) => commands::crash::run(&app, &args),
        Command::Prove(args) => commands::prove::run(&app, *args),
        Command::ProveGuard(args) => Ok(commands::prove::guard(&args)),
        Command::Lab(args) => commands::lab::run(&app, &args),
        Command::Trace(args) => commands::trace::run(&app, &args),
        Command::Scaffold { command } => commands::scaffold::run(&app, &command),
        Command::Gate(args) => commands::gate::run(&app, &args),
        Command::GateGuard => Ok(commands::gate::guard()),
        Command::Guard(args) => commands::guard::run(&app, *args),
        Command::Cache { command } => commands::cache::run(&app, &command),
        Command::Debug { command } => match command {
            DebugCommand::Packages(args) => commands::debug::packages(&app, &args),
            DebugCommand::Parse(args) => commands::debug::parse(&app, &args),
            DebugCommand::Types(args) => commands::debug::types(&app, &args),
            DebugCommand::Ir(args) => commands::debug::ir(&app, &args),
            DebugCommand::Callgraph(args) => commands::debug::callgraph(&app, &args),
        },
    }
}

/// Sets up rayon's pool: as many threads as asked for, each with a stack like the main thread's.
fn start_threads(app: &App) -> anyhow::Result<()> {
    let threads = app.global.threads.or(app.config.threads).unwrap_or(0);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .stack_size(crate::STACK)
        .thread_name(|i| format!("worker {i}"))
        .build_global()?;
    Ok(())
}
