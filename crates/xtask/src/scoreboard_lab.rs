//! `unpanic lab` on two versions of Go: each claim with what was measured. The figures go to `lab.md` of
//! the output folder.

use std::fmt::Write as _;

use anyhow::Context as _;
use serde_json::Value;

use crate::scoreboard::Setup;
use crate::toolchain::Go;
use crate::unpanic_command::Unpanic;

/// The version beside the one that scoreboards are measured with.
const BESIDE: &str = "1.26.6";
/// How long an experiment may run with a version, when `UNPANIC_LAB_BUDGET` does not say.
const BUDGET: &str = "60s";

const HEAD: &str = "# What is said of Go, tried\n\n\
    One command regenerates this: `cargo xtask scoreboard lab` (`UNPANIC_LAB_BUDGET=30s` for another budget an\n\
    experiment and version, `UNPANIC_LAB_RACE=1` for the claims about -race too). The programs are in crates/lab/experiments; `unpanic lab run NAME` runs one.\n\n\
    Rates are shares of runs, times medians, both with intervals of 99% (Wilson; order statistics). A claim\n\
    agrees or disagrees when its whole interval does. *Undecided* is what a busy machine leaves open.\n";

/// Measures and writes `lab.md`.
pub fn run(setup: &Setup) -> anyhow::Result<()> {
    let budget = std::env::var("UNPANIC_LAB_BUDGET").unwrap_or_else(|_| BUDGET.to_owned());
    let unpanic = Unpanic::build(&setup.go)?;
    let toolchains = [Go::of_version(BESIDE)?, setup.go.clone()];
    let mut arguments = vec!["--budget", budget.as_str()];
    // The standard library is built with the race detector for each version then: minutes.
    if std::env::var_os("UNPANIC_LAB_RACE").is_some() {
        arguments.push("--race");
    }
    let lines = unpanic.lab(&toolchains, &arguments)?;
    std::fs::create_dir_all(&setup.out)?;
    let path = setup.out.join("lab.md");
    std::fs::write(&path, page(&lines, &budget)?).with_context(|| path.display().to_string())
}

fn page(lines: &[Value], budget: &str) -> anyhow::Result<String> {
    let of = |kind: &'static str| lines.iter().filter(move |line| line["type"] == kind);
    let about = of("measured").next().context("the report has no end")?;
    let versions: Vec<&str> =
        about["go"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut page = String::from(HEAD);
    let number = |key: &str| about[key].as_f64().unwrap_or_default();
    writeln!(
        page,
        "\nMeasured with {} on {}, {} processors that others used too: the load average was {:.1} at the\n\
         start and {:.1} at the end. Budget {budget}, {:.0} s in all.",
        versions.join(" and "),
        text(&about["host"]),
        about["processors"],
        number("load_before"),
        number("load_after"),
        number("seconds")
    )?;
    let count = |verdict: &str| of("claim").filter(|line| line["verdict"] == verdict).count();
    writeln!(
        page,
        "{} judgements agree, {} disagree, {} are undecided, {} are not said of that version.",
        count("agrees"),
        count("disagrees"),
        count("undecided"),
        count("skipped")
    )?;
    let mut names: Vec<&str> = of("claim").map(|line| text(&line["experiment"])).collect();
    names.dedup();
    for name in names {
        let own = |line: &&Value| line["experiment"] == name;
        write!(page, "\n## {name}\n\n| claim | expected |")?;
        versions.iter().try_for_each(|version| write!(page, " {version} | |"))?;
        writeln!(page, "\n|---|---|{}", "---|---|".repeat(versions.len()))?;
        let claims: Vec<&Value> = of("claim").filter(own).collect();
        for claim in claims.chunks(versions.len()) {
            let (said, expected) = (cell(&claim[0]["claim"]), cell(&claim[0]["expected"]));
            write!(page, "| {said} | {expected} |")?;
            for judged in claim {
                write!(page, " {} | {} |", cell(&judged["seen"]), cell(&judged["verdict"]))?;
            }
            writeln!(page)?;
        }
        numbers(&of("number").filter(own).collect::<Vec<_>>(), &versions, &mut page)?;
    }
    Ok(page)
}

fn numbers(lines: &[&Value], versions: &[&str], page: &mut String) -> anyhow::Result<()> {
    let Some(first) = lines.first() else { return Ok(()) };
    writeln!(page, "\n| {} | {} |", text(&first["what"]), versions.join(" | "))?;
    writeln!(page, "|---|{}", "---|".repeat(versions.len()))?;
    let mut keys: Vec<&str> = lines.iter().map(|line| text(&line["key"])).collect();
    keys.dedup();
    for key in keys {
        write!(page, "| {key} |")?;
        for version in versions {
            let own = lines.iter().find(|l| l["key"] == key && l["go"] == *version);
            match own {
                Some(line) => {
                    let figure = |name: &str| line[name].as_f64().unwrap_or_default();
                    let (median, low, high) = (figure("median"), figure("low"), figure("high"));
                    write!(page, " {median:.1} ({low:.1}–{high:.1}) |")?;
                }
                None => write!(page, " – |")?,
            }
        }
        writeln!(page)?;
    }
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A bar would end the cell.
fn cell(value: &Value) -> String {
    text(value).replace('|', "\\|").replace('<', "&lt;")
}
