//! What log collectors put before each line: Docker, Kubernetes (CRI), compose, journald, syslog.
//! Separate, because the grammar of a dump begins behind it, and because lines with different
//! prefixes are of different processes: each gets a reader of its own.

use memchr::memchr;

/// A line without its prefix.
pub(crate) struct Carried<'a> {
    /// Whose line it is: the prefix without its time.
    pub source: &'a [u8],
    /// The line itself.
    pub line: Line<'a>,
    /// Whether the next line of this source continues it.
    pub partial: bool,
}

/// A line as it lies in the input, or decoded from it.
pub(crate) enum Line<'a> {
    /// A part of the input.
    Raw(&'a [u8]),
    /// The value of a JSON string.
    Decoded(Vec<u8>),
}

/// Takes a prefix off; `None` when there is none.
pub(crate) fn strip(line: &[u8]) -> Option<Carried<'_>> {
    match *line.first()? {
        b'{' => docker_json(line),
        b'[' => kubectl(line),
        b'0'..=b'9' => timestamped(line),
        b'A'..=b'Z' => syslog(line).or_else(|| compose(line)),
        b'a'..=b'z' => compose(line),
        _ => None,
    }
}

fn raw<'a>(source: &'a [u8], line: &'a [u8]) -> Carried<'a> {
    Carried { source, line: Line::Raw(line), partial: false }
}

/// Docker's json-file driver: `{"log":"…\n","stream":"stderr","time":"…"}`.
fn docker_json(line: &[u8]) -> Option<Carried<'_>> {
    #[derive(serde::Deserialize)]
    struct Entry {
        log: String,
        #[serde(default)]
        stream: Stream,
    }
    #[derive(serde::Deserialize, Default)]
    #[serde(rename_all = "lowercase")]
    enum Stream {
        Stdout,
        #[default]
        Stderr,
    }
    if !line.starts_with(b"{\"log\":\"") {
        return None;
    }
    let entry: Entry = serde_json::from_slice(line).ok()?;
    let mut text = entry.log.into_bytes();
    let partial = text.pop_if(|b| *b == b'\n').is_none();
    text.pop_if(|b| *b == b'\r');
    let source = match entry.stream {
        Stream::Stdout => &b"json out"[..],
        Stream::Stderr => b"json err",
    };
    Some(Carried { source, line: Line::Decoded(text), partial })
}

/// `kubectl logs --prefix`: `[pod/web-7d4/app] line`.
fn kubectl(line: &[u8]) -> Option<Carried<'_>> {
    if !line.starts_with(b"[pod/") {
        return None;
    }
    let close = memchr(b']', &line[..line.len().min(512)])?;
    let rest = line[close + 1..].strip_prefix(b" ")?;
    match timestamped(rest) {
        Some(inner) => Some(Carried { source: &line[..close], ..inner }),
        None => Some(raw(&line[..close], rest)),
    }
}

/// A line that starts with a time as RFC 3339 has it: CRI (`TIME stderr F line`), `docker logs -t`
/// and `kubectl logs --timestamps` (`TIME line`), `journalctl -o short-iso` (`TIME host unit[1]: line`).
fn timestamped(line: &[u8]) -> Option<Carried<'_>> {
    let space = memchr(b' ', &line[..line.len().min(48)])?;
    let (time, rest) = (&line[..space], &line[space + 1..]);
    let date = time.len() >= 19 && time[4] == b'-' && time[7] == b'-' && time[10] == b'T';
    if !date || time[13] != b':' || !time[..4].iter().all(u8::is_ascii_digit) {
        return None;
    }
    for stream in [&b"stdout "[..], b"stderr "] {
        let Some(rest) = rest.strip_prefix(stream) else { continue };
        let (partial, rest) = match rest {
            [b'F', b' ', rest @ ..] => (false, rest),
            [b'P', b' ', rest @ ..] => (true, rest),
            _ => return None,
        };
        return Some(Carried { source: stream, line: Line::Raw(rest), partial });
    }
    if let Some((source, rest)) = unit(rest) {
        return Some(raw(source, rest));
    }
    Some(raw(b"time", rest))
}

/// `Nov 26 09:51:29 host unit[123]: line`.
fn syslog(line: &[u8]) -> Option<Carried<'_>> {
    let head = line.get(..16)?;
    let shape = head[3] == b' ' && head[6] == b' ' && head[9] == b':' && head[12] == b':';
    if !shape || head[15] != b' ' || !head[7..9].iter().all(u8::is_ascii_digit) {
        return None;
    }
    unit(&line[16..]).map(|(source, rest)| raw(source, rest))
}

/// `host unit[123]: line` or `host unit: line`; a tab may follow the colon directly.
fn unit(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let head = &rest[..rest.len().min(256)];
    let host = memchr(b' ', head)?;
    let colon = host + memchr(b':', &head[host..])?;
    let name = &head[host + 1..colon];
    let process = name.last() == Some(&b']') && memchr(b'[', name).is_some();
    if host == 0 || !process || memchr(b' ', name).is_some() {
        return None;
    }
    let line = &rest[colon + 1..];
    Some((&rest[..colon], line.strip_prefix(b" ").unwrap_or(line)))
}

/// `docker compose logs`: `web-1  | line`.
fn compose(line: &[u8]) -> Option<Carried<'_>> {
    let head = &line[..line.len().min(80)];
    let fits = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let end = head.iter().position(|b| !fits(b))?;
    let bar = end + head[end..].iter().position(|b| *b != b' ')?;
    if end == 0 || bar == end || head[bar] != b'|' {
        return None;
    }
    let name = &line[..end];
    let rest = &line[bar + 1..];
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    match timestamped(rest) {
        Some(inner) => Some(Carried { source: name, ..inner }),
        None => Some(raw(name, rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(line: &str) -> Option<(String, String, bool)> {
        let carried = strip(line.as_bytes())?;
        let text = match carried.line {
            Line::Raw(line) => line.to_vec(),
            Line::Decoded(line) => line,
        };
        let string = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some((string(carried.source), string(&text), carried.partial))
    }

    #[test]
    fn prefixes_of_collectors() {
        for (line, source, partial) in [
            ("2026-11-26T09:51:29.123456789Z stderr F \tx.go:1", "stderr ", false),
            ("2026-11-26T09:51:29.123456789+01:00 stdout P \tx.go:1", "stdout ", true),
            ("2026-11-26T09:51:29.123456789Z \tx.go:1", "time", false),
            ("2026-11-26T09:51:29+0000 host web[12]: \tx.go:1", "host web[12]", false),
            ("Nov 26 09:51:29 host web[12]: \tx.go:1", "host web[12]", false),
            ("web-1  | \tx.go:1", "web-1", false),
            ("[pod/web-7d4/app] \tx.go:1", "[pod/web-7d4/app", false),
            (r#"{"log":"\tx.go:1\n","stream":"stderr","time":"t"}"#, "json err", false),
            (r#"{"log":"\tx.go:1","stream":"stdout"}"#, "json out", true),
        ] {
            assert_eq!(stripped(line), Some((source.into(), "\tx.go:1".into(), partial)), "{line}");
        }
    }

    #[test]
    fn lines_of_go_have_none() {
        for line in [
            "panic: a | b",
            "goroutine 1 [running]:",
            "\t/x/y.go:1 +0x1",
            "2026/11/26 09:51:29 http: panic serving 1: x",
            "SIGQUIT: quit",
            "PC=0x48db23 m=0 sigcode=0",
            "main.main()",
        ] {
            assert_eq!(stripped(line), None, "{line}");
        }
    }
}
