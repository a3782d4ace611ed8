//! Header sections on their way through: what ends at this hop (RFC 9110, section 7.6.1), what is
//! added, and whose word about the client is taken. The policy:
//!
//! - `X-Forwarded-For`, `-Proto`, `-Host` and `Forwarded` (RFC 7239) of a client are dropped and made
//!   afresh, so that nobody can pretend to be somebody else; those of a trusted proxy
//!   (`--trust-proxy`) are kept and added to.
//! - `Via` (RFC 9110, section 7.6.3) is added to, in both directions.
//! - `Host` stays as the client sent it.
//! - `Expect` ends here: the guard itself asks the client for the body.

use std::net::{IpAddr, SocketAddr};

use http::header::{
    CONNECTION, COOKIE, EXPECT, FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::{Uri, Version};

use crate::flights::{SpanContext, TraceId};
use crate::options::{KeptHeader, Network};
use crate::otlp::Tracer;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// A client, as far as headers tell of it: what is the same for all requests of a connection.
#[derive(Debug)]
pub(crate) struct Client {
    address: IpAddr,
    tls: bool,
    /// The value of `X-Forwarded-For` of a client that came through nobody.
    forwarded_for: HeaderValue,
    /// How its element of `Forwarded` begins.
    forwarded: Box<str>,
}

impl Client {
    /// Who is at the other end of a connection.
    pub fn new(address: SocketAddr, tls: bool) -> Self {
        let address = address.ip().to_canonical();
        let proto = if tls { "https" } else { "http" };
        let forwarded = match address {
            IpAddr::V4(ip) => format!("for={ip};proto={proto}"),
            IpAddr::V6(ip) => format!("for=\"[{ip}]\";proto={proto}"),
        };
        let forwarded_for = HeaderValue::from_str(&address.to_string());
        Self {
            address,
            tls,
            forwarded_for: forwarded_for.expect("an address has no control characters"),
            forwarded: forwarded.into(),
        }
    }
}

/// Takes out what is meant for this hop only.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
            // A client must not take out what the service relies on (and nobody names these in good faith).
            .filter(|name| !matches!(name.as_str(), "host" | "content-length" | "traceparent"))
            .collect();
        for name in named {
            headers.remove(name);
        }
        headers.remove(CONNECTION);
    }
    for name in [KEEP_ALIVE, PROXY_CONNECTION, TE, TRANSFER_ENCODING, UPGRADE, PROXY_AUTHENTICATE] {
        headers.remove(name);
    }
}

/// The protocol that a client wants to change to, if it does (RFC 9110, section 7.8).
pub(crate) fn wants_upgrade(headers: &HeaderMap, version: Version) -> Option<HeaderValue> {
    let asked = has_token(headers, &CONNECTION, "upgrade");
    headers.get(UPGRADE).filter(|_| asked && version == Version::HTTP_11).cloned()
}

/// Whether a list header has a token.
pub(crate) fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|v| v.split(',')).any(|part| part.trim().eq_ignore_ascii_case(token))
}

/// Makes a client's header section the service's.
pub(crate) fn to_service(
    headers: &mut HeaderMap,
    uri: &Uri,
    version: Version,
    client: &Client,
    trusted: &[Network],
) {
    let trailers = has_token(headers, &TE, "trailers");
    strip_hop_by_hop(headers);
    headers.remove(EXPECT);
    headers.remove(PROXY_AUTHORIZATION);
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    // RFC 9112, section 3.2.2: the host of an absolute form, and of HTTP/2, is the host.
    if let Some(authority) = uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        headers.insert(HOST, host);
    }
    join_cookies(headers);
    forwarding(headers, client, trusted);
    via(headers, version);
}

/// HTTP/2 may send cookies one by one; HTTP/1.1 may not (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(COOKIE).iter().nth(1).is_none() {
        return;
    }
    let parts: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&parts.join(&b"; "[..])) {
        headers.insert(COOKIE, joined);
    }
}

