//! The pages as data: everything is a finished text here, cleaned of control characters, and the
//! templates only lay it out. askama escapes what they print; nothing is printed as markup but the
//! timeline, which is made of escaped parts.

mod incident;
mod overview;

use askama::Template;
use diag::clean_line;
use incidents::{Incident, State};
use jiff::Timestamp;

pub(super) use incident::{IncidentPage, Parts};
pub(super) use overview::Overview;

/// The form for the token.
#[derive(Template)]
#[template(path = "login.html")]
pub(super) struct Login {
    pub to: String,
    pub wrong: bool,
    pub service: String,
}

/// A page that says that something is not there or went wrong.
#[derive(Template)]
#[template(path = "message.html")]
pub(super) struct Message {
    pub frame: Frame,
    pub title: String,
    pub text: String,
}

/// The list of incidents.
#[derive(Template)]
#[template(path = "list.html")]
pub(super) struct List {
    pub frame: Frame,
    pub text: String,
    pub service: String,
    pub services: Vec<String>,
    /// The `state` that is asked for; empty for those that are not resolved.
    pub state: String,
    pub tabs: Vec<Tab>,
    pub rows: Vec<Row>,
    pub total: u64,
    pub first: u64,
    pub last: u64,
    pub newer: Option<String>,
    pub older: Option<String>,
}

/// A choice of states above the list.
pub(super) struct Tab {
    pub name: &'static str,
    pub count: u64,
    pub link: String,
    pub here: bool,
}

/// What stands around every page.
pub(super) struct Frame {
    pub service: String,
    pub version: String,
    pub csrf: String,
    pub here: &'static str,
    /// Incidents that are neither acknowledged nor resolved.
    pub open: u64,
    /// The events on which the page asks for itself again.
    pub live: &'static str,
}

/// An incident in a list.
pub(super) struct Row {
    pub id: String,
    pub title: String,
    pub service: String,
    pub state: &'static str,
    pub class: &'static str,
    pub fatal: bool,
    pub count: u64,
    pub first: Moment,
    pub last: Moment,
}

/// A time in both forms.
#[derive(Clone)]
pub(super) struct Moment {
    /// For machines: `2026-11-30T02:40:00Z`.
    pub exact: String,
    /// For people: `2026-11-30 02:40:00 UTC`.
    pub shown: String,
    /// `3 min ago`.
    pub ago: String,
}

impl Row {
    pub fn new(incident: &Incident, now: Timestamp) -> Self {
        Self {
            id: incident.id.clone(),
            title: line(&incident.title),
            service: line(&incident.service),
            state: incident.state.as_str(),
            class: incident.class.as_str(),
            fatal: incident.recoverable == Some(false),
            count: incident.count,
            first: Moment::new(incident.first_seen, now),
            last: Moment::new(incident.last_seen, now),
        }
    }
}

impl Moment {
    pub fn new(time: Timestamp, now: Timestamp) -> Self {
        let exact = time.round(jiff::Unit::Millisecond).unwrap_or(time).to_string();
        let second = time.round(jiff::Unit::Second).unwrap_or(time).to_string();
        Self {
            shown: second.replace('T', " ").replace('Z', " UTC"),
            ago: ago(now.duration_since(time).as_secs()),
            exact,
        }
    }
}

/// States of which somebody should take notice.
pub(super) fn is_open(state: State) -> bool {
    matches!(state, State::Open | State::Regressed)
}

/// A text from outside on one line.
pub(super) fn line(text: &str) -> String {
    clean_line(text).into_owned()
}

fn ago(seconds: i64) -> String {
    match seconds {
        ..=0 => "just now".to_owned(),
        1..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// A length of time, in two units at most.
pub(super) fn length(seconds: u64) -> String {
    let units = |whole: u64, unit: &str, rest: u64, smaller: &str| match rest {
        0 => format!("{whole} {unit}"),
        rest => format!("{whole} {unit} {rest} {smaller}"),
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => units(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => units(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

/// Milliseconds as people read them.
pub(super) fn millis(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{}.{:02} s", ms / 1000, ms % 1000 / 10),
        _ => length(ms / 1000),
    }
}

/// A count with spaces between the thousands.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{2009}');
        }
        out.push(digit);
    }
    out
}

/// A text as it stands in a query (RFC 3986, 2.1).
pub(super) fn query(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(count(1_234_567), "1\u{2009}234\u{2009}567");
        assert_eq!(count(12), "12");
        assert_eq!(
            (millis(87), millis(1234), millis(61_000)),
            ("87 ms".into(), "1.23 s".into(), "1 min".into())
        );
        assert_eq!(
            (ago(-3), ago(59), ago(7200)),
            ("just now".into(), "59 s ago".into(), "2 h ago".into())
        );
        assert_eq!((length(3600), length(90_000)), ("1 h".to_owned(), "1 d 1 h".to_owned()));
        assert_eq!(query("a b&é"), "a%20b%26%C3%A9");
    }
}
