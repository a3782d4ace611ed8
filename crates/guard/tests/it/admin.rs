//! The admin page from the outside: who gets in, what is refused, what it shows, and that text of a
//! crash stays text. The browser's part is `page.rs`.

use std::sync::Arc;
use std::time::Duration;

use guard::admin::{AdminConfig, Child, ChildState, Live, SloCounter, Snapshot, Totals, serve};
use incidents::{Config, State, Store};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, RequestBuilder, StatusCode, redirect};
use serde_json::{Value, json};

use crate::sample::{DUMP, crash, explained, request};

pub const TOKEN: &str = "a token of some length";

/// A guard that always stands the same.
pub struct Standing(pub Snapshot);

impl Live for Standing {
    fn snapshot(&self) -> Snapshot {
        self.0.clone()
    }
    fn metrics(&self) -> (String, String) {
        (
            "# EOF\n".to_owned(),
            "application/openmetrics-text; version=1.0.0; charset=utf-8".to_owned(),
        )
    }
}

/// A page that is served.
pub struct Page {
    pub store: Store,
    pub address: String,
    client: Client,
    _folder: tempfile::TempDir,
}

pub fn snapshot() -> Snapshot {
    let now = Timestamp::now();
    let mut slo = SloCounter::new(0.999, Duration::from_hours(24 * 30));
    let up = Duration::from_hours(30);
    for n in 0..48_213_u64 {
        slo.count(up - Duration::from_secs(n % 3000), n % 3200 != 0);
    }
    let child = |instance: &str, pid, state, restarts| Child {
        instance: instance.to_owned(),
        pid: Some(pid),
        state,
        since: now - SignedDuration::from_mins(17),
        address: format!("127.0.0.1:{}", 20_000 + pid),
        restarts,
        last_exit: (restarts > 0)
            .then(|| (now - SignedDuration::from_mins(17), "exit status 2".to_owned())),
        in_flight: 3,
        goroutines: Some(1482),
        memory: Some(87 << 20),
    };
    let mut flying = request(31, 0, None);
    flying.started = now - SignedDuration::from_millis(240);
    Snapshot {
        service: "orders".to_owned(),
        version: Some("v1.4.2".to_owned()),
        listen: "0.0.0.0:8080".to_owned(),
        started: now - SignedDuration::from_hours(30),
        children: vec![
            child("0", 4711, ChildState::Serving, 3),
            child("1", 4712, ChildState::Serving, 0),
        ],
        in_flight: vec![flying],
        in_flight_total: 6,
        waiting: 0,
        totals: Totals {
            requests: 48_213,
            errors: 16,
            refused: 11,
            replayed: 73,
            deaths: 3,
            survived: 5,
            restarts: 3,
            recovery_p50: Some(Duration::from_millis(87)),
        },
        slo: Some(slo.report(up)),
        breaker: None,
    }
}

impl Page {
    pub async fn start(open_metrics: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("incidents.db");
        let store = Store::open(file.to_str().unwrap(), &Config::default()).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let config = AdminConfig {
            token: TOKEN.to_owned(),
            hosts: vec!["guard.example".to_owned()],
            open_metrics,
            secure: false,
        };
        let live = Arc::new(Standing(snapshot()));
        tokio::spawn(serve(listener, store.clone(), live, config, std::future::pending()));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
        Self { store, address, client, _folder: folder }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.address))
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.address))
    }

    /// A form, as a browser sends one from this page.
    fn form(&self, path: &str, fields: &str) -> RequestBuilder {
        self.post(path)
            .header("origin", &self.address)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(fields.to_owned())
    }

    /// The cookie of a session.
    async fn login(&self) -> String {
        let answer = self.form("/login", &format!("token={}", TOKEN.replace(' ', "+")));
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        cookie.split(';').next().unwrap().to_owned()
    }
}

async fn status(request: RequestBuilder) -> StatusCode {
    request.send().await.unwrap().status()
}

