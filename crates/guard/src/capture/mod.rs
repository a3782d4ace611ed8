//! What a child prints: passed on untouched, kept as the last lines, and read for crashes. The first
//! line of a death on standard error is acted on at once; what merely looks like one on standard
//! output is not, since the runtime prints there never and services print there anything.

mod outlet;
mod tail;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use go_crash::{Collector, Event, Kind, Parser, Report};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio_util::sync::CancellationToken;

pub use outlet::Outlet;
pub(crate) use tail::Tail;

use crate::correlate;
use crate::incident::{Moment, Observation};
use crate::supervisor::{Child, Context};

/// Bytes of goroutines of one report that are kept one by one: for the crashed ones.
const KEEP: usize = 4 << 20;
/// How long a report that nobody died of may rest before it counts as complete. A stack has no end
/// mark: the next line may come in an hour.
const QUIET: Duration = Duration::from_millis(100);
/// And how long it may take at most.
const COMPLETE: Duration = Duration::from_millis(400);

/// Reads a stream of a child to its end, or until `stop`; gives the report of its death.
pub(crate) async fn follow(
    mut stream: impl AsyncRead + Unpin,
    stderr: bool,
    child: Arc<Child>,
    context: Arc<Context>,
    stop: CancellationToken,
) -> Option<Report> {
    let outlet = if stderr { Arc::clone(&context.stderr) } else { Arc::clone(&context.stdout) };
    let mut reader = Reader::new(stderr, child, context);
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(64 << 10);
        let flush_at = reader.flush_at();
        let read = tokio::select! {
            biased;
            read = stream.read_buf(&mut buffer) => read,
            () = stop.cancelled() => break,
            () = sleep_until(flush_at), if flush_at.is_some() => {
                reader.flush();
                continue;
            }
        };
        match read {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        }
        let bytes = buffer.split().freeze();
        reader.take(&bytes);
        let dropped = outlet.pass(bytes).await;
        if dropped > 0 {
            reader.context.metrics.output_dropped.inc_by(dropped);
        }
    }
    reader.finish()
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// Reads one stream.
struct Reader {
    stderr: bool,
    child: Arc<Child>,
    context: Arc<Context>,
    parser: Parser,
    collector: Collector,
    /// The report of the death.
    death: Option<Report>,
    /// What was known when the report began that nobody died of.
    lived: Option<Moment>,
    /// When the last bytes came, and when that report began.
    last: Instant,
    began: Instant,
    /// Whether the last bytes ended a line.
    at_line_start: bool,
    /// Bytes since the first line of the death.
    dump: usize,
}

impl Reader {
    fn new(stderr: bool, child: Arc<Child>, context: Arc<Context>) -> Self {
        let now = Instant::now();
        Self {
            stderr,
            child,
            context,
            parser: Parser::new(),
            collector: Collector::keeping(KEEP),
            death: None,
            lived: None,
            last: now,
            began: now,
            at_line_start: true,
            dump: 0,
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.last = Instant::now();
        self.at_line_start = bytes.last() == Some(&b'\n');
        let dying = self.stderr && self.child.is_dying();
        if dying {
            // Of a dump that goes on and on, enough was read.
            if self.dump > self.context.options.capture.dump_size {
                self.child.dump_is_enough();
                return;
            }
            self.dump += bytes.len();
            self.child.dumps(self.dump);
        } else {
            self.child.tail.lock().add(bytes, self.stderr);
        }
        let mut parser = std::mem::take(&mut self.parser);
        parser.push(bytes, |event| self.event(event));
        self.parser = parser;
    }

    /// When [`Reader::flush`] is due.
    fn flush_at(&self) -> Option<Instant> {
        self.lived.as_ref()?;
        let quiet = self.last + QUIET;
        // In the middle of a line it waits for the rest of it.
        Some(if self.at_line_start { quiet.min(self.began + COMPLETE) } else { quiet })
    }

    /// What is open is given as far as it came.
    fn flush(&mut self) {
        let mut parser = std::mem::take(&mut self.parser);
        parser.finish(|event| self.event(event));
        self.lived = None;
    }

    fn finish(mut self) -> Option<Report> {
        self.flush();
        self.death
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(_, head) if head.kind.is_death() => {
                if self.stderr {
                    self.child.first_line(&self.context, &head.message);
                }
            }
            Event::Start(_, head) => {
                self.began = Instant::now();
                let moment = self.child.moment(&self.context, &head.message);
                for flight in correlate::on_panicking_connection(&head.details, &moment.flights) {
                    flight.blame();
                }
                self.lived = Some(moment);
            }
            Event::Goroutine(_, stack) if stack.crashed && self.stderr => {
                self.child.confirm();
                if let Some(moment) = self.child.death_moment()
                    && let Some(flight) = correlate::by_labels(stack, &moment.flights)
                {
                    flight.0.blame();
                }
            }
            _ => {}
        }
        let Some(report) = self.collector.event(event) else { return };
        if report.head.kind.is_death() {
            self.death.get_or_insert(report);
        } else if let Some(moment) = self.lived.take()
            && !self.child.is_dying()
        {
            self.lived(report, moment);
        }
    }

    fn lived(&mut self, mut report: Report, moment: Moment) {
        match report.head.kind {
            Kind::HttpPanic | Kind::Race => {}
            // A stack that the service printed: of a panic that it recovered, or of no concern.
            Kind::Goroutines if is_recovered_panic(&report) => {
                let said = moment.lines.iter().rev().find(|line| line.stderr == self.stderr);
                report.head.message = said.map(|line| line.text.clone()).unwrap_or_default();
            }
            _ => return,
        }
        self.context.observe(Observation::Lived {
            child: Arc::clone(&self.child),
            moment,
            report: Box::new(report),
        });
    }
}

/// Whether a stack was printed by a deferred function while a panic was on its way.
fn is_recovered_panic(report: &Report) -> bool {
    let mut stacks = report.goroutines.iter().chain(&report.crashed);
    stacks.any(|stack| {
        let names: Vec<&str> = stack.frames().map(|frame| frame.function).collect();
        let printed = names.iter().any(|name| *name == "runtime/debug.Stack");
        printed && names.contains(&"panic")
    })
}
