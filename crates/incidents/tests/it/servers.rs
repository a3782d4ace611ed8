//! Sinks that take only what their published schemas allow, remember it, and can be made to fail in the
//! ways in which real ones do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, patch, post};
use base64::Engine as _;
use hmac::Mac as _;
use incidents::{Config, Secret, SinkConfig, SinkKind};
use serde_json::{Value, json};

/// The webhook's key, GitHub's token, `PagerDuty`'s key: as files, like in production.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const TOKEN: &str = "ghp_0123456789";
const KEY: &str = "0123456789abcdef0123456789abcdef";

/// How a sink fails next.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Fault {
    /// It takes no connection to the end.
    Hangup,
    /// It takes the request, does what it says, and dies before the answer.
    NoAnswer,
    /// A status, and `Retry-After` in seconds.
    Status(u16, Option<u64>),
    /// It takes its time.
    Slow(Duration),
}

/// What came and what is to fail.
#[derive(Default)]
pub struct Log {
    /// Faults of the next requests, the first one first.
    pub faults: Vec<Fault>,
    /// What is wrong with every request until it is taken away.
    pub outage: Option<Fault>,
    /// When requests came.
    pub times: Vec<std::time::Instant>,
    /// Requests that break the schema.
    pub wrong: Vec<String>,
    /// Webhook: body by delivery, as it came first.
    pub hooks: BTreeMap<String, Value>,
    /// Deliveries that came again.
    pub repeated: Vec<String>,
    /// GitHub: issues by number, from 1.
    pub issues: Vec<Issue>,
    /// Alertmanager: the latest of each set of labels.
    pub alerts: BTreeMap<String, Value>,
    /// `PagerDuty`: actions by dedup key.
    pub pages: BTreeMap<String, Vec<String>>,
}

/// An issue.
#[derive(Clone, Default)]
pub struct Issue {
    pub title: String,
    pub body: String,
    pub open: bool,
    pub comments: Vec<String>,
    /// Gone, as when somebody has deleted it.
    pub deleted: bool,
    /// Written by somebody from outside.
    pub foreign: bool,
}

/// All four sinks at one address.
#[derive(Clone)]
pub struct Servers {
    pub log: Arc<Mutex<Log>>,
    pub address: String,
    secrets: Arc<tempfile::TempDir>,
}

impl Servers {
    /// Starts them.
    pub async fn start() -> Self {
        let log = Arc::new(Mutex::new(Log::default()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let secrets = Arc::new(tempfile::tempdir().unwrap());
        for (name, value) in [("secret", SECRET), ("token", TOKEN), ("key", KEY)] {
            std::fs::write(secrets.path().join(name), format!("{value}\n")).unwrap();
        }
        let servers = Self { log, address, secrets };
        let app = Router::new()
            .route("/hook", post(webhook))
            .route("/repos/acme/orders/issues", post(create).get(list))
            .route("/repos/acme/orders/issues/{number}", patch(update))
            .route("/repos/acme/orders/issues/{number}/comments", post(comment).get(comments))
            .route("/search/issues", get(search))
            .route("/api/v2/alerts", post(alerts))
            .route("/v2/enqueue", post(enqueue))
            .layer(middleware::from_fn_with_state(servers.clone(), fail))
            .with_state(servers.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        servers
    }

    /// What has come so far.
    #[track_caller]
    pub fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap()
    }

    fn secret(&self, name: &str) -> Secret {
        Secret::File(self.secrets.path().join(name))
    }

    pub fn webhook(&self) -> SinkConfig {
        let url = format!("{}/hook", self.address);
        sink("hook", SinkKind::Webhook { url, secret: Some(self.secret("secret")) })
    }

    pub fn github(&self) -> SinkConfig {
        sink(
            "issues",
            SinkKind::Github {
                repository: "acme/orders".to_owned(),
                token: self.secret("token"),
                api: Some(self.address.clone()),
                labels: vec!["bug".to_owned()],
            },
        )
    }

    pub fn alertmanager(&self) -> SinkConfig {
        let labels = [("severity".to_owned(), "page".to_owned())].into();
        sink("alerts", SinkKind::Alertmanager { url: self.address.clone(), labels, token: None })
    }

    pub fn pagerduty(&self) -> SinkConfig {
        let url = Some(self.address.clone());
        let routing_key = self.secret("key");
        sink("pager", SinkKind::Pagerduty { routing_key, url, severity: None })
    }

    /// A configuration with all four.
    pub fn config(&self) -> Config {
        Config {
            sinks: vec![self.webhook(), self.github(), self.alertmanager(), self.pagerduty()],
            repeat_seconds: 0,
            public_url: Some("https://guard.example/".to_owned()),
            ..Config::default()
        }
    }
}

fn sink(name: &str, kind: SinkKind) -> SinkConfig {
    SinkConfig { name: name.to_owned(), deaths_only: false, kind }
}

/// Fails a request as it was asked to, or lets it pass.
async fn fail(State(servers): State<Servers>, request: Request, next: Next) -> Response {
    let fault = {
        let mut log = servers.log();
        log.times.push(std::time::Instant::now());
        if log.faults.is_empty() { log.outage } else { Some(log.faults.remove(0)) }
    };
    match fault {
        None => next.run(request).await,
        Some(Fault::Status(status, wait)) => {
            let mut response = StatusCode::from_u16(status).unwrap().into_response();
            if let Some(wait) = wait {
                response.headers_mut().insert("retry-after", wait.to_string().parse().unwrap());
            }
            response
        }
        Some(Fault::Slow(time)) => {
            tokio::time::sleep(time).await;
            next.run(request).await
        }
        Some(Fault::Hangup) => hang_up(),
        Some(Fault::NoAnswer) => {
            next.run(request).await;
            hang_up()
        }
    }
}

/// An answer whose body breaks off: the connection is closed without it.
fn hang_up() -> Response {
    let broken = broken_body();
    Response::builder().header("content-length", "100").body(axum::body::Body::new(broken)).unwrap()
}

/// A body that fails at once.
fn broken_body() -> impl http_body::Body<Data = Bytes, Error = std::io::Error> + Send + 'static {
    struct Broken;
    impl http_body::Body for Broken {
        type Data = Bytes;
        type Error = std::io::Error;
        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
            std::task::Poll::Ready(Some(Err(std::io::Error::other("broken off"))))
        }
    }
    Broken
}

