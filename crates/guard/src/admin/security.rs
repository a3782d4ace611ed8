//! What holds for every request to the admin address: whom it may be addressed to, which site a form may
//! come from, and the headers that forbid a browser whatever the page does not need.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{HOST, HeaderName, HeaderValue, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::App;

/// Nothing but this page's own script and style. The page has no inline ones, so that text which
/// became markup against all odds would still not run.
const HEADERS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

/// Refuses what is addressed to somebody else and adds the headers.
pub(super) async fn guard(State(shared): App, request: Request, next: Next) -> Response {
    let mut response = match host(request.headers()) {
        Some(host) if is_ours(host, &shared.config.hosts) => next.run(request).await,
        _ => {
            let told =
                "this address is not served under that name; name it among the admin hosts\n";
            (StatusCode::MISDIRECTED_REQUEST, told).into_response()
        }
    };
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    // Incidents are nobody's business afterwards; assets say otherwise themselves.
    response.headers_mut().entry("cache-control").or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Whether a request that changes something came from a page of ours: browsers say where it came from.
pub(super) fn same_origin(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    if let Some(origin) = headers.get(ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        return origin.split_once("://").is_some_and(|(_, site)| site.eq_ignore_ascii_case(host));
    }
    // Browsers that send no Origin with a form send this.
    headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin")
}

/// 403 with a reason.
pub(super) fn forbidden(why: &str) -> Response {
    (StatusCode::FORBIDDEN, format!("{why}\n")).into_response()
}

/// The name that a request is addressed to, without port.
fn host(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    if hosts.next().is_some() {
        return None;
    }
    // [::1]:9091
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').map(|(address, _)| address);
    }
    Some(host.rsplit_once(':').map_or(host, |(name, _)| name))
}

/// An address cannot be made to point elsewhere; a name can.
fn is_ours(host: &str, names: &[String]) -> bool {
    host.parse::<IpAddr>().is_ok()
        || host.eq_ignore_ascii_case("localhost")
        || names.iter().any(|name| name.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn names_of_others_are_refused() {
        let of = |host: &str| super::host(&headers(&[("host", host)])).map(str::to_owned);
        assert_eq!(of("127.0.0.1:9091").as_deref(), Some("127.0.0.1"));
        assert_eq!(of("[::1]:9091").as_deref(), Some("::1"));
        assert_eq!(of("localhost").as_deref(), Some("localhost"));
        let names = ["guard.example".to_owned()];
        for ours in ["127.0.0.1", "::1", "localhost", "GUARD.example"] {
            assert!(is_ours(ours, &names), "{ours}");
        }
        for other in ["evil.example", "guard.example.evil", "", "localhost.evil.example"] {
            assert!(!is_ours(other, &names), "{other}");
        }
    }

    #[test]
    fn forms_of_others_are_refused() {
        let from =
            |origin: &str| same_origin(&headers(&[("host", "localhost:9091"), ("origin", origin)]));
        assert!(from("http://localhost:9091"));
        for other in ["http://localhost:9092", "http://evil.example", "null", ""] {
            assert!(!from(other), "{other}");
        }
        assert!(!same_origin(&headers(&[("host", "localhost:9091")])));
        let fetched = [("host", "localhost:9091"), ("sec-fetch-site", "same-origin")];
        assert!(same_origin(&headers(&fetched)));
    }
}