fn forwarding(headers: &mut HeaderMap, client: &Client, trusted: &[Network]) {
    let believed = trusted.iter().any(|network| network.contains(client.address));
    if !believed {
        for name in [FORWARDED_FOR, FORWARDED_PROTO, FORWARDED_HOST, FORWARDED] {
            headers.remove(name);
        }
    }
    let proto = if client.tls { "https" } else { "http" };
    append(headers, FORWARDED_FOR, client.forwarded_for.clone());
    let host = headers.get(HOST).cloned();
    if !headers.contains_key(FORWARDED_PROTO) {
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static(proto));
    }
    if !headers.contains_key(FORWARDED_HOST)
        && let Some(host) = &host
    {
        headers.insert(FORWARDED_HOST, host.clone());
    }
    // A host that would end the quoted string is left out.
    let host = host.as_ref().and_then(|h| h.to_str().ok());
    let host = host.filter(|h| !h.contains(['"', '\\']));
    let text = match host {
        Some(host) => [&client.forwarded, ";host=\"", host, "\""].concat(),
        None => client.forwarded.to_string(),
    };
    if let Ok(value) = HeaderValue::try_from(text) {
        append(headers, FORWARDED, value);
    }
}

/// Adds `Via`.
pub(crate) fn via(headers: &mut HeaderMap, version: Version) {
    let via = match version {
        Version::HTTP_2 => "2 unpanic",
        Version::HTTP_10 => "1.0 unpanic",
        _ => "1.1 unpanic",
    };
    append(headers, VIA, HeaderValue::from_static(via));
}

/// Adds to a list header, in one line.
fn append(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    if !headers.contains_key(&name) {
        headers.insert(name, value);
        return;
    }
    let given = headers.get_all(&name).iter().chain([&value]);
    let parts: Vec<&[u8]> = given.map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&parts.join(&b", "[..])) {
        headers.insert(name, joined);
    }
}

/// The trace of a request and the guard's span in it: the trace of its `traceparent`, or a new one, which is then put
/// in unless `make` says no. A broken one is replaced and its `tracestate` dropped (W3C Trace Context, 4.3). With a
/// tracer the guard's span is the parent of the service's.
pub(crate) fn trace(
    headers: &mut HeaderMap,
    make: bool,
    tracer: Option<&Tracer>,
) -> (TraceId, SpanContext) {
    let mut given = headers.get_all(TRACEPARENT).iter();
    if let (Some(only), None) = (given.next(), given.next())
        && let Some((trace, mut span)) = parse_traceparent(only.as_bytes())
    {
        if tracer.is_some() {
            span.id = fastrand::u64(1..);
            set(headers, trace, span);
        }
        return (trace, span);
    }
    let trace = TraceId(fastrand::u128(1..).to_be_bytes());
    let sampled = tracer.is_none_or(Tracer::chooses);
    let span = SpanContext { id: fastrand::u64(1..), parent: 0, sampled };
    if make {
        headers.remove(TRACESTATE);
        set(headers, trace, span);
    }
    (trace, span)
}

fn set(headers: &mut HeaderMap, trace: TraceId, span: SpanContext) {
    let mut text = Vec::with_capacity(55);
    text.extend(b"00-");
    hex(&mut text, &trace.0);
    text.push(b'-');
    hex(&mut text, &span.id.to_be_bytes());
    text.extend(if span.sampled { b"-01" } else { b"-00" });
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(TRACEPARENT, value);
    }
}

fn hex(text: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| DIGITS[usize::from(half & 15)];
    text.extend(bytes.iter().flat_map(|&byte| [digit(byte >> 4), digit(byte)]));
}

/// W3C Trace Context, section 3.2: `00-` 32 hex `-` 16 hex `-` 2 hex; later versions may go on.
fn parse_traceparent(text: &[u8]) -> Option<(TraceId, SpanContext)> {
    let lower = |bytes: &[u8]| bytes.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if text.len() < 55 || !(text[2] == b'-' && text[35] == b'-' && text[52] == b'-') {
        return None;
    }
    let (version, trace, parent, flags) = (&text[..2], &text[3..35], &text[36..52], &text[53..55]);
    if ![version, trace, parent, flags].into_iter().all(lower) || version == b"ff" {
        return None;
    }
    if text.len() > 55 && (version == b"00" || text[55] != b'-') {
        return None;
    }
    let zero = |bytes: &[u8]| bytes.iter().all(|&b| b == b'0');
    if zero(trace) || zero(parent) {
        return None;
    }
    let number = |bytes: &[u8]| u128::from_str_radix(std::str::from_utf8(bytes).ok()?, 16).ok();
    let parent = u64::try_from(number(parent)?).ok()?;
    let sampled = number(flags)? & 1 == 1;
    Some((TraceId(number(trace)?.to_be_bytes()), SpanContext { id: 0, parent, sampled }))
}

