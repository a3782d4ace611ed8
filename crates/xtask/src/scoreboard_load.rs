//! The load generator of `unpanic gate`: does it reach the rates that it is asked for, or say that it did
//! not; do its corrected percentiles agree with a stall whose distribution is known; what does a request
//! cost, beside another tool. The server is `oracle/load`: Go, it answers two bytes and can stall.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::measure::measure;
use crate::root;
use crate::scoreboard::Setup;
use crate::unpanic_command::Unpanic;

/// Rates that are asked for, in requests a second.
const RATES: [u32; 5] = [1000, 5000, 10_000, 20_000, 50_000];
/// Seconds of a run.
const SECONDS: u32 = 8;
/// The stall: every so many milliseconds the server answers nothing for so many.
const STALLS: [(u32, u32); 3] = [(1000, 100), (1000, 300), (2000, 500)];
/// Requests a second that the stall is measured with.
const STALL_RATE: u32 = 1000;
/// How far a corrected percentile may be from the computed one.
const AGREEMENT: f64 = 0.05;

/// Measures and writes `load.md`. Fails when a rate was missed silently, or a percentile disagrees.
pub fn run(setup: &Setup) -> anyhow::Result<()> {
    let unpanic = Unpanic::build(&setup.go)?;
    let server = root().join("target/load-server");
    setup.go.program("oracle/load", &server)?;
    let mut page = String::from(
        "# The load generator\n\n\
         One command regenerates this: `cargo xtask scoreboard load`. Server and generator share one machine.\n\n\
         ## Rates\n\n\
         *Said*: what the run gave as the reason when it was more than 1% below what was asked for.\n\n\
         | asked /s | achieved /s | off | said | p50 ms | p99 ms | own lateness p99 ms | CPU µs a request |\n|---|---|---|---|---|---|---|---|\n",
    );
    let mut wrong = Vec::new();
    let plain = Server::start(&server, 0, 0)?;
    for rate in RATES {
        let load = gate(&unpanic, &plain.url, rate, SECONDS, 50)?;
        let achieved = load["achieved"].as_f64().unwrap_or(0.0);
        let off = 1.0 - achieved / f64::from(rate);
        let said = load["limit"].as_str().unwrap_or("");
        if off > 0.01 && said.is_empty() {
            wrong.push(format!("{rate}/s: {achieved:.0} achieved, and nothing said"));
        }
        writeln!(
            page,
            "| {rate} | {achieved:.0} | {:.2}% | {said} | {:.2} | {:.2} | {:.2} | {:.1} |",
            off * 100.0,
            ms(&load["corrected"]["p50"]),
            ms(&load["corrected"]["p99"]),
            ms(&load["lag"]["p99"]),
            load["cpu_us_per_request"].as_f64().unwrap_or(0.0)
        )?;
    }
    page += "\n## A stall that is known\n\n\
         The server answers nothing for T ms every P ms. A request that is due at a time t into the stall waits T − t, so the\n\
         share q of all requests is done within T − (1 − q)·P, where that is above zero. T is what the server says that its\n\
         stalls were, in the mean, by its own clock: those that it holds wake late. Measured at 1000 requests/s, 20 s.\n\n\
         | P ms | stall asked ms | T ms | percentile | computed ms | corrected ms | off | from sending ms |\n|---|---|---|---|---|---|---|---|\n";
    for (period, stall) in STALLS {
        let stalling = Server::start(&server, period, stall)?;
        let load = gate(&unpanic, &stalling.url, STALL_RATE, 20, 50)?;
        let stalled = stalling.stalled_ms()?;
        for (name, q) in [("p90", 0.90), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999)] {
            let computed = stalled - (1.0 - q) * f64::from(period);
            // Close to nothing, the time of an ordinary answer is what is measured.
            if computed < 20.0 {
                continue;
            }
            let corrected = ms(&load["corrected"][name]);
            let off = (corrected - computed).abs() / computed;
            if off > AGREEMENT {
                wrong.push(format!(
                    "P {period} T {stalled:.1} {name}: {corrected:.1} ms, computed {computed:.1}"
                ));
            }
            writeln!(
                page,
                "| {period} | {stall} | {stalled:.1} | {name} | {computed:.1} | {corrected:.1} | {:.1}% | {:.1} |",
                off * 100.0,
                ms(&load["service"][name])
            )?;
        }
    }
    page += &cost(&unpanic, &plain)?;
    writeln!(page, "\nMeasured with {}.", setup.go.version()?)?;
    std::fs::create_dir_all(&setup.out)?;
    let path = setup.out.join("load.md");
    std::fs::write(&path, page).with_context(|| path.display().to_string())?;
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// Processor time a request, of whole processes, beside the tools that are there.
fn cost(unpanic: &Unpanic, server: &Server) -> anyhow::Result<String> {
    const RATE: u32 = 5000;
    const TIME: u32 = 10;
    let requests = f64::from(RATE * TIME);
    let mut text = format!(
        "\n## Processor time a request\n\nWhole processes, start included; {RATE} requests/s for {TIME} s on 50 connections. \
         wrk has no rate: it is a closed loop, and its requests are counted from what it prints. A tool that is not \
         installed has no row (`UNPANIC_OHA` names oha).\n\n| tool | µs a request | requests |\n|---|---|---|\n"
    );
    let mut own = Command::new(unpanic.binary());
    own.args(["gate", "--quiet", "--url", &server.url, "--warmup", "0s", "-c", "50"]);
    own.args(["-z", &format!("{TIME}s"), "-q", &RATE.to_string()]);
    let spent = measure(&mut own, Duration::from_secs(120))?;
    writeln!(text, "| unpanic gate | {:.1} | {requests:.0} |", spent.cpu * 1e6 / requests)?;
    if let Some(oha) = std::env::var_os("UNPANIC_OHA") {
        let mut oha = Command::new(oha);
        oha.args([
            "--no-tui",
            "-c",
            "50",
            "-z",
            &format!("{TIME}s"),
            "-q",
            &RATE.to_string(),
            &server.url,
        ]);
        let spent = measure(&mut oha, Duration::from_secs(120))?;
        writeln!(text, "| oha | {:.1} | {requests:.0} |", spent.cpu * 1e6 / requests)?;
    }
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1", "-c50", &format!("-d{TIME}s"), &server.url]);
    // Its output is needed, so its time is taken from a second, equal run.
    if let Ok(output) = wrk.output() {
        let mut again = Command::new("wrk");
        again.args(["-t1", "-c50", &format!("-d{TIME}s"), &server.url]);
        let spent = measure(&mut again, Duration::from_secs(120))?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let count = printed
            .lines()
            .find_map(|l| l.trim().split_once(" requests in ")?.0.parse::<f64>().ok());
        if let Some(count) = count {
            writeln!(text, "| wrk | {:.1} | {count:.0} |", spent.cpu * 1e6 / count)?;
        }
    }
    Ok(text)
}