/// Remembers what breaks the schema and refuses it.
fn wrong(log: &mut Log, why: String) -> Response {
    log.wrong.push(why.clone());
    (StatusCode::UNPROCESSABLE_ENTITY, why).into_response()
}

/// A string of at most so many characters under a key.
fn text<'a>(value: &'a Value, key: &str, max: usize) -> Result<&'a str, String> {
    let text =
        value[key].as_str().ok_or_else(|| format!("`{key}` is no string: {}", value[key]))?;
    let length = text.chars().count();
    if length == 0 || length > max {
        return Err(format!("`{key}` has {length} characters, 1 to {max} are allowed"));
    }
    Ok(text)
}

/// A time as RFC 3339 writes them.
fn time(value: &Value, key: &str) -> Result<jiff::Timestamp, String> {
    let text = text(value, key, 64)?;
    text.parse().map_err(|e| format!("`{key}` is no time: {e}"))
}

/// No other keys than these.
fn only(value: &Value, keys: &[&str]) -> Result<(), String> {
    let map = value.as_object().ok_or("no object")?;
    match map.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(format!("there is no key `{key}`")),
        None => Ok(()),
    }
}

/// Standard Webhooks: id, time, signature of `id.time.body`.
async fn webhook(State(servers): State<Servers>, headers: HeaderMap, body: Bytes) -> Response {
    let mut log = servers.log();
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let (id, at) = (header("webhook-id"), header("webhook-timestamp"));
    let key = base64::engine::general_purpose::STANDARD.decode(&SECRET[6..]).unwrap();
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(&body);
    let expected = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    let now = jiff::Timestamp::now().as_second();
    let check = || -> Result<Value, String> {
        if header("webhook-signature") != format!("v1,{expected}") {
            return Err("the signature is another".to_owned());
        }
        if at.parse::<i64>().is_ok_and(|at| (now - at).abs() > 300) {
            return Err("the time is not now".to_owned());
        }
        if id.is_empty() || header("idempotency-key") != id {
            return Err("the keys differ".to_owned());
        }
        let body: Value = serde_json::from_slice(&body).map_err(|e| e.to_string())?;
        text(&body, "event", 20)?;
        text(&body["incident"], "id", 20)?;
        if body["id"] != id {
            return Err("the body has another id".to_owned());
        }
        Ok(body)
    };
    match check() {
        Err(why) => wrong(&mut log, why),
        Ok(body) => {
            let id = id.to_owned();
            if let Some(first) = log.hooks.get(&id) {
                if *first != body {
                    return wrong(&mut log, format!("{id} came again with another body"));
                }
                log.repeated.push(id);
            } else {
                log.hooks.insert(id, body);
            }
            StatusCode::NO_CONTENT.into_response()
        }
    }
}

/// What GitHub asks of every request.
fn github(headers: &HeaderMap) -> Result<(), String> {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if header("authorization") != format!("Bearer {TOKEN}") {
        return Err("bad credentials".to_owned());
    }
    if header("user-agent").is_empty() || header("x-github-api-version") != "2022-11-28" {
        return Err("a header is missing".to_owned());
    }
    Ok(())
}