/// The headers that incidents carry. A hash is the first 16 hexadecimal digits of SHA-256, enough to
/// tell users apart and to find one whose id is known.
pub(crate) fn kept(headers: &HeaderMap, rules: &[KeptHeader]) -> Vec<(Box<str>, Box<str>)> {
    use sha2::Digest as _;
    let mut out: Vec<(Box<str>, Box<str>)> = Vec::new();
    for rule in rules {
        let Some(value) = headers.get(&rule.name) else { continue };
        let shown = if rule.hashed {
            let hash = sha2::Sha256::digest(value.as_bytes());
            let hex: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
            format!("sha256:{hex}")
        } else {
            String::from_utf8_lossy(&value.as_bytes()[..value.len().min(256)]).into_owned()
        };
        out.push((rule.name.as_str().into(), shown.into()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        map
    }

    fn client() -> Client {
        Client::new("192.0.2.1:5".parse().unwrap(), false)
    }

    #[test]
    fn what_connection_names_ends_here() {
        let mut headers = map(&[
            ("connection", "close, X-Mine"),
            ("connection", "host"),
            ("x-mine", "1"),
            ("host", "a"),
            ("keep-alive", "5"),
            ("transfer-encoding", "chunked"),
            ("te", "trailers, deflate"),
            ("cookie", "a=1"),
            ("cookie", "b=2"),
        ]);
        to_service(&mut headers, &Uri::from_static("/"), Version::HTTP_11, &client(), &[]);
        for gone in ["connection", "x-mine", "keep-alive", "transfer-encoding"] {
            assert!(!headers.contains_key(gone), "{gone}");
        }
        assert_eq!(headers["te"], "trailers");
        assert_eq!(headers["cookie"], "a=1; b=2");
        assert_eq!(headers["via"], "1.1 unpanic");
    }

    #[test]
    fn a_client_cannot_pretend_and_a_trusted_proxy_is_believed() {
        let sent = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-proto", "https"), ("host", "h")];
        let mut headers = map(&sent);
        to_service(&mut headers, &Uri::from_static("/"), Version::HTTP_11, &client(), &[]);
        assert_eq!(headers["x-forwarded-for"], "192.0.2.1");
        assert_eq!(headers["x-forwarded-proto"], "http");
        assert_eq!(headers["forwarded"], "for=192.0.2.1;proto=http;host=\"h\"");
        let mut headers = map(&sent);
        let trusted = [Network::parse("192.0.2.0/24").unwrap()];
        to_service(&mut headers, &Uri::from_static("/"), Version::HTTP_11, &client(), &trusted);
        assert_eq!(headers["x-forwarded-for"], "1.1.1.1, 192.0.2.1");
        assert_eq!(headers["x-forwarded-proto"], "https");
    }

    #[test]
    fn a_trace_is_kept_or_made() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
        let mut headers = map(&[("traceparent", good), ("tracestate", "a=b")]);
        let (trace, span) = trace(&mut headers, true, None);
        assert_eq!(trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(headers["traceparent"], good);
        let parent = 0x00f0_67aa_0ba9_02b7;
        assert_eq!(span, SpanContext { id: 0, parent, sampled: false });
        for broken in [
            "00-00000000000000000000000000000000-00f067aa0ba902b7-00",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-x",
            "é",
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(TRACEPARENT, HeaderValue::from_bytes(broken.as_bytes()).unwrap());
            headers.insert(TRACESTATE, HeaderValue::from_static("a=b"));
            let (made, _) = super::trace(&mut headers, true, None);
            assert!(headers["traceparent"].to_str().unwrap().contains(&made.to_string()));
            assert!(!headers.contains_key(TRACESTATE), "{broken}");
        }
    }

    #[test]
    fn kept_headers_are_hashed() {
        let headers = map(&[("x-user-id", "alice"), ("x-region", "eu")]);
        let rules =
            [KeptHeader::parse("X-User-Id").unwrap(), KeptHeader::parse("x-region=plain").unwrap()];
        let kept = kept(&headers, &rules);
        assert_eq!(&*kept[0].1, "sha256:2bd806c97f0e00af");
        assert_eq!(&*kept[1].1, "eu");
    }
}
