//! Structured log lines: JSON objects (slog, zap, zerolog, logrus) and logfmt, with the names under which
//! libraries write the same thing.

use std::collections::BTreeMap;

use serde_json::Value;

/// A longer value is kept as its beginning.
const MAX_VALUE: usize = 4096;
/// Deeper objects are not looked into.
const MAX_DEPTH: usize = 4;
/// Under these a line says what it is about.
const EVENT_KEYS: [&str; 5] = ["msg", "message", "event", "event_name", "error.kind"];

/// A line's fields, nested names joined by dots, in lower case.
pub type Fields = BTreeMap<String, String>;

/// Reads a line, if it is structured.
pub fn read(line: &str) -> Option<Fields> {
    let start = line.find('{');
    // A log collector may have put a time before the object.
    if let Some(start) = start
        && let Ok(Value::Object(map)) = serde_json::from_str(&line[start..])
    {
        let mut fields = Fields::new();
        flatten("", &Value::Object(map), 0, &mut fields);
        return Some(fields);
    }
    logfmt(line)
}

/// Whether the line is about this event.
pub fn is_event(fields: &Fields, event: &str) -> bool {
    EVENT_KEYS.iter().any(|key| fields.get(*key).is_some_and(|value| value == event))
}

/// The value of a field by any of the names that it goes by.
pub fn field<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let names: &[&str] = match lower.as_str() {
        "stack" => {
            &["stack", "stacktrace", "stack_trace", "exception.stacktrace", "error.stack_trace"]
        }
        "goroutine" => &["goroutine", "goroutine_id", "goroutineid", "goroutine.id", "goid", "gid"],
        "trace_id" => &["trace_id", "traceid", "trace.id", "dd.trace_id", "trace"],
        "route" => &["route", "http.route", "path", "url.path", "http.target", "rpc.method"],
        _ => &[],
    };
    let value = names.iter().find_map(|name| fields.get(*name)).or_else(|| fields.get(&lower))?;
    Some(value.trim())
}

/// Whether a field has something in it.
pub fn has(fields: &Fields, name: &str) -> bool {
    field(fields, name).is_some_and(|value| !matches!(value, "" | "0" | "null" | "unknown"))
}

fn flatten(prefix: &str, value: &Value, depth: usize, fields: &mut Fields) {
    match value {
        Value::Object(map) if depth < MAX_DEPTH => {
            for (key, value) in map {
                let key = key.to_lowercase();
                let name = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
                flatten(&name, value, depth + 1, fields);
            }
        }
        Value::String(text) => insert(fields, prefix, text),
        Value::Null => insert(fields, prefix, ""),
        other => insert(fields, prefix, &other.to_string()),
    }
}

fn insert(fields: &mut Fields, name: &str, value: &str) {
    let mut end = value.len().min(MAX_VALUE);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    fields.insert(name.to_owned(), value[..end].to_owned());
}

/// `key=value key="quoted value"`; at least two pairs, since any line may have one `=`.
fn logfmt(line: &str) -> Option<Fields> {
    let mut fields = Fields::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let key = &rest[..end];
        let Some(after) = rest[end..].strip_prefix('=') else {
            // A word without a value, such as a level or a time.
            rest = rest[end..].trim_start();
            continue;
        };
        let value = if after.starts_with('"') {
            let (value, length) = quoted(after)?;
            rest = after[length..].trim_start();
            value
        } else {
            let end = after.find(' ').unwrap_or(after.len());
            rest = after[end..].trim_start();
            after[..end].to_owned()
        };
        if !key.is_empty() {
            insert(&mut fields, &key.to_lowercase(), &value);
        }
    }
    (fields.len() >= 2).then_some(fields)
}

/// A quoted string as Go's strconv writes it, and its length with the quotes.
fn quoted(text: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    loop {
        match chars.next()? {
            (at, '"') => return Some((value, at + 1)),
            (_, '\\') => match chars.next()?.1 {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                'r' => value.push('\r'),
                c => value.push(c),
            },
            (_, c) => value.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_of_any_library_is_read() {
        let line = r#"2026-01-02T00:00:00Z {"level":"ERROR","msg":"panic_recovered","stack":"goroutine 7 [running]:\nmain.x()","goroutine_id":7,"trace":{"id":"abc"},"http":{"route":"/a"}}"#;
        let fields = read(line).unwrap();
        assert!(is_event(&fields, "panic_recovered"));
        assert_eq!(field(&fields, "goroutine"), Some("7"));
        assert_eq!(field(&fields, "trace_id"), Some("abc"));
        assert_eq!(field(&fields, "route"), Some("/a"));
        assert!(has(&fields, "stack") && !has(&fields, "user"));
    }

    #[test]
    fn logfmt_is_read() {
        let line = r#"time=2026-01-02T00:00:00Z level=ERROR msg=panic_recovered stack="a\n\"b\"" goroutine=7 trace_id="" route=/a"#;
        let fields = read(line).unwrap();
        assert!(is_event(&fields, "panic_recovered"));
        assert_eq!(field(&fields, "stack"), Some("a\n\"b\""));
        assert!(!has(&fields, "trace_id"), "an empty field says nothing");
    }

    #[test]
    fn other_lines_are_not_structured() {
        for line in [
            "",
            "panic: x",
            "2026/01/02 http: panic serving 127.0.0.1: boom",
            "a=1",
            "{",
            "x=\"open",
        ] {
            assert!(read(line).is_none(), "{line}");
        }
    }
}