fn shown(number: usize, issue: &Issue) -> Value {
    json!({
        "number": number,
        "html_url": format!("https://github.com/acme/orders/issues/{number}"),
        "title": issue.title, "body": issue.body,
        "state": if issue.open { "open" } else { "closed" },
        "author_association": if issue.foreign { "NONE" } else { "MEMBER" },
        "user": { "login": "someone", "type": "User" },
    })
}

async fn create(State(servers): State<Servers>, headers: HeaderMap, body: Bytes) -> Response {
    let mut log = servers.log();
    let check = || -> Result<Issue, String> {
        github(&headers)?;
        let body: Value = serde_json::from_slice(&body).map_err(|e| e.to_string())?;
        only(&body, &["title", "body", "labels", "assignees", "milestone", "type"])?;
        let labels = body["labels"].as_array().ok_or("`labels` is no list")?;
        if !labels.iter().all(|label| label.as_str().is_some_and(|l| l.chars().count() <= 50)) {
            return Err("a label is too long".to_owned());
        }
        Ok(Issue {
            title: text(&body, "title", 256)?.to_owned(),
            body: text(&body, "body", 65_536)?.to_owned(),
            open: true,
            ..Issue::default()
        })
    };
    match check() {
        Err(why) => wrong(&mut log, why),
        Ok(issue) => {
            log.issues.push(issue);
            let number = log.issues.len();
            let shown = shown(number, &log.issues[number - 1]);
            (StatusCode::CREATED, axum::Json(shown)).into_response()
        }
    }
}

async fn list(
    State(servers): State<Servers>,
    headers: HeaderMap,
    Query(asked): Query<BTreeMap<String, String>>,
) -> Response {
    let mut log = servers.log();
    if let Err(why) = github(&headers) {
        return wrong(&mut log, why);
    }
    assert_eq!(asked.get("state").map(String::as_str), Some("all"));
    let size: usize = asked["per_page"].parse().unwrap();
    assert!(size <= 100, "GitHub gives at most 100 a page");
    let issues = log.issues.iter().enumerate().rev().filter(|(_, issue)| !issue.deleted);
    let page: Vec<Value> = issues.take(size).map(|(at, issue)| shown(at + 1, issue)).collect();
    axum::Json(page).into_response()
}

/// The search knows everything but the newest: its index is late.
async fn search(
    State(servers): State<Servers>,
    headers: HeaderMap,
    Query(asked): Query<BTreeMap<String, String>>,
) -> Response {
    let mut log = servers.log();
    if let Err(why) = github(&headers) {
        return wrong(&mut log, why);
    }
    let query = &asked["q"];
    assert!(query.chars().count() <= 256 && query.contains("repo:acme/orders"), "{query}");
    let words = query.split('"').nth(1).unwrap();
    let late = log.issues.len().saturating_sub(20);
    let found = log.issues[..late].iter().enumerate().filter(|(_, i)| i.body.contains(words));
    let items: Vec<Value> = found.map(|(at, issue)| shown(at + 1, issue)).collect();
    axum::Json(json!({ "total_count": items.len(), "incomplete_results": false, "items": items }))
        .into_response()
}