async fn text(request: RequestBuilder) -> String {
    request.send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn only_who_has_the_token_gets_in() {
    let page = Page::start(false).await;
    let answer = page.get("/incidents?q=a%20b").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()["location"], "/login?to=/incidents%3Fq%3Da%2520b");
    for path in ["/api/incidents", "/api/live", "/events", "/metrics"] {
        assert_eq!(status(page.get(path)).await, StatusCode::UNAUTHORIZED, "{path}");
        let wrong = page.get(path).bearer_auth("another token of ours");
        assert_eq!(status(wrong).await, StatusCode::UNAUTHORIZED, "{path}");
        let forged = page.get(path).header("cookie", "unpanic_session=99999999999.00.ff");
        assert_eq!(status(forged).await, StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in ["/login", "/healthz", "/assets/style.css", "/assets/live.js"] {
        assert_eq!(status(page.get(path)).await, StatusCode::OK, "{path}");
    }
    assert_eq!(status(page.get("/assets/../Cargo.toml")).await, StatusCode::NOT_FOUND);
    let wrong = page.form("/login", "token=wrong").send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    assert!(wrong.text().await.unwrap().contains("That is not the token"));

    let cookie = page.login().await;
    for path in ["/", "/incidents", "/api/incidents", "/api/live", "/metrics"] {
        assert_eq!(
            status(page.get(path).header("cookie", &cookie)).await,
            StatusCode::OK,
            "{path}"
        );
        assert_eq!(status(page.get(path).bearer_auth(TOKEN)).await, StatusCode::OK, "{path}");
    }
    let open = Page::start(true).await;
    assert_eq!(status(open.get("/metrics")).await, StatusCode::OK);
}

#[tokio::test]
async fn browsers_are_told_what_the_page_needs() {
    let page = Page::start(true).await;
    for path in ["/login", "/incidents", "/assets/live.js", "/api/live", "/nowhere", "/metrics"] {
        let answer = page.get(path).send().await.unwrap();
        let policy = answer.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    }
    for (host, expected) in [
        ("evil.example", StatusCode::MISDIRECTED_REQUEST),
        ("localhost.evil.example:80", StatusCode::MISDIRECTED_REQUEST),
        ("guard.example", StatusCode::OK),
        ("localhost:1", StatusCode::OK),
    ] {
        assert_eq!(status(page.get("/healthz").header("host", host)).await, expected, "{host}");
    }
}

#[tokio::test]
async fn acknowledging_takes_a_form_of_this_page() {
    let page = Page::start(true).await;
    let id = page.store.record(&explained(0)).await.unwrap().incident;
    let cookie = page.login().await;
    let html = text(page.get(&format!("/incidents/{id}")).header("cookie", &cookie)).await;
    let csrf = html.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let path = format!("/incidents/{id}/state");
    let fields = format!("csrf={csrf}&state=acknowledged&by=ann");
    let state = async || page.store.get(&id).await.unwrap().unwrap().state;

    let refused = [
        page.form(&path, "state=acknowledged&by=ann").header("cookie", &cookie),
        page.form(&path, &fields.replace(csrf, "0")).header("cookie", &cookie),
        // From another site, and from nowhere.
        page.post(&path).header("cookie", &cookie).header("origin", "http://evil.example"),
        page.post(&path).header("cookie", &cookie),
    ];
    for (n, request) in refused.into_iter().enumerate() {
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = if n < 2 { request } else { request.body(fields.clone()) };
        assert_eq!(status(request).await, StatusCode::FORBIDDEN, "{n}");
    }
    assert_eq!(state().await, State::Open);

    let done = page.form(&path, &fields).header("cookie", &cookie);
    assert_eq!(status(done).await, StatusCode::SEE_OTHER);
    assert_eq!(state().await, State::Acknowledged);
    let html = text(page.get(&format!("/incidents/{id}")).header("cookie", &cookie)).await;
    assert!(html.contains("acknowledged by ann"), "{html}");
    // Regressions happen; nobody makes one.
    let made = page.form(&path, &format!("csrf={csrf}&state=regressed")).header("cookie", &cookie);
    assert_eq!(status(made).await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn programs_get_json() {
    let page = Page::start(true).await;
    let id = page.store.record(&explained(0)).await.unwrap().incident;
    let get = async |path: &str| -> (StatusCode, Value) {
        let answer = page.get(path).bearer_auth(TOKEN).send().await.unwrap();
        (answer.status(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    };
    let (_, list) = get("/api/incidents?state=open,regressed&q=concurrent").await;
    assert_eq!((&list["total"], &list["items"][0]["id"]), (&json!(1), &json!(id)));
    let (found, bad) = get("/api/incidents?state=broken").await;
    assert_eq!(found, StatusCode::BAD_REQUEST);
    assert!(bad["error"].as_str().unwrap().contains("expected regressed, open"), "{bad}");
    let (_, one) = get(&format!("/api/incidents/{id}")).await;
    assert_eq!(one["occurrence"]["what"]["request"]["confidence"], "exact");
    assert_eq!(one["occurrence"]["what"]["crash"]["report"]["message"], "concurrent map writes");
    assert_eq!(get("/api/incidents/inc-0").await.0, StatusCode::NOT_FOUND);
    assert_eq!(get("/api/live").await.1["guard"]["children"][0]["pid"], 4711);

    let set = async |body: &str| {
        let request = page.post(&format!("/api/incidents/{id}/state")).bearer_auth(TOKEN);
        status(request.header("content-type", "application/json").body(body.to_owned())).await
    };
    assert_eq!(set(r#"{"state":"resolved","by":"ci"}"#).await, StatusCode::OK);
    assert_eq!(page.store.get(&id).await.unwrap().unwrap().state_by, "ci");
    assert_eq!(set(r#"{"state":"gone"}"#).await, StatusCode::BAD_REQUEST);
    assert_eq!(set("{").await, StatusCode::BAD_REQUEST);
}

/// An incident whose every text tries to become markup.
pub fn evil() -> incidents::NewIncident {
    let evil = "<script>window.hit=1</script><img src=x onerror=window.hit=1>\"'";
    let mut new = explained(5);
    let mut shown = crash(DUMP);
    evil.clone_into(&mut shown.report.message);
    shown.report.fingerprint = format!("c1-{evil}");
    shown.recover = evil.to_owned();
    shown.report.goroutines[0].frames[1].function = evil.to_owned();
    shown.report.goroutines[0].state = evil.to_owned();
    shown.groups[0].sample.frames[0].function = evil.to_owned();
    new.crash = Some(shown);
    let correlated = new.request.as_mut().unwrap();
    evil.clone_into(&mut correlated.reason);
    evil.clone_into(&mut correlated.request.path);
    correlated.request.headers.insert(evil.to_owned(), evil.to_owned());
    for request in new.in_flight.iter_mut().chain(&mut new.around) {
        evil.clone_into(&mut request.path);
        evil.clone_into(&mut request.method);
    }
    new.log[0].text = evil.to_owned();
    new.traces = vec![evil.to_owned()];
    new.service.version = Some(evil.to_owned());
    new.service.host = evil.to_owned();
    let finding = &mut new.finding.as_mut().unwrap().finding;
    evil.clone_into(&mut finding.message);
    evil.clone_into(&mut finding.accesses[1].function);
    new
}

#[tokio::test]
async fn text_of_a_crash_stays_text() {
    let page = Page::start(true).await;
    let id = page.store.record(&evil()).await.unwrap().incident;
    page.store.set_state(&id, State::Acknowledged, "<b>me</b>").await.unwrap();
    for path in [
        format!("/incidents/{id}"),
        "/incidents?q=%3Cscript%3E".to_owned(),
        "/incidents?state=%3Cscript%3E&service=%22%3E%3Cscript%3E".to_owned(),
        "/".to_owned(),
        "/login?to=%22%3E%3Cscript%3E".to_owned(),
    ] {
        let html = text(page.get(&path).bearer_auth(TOKEN)).await;
        let own = "<script src=\"/assets/live.js\" defer></script>";
        let html = html.replace(own, "");
        for part in ["<script", "<img", "<b>me"] {
            assert!(!html.contains(part), "{part} in {path}");
        }
    }
    let html = text(page.get(&format!("/incidents/{id}")).bearer_auth(TOKEN)).await;
    assert!(html.contains("&#60;script&#62;") || html.contains("&lt;script&gt;"));
}

#[tokio::test]
async fn changes_are_told_at_once() {
    let page = Page::start(true).await;
    let mut stream = page.get("/events").bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    page.store.record(&explained(0)).await.unwrap();
    let told = async {
        let mut seen = String::new();
        while !seen.contains("event: incidents") {
            let chunk = stream.chunk().await.unwrap().expect("it goes on");
            seen += &String::from_utf8_lossy(&chunk);
        }
    };
    tokio::time::timeout(Duration::from_secs(30), told).await.expect("it was told");
}

#[tokio::test]
async fn pages_say_what_there_is_to_know() {
    let page = Page::start(true).await;
    let id = page.store.record(&explained(0)).await.unwrap().incident;
    let html = text(page.get(&format!("/incidents/{id}")).bearer_auth(TOKEN)).await;
    for part in [
        "fatal error: concurrent map writes",
        "recover cannot stop it",
        "store/expire.go:17",
        "take `s.mu` around the write in Put",
        "/orders/7",
        "exact",
        "main.worker",
        "creating order 7",
        "<svg class=\"timeline\"",
        "3f2a9c1",
        "87 ms",
    ] {
        assert!(html.contains(part), "{part} is not on the page:\n{html}");
    }
    let html = text(page.get("/").bearer_auth(TOKEN)).await;
    for part in
        ["all 2 processes healthy", "48\u{2009}213", "of the error budget is left", "4711", "87 ms"]
    {
        assert!(html.contains(part), "{part} is not on the page:\n{html}");
    }
    assert_eq!(
        status(page.get("/incidents/inc-0").bearer_auth(TOKEN)).await,
        StatusCode::NOT_FOUND
    );
}
