//! The requests around a crash as a picture: a row each, time from left to right, the moment of the
//! crash as a line through all. SVG made here, so that it needs no script; colours are the style
//! sheet's.

use std::fmt::Write as _;

use diag::{clean_line, markup};
use incidents::{Fate, NewIncident, Request};
use jiff::{SignedDuration, Timestamp};

/// So many requests are drawn; those nearest to the crash win.
const ROWS: usize = 30;
/// At most so much before and behind the crash is shown.
const REACH: SignedDuration = SignedDuration::from_secs(5);
/// Sizes in the picture's own unit, about a pixel.
const WIDTH: f64 = 1000.0;
const LABEL: f64 = 270.0;
const ROW: f64 = 22.0;
const HEAD: f64 = 44.0;
/// Characters of a row's label.
const TEXT: usize = 36;

/// The picture, or nothing if no request is known.
pub(super) fn draw(what: &NewIncident) -> Option<String> {
    let crash = what.time;
    let named = what.request.as_ref().map(|correlated| &correlated.request);
    let mut requests: Vec<&Request> = Vec::new();
    for request in named.into_iter().chain(&what.in_flight).chain(&what.around) {
        // One request may be told in all three.
        if !requests.iter().any(|known| known.id == request.id) {
            requests.push(request);
        }
    }
    let earliest = crash - REACH;
    let latest = crash + REACH;
    requests.retain(|r| r.started <= latest && r.ended.is_none_or(|ended| ended >= earliest));
    let first = named.map(|request| request.id);
    requests.sort_by_key(|request| (first != Some(request.id), distance(request, crash)));
    let more = requests.len().saturating_sub(ROWS);
    requests.truncate(ROWS);
    if requests.is_empty() {
        return None;
    }
    requests.sort_by_key(|request| (request.started, request.id));
    let recovered =
        what.recovery.and_then(|time| SignedDuration::try_from(time).ok()).map(|time| crash + time);
    let axis = Axis::over(&requests, crash, recovered, (earliest, latest));
    let height = HEAD + ROW * requests.len() as f64 + 8.0;
    let mut svg = format!(
        "<svg class=\"timeline\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"Requests around the crash\">"
    );
    axis.draw(crash, height, &mut svg);
    for (row, request) in requests.iter().enumerate() {
        draw_request(
            request,
            first == Some(request.id),
            &axis,
            HEAD + ROW * row as f64,
            crash,
            &mut svg,
        );
    }
    axis.mark(crash, "crash", "the crash", "end", height, &mut svg);
    if let Some(recovered) = recovered.filter(|time| *time <= latest) {
        axis.mark(recovered, "recovered", "served again", "start", height, &mut svg);
    }
    svg += "</svg>";
    if more > 0 {
        let _ = write!(svg, "<p class=\"dim\">{more} more within 5 s are not drawn.</p>");
    }
    Some(svg)
}

/// How far from the crash a request was; 0 if it was in flight.
fn distance(request: &Request, crash: Timestamp) -> i128 {
    if request.started > crash {
        return crash.duration_until(request.started).as_nanos();
    }
    request.ended.map_or(0, |ended| ended.duration_until(crash).as_nanos().max(0))
}

struct Axis {
    from: Timestamp,
    nanos: f64,
}

impl Axis {
    fn over(
        requests: &[&Request],
        crash: Timestamp,
        recovered: Option<Timestamp>,
        (earliest, latest): (Timestamp, Timestamp),
    ) -> Self {
        let starts = requests.iter().map(|request| request.started);
        let ends = requests.iter().filter_map(|request| request.ended).chain(recovered);
        let from = starts.min().unwrap_or(crash).min(crash).max(earliest);
        let to = ends.max().unwrap_or(crash).max(crash).min(latest);
        let span = from.duration_until(to).max(SignedDuration::from_millis(2));
        // Some room on both sides, so that nothing sticks to the edge.
        let room = span / 25;
        Self { from: from - room, nanos: (span + room * 2).as_nanos() as f64 }
    }

    fn x(&self, time: Timestamp) -> f64 {
        let part = self.from.duration_until(time).as_nanos() as f64 / self.nanos;
        LABEL + part.clamp(0.0, 1.0) * (WIDTH - LABEL)
    }