fn ms(ns: &Value) -> f64 {
    ns.as_f64().unwrap_or(0.0) / 1e6
}

fn gate(
    unpanic: &Unpanic,
    url: &str,
    rate: u32,
    seconds: u32,
    connections: u32,
) -> anyhow::Result<Value> {
    eprintln!("  {rate}/s for {seconds}s at {url}");
    let mut command = Command::new(unpanic.binary());
    command.args(["gate", "--quiet", "--format", "json", "--url", url]);
    command.args([
        "-z",
        &format!("{seconds}s"),
        "-q",
        &rate.to_string(),
        "-c",
        &connections.to_string(),
    ]);
    let output = command.output().context("cannot run the gate")?;
    let verdict: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    Ok(verdict["load"].clone())
}

/// A server of `oracle/load`, ended when dropped.
struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
    url: String,
}

impl Server {
    fn start(program: &std::path::Path, period: u32, stall: u32) -> anyhow::Result<Self> {
        let mut child = Command::new(program)
            .args([format!("-period={period}ms"), format!("-stall={stall}ms")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut output = BufReader::new(child.stdout.take().context("there is no output")?);
        let mut url = String::new();
        output.read_line(&mut url)?;
        Ok(Self { child, output, url: url.trim().to_owned() })
    }

    /// Ends the server; how long its stalls were, in the mean of the requests that it held.
    fn stalled_ms(mut self) -> anyhow::Result<f64> {
        drop(self.child.stdin.take());
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let ns: f64 = line.trim().parse().with_context(|| format!("the server said {line:?}"))?;
        Ok(ns / 1e6)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
