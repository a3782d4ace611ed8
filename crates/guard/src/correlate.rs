//! Which request a crash belongs to, and how sure that is. Nothing is guessed silently: each answer
//! carries its reason.

use std::collections::HashSet;
use std::sync::Arc;

use go_crash::{Goroutine, Kind, Report};
use incidents::Confidence;

use crate::flights::Flight;

/// Functions of a crash that are compared with paths.
const MAX_FUNCTIONS: usize = 32;
/// Goroutines that started one another, as far as they are followed.
const MAX_LINEAGE: usize = 4;

/// A request, how surely it is the one, and why.
pub(crate) struct Correlation {
    pub flight: Arc<Flight>,
    pub confidence: Confidence,
    pub reason: String,
}

/// Finds the request of a crash among those in flight when it began, or, for a panic that net/http
/// recovered, among those that had just ended. `lines`: what was printed before, oldest first.
pub(crate) fn correlate(
    report: Option<&Report>,
    flights: &[Arc<Flight>],
    recent: &[Arc<Flight>],
    lines: &[&str],
) -> Option<Correlation> {
    let exact = |flight: Arc<Flight>, reason| {
        Some(Correlation { flight, confidence: Confidence::Exact, reason })
    };
    if let Some(report) = report {
        for stack in &report.crashed {
            if let Some((flight, reason)) = by_labels(stack, flights) {
                return exact(flight, reason);
            }
        }
        if let Some(port) = client_port(report) {
            let on_port = |flight: &&Arc<Flight>| flight.port() == port;
            let mut now = flights.iter().filter(on_port);
            let found = match (now.next(), now.next()) {
                (Some(only), None) => Some(only),
                // The connection may have been seen to break before the line was read.
                (None, _) => recent.iter().rev().find(on_port),
                _ => None,
            };
            if let Some(found) = found {
                let reason = format!(
                    "the panic names its client as port {port}, our connection that carried it"
                );
                return exact(Arc::clone(found), reason);
            }
        }
        if let Some(flight) = only_named(flights, &texts(report)) {
            let reason = "its trace id stands in the text of the crash".to_owned();
            return exact(flight, reason);
        }
    }
    likely(report, flights, recent, lines)
}

/// The request that the pprof labels of a goroutine name (Go 1.27 prints them).
pub(crate) fn by_labels(
    stack: &Goroutine,
    flights: &[Arc<Flight>],
) -> Option<(Arc<Flight>, String)> {
    for (key, value) in &stack.labels {
        if value.len() < 4 {
            continue;
        }
        let names = |flight: &&Arc<Flight>| {
            flight.request_id.as_deref() == Some(value.as_str())
                || contains_trace(value.as_bytes(), flight)
        };
        let mut named = flights.iter().filter(names);
        if let (Some(only), None) = (named.next(), named.next()) {
            let reason = format!("the goroutine's pprof label {key} names it");
            return Some((Arc::clone(only), reason));
        }
    }
    // A path is as good as an id while one request only has it.
    for (key, value) in stack.labels.iter().filter(|(_, value)| value.contains('/')) {
        let path = value.split_once(' ').map_or(value.as_str(), |(_, path)| path);
        let mut on_path = flights.iter().filter(|flight| matches_route(path, &flight.path));
        if let (Some(only), None) = (on_path.next(), on_path.next()) {
            let reason = format!(
                "the goroutine's pprof label {key} names its path, and no other request had it"
            );
            return Some((Arc::clone(only), reason));
        }
    }
    None
}