    /// Lines at round distances from the crash.
    fn draw(&self, crash: Timestamp, height: f64, svg: &mut String) {
        let millis = self.nanos / 1e6;
        let step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]
            .into_iter()
            .find(|step| millis / f64::from(*step) <= 8.0)
            .unwrap_or(10_000);
        let end = self.from + SignedDuration::from_nanos(self.nanos as i64);
        for n in -8..=8_i32 {
            let at = crash + SignedDuration::from_millis(i64::from(n * step));
            if n == 0 || at <= self.from || at >= end {
                continue;
            }
            let x = self.x(at);
            let offset = n * step;
            let text = if step >= 1000 {
                format!("{:+} s", offset / 1000)
            } else {
                format!("{offset:+} ms")
            };
            let text = text.replace('-', "−");
            let _ = write!(
                svg,
                "<line class=\"tick\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{height}\"/>\
                 <text class=\"ticktext\" x=\"{x:.1}\" y=\"31\" text-anchor=\"middle\">{text}</text>",
                HEAD - 8.0
            );
        }
    }

    /// A line through all rows, with a text that ends or starts at it.
    fn mark(
        &self,
        at: Timestamp,
        class: &str,
        title: &str,
        side: &str,
        height: f64,
        svg: &mut String,
    ) {
        let x = self.x(at);
        let (anchor, dx) = match side {
            "end" if x > LABEL + 60.0 => ("end", -5.0),
            "start" if x > WIDTH - 90.0 => ("end", -5.0),
            _ => ("start", 5.0),
        };
        let _ = write!(
            svg,
            "<g class=\"{class}\"><title>{title}</title>\
             <line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"4\" y2=\"{height}\"/>\
             <text x=\"{:.1}\" y=\"14\" text-anchor=\"{anchor}\">{title}</text></g>",
            x + dx
        );
    }
}

fn draw_request(
    request: &Request,
    named: bool,
    axis: &Axis,
    y: f64,
    crash: Timestamp,
    svg: &mut String,
) {
    let from = axis.x(request.started);
    let to = request.ended.map_or(WIDTH, |ended| axis.x(ended));
    let width = (to - from).max(3.0);
    let class = match (named, request.fate, request.status) {
        (true, ..) => "named",
        (_, Fate::Refused | Fate::Cut, _) => "lost",
        (_, Fate::Replayed | Fate::Held, _) => "saved",
        (_, Fate::Served, Some(500..)) => "lost",
        _ => "served",
    };
    let name = format!("{} {}", request.method, request.path);
    let offset = crash.duration_until(request.started).as_millis();
    let fate = match (request.status, request.fate) {
        (Some(status), Fate::Served) => status.to_string(),
        (Some(status), fate) => format!("{status}, {}", fate.as_str()),
        (None, Fate::Served) => "in flight".to_owned(),
        (None, fate) => fate.as_str().to_owned(),
    };
    let _ = write!(
        svg,
        "<g class=\"{class}\"><title>{}: {fate}, began {offset:+} ms</title>\
         <rect class=\"hover\" x=\"0\" y=\"{y:.1}\" width=\"{WIDTH}\" height=\"{ROW}\"/>\
         <text x=\"4\" y=\"{:.1}\">{}</text>\
         <rect class=\"bar\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\" rx=\"2\"/>",
        escaped(&name, 200),
        y + 15.0,
        escaped(&name, TEXT),
        y + 4.0,
        ROW - 8.0,
    );
    // Beside the bar, where there is room.
    let (x, anchor) = if to + 110.0 < WIDTH { (to + 6.0, "start") } else { (from - 6.0, "end") };
    if x - 110.0 > LABEL || anchor == "start" {
        let _ = write!(
            svg,
            "<text class=\"fate\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{fate}</text>",
            y + 15.0
        );
    }
    *svg += "</g>";
}

/// Text from outside as markup, cut to so many characters.
fn escaped(text: &str, max: usize) -> String {
    let text = clean_line(text);
    if text.chars().count() <= max {
        return markup(&text);
    }
    let cut: String = text.chars().take(max - 1).chain(['…']).collect();
    markup(&cut)
}
