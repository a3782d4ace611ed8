//! The scoreboards: figures against outside suites and tools, committed under scoreboards/. Each is
//! a module `scoreboard_*` with a `run`, and a line here.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, bail};

use crate::toolchain::Go;
use crate::{
    root, scoreboard_cache, scoreboard_crash, scoreboard_determinism, scoreboard_gate,
    scoreboard_guard, scoreboard_guard_h2spec, scoreboard_guard_soak, scoreboard_guard_throughput,
    scoreboard_guard_tickets, scoreboard_lab, scoreboard_layout, scoreboard_load,
    scoreboard_project, scoreboard_prove, scoreboard_prove_modules, scoreboard_prove_race_suite,
    scoreboard_prove_tests, scoreboard_race_suite, scoreboard_race_variants, scoreboard_speed,
    scoreboard_syntax, scoreboard_trace, scoreboard_trace_record, scoreboard_trace_view,
    scoreboard_type_errors, scoreboard_types,
};

/// What a scoreboard has to work with.
pub struct Setup {
    /// The Go toolchain that it compares with.
    pub go: Go,
    /// Where pages are written to.
    pub out: PathBuf,
    /// Go modules to measure besides the standard library.
    pub modules: Vec<PathBuf>,
}

/// How many tries, minutes and the like: what the variable says, else the usual number.
pub fn number<T: FromStr>(variable: &str, usual: T) -> anyhow::Result<T> {
    match std::env::var(variable) {
        Ok(text) => text.parse().ok().with_context(|| format!("{variable} is a number: {text:?}")),
        Err(_) => Ok(usual),
    }
}

struct Board {
    name: &'static str,
    /// Whether CI runs it: it has to fail when the figures get worse, and not to measure time.
    ci: bool,
    run: fn(&Setup) -> anyhow::Result<()>,
}

const BOARDS: &[Board] = &[
    Board {
        name: "syntax",
        ci: true,
        run: |s| scoreboard_syntax::run(&s.go.root, &s.go.binary, &s.out),
    },
    Board {
        name: "project",
        ci: false,
        run: |s| scoreboard_project::run(&s.go.root, &s.go.binary, &s.modules, &s.out),
    },
    Board {
        name: "types",
        ci: true,
        run: |s| {
            let oracle = root().join("oracle/types");
            scoreboard_types::run(&s.go.root, &s.go.binary, &oracle, &s.modules, &s.out)
        },
    },
    Board {
        name: "type-errors",
        ci: true,
        run: |s| scoreboard_type_errors::run(&s.go.root, &s.out),
    },
    Board { name: "race-suite", ci: true, run: scoreboard_race_suite::run },
    Board { name: "race-variants", ci: true, run: scoreboard_race_variants::run },
    Board { name: "determinism", ci: true, run: scoreboard_determinism::run },
    Board { name: "layout", ci: true, run: |s| scoreboard_layout::run(&s.go, &s.out) },
    Board { name: "crash", ci: false, run: scoreboard_crash::run },
    Board { name: "gate", ci: false, run: scoreboard_gate::run },
    Board { name: "load", ci: false, run: scoreboard_load::run },
    Board { name: "prove", ci: false, run: scoreboard_prove::run },
    Board { name: "lab", ci: false, run: scoreboard_lab::run },
    Board { name: "prove-tests", ci: false, run: scoreboard_prove_tests::run },
    Board { name: "prove-race-suite", ci: false, run: scoreboard_prove_race_suite::run },
    Board { name: "prove-modules", ci: false, run: scoreboard_prove_modules::run },
    Board { name: "cache", ci: false, run: scoreboard_cache::run },
    Board { name: "guard", ci: false, run: scoreboard_guard::run },
    Board { name: "guard-h2spec", ci: false, run: scoreboard_guard_h2spec::run },
    Board { name: "guard-throughput", ci: false, run: scoreboard_guard_throughput::run },
    Board { name: "guard-soak", ci: false, run: scoreboard_guard_soak::run },
    Board { name: "guard-tickets", ci: false, run: scoreboard_guard_tickets::run },
    Board {
        name: "parse-speed",
        ci: false,
        run: |s| scoreboard_syntax::run_speed(&s.go.root, &s.go.binary, &s.out),
    },
    Board { name: "trace", ci: false, run: |s| scoreboard_trace::run(&s.go, &s.out) },
    Board { name: "trace-record", ci: false, run: scoreboard_trace_record::run },
    Board { name: "trace-view", ci: false, run: scoreboard_trace_view::run },
    Board { name: "speed", ci: false, run: |s| scoreboard_speed::run(&s.go, &s.modules, &s.out) },
];

/// Runs one scoreboard, or `all`, or lists them.
pub fn run(name: &str, modules: Vec<PathBuf>) -> anyhow::Result<()> {
    if name == "list" {
        for board in BOARDS {
            println!("{}{}", board.name, if board.ci { "  (in CI)" } else { "" });
        }
        return Ok(());
    }
    let chosen: Vec<&Board> = BOARDS.iter().filter(|b| name == "all" || b.name == name).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = BOARDS.iter().map(|b| b.name).collect();
        bail!("there is no scoreboard `{name}`; there are {}, and all", names.join(", "));
    }
    run_boards(&chosen, &Setup { go: Go::find()?, out: root().join("scoreboards"), modules })
}

/// Runs those that CI runs, writing to a scratch folder: the committed pages stay as they are.
pub fn run_ci(go: &Go, out: &Path) -> anyhow::Result<()> {
    let chosen: Vec<&Board> = BOARDS.iter().filter(|b| b.ci).collect();
    run_boards(&chosen, &Setup { go: go.clone(), out: out.to_owned(), modules: Vec::new() })
}

fn run_boards(boards: &[&Board], setup: &Setup) -> anyhow::Result<()> {
    for board in boards {
        eprintln!("scoreboard {}", board.name);
        (board.run)(setup).with_context(|| format!("scoreboard {}", board.name))?;
    }
    Ok(())
}