fn likely(
    report: Option<&Report>,
    flights: &[Arc<Flight>],
    recent: &[Arc<Flight>],
    lines: &[&str],
) -> Option<Correlation> {
    let likely = |flight: Arc<Flight>, reason: String| {
        Some(Correlation { flight, confidence: Confidence::Likely, reason })
    };
    // Of the last lines the nearest.
    for line in lines.iter().rev().take(20) {
        if let Some(flight) = only_named(flights, &[line]) {
            return likely(flight, "its trace id stands in the log right before".to_owned());
        }
    }
    if let Some(report) = report
        && let Some((flight, function)) = by_handler(report, flights)
    {
        let reason = format!(
            "its path fits {function}, which the stack or its creator's has, and no other path does"
        );
        return likely(flight, reason);
    }
    let serves = report.is_none_or(in_handler);
    match flights {
        [only] if serves => {
            let reason = "it was the only request in flight".to_owned();
            likely(Arc::clone(only), reason)
        }
        [only] => Some(Correlation {
            flight: Arc::clone(only),
            confidence: Confidence::Window,
            reason: "it was the only request in flight, but what crashed was not serving one"
                .to_owned(),
        }),
        [first, rest @ ..] => {
            let same = rest.iter().all(|f| f.path == first.path && f.method == first.method);
            let n = flights.len();
            let (flight, reason) = if same && serves {
                (first, format!("all {n} requests in flight had its path; it is the oldest"))
            } else if let Some(strange) = never_answered(flights, recent) {
                let reason = format!(
                    "of {n} requests in flight its path is the one that nothing was answered well at of late"
                );
                (strange, reason)
            } else {
                let reason = format!(
                    "{n} requests were in flight, and nothing tells them apart; it is the oldest"
                );
                (first, reason)
            };
            let flight = Arc::clone(flight);
            Some(Correlation { flight, confidence: Confidence::Window, reason })
        }
        [] => None,
    }
}

/// The oldest request at the one path that nothing has been answered well at of late, while there were answers at
/// the paths of all others in flight: those are less likely to bring a process down.
fn never_answered<'a>(
    flights: &'a [Arc<Flight>],
    recent: &[Arc<Flight>],
) -> Option<&'a Arc<Flight>> {
    let place = |flight: &Flight| (flight.method.clone(), route(&flight.path));
    let good = |flight: &&Arc<Flight>| flight.status().is_some_and(|status| status < 500);
    let answered: HashSet<_> = recent.iter().filter(good).map(|flight| place(flight)).collect();
    let mut strange = flights.iter().filter(|flight| !answered.contains(&place(flight)));
    let first = strange.next()?;
    let others_differ = strange.any(|flight| place(flight) != place(first));
    (!others_differ).then_some(first)
}

/// Whether the goroutine that died was serving a request.
fn in_handler(report: &Report) -> bool {
    let serving = |name: &str| {
        name.starts_with("net/http.(*conn).serve")
            || name.starts_with("net/http.(*http2serverConn)")
            || name.starts_with("golang.org/x/net/http2.(*serverConn)")
            || name.starts_with("google.golang.org/grpc.(*Server).")
    };
    lineage(report).into_iter().any(|stack| {
        stack.frames().any(|frame| serving(frame.function))
            || stack.created_by().is_some_and(|created| serving(created.function))
    })
}

/// The client's port in `http: panic serving 127.0.0.1:51234: …`.
fn client_port(report: &Report) -> Option<u16> {
    if report.head.kind != Kind::HttpPanic {
        return None;
    }
    // go_crash keeps it as the detail `serving 127.0.0.1:51234`.
    let words = report.head.details.iter().flat_map(|detail| detail.split_whitespace());
    words.filter_map(|word| word.parse::<std::net::SocketAddr>().ok()).map(|a| a.port()).next()
}

/// The requests that a panic which net/http recovered may belong to, by the address that its first
/// line names.
pub(crate) fn on_panicking_connection<'a>(
    details: &[String],
    flights: &'a [Arc<Flight>],
) -> impl Iterator<Item = &'a Arc<Flight>> {
    let words = details.iter().flat_map(|detail| detail.split_whitespace());
    let port =
        words.filter_map(|w| w.parse::<std::net::SocketAddr>().ok()).map(|a| a.port()).next();
    flights.iter().filter(move |flight| port == Some(flight.port()))
}

