//! Reads a generated dump by turns in three ways for so many seconds: as lines alone, as events, and grouped.
//! Prints the bytes of the dump, the rounds, and the least processor time of each way in seconds (Linux).
//! `cargo xtask scoreboard crash` measures with it.

use std::error::Error;
use std::time::{Duration, Instant};

use go_crash::{Collector, Event, Parser};

#[path = "../benches/generated.rs"]
mod generated;

#[expect(clippy::disallowed_methods, reason = "a program of its own")]
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<u64> =
        std::env::args().skip(1).map(|argument| argument.parse()).collect::<Result<_, _>>()?;
    let &[goroutines, seconds] = arguments.as_slice() else {
        return Err("usage: speed GOROUTINES SECONDS".into());
    };
    let text = generated::dump(usize::try_from(goroutines)?);
    let pieces = || text.as_bytes().chunks(1 << 16);
    let ways: [&dyn Fn() -> u64; 3] = [
        &|| {
            let lines = text.as_bytes().split(|&byte| byte == b'\n');
            lines.filter(|line| line.starts_with(b"goroutine ")).count() as u64
        },
        &|| {
            let (mut parser, mut found) = (Parser::new(), 0);
            let mut sink =
                |event: Event<'_>| found += u64::from(matches!(event, Event::Goroutine(..)));
            pieces().for_each(|piece| parser.push(piece, &mut sink));
            parser.finish(&mut sink);
            found
        },
        &|| {
            let (mut parser, mut collector, mut total) = (Parser::new(), Collector::new(), 0);
            let mut sink =
                |event: Event<'_>| total += collector.event(event).map_or(0, |report| report.total);
            pieces().for_each(|piece| parser.push(piece, &mut sink));
            parser.finish(&mut sink);
            total
        },
    ];
    let mut least = [f64::INFINITY; 3];
    let (start, mut rounds) = (Instant::now(), 0);
    // By turns, so that all meet the same moments of a machine that others use.
    while rounds < 7 || start.elapsed() < Duration::from_secs(seconds) {
        rounds += 1;
        for (read, least) in ways.iter().zip(&mut least) {
            let before = processor_time()?;
            let found = read();
            if found != goroutines {
                return Err(format!("{found} goroutines of {goroutines}").into());
            }
            *least = least.min(processor_time()? - before);
        }
    }
    let [lines, events, grouped] = least;
    println!("{} {rounds} {lines} {events} {grouped}", text.len());
    Ok(())
}

/// The seconds that this thread has run.
fn processor_time() -> Result<f64, Box<dyn Error>> {
    let used = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(used.split(' ').next().unwrap_or_default().parse::<f64>()? / 1e9)
}