async fn update(
    State(servers): State<Servers>,
    headers: HeaderMap,
    Path(number): Path<usize>,
    body: Bytes,
) -> Response {
    let mut log = servers.log();
    let check = || -> Result<bool, String> {
        github(&headers)?;
        let body: Value = serde_json::from_slice(&body).map_err(|e| e.to_string())?;
        only(&body, &["title", "body", "state", "state_reason", "labels"])?;
        let reason = body["state_reason"].as_str().unwrap_or_default();
        if !["completed", "not_planned", "duplicate", "reopened"].contains(&reason) {
            return Err(format!("there is no reason `{reason}`"));
        }
        match body["state"].as_str() {
            Some("open") => Ok(true),
            Some("closed") => Ok(false),
            other => Err(format!("there is no state {other:?}")),
        }
    };
    let open = match check() {
        Ok(open) => open,
        Err(why) => return wrong(&mut log, why),
    };
    match log.issues.get_mut(number.wrapping_sub(1)) {
        Some(issue) if !issue.deleted => {
            issue.open = open;
            axum::Json(shown(number, issue)).into_response()
        }
        Some(_) => StatusCode::GONE.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn comment(
    State(servers): State<Servers>,
    headers: HeaderMap,
    Path(number): Path<usize>,
    body: Bytes,
) -> Response {
    let mut log = servers.log();
    let check = || -> Result<String, String> {
        github(&headers)?;
        let body: Value = serde_json::from_slice(&body).map_err(|e| e.to_string())?;
        only(&body, &["body"])?;
        Ok(text(&body, "body", 65_536)?.to_owned())
    };
    let text = match check() {
        Ok(text) => text,
        Err(why) => return wrong(&mut log, why),
    };
    match log.issues.get_mut(number.wrapping_sub(1)) {
        Some(issue) if !issue.deleted => {
            issue.comments.push(text);
            (StatusCode::CREATED, axum::Json(json!({ "id": issue.comments.len() }))).into_response()
        }
        Some(_) => StatusCode::GONE.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn comments(
    State(servers): State<Servers>,
    headers: HeaderMap,
    Path(number): Path<usize>,
    Query(asked): Query<BTreeMap<String, String>>,
) -> Response {
    let mut log = servers.log();
    if let Err(why) = github(&headers) {
        return wrong(&mut log, why);
    }
    let since: jiff::Timestamp = asked["since"].parse().unwrap();
    assert!(since < jiff::Timestamp::now());
    let page: usize = asked.get("page").map_or(1, |page| page.parse().unwrap());
    match log.issues.get(number.wrapping_sub(1)) {
        Some(issue) if !issue.deleted => {
            let comment = |body: &String| json!({ "body": body, "author_association": "MEMBER" });
            let page: Vec<Value> =
                issue.comments.iter().skip((page - 1) * 100).take(100).map(comment).collect();
            axum::Json(page).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `postableAlerts` of Alertmanager's `api/v2/openapi.yaml`, and what its code checks beside.
async fn alerts(State(servers): State<Servers>, body: Bytes) -> Response {
    let mut log = servers.log();
    let check = || -> Result<Vec<Value>, String> {
        let body: Vec<Value> = serde_json::from_slice(&body).map_err(|e| e.to_string())?;
        for alert in &body {
            only(alert, &["labels", "annotations", "startsAt", "endsAt", "generatorURL"])?;
            if time(alert, "startsAt")? > time(alert, "endsAt")? {
                return Err("it ends before it starts".to_owned());
            }
            for key in ["labels", "annotations"] {
                for (name, value) in alert[key].as_object().ok_or("no object")? {
                    let fits = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                    if !fits || value.as_str().is_none_or(str::is_empty) {
                        return Err(format!("{key}: {name} = {value}"));
                    }
                }
            }
            text(&alert["labels"], "alertname", 100)?;
            if let Some(url) = alert["generatorURL"].as_str()
                && !url.starts_with("http")
            {
                return Err(format!("`generatorURL` is no URL: {url}"));
            }
        }
        Ok(body)
    };
    match check() {
        Err(why) => wrong(&mut log, why),
        Ok(alerts) => {
            for alert in alerts {
                log.alerts.insert(alert["labels"].to_string(), alert);
            }
            StatusCode::OK.into_response()
        }
    }
}

/// Events API v2 of `PagerDuty`, PD-CEF.
async fn enqueue(State(servers): State<Servers>, body: Bytes) -> Response {
    let mut log = servers.log();
    let check = || -> Result<(String, String), String> {
        if body.len() > 512 << 10 {
            return Err("the payload is larger than 512 KB".to_owned());
        }
        let body: Value = serde_json::from_slice(&body).map_err(|e| e.to_string())?;
        let keys = [
            "routing_key",
            "event_action",
            "dedup_key",
            "payload",
            "images",
            "links",
            "client",
            "client_url",
        ];
        only(&body, &keys)?;
        if text(&body, "routing_key", 32)? != KEY {
            return Err("the routing key is another".to_owned());
        }
        let action = text(&body, "event_action", 20)?;
        let key = text(&body, "dedup_key", 255)?;
        match action {
            "trigger" => {
                let payload = &body["payload"];
                let keys = [
                    "summary",
                    "source",
                    "severity",
                    "timestamp",
                    "component",
                    "group",
                    "class",
                    "custom_details",
                ];
                only(payload, &keys)?;
                text(payload, "summary", 1024)?;
                text(payload, "source", 1024)?;
                time(payload, "timestamp")?;
                let severity = text(payload, "severity", 20)?;
                if !["critical", "error", "warning", "info"].contains(&severity) {
                    return Err(format!("there is no severity `{severity}`"));
                }
            }
            "acknowledge" | "resolve" => {}
            other => return Err(format!("there is no action `{other}`")),
        }
        for link in body["links"].as_array().into_iter().flatten() {
            text(link, "href", 1024)?;
        }
        Ok((key.to_owned(), action.to_owned()))
    };
    match check() {
        Err(why) => {
            log.wrong.push(why.clone());
            let answer = json!({ "status": "invalid event", "message": "Event object is invalid", "errors": [why] });
            (StatusCode::BAD_REQUEST, axum::Json(answer)).into_response()
        }
        Ok((key, action)) => {
            log.pages.entry(key.clone()).or_default().push(action);
            let answer =
                json!({ "status": "success", "message": "Event processed", "dedup_key": key });
            (StatusCode::ACCEPTED, axum::Json(answer)).into_response()
        }
    }
}