fn texts(report: &Report) -> Vec<&str> {
    let head = &report.head;
    let chain = head.chain.iter().map(|link| link.message.as_str());
    [head.message.as_str()].into_iter().chain(chain).collect()
}

/// The one request whose trace id stands in a text.
fn only_named(flights: &[Arc<Flight>], texts: &[&str]) -> Option<Arc<Flight>> {
    let named =
        |flight: &&Arc<Flight>| texts.iter().any(|text| contains_trace(text.as_bytes(), flight));
    // A text without so many hexadecimal digits names nobody.
    if !texts.iter().any(|text| text.len() >= 32) {
        return None;
    }
    let mut found = flights.iter().filter(named);
    match (found.next(), found.next()) {
        (Some(only), None) => Some(Arc::clone(only)),
        _ => None,
    }
}

fn contains_trace(text: &[u8], flight: &Flight) -> bool {
    text.len() >= 32 && memchr::memmem::find(text, flight.trace.to_string().as_bytes()).is_some()
}

/// Whether a path belongs to a pattern such as `/orders/{id}` (net/http), `/orders/:id` or a plain path.
fn matches_route(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut given) =
        (pattern.trim_end_matches('/').split('/'), path.trim_end_matches('/').split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(part), Some(_)) if part.starts_with(['{', ':']) => {
                if part.ends_with("...}") {
                    return true;
                }
            }
            (Some(part), Some(have)) if part == have => {}
            _ => return false,
        }
    }
}

/// The one path that shares a word with a function of the crashed stack, innermost first, and behind
/// it with those of who started the goroutine.
fn by_handler(report: &Report, flights: &[Arc<Flight>]) -> Option<(Arc<Flight>, String)> {
    for function in functions(report) {
        let words = words_of_function(function);
        if words.is_empty() {
            continue;
        }
        let fits = |flight: &&Arc<Flight>| {
            flight.path.split('/').any(|segment| {
                let segment = singular(&segment.to_ascii_lowercase().replace(['-', '_'], ""));
                segment.len() >= 3 && words.contains(&segment)
            })
        };
        let fitting: Vec<&Arc<Flight>> = flights.iter().filter(fits).collect();
        if let [only] = fitting.as_slice() {
            return Some((Arc::clone(only), function.to_owned()));
        }
    }
    None
}

