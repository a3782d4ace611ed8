//! Charts as SVG: intervals in rows, and a heap over time. Text is escaped by the one who draws it;
//! colours are classes of the page's style, so that a strict policy holds and both themes work.

use crate::gctrace::Cycle;
use crate::report::digits;

/// Width of a chart, in the units of its own drawing.
const WIDTH: f64 = 760.0;
/// Where the rows' labels end and the axis begins.
const LEFT: f64 = 250.0;
/// Where the axis ends and the figures begin.
const RIGHT: f64 = 560.0;
const ROW: f64 = 20.0;
/// So many colours there are for toolchains.
const COLOURS: usize = 6;
/// So many points of a run's collections are drawn.
const MAX_POINTS: usize = 400;

/// A row: a point in its interval.
pub struct Row {
    /// What it is.
    pub label: String,
    /// Which toolchain, for the colour.
    pub series: usize,
    /// Lower end, point, upper end.
    pub at: [f64; 3],
    /// The figure, as text.
    pub figure: String,
}

/// How values are laid out on the axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scale {
    /// From 0 to 1.
    Share,
    /// By powers of ten, as wide as the values are.
    Log,
}

/// Rows of intervals.
pub fn intervals(title: &str, rows: &[Row], scale: Scale) -> String {
    let (low, high) = range(rows, scale);
    let x = |value: f64| {
        let share = match scale {
            Scale::Share => value,
            Scale::Log => (value.max(low).log10() - low.log10()) / (high.log10() - low.log10()),
        };
        LEFT + (RIGHT - LEFT) * share.clamp(0.0, 1.0)
    };
    let height = ROW * (rows.len() as f64 + 1.5);
    let mut svg = open(title, height);
    for tick in ticks(low, high, scale) {
        let at = x(tick);
        let text = match scale {
            Scale::Share => format!("{:.0}%", tick * 100.0),
            Scale::Log => digits_of_tick(tick),
        };
        svg += &line("grid", [at, 4.0, at, height - ROW]);
        svg += &text_at("dim", at, height - 6.0, "middle", &text);
    }
    let mut previous = "";
    for (index, row) in rows.iter().enumerate() {
        let y = ROW * (index as f64 + 0.7);
        let colour = format!("s{}", row.series % COLOURS);
        if row.label != previous {
            svg += &text_at("", LEFT - 10.0, y + 4.0, "end", &row.label);
        }
        previous = &row.label;
        let [from, point, to] = row.at.map(x);
        svg += &line(&format!("bar {colour}"), [from, y, to.max(from + 1.0), y]);
        svg += &format!("<circle class=\"{colour}\" cx=\"{point:.1}\" cy=\"{y:.1}\" r=\"4\"/>");
        svg += &text_at("dim", RIGHT + 12.0, y + 4.0, "start", &row.figure);
    }
    svg + "</svg>\n"
}

/// The heap of one run: when each collection began, what was alive, and the goal.
pub fn heap(title: &str, cycles: &[Cycle]) -> String {
    let step = cycles.len().div_ceil(MAX_POINTS).max(1);
    let cycles: Vec<&Cycle> = cycles.iter().step_by(step).collect();
    let height = 240.0;
    let (bottom, top, left, right) = (height - 28.0, 12.0, 56.0, WIDTH - 130.0);
    let most = |of: fn(&Cycle) -> f64| cycles.iter().map(|c| of(c)).fold(0.0, f64::max);
    let tall = most(|c| c.goal).max(most(|c| c.heap[1])).max(1.0);
    let begin = cycles.first().map_or(0.0, |c| c.at);
    let long = (most(|c| c.at) - begin).max(0.001);
    let x = |at: f64| left + (right - left) * (at - begin) / long;
    let y = |megabytes: f64| bottom - (bottom - top) * megabytes / tall;
    let mut svg = open(title, height);
    for part in 0..=4 {
        let value = tall * f64::from(part) / 4.0;
        svg += &line("grid", [left, y(value), right, y(value)]);
        svg += &text_at("dim", left - 6.0, y(value) + 4.0, "end", &format!("{value:.0} MB"));
        let at = begin + long * f64::from(part) / 4.0;
        svg += &text_at("dim", x(at), height - 8.0, "middle", &format!("{at:.3} s"));
    }
    let of: [fn(&Cycle) -> f64; 3] = [|c| c.goal, |c| c.heap[0], |c| c.heap[2]];
    let names = [("goal", "s1"), ("at the start", "s0"), ("alive", "s2")];
    for (index, ((name, colour), of)) in names.into_iter().zip(of).enumerate() {
        let points: Vec<String> =
            cycles.iter().map(|c| format!("{:.1},{:.1}", x(c.at), y(of(c)))).collect();
        svg += &format!("<polyline class=\"curve {colour}\" points=\"{}\"/>", points.join(" "));
        let at = top + ROW * (index as f64 + 0.5);
        svg += &line(&format!("bar {colour}"), [right + 14.0, at, right + 34.0, at]);
        svg += &text_at("", right + 40.0, at + 4.0, "start", name);
    }
    svg + "</svg>\n"
}

