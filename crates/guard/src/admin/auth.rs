//! Who may see the page: whoever has the token. Browsers give it once and get a cookie that is signed
//! with a key made of it; programs send it as `Authorization: Bearer`. Nothing is stored, so a new token
//! ends all sessions.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use askama::Template as _;
use axum::Form;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde::Deserialize;

use super::view::Login;
use super::{App, Shared, pages, security};

/// The least characters of a token: 16 letters and digits at random are beyond guessing.
pub const MIN_TOKEN: usize = 16;
/// How long a login lasts.
const SESSION: Duration = Duration::from_hours(12);
/// What each wrong token costs; connections are limited, and so are guesses.
const WRONG: Duration = Duration::from_secs(1);
const NAME: &str = "unpanic_session";

/// Keys made of the token.
pub(super) struct Keys {
    token: blake3::Hash,
    session: [u8; 32],
}

/// Who asks.
#[derive(Clone)]
pub(super) enum Visitor {
    /// A browser with a cookie, and what its forms have to carry.
    Browser { csrf: String },
    /// A program with the token in each request: no page of somebody else's can make it ask.
    Program,
}

/// A new token.
pub fn generate_token() -> std::io::Result<String> {
    Ok(hex(&random::<16>()?))
}

fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Keys {
    pub fn new(token: &str) -> Self {
        Self {
            token: blake3::hash(token.as_bytes()),
            session: blake3::derive_key("unpanic guard 2026 admin session", token.as_bytes()),
        }
    }

    /// Comparing hashes takes the same time for each wrong token ([`blake3::Hash`]'s `==` does).
    fn is_token(&self, given: &str) -> bool {
        blake3::hash(given.as_bytes()) == self.token
    }

    fn sign(&self, what: &str, text: &str) -> blake3::Hash {
        blake3::keyed_hash(&self.session, format!("{what}:{text}").as_bytes())
    }

    /// A cookie's value: until when, something random, and the signature of both.
    fn session(&self, until: i64, nonce: &str) -> String {
        let text = format!("{until}.{nonce}");
        format!("{text}.{}", self.sign("session", &text).to_hex())
    }

    /// What the forms of a session have to carry, if it is one and not over.
    fn csrf(&self, session: &str, now: i64) -> Option<String> {
        let (text, signature) = session.rsplit_once('.')?;
        let signature = blake3::Hash::from_hex(signature).ok()?;
        let until: i64 = text.split_once('.')?.0.parse().ok()?;
        let valid = self.sign("session", text) == signature && now < until;
        valid.then(|| self.sign("csrf", text).to_hex().to_string())
    }
}

/// Whether a form came from a page that this session was given.
pub(super) fn same_secret(given: &str, expected: &str) -> bool {
    blake3::hash(given.as_bytes()) == blake3::hash(expected.as_bytes())
}

/// Lets in whoever has the token or a session.
pub(super) async fn require(State(shared): App, mut request: Request, next: Next) -> Response {
    let Some(visitor) = visitor(&shared, request.headers()).await else {
        let path = request.uri().path();
        let page =
            request.method() == Method::GET && !path.starts_with("/api/") && path != "/events";
        return if page {
            // Back to where one wanted to go.
            let to = request.uri().path_and_query().map_or("/", |path| path.as_str());
            let to: String = to.bytes().flat_map(encoded).collect();
            (StatusCode::SEE_OTHER, [(LOCATION, format!("/login?to={to}"))]).into_response()
        } else {
            unauthorized()
        };
    };
    request.extensions_mut().insert(visitor);
    next.run(request).await
}

/// 401, and what to do about it.
pub(super) fn unauthorized() -> Response {
    let told = "the token is missing or wrong: send it as `Authorization: Bearer TOKEN`\n";
    (StatusCode::UNAUTHORIZED, [("www-authenticate", "Bearer")], told).into_response()
}

/// Who asks, if it is somebody who may.
pub(super) async fn visitor(shared: &Shared, headers: &HeaderMap) -> Option<Visitor> {
    if let Some(value) = headers.get(AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        return shared.check(token.trim()).await.then_some(Visitor::Program);
    }
    let now = Timestamp::now().as_second();
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs =
        cookies.flat_map(|value| value.split(';')).filter_map(|c| c.trim().split_once('='));
    let csrf = pairs
        .find_map(|(name, value)| (name == NAME).then(|| shared.keys.csrf(value, now)).flatten())?;
    Some(Visitor::Browser { csrf })
}