/// The program's own functions of the crashed stack, of its creator's, and so on, as far as the dump
/// has them; each once.
fn functions(report: &Report) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    let own = |name: &str| !name.starts_with("runtime.") && name != "panic";
    for stack in lineage(report) {
        let frames = stack.frames().filter(|f| own(f.function) && !f.is_std()).map(|f| f.function);
        let created =
            stack.created_by().map(|c| c.function).filter(|name| !name.starts_with("net/http."));
        for name in frames.chain(created) {
            if names.len() < MAX_FUNCTIONS && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// The goroutine that died, the one that started it, and so on: those that the dump has.
fn lineage(report: &Report) -> Vec<&Goroutine> {
    let mut line: Vec<&Goroutine> = report.crashed.iter().take(1).collect();
    while let Some(parent) = line.last().and_then(|stack| stack.created_by()).map(|c| c.goroutine) {
        let all = report.goroutines.iter().chain(report.groups.iter().map(|group| &group.sample));
        let known = |id| line.iter().any(|stack: &&Goroutine| stack.id == id);
        match all.into_iter().find(|stack| stack.id == parent && !known(parent)) {
            Some(stack) if line.len() < MAX_LINEAGE => line.push(stack),
            _ => break,
        }
    }
    line
}

/// The words of a function's name and of its receiver: `main.(*API).placeOrder` has api, place, order,
/// placeorder.
fn words_of_function(function: &str) -> Vec<String> {
    let local = function.rsplit('/').next().unwrap_or(function);
    let local = local.split_once('.').map_or(local, |(_, rest)| rest);
    let mut words = Vec::new();
    for part in local.split(|c: char| !c.is_alphanumeric() && c != '_') {
        if part.is_empty() || part.strip_prefix("func").is_some_and(|n| n.parse::<u32>().is_ok()) {
            continue;
        }
        let mut word = String::new();
        let mut pieces = Vec::new();
        for c in part.chars() {
            if (c.is_uppercase() || c == '_') && !word.is_empty() {
                pieces.push(std::mem::take(&mut word));
            }
            if c != '_' {
                word.extend(c.to_lowercase());
            }
        }
        pieces.push(word);
        if pieces.len() > 1 {
            words.push(singular(&pieces.concat()));
        }
        words.extend(pieces.iter().map(|piece| singular(piece)));
    }
    words.retain(|word| {
        word.len() >= 3
            && !matches!(
                word.as_str(),
                "handle" | "handler" | "serve" | "http" | "api" | "get" | "post" | "put" | "server"
            )
    });
    words
}

fn singular(word: &str) -> String {
    word.strip_suffix('s').filter(|w| w.len() >= 3).unwrap_or(word).to_owned()
}

/// A path as a route, for a metric's label: what looks like an id becomes `:id`.
pub(crate) fn route(path: &str) -> String {
    let mut out = String::new();
    for segment in path.split('/').skip(1).take(6) {
        let digits = segment.bytes().filter(u8::is_ascii_digit).count();
        let id = !segment.is_empty()
            && (digits == segment.len()
                || segment.len() > 40
                || (segment.len() >= 8 && digits * 4 >= segment.len())
                || !segment.is_ascii());
        out.push('/');
        out.push_str(if id { ":id" } else { segment });
    }
    if out.is_empty() { "/".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::flights::{Flights, InFlight, NewFlight, SpanContext, TraceId};

    fn read(text: &str) -> Report {
        let (mut parser, mut collector) =
            (go_crash::Parser::new(), go_crash::Collector::keeping(1 << 20));
        let mut found = None;
        parser.push(text.as_bytes(), |event| found = found.take().or(collector.event(event)));
        parser.finish(|event| found = found.take().or(collector.event(event)));
        found.expect("a report")
    }

    fn flight(table: &Arc<Flights>, n: u8, path: &str) -> InFlight {
        let flight = table.begin(NewFlight {
            trace: TraceId([n; 16]),
            span: SpanContext::default(),
            method: Method::GET,
            path: path.to_owned(),
            headers: Vec::new(),
            request_id: Some(format!("req-{n}").into()),
        });
        flight.flight().goes_to(1, 4000 + u16::from(n));
        flight
    }

    const STACK: &str = "\n\ngoroutine 7 [running]LABELS:\nmain.(*api).placeOrder(0x1)\n\t/src/main.go:12 +0x1\n\
        net/http.(*conn).serve(0x1)\n\t/go/src/net/http/server.go:2000 +0x1\n\n";

    #[test]
    fn confidence_is_as_good_as_the_reason() {
        let table = Flights::new(|_| {});
        let held =
            [flight(&table, 1, "/orders"), flight(&table, 2, "/users/7"), flight(&table, 3, "/")];
        let flights = table.all();
        let ask = |text: &str, lines: &[&str]| {
            let report = read(text);
            let found = correlate(Some(&report), &flights, &[], lines).expect("somebody");
            (found.flight.id, found.confidence, found.reason)
        };
        let plain = format!("fatal error: concurrent map writes{}", STACK.replace("LABELS", ""));
        let labelled = |labels: &str| {
            format!("fatal error: concurrent map writes{}", STACK.replace("LABELS", labels))
        };
        assert_eq!(ask(&labelled(" {\"request\": \"req-2\"}"), &[]).1, Confidence::Exact);
        assert_eq!(ask(&labelled(" {\"request\": \"req-2\"}"), &[]).0, held[1].flight().id);
        assert_eq!(ask(&labelled(" {\"route\": \"GET /users/{id}\"}"), &[]).0, held[1].flight().id);
        let by_stack = ask(&plain, &[]);
        assert_eq!((by_stack.0, by_stack.1), (held[0].flight().id, Confidence::Likely));
        let trace = TraceId([3; 16]).to_string();
        let by_text = ask(&plain.replace("concurrent map writes", &trace), &[]);
        assert_eq!((by_text.0, by_text.1), (held[2].flight().id, Confidence::Exact));
        let elsewhere = plain.replace("placeOrder", "work");
        let line = format!("level=info trace={trace}");
        let by_log = ask(&elsewhere, &["x", &line, "y"]);
        assert_eq!((by_log.0, by_log.1), (held[2].flight().id, Confidence::Likely));
        assert_eq!(ask(&elsewhere, &[]).1, Confidence::Window);
        let panic = "2026/01/01 00:00:00 http: panic serving 127.0.0.1:4002: boom\ngoroutine 7 [running]:\n\
            net/http.(*conn).serve.func1()\n\t/go/src/net/http/server.go:1900 +0x1\n\
            panic({0x1, 0x2})\n\t/go/src/runtime/panic.go:1 +0x1\nmain.f()\n\t/m.go:1 +0x1\n\
            net/http.(*conn).serve(0x1)\n\t/go/src/net/http/server.go:2000 +0x1\n";
        let by_port = ask(panic, &[]);
        assert_eq!(
            (by_port.0, by_port.1),
            (held[1].flight().id, Confidence::Exact),
            "{}",
            by_port.2
        );
    }

    #[test]
    fn a_path_that_was_never_answered_is_the_suspect() {
        let table = Flights::new(|_| {});
        for n in 0..3 {
            let served = flight(&table, n, &format!("/items/{n}"));
            served.flight().answers(http::StatusCode::OK);
        }
        let held = [
            flight(&table, 4, "/items/4"),
            flight(&table, 5, "/odd"),
            flight(&table, 6, "/items/6"),
        ];
        let recent = table.recent(std::time::Duration::from_secs(3));
        let found = correlate(None, &table.all(), &recent, &[]).unwrap();
        assert_eq!((found.flight.id, found.confidence), (held[1].flight().id, Confidence::Window));
        // A second path that was never answered, and it is anybody's guess.
        let second = flight(&table, 7, "/other");
        let found = correlate(None, &table.all(), &recent, &[]).unwrap();
        assert_eq!(found.flight.id, held[0].flight().id, "{}", found.reason);
        drop(second);
    }

    #[test]
    fn who_started_the_goroutine_counts_too() {
        let table = Flights::new(|_| {});
        let held = [flight(&table, 1, "/orders"), flight(&table, 2, "/users/7")];
        let text = "fatal error: concurrent map writes\n\ngoroutine 9 [running]:\nmain.work.func1()\n\t/m.go:3 +0x1\n\
            created by main.work in goroutine 7\n\t/m.go:2 +0x1\n\ngoroutine 7 [select]:\nmain.listUsers(0x1)\n\t/m.go:9 +0x1\n\
            net/http.(*conn).serve(0x1)\n\t/go/src/net/http/server.go:2000 +0x1\n\n";
        let found = correlate(Some(&read(text)), &table.all(), &[], &[]).unwrap();
        assert_eq!((found.flight.id, found.confidence), (held[1].flight().id, Confidence::Likely));
    }

    #[test]
    fn routes_have_no_ids() {
        assert_eq!(
            route("/orders/123/items/9f8e7d6c-0000-4000-8000-000000000001"),
            "/orders/:id/items/:id"
        );
        assert_eq!(route("/"), "/");
        assert_eq!(route("/v1/users"), "/v1/users");
        assert!(matches_route("/a/{rest...}", "/a/b/c"));
        assert!(!matches_route("/a/{id}", "/a/b/c"));
    }
}