fn range(rows: &[Row], scale: Scale) -> (f64, f64) {
    if scale == Scale::Share {
        return (0.0, 1.0);
    }
    let values = rows.iter().flat_map(|row| row.at).filter(|v| *v > 0.0 && v.is_finite());
    let (low, high) =
        values.fold((f64::INFINITY, 0.0_f64), |(low, high), v| (low.min(v), high.max(v)));
    if low > high {
        return (1.0, 10.0);
    }
    (10_f64.powf(low.log10().floor()), 10_f64.powf(high.log10().floor() + 1.0))
}

fn ticks(low: f64, high: f64, scale: Scale) -> Vec<f64> {
    match scale {
        Scale::Share => vec![0.0, 0.25, 0.5, 0.75, 1.0],
        Scale::Log => {
            let (from, to) = (low.log10().round() as i32, high.log10().round() as i32);
            (from..=to).map(|power| 10_f64.powi(power)).collect()
        }
    }
}

fn digits_of_tick(tick: f64) -> String {
    if tick >= 1.0 { format!("{tick:.0}") } else { digits(tick) }
}

fn open(title: &str, height: f64) -> String {
    let title = escaped(title);
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>"
    )
}

fn line(class: &str, [x1, y1, x2, y2]: [f64; 4]) -> String {
    format!("<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>")
}

fn text_at(class: &str, x: f64, y: f64, anchor: &str, text: &str) -> String {
    let text = escaped(text);
    format!(
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
    )
}

fn escaped(text: &str) -> String {
    diag::markup(&diag::clean_line(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_of_powers_holds_all_values() {
        let row = |at| Row { label: String::new(), series: 0, at, figure: String::new() };
        let rows = [row([2.0, 3.0, 4.0]), row([150.0, 160.0, 900.0])];
        assert_eq!(range(&rows, Scale::Log), (1.0, 1000.0));
        assert_eq!(ticks(1.0, 1000.0, Scale::Log), [1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(range(&[row([0.0; 3])], Scale::Log), (1.0, 10.0));
    }

    #[test]
    fn labels_cannot_be_markup() {
        let row = Row { label: "<b>".into(), series: 9, at: [0.1, 0.2, 0.3], figure: "\"&".into() };
        let svg = intervals("a<b", &[row], Scale::Share);
        assert!(svg.contains("&lt;b&gt;") && svg.contains("&quot;&amp;") && !svg.contains("<b"));
        // 10% to 30% of the axis of 310.
        assert!(svg.contains("x1=\"281.0\"") && svg.contains("x2=\"343.0\""), "{svg}");
    }

    #[test]
    fn a_heap_without_extent_is_drawn() {
        let cycle = Cycle {
            number: 1,
            at: 0.5,
            clock: [0.0; 3],
            heap: [4.0, 5.0, 1.0],
            goal: 4.0,
            roots: 0.0,
        };
        let svg = heap("heap", &[cycle]);
        assert!(svg.contains("<polyline") && !svg.contains("NaN"), "{svg}");
        assert!(!heap("heap", &[]).contains("NaN"));
    }
}