impl Shared {
    /// Whether it is the token. Wrong ones take their time.
    async fn check(&self, token: &str) -> bool {
        let right = self.keys.is_token(token);
        if !right {
            tokio::time::sleep(WRONG).await;
        }
        right
    }
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    to: String,
}

/// The form for the token.
pub(super) async fn form(
    State(shared): App,
    axum::extract::Query(wanted): axum::extract::Query<Wanted>,
) -> Response {
    pages::html(
        Login { to: own(&wanted.to), wrong: false, service: shared.live.snapshot().service }
            .render(),
    )
}

#[derive(Deserialize)]
pub(super) struct Given {
    #[serde(default)]
    token: String,
    #[serde(default)]
    to: String,
}

/// Takes the token and gives a session.
pub(super) async fn login(
    State(shared): App,
    headers: HeaderMap,
    Form(given): Form<Given>,
) -> Response {
    if !security::same_origin(&headers) {
        return security::forbidden("the form came from another site");
    }
    let to = own(&given.to);
    if !shared.check(given.token.trim()).await {
        let page = Login { to, wrong: true, service: shared.live.snapshot().service };
        return (StatusCode::UNAUTHORIZED, pages::html(page.render())).into_response();
    }
    let Ok(nonce) = random::<16>() else {
        let told = "the system gives no random numbers\n";
        return (StatusCode::INTERNAL_SERVER_ERROR, told).into_response();
    };
    let until = Timestamp::now().as_second() + SESSION.as_secs() as i64;
    let value = shared.keys.session(until, &hex(&nonce));
    let cookie = cookie(&shared, &value, SESSION.as_secs());
    (StatusCode::SEE_OTHER, [(LOCATION, to), (SET_COOKIE, cookie)]).into_response()
}

/// Takes the cookie away.
pub(super) async fn logout(State(shared): App, headers: HeaderMap) -> Response {
    if !security::same_origin(&headers) {
        return security::forbidden("the form came from another site");
    }
    let cookie = cookie(&shared, "", 0);
    (StatusCode::SEE_OTHER, [(LOCATION, "/login".to_owned()), (SET_COOKIE, cookie)]).into_response()
}

fn cookie(shared: &Arc<Shared>, value: &str, seconds: u64) -> String {
    let secure = if shared.config.secure { "; Secure" } else { "" };
    format!("{NAME}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

/// A path of this page; whatever else was wanted is the first page. No other site, and no header.
fn own(to: &str) -> String {
    let local = to.starts_with('/') && !to.starts_with("//") && !to.starts_with("/\\");
    let plain = to.bytes().all(|b| b.is_ascii_graphic());
    if local && plain && !to.starts_with("/login") { to.to_owned() } else { "/".to_owned() }
}

/// A byte of a path as it stands in a query.
fn encoded(byte: u8) -> Vec<char> {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
            vec![char::from(byte)]
        }
        byte => format!("%{byte:02X}").chars().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_signed_and_end() {
        let keys = Keys::new("a token of some length");
        let session = keys.session(1000, "abc");
        let csrf = keys.csrf(&session, 999).expect("it is valid");
        assert_eq!(keys.csrf(&session, 1000), None, "it is over");
        assert_eq!(keys.csrf(&session.replace("1000", "9999"), 999), None, "it was changed");
        assert_eq!(Keys::new("another token of ours").csrf(&session, 999), None);
        assert!(same_secret(&csrf, &csrf) && !same_secret("", &csrf));
        assert_eq!(keys.csrf("", 0), None);
    }

    #[test]
    fn nobody_is_sent_to_another_site() {
        assert_eq!(own("/incidents?q=1"), "/incidents?q=1");
        for evil in
            ["//evil.example", "https://evil.example", "/\\evil", "/a\r\nX: y", "", "/login?to=/"]
        {
            assert_eq!(own(evil), "/");
        }
    }
}
