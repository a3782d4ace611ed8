//! Reads counters and gauges from what a service exposes: Prometheus text (exposition format 0.0.4 and
//! `OpenMetrics` 1.0) or the JSON of package expvar.

use std::collections::BTreeMap;

use serde_json::Value;

/// The sum over all series of a metric whose labels include these; none when there is no such metric. A
/// counter that was never touched may be absent, so whoever compares decides what that means.
pub fn sum(body: &[u8], name: &str, labels: &BTreeMap<String, String>) -> Option<f64> {
    let text = String::from_utf8_lossy(body);
    if text.trim_start().starts_with('{') {
        return expvar(&text, name);
    }
    let mut sum = None;
    for line in text.lines() {
        let Some(value) = sample(line.trim(), name, labels) else { continue };
        *sum.get_or_insert(0.0) += value;
    }
    sum
}

/// The value of a line, if it is a sample of that metric with those labels.
fn sample(line: &str, name: &str, labels: &BTreeMap<String, String>) -> Option<f64> {
    let rest = line.strip_prefix(name)?;
    let (found, rest) = match rest.strip_prefix('{') {
        Some(inside) => series(inside)?,
        None if rest.starts_with([' ', '\t']) => (BTreeMap::new(), rest),
        None => return None,
    };
    if labels.iter().any(|(key, value)| found.get(key) != Some(value)) {
        return None;
    }
    let value = rest.split_whitespace().next()?;
    match value {
        "+Inf" => Some(f64::INFINITY),
        _ => value.parse().ok(),
    }
}

/// `a="x",b="y"} 3`: the labels and what follows.
fn series(mut text: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        text = text.trim_start_matches([' ', ',']);
        if let Some(rest) = text.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (key, rest) = text.split_once('=')?;
        let mut chars = rest.trim_start().strip_prefix('"')?.char_indices();
        let mut value = String::new();
        let inside = rest.trim_start().strip_prefix('"')?;
        let end = loop {
            match chars.next()? {
                (at, '"') => break at,
                (_, '\\') => match chars.next()?.1 {
                    'n' => value.push('\n'),
                    c => value.push(c),
                },
                (_, c) => value.push(c),
            }
        };
        labels.insert(key.trim().to_owned(), value);
        text = &inside[end + 1..];
    }
}

/// A number, or the sum of a map's numbers, anywhere at the top.
fn expvar(text: &str, name: &str) -> Option<f64> {
    let value: Value = serde_json::from_str(text).ok()?;
    match value.get(name)? {
        Value::Number(number) => number.as_f64(),
        Value::Object(map) => Some(map.values().filter_map(Value::as_f64).sum()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"# HELP go_panic_total Panics.\n# TYPE go_panic_total counter\n\
        go_panic_total{route=\"/a \\\"b\\\" }\",kind=\"handler\"} 3 1700000000\n\
        go_panic_total{kind=\"goroutine\"} 2\n\
        go_panic_total_created 17\n\
        go_goroutines 42\nbroken{ 1\nbroken{a=\"x 1\n";

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn series_are_summed_and_chosen_by_label() {
        assert_eq!(sum(TEXT, "go_panic_total", &labels(&[])), Some(5.0));
        assert_eq!(sum(TEXT, "go_panic_total", &labels(&[("kind", "handler")])), Some(3.0));
        assert_eq!(sum(TEXT, "go_panic_total", &labels(&[("route", "/a \"b\" }")])), Some(3.0));
        assert_eq!(sum(TEXT, "go_panic_total", &labels(&[("kind", "no")])), None);
        assert_eq!(sum(TEXT, "go_goroutines", &labels(&[])), Some(42.0));
        assert_eq!(sum(TEXT, "broken", &labels(&[])), None);
        assert_eq!(sum(b"\xff\xfe", "x", &labels(&[])), None);
    }

    #[test]
    fn expvar_is_read() {
        let json = br#"{"go_panic_total": {"a": 1, "b": 2}, "goroutines": 7, "cmdline": ["x"]}"#;
        assert_eq!(sum(json, "go_panic_total", &labels(&[])), Some(3.0));
        assert_eq!(sum(json, "goroutines", &labels(&[])), Some(7.0));
        assert_eq!(sum(json, "cmdline", &labels(&[])), None);
        assert_eq!(sum(b"{ broken", "x", &labels(&[])), None);
    }
}
