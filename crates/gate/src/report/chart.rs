//! The pictures of the report: SVG without scripts and without styles of its own. All text in them is ours
//! or escaped.

use std::fmt::Write as _;

use crate::load::{Point, SliceReport};
use crate::units::shown_ns;

const WIDTH: f64 = 900.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 880.0;
const TOP: f64 = 26.0;

fn open(height: f64, title: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">\
         <text class=\"title\" x=\"{LEFT}\" y=\"16\">{title}</text>",
        title = diag::markup(title)
    )
}

fn line(class: &str, points: &[(f64, f64)]) -> String {
    let list: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    format!("<polyline class=\"{class}\" points=\"{}\"/>", list.join(" "))
}

/// Decades between which a set of latencies lies.
fn decades(values: impl Iterator<Item = u64>) -> (f64, f64) {
    let (mut low, mut high) = (f64::MAX, f64::MIN);
    for value in values.filter(|v| *v > 0) {
        let log = (value as f64).log10();
        low = low.min(log.floor());
        high = high.max(log.ceil());
    }
    if low > high { (3.0, 6.0) } else { (low, high.max(low + 1.0)) }
}

fn latency_axis(low: f64, high: f64, bottom: f64, out: &mut String) {
    let mut log = low;
    while log <= high {
        let y = bottom - (log - low) / (high - low) * (bottom - TOP);
        let _ = write!(
            out,
            "<line class=\"axis\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{RIGHT}\" y2=\"{y:.1}\"/>\
             <text x=\"4\" y=\"{:.1}\">{}</text>",
            y + 4.0,
            shown_ns(10f64.powf(log) as u64)
        );
        log += 1.0;
    }
}

/// Latency by percentile, the tail stretched: each tenth of the rest takes as much room as the one before.
pub fn curve(corrected: &[Point], service: &[Point]) -> String {
    const BOTTOM: f64 = 230.0;
    const NINES: f64 = 5.0;
    let (low, high) = decades(corrected.iter().chain(service).map(|p| p.ns));
    let mut out = open(
        260.0,
        "latency by percentile: from the intended time (red), from the time of sending",
    );
    latency_axis(low, high, BOTTOM, &mut out);
    let x = |q: f64| {
        let nines = -(1.0 - q).max(10f64.powf(-NINES)).log10();
        LEFT + nines / NINES * (RIGHT - LEFT)
    };
    for (q, name) in [
        (0.0, "0%"),
        (0.5, "50%"),
        (0.9, "90%"),
        (0.99, "99%"),
        (0.999, "99.9%"),
        (0.9999, "99.99%"),
    ] {
        let _ = write!(out, "<text x=\"{:.1}\" y=\"250\">{name}</text>", x(q));
    }
    let y = |ns: u64| BOTTOM - ((ns.max(1) as f64).log10() - low) / (high - low) * (BOTTOM - TOP);
    let points =
        |list: &[Point]| -> Vec<(f64, f64)> { list.iter().map(|p| (x(p.q), y(p.ns))).collect() };
    out += &line("l1", &points(service));
    out += &line("l2", &points(corrected));
    out + "</svg>"
}

/// Requests (bars, failed ones red) and latency (lines: median, 99th percentile) over time, with the
/// trigger of a drill and the answers of health and readiness below.
pub fn time(slices: &[SliceReport], mark: Option<f64>, strips: &[crate::Strip]) -> String {
    const BOTTOM: f64 = 190.0;
    let end = slices.last().map_or(1.0, |s| s.at + s.width);
    let end =
        strips.iter().filter_map(|s| s.spans.last()).map(|s| s.1).fold(end, f64::max).max(0.1);
    let height = 215.0 + 18.0 * strips.len() as f64;
    let mut out = open(height, "over time: good and failed requests, median and 99th percentile");
    let x = |t: f64| LEFT + t / end * (RIGHT - LEFT);
    let most = slices.iter().map(|s| s.good + s.bad).max().unwrap_or(1).max(1) as f64;
    // The bars take the lower third: the lines are what is read.
    let room = (BOTTOM - TOP) / 3.0;
    let (low, high) = decades(slices.iter().flat_map(|s| [s.p50, s.p99]));
    latency_axis(low, high, BOTTOM, &mut out);
    for slice in slices {
        let width = (x(slice.at + slice.width) - x(slice.at) - 0.5).max(0.5);
        let good = slice.good as f64 / most * room;
        let bad = slice.bad as f64 / most * room;
        let left = x(slice.at);
        let _ = write!(
            out,
            "<rect class=\"b1\" opacity=\".35\" x=\"{left:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{good:.1}\"/>\
             <rect class=\"b2\" x=\"{left:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{bad:.1}\"/>",
            BOTTOM - good,
            BOTTOM - good - bad
        );
    }
    let y = |ns: u64| BOTTOM - ((ns.max(1) as f64).log10() - low) / (high - low) * (BOTTOM - TOP);
    let points = |pick: fn(&SliceReport) -> u64| -> Vec<(f64, f64)> {
        let used = slices.iter().filter(|s| pick(s) > 0);
        used.map(|s| (x(s.at + s.width / 2.0), y(pick(s)))).collect()
    };
    out += &line("l1", &points(|s| s.p50));
    out += &line("l2", &points(|s| s.p99));
    for (index, strip) in strips.iter().enumerate() {
        let top = 196.0 + 18.0 * index as f64;
        let _ = write!(
            out,
            "<text x=\"4\" y=\"{:.1}\">{}</text>",
            top + 11.0,
            diag::markup(strip.name)
        );
        for (from, to, good) in &strip.spans {
            let class = if *good { "b1" } else { "b2" };
            let width = (x(*to) - x(*from)).max(1.0);
            let _ = write!(
                out,
                "<rect class=\"{class}\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"12\"/>",
                x(*from)
            );
        }
    }
    if let Some(mark) = mark {
        let _ = write!(
            out,
            "<line class=\"mark\" x1=\"{0:.1}\" y1=\"{TOP}\" x2=\"{0:.1}\" y2=\"{1:.1}\"/>",
            x(mark),
            height - 18.0
        );
    }
    let _ = write!(
        out,
        "<text x=\"{LEFT}\" y=\"{0:.1}\">0s</text><text x=\"{1:.1}\" y=\"{0:.1}\">{end:.1}s</text></svg>",
        height - 4.0,
        RIGHT - 30.0
    );
    out
}
