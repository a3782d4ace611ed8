//! From the store to the sinks: each event once in the end, whatever happens on the way.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use incidents::{Config, Courier, Crash, NewIncident, State, Store};
use jiff::{SignedDuration, Timestamp};

use crate::record::file;
use crate::sample::{DUMP, crash, death, explained, named};
use crate::servers::{Fault, Issue, Servers};

/// Delivers until nothing is left; what was complained about.
pub async fn drain(store: &Store, config: &Config) -> Vec<String> {
    let complaints = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&complaints);
    let courier = Courier::new(store.clone(), config)
        .unwrap()
        .complaining(move |text| keep.lock().unwrap().push(text.to_owned()));
    let (waiting, told) = (store.clone(), Arc::clone(&complaints));
    let done = async move {
        let start = Instant::now();
        while waiting.pending().await.unwrap() > 0 {
            assert!(start.elapsed() < Duration::from_mins(8), "{:?}", told.lock().unwrap());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    courier.run(done).await;
    let complaints = complaints.lock().unwrap();
    complaints.clone()
}

/// The crash of a function, now.
fn fresh(crash: Crash) -> NewIncident {
    NewIncident { time: Timestamp::now(), ..death(crash, 0) }
}

#[tokio::test]
async fn a_life_is_told_to_all_sinks() {
    let servers = Servers::start().await;
    let config = servers.config();
    let (store, _folder) = file(&config).await;
    let id = store.record(&explained(0)).await.unwrap().incident;
    drain(&store, &config).await;
    store.record(&death(crash(DUMP), 1000)).await.unwrap();
    drain(&store, &config).await;
    store.set_state(&id, State::Acknowledged, "ann").await.unwrap();
    drain(&store, &config).await;
    store.set_state(&id, State::Resolved, "@bob").await.unwrap();
    drain(&store, &config).await;
    {
        let log = servers.log();
        assert!(!log.issues[0].open, "closed when it is resolved");
        let alert = log.alerts.values().next().unwrap();
        let ends: Timestamp = alert["endsAt"].as_str().unwrap().parse().unwrap();
        assert!(ends <= Timestamp::now(), "over when it is resolved");
    }
    let mut again = fresh(crash(DUMP));
    again.time += SignedDuration::from_secs(1);
    store.record(&again).await.unwrap();
    drain(&store, &config).await;

    let log = servers.log();
    assert!(log.wrong.is_empty(), "{:?}", log.wrong);
    let mut events: Vec<&str> =
        log.hooks.values().filter_map(|body| body["event"].as_str()).collect();
    events.sort_unstable();
    assert_eq!(events, ["acknowledged", "opened", "regressed", "repeated", "resolved"]);
    assert!(log.repeated.is_empty());

    assert_eq!(log.issues.len(), 1, "one issue an incident");
    let issue = &log.issues[0];
    assert!(issue.open, "opened again when it regressed");
    assert_eq!(
        issue.title,
        "orders died: fatal error: concurrent map writes in store.(*Index).Put"
    );
    for part in [
        "Recover could not have stopped it",
        "store/expire.go:17",
        "take `s.mu`",
        "POST /orders/7",
        "**exact**",
        "https://guard.example/incidents/inc-",
    ] {
        assert!(issue.body.contains(part), "{part} in\n{}", issue.body);
    }
    assert_eq!(issue.comments.len(), 4);
    assert!(issue.comments[0].contains("2 times") && issue.comments[2].contains("`@bob`"));

    assert_eq!(log.alerts.len(), 1, "one alert an incident");
    let alert = log.alerts.values().next().unwrap();
    let ends: Timestamp = alert["endsAt"].as_str().unwrap().parse().unwrap();
    assert!(ends > Timestamp::now(), "firing again");
    assert_eq!(alert["labels"]["severity"], "page");
    assert_eq!(log.pages[&id], ["trigger", "trigger", "acknowledge", "resolve", "trigger"]);
    drop(log);
    let incident = store.get(&id).await.unwrap().unwrap();
    let urls: Vec<Option<&str>> = incident.tickets.iter().map(|t| t.url.as_deref()).collect();
    assert!(urls.contains(&Some("https://github.com/acme/orders/issues/1")), "{urls:?}");
    assert!(
        store.sinks().await.unwrap().iter().all(|sink| sink.pending == 0 && sink.last_ok.is_some())
    );
}

#[tokio::test]
async fn answers_that_are_lost_make_nothing_twice() {
    let servers = Servers::start().await;
    let config = servers.config();
    let (store, _folder) = file(&config).await;
    let id = store.record(&fresh(crash(DUMP))).await.unwrap().incident;
    // More than there are sinks, so that each meets some.
    servers.log().faults = vec![Fault::NoAnswer; 9];
    drain(&store, &config).await;
    store.record(&fresh(crash(DUMP))).await.unwrap();
    servers.log().faults = vec![
        Fault::NoAnswer,
        Fault::Hangup,
        Fault::NoAnswer,
        Fault::Status(502, None),
        Fault::NoAnswer,
    ];
    drain(&store, &config).await;
    store.set_state(&id, State::Resolved, "").await.unwrap();
    servers.log().faults = vec![Fault::NoAnswer; 6];
    drain(&store, &config).await;

    let log = servers.log();
    assert!(log.wrong.is_empty(), "{:?}", log.wrong);
    assert_eq!(log.hooks.len(), 3, "three events, each with one key");
    assert_eq!(log.issues.len(), 1);
    assert_eq!(log.issues[0].comments.len(), 2, "{:?}", log.issues[0].comments);
    assert!(!log.issues[0].open);
    assert_eq!((log.alerts.len(), log.pages.len()), (1, 1));
    assert_eq!(log.pages[&id].last().map(String::as_str), Some("resolve"));
}

#[tokio::test]
async fn what_happens_while_sinks_are_down_is_told_later() {
    let servers = Servers::start().await;
    let config = servers.config();
    let (store, _folder) = file(&config).await;
    servers.log().outage = Some(Fault::Status(503, None));
    for n in 0..5 {
        store.record(&fresh(named(&format!("Down{n}")))).await.unwrap();
    }
    let up = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let asked = servers.log().times.len();
        servers.log().outage = None;
        asked
    };
    let (complaints, asked) = tokio::join!(drain(&store, &config), up);
    assert!(complaints.iter().any(|text| text.contains("503") && text.contains("tried again")));
    // Twenty deliveries; each sink is asked now and then, not all of them again and again.
    assert!(asked < 60, "{asked} requests in two seconds of an outage");
    let log = servers.log();
    assert!(log.wrong.is_empty(), "{:?}", log.wrong);
    assert_eq!(
        (log.hooks.len(), log.issues.len(), log.alerts.len(), log.pages.len()),
        (5, 5, 5, 5)
    );
}

#[tokio::test]
async fn a_slow_sink_holds_up_itself_only() {
    let (slow, quick) = (Servers::start().await, Servers::start().await);
    slow.log().outage = Some(Fault::Slow(Duration::from_secs(4)));
    let config = Config {
        sinks: vec![slow.webhook(), quick.alertmanager(), quick.pagerduty()],
        ..quick.config()
    };
    let (store, _folder) = file(&config).await;
    for n in 0..3 {
        store.record(&fresh(named(&format!("Slow{n}")))).await.unwrap();
    }
    let others = async {
        let told = || {
            let log = quick.log();
            log.pages.len() + log.alerts.len()
        };
        while told() < 6 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        slow.log().hooks.len()
    };
    let (_, slow_ones) = tokio::join!(drain(&store, &config), others);
    assert_eq!(slow_ones, 0, "the quick ones were done before");
    assert_eq!(slow.log().hooks.len(), 3);
}

#[tokio::test]
async fn a_claim_holds_for_as_long_as_a_slow_sink_takes() {
    let servers = Servers::start().await;
    // Longer than a claim holds that nobody renews.
    servers.log().outage = Some(Fault::Slow(Duration::from_secs(9)));
    let config = Config { sinks: vec![servers.webhook()], ..servers.config() };
    let (store, folder) = file(&config).await;
    let second = Store::open(folder.path().join("a b?#%.db").to_str().unwrap(), &config).await;
    let second = second.unwrap();
    store.record(&fresh(named("Slow"))).await.unwrap();
    tokio::join!(drain(&store, &config), drain(&second, &config));
    let log = servers.log();
    assert_eq!(log.times.len(), 1, "the other guard left it alone");
    assert_eq!((log.hooks.len(), log.repeated.len()), (1, 0));
}

#[tokio::test]
async fn a_sink_that_asks_to_wait_is_left_alone() {
    let servers = Servers::start().await;
    let config = Config { sinks: vec![servers.webhook()], ..servers.config() };
    let (store, _folder) = file(&config).await;
    for n in 0..4 {
        store.record(&fresh(named(&format!("Limited{n}")))).await.unwrap();
    }
    servers.log().faults = vec![Fault::Status(429, Some(3)); 4];
    drain(&store, &config).await;
    let log = servers.log();
    assert_eq!(log.hooks.len(), 4);
    // Those that were on their way together are refused together; then it is quiet.
    let longest = log.times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(longest >= Duration::from_millis(2900), "{longest:?}");
}

#[tokio::test]
async fn limits_of_github_are_obeyed() {
    let servers = Servers::start().await;
    let config = Config { sinks: vec![servers.github()], ..servers.config() };
    let (store, _folder) = file(&config).await;
    store.record(&fresh(named("A"))).await.unwrap();
    store.record(&fresh(named("B"))).await.unwrap();
    // A secondary limit comes as 403 with a time.
    servers.log().faults = vec![Fault::Status(403, Some(2))];
    let complaints = drain(&store, &config).await;
    assert!(complaints.iter().any(|text| text.contains("403")), "{complaints:?}");
    let log = servers.log();
    assert_eq!(log.issues.len(), 2);
    assert!(log.times[1] - log.times[0] >= Duration::from_millis(1900));
    // And between two that make something there is a second.
    assert!(log.times[log.times.len() - 1] - log.times[1] >= Duration::from_millis(900));
}

#[tokio::test]
async fn issues_are_found_again_or_made_anew() {
    let servers = Servers::start().await;
    let config = Config { sinks: vec![servers.github()], ..servers.config() };
    let (store, _folder) = file(&config).await;
    let id = store.record(&fresh(crash(DUMP))).await.unwrap().incident;
    // Somebody from outside was first with a text that looks like ours.
    let forged = Issue {
        title: "me".to_owned(),
        body: format!("mine\n<!-- unpanic:{id} -->"),
        foreign: true,
        ..Issue::default()
    };
    servers.log().issues.push(forged);
    drain(&store, &config).await;
    assert_eq!(servers.log().issues.len(), 2, "theirs is not ours");

    // Another store, which knows nothing of the issue, finds it: among many, by search.
    servers.log().issues.extend((0..150).map(|_| Issue { open: true, ..Issue::default() }));
    let (other, _other_folder) = file(&config).await;
    other.record(&fresh(crash(DUMP))).await.unwrap();
    drain(&other, &config).await;
    assert_eq!(servers.log().issues.len(), 152);

    // Deleted by somebody: the next repeat makes a new one.
    servers.log().issues[1].deleted = true;
    servers.log().issues[1].body.clear();
    store.record(&fresh(crash(DUMP))).await.unwrap();
    drain(&store, &config).await;
    let log = servers.log();
    assert_eq!(log.issues.len(), 153);
    assert!(log.issues[152].body.contains(&id) && log.wrong.is_empty(), "{:?}", log.wrong);
}

#[tokio::test]
async fn what_a_sink_refuses_does_not_hold_up_the_rest() {
    let servers = Servers::start().await;
    let config = Config { sinks: vec![servers.webhook(), servers.pagerduty()], ..servers.config() };
    let (store, _folder) = file(&config).await;
    let first = store.record(&fresh(named("Refused"))).await.unwrap().incident;
    servers.log().faults = vec![Fault::Status(400, None)];
    let complaints = drain(&store, &config).await;
    assert!(complaints.iter().any(|text| text.contains("not be tried again")), "{complaints:?}");
    store.record(&fresh(named("Taken"))).await.unwrap();
    store.set_state(&first, State::Resolved, "").await.unwrap();
    drain(&store, &config).await;
    let log = servers.log();
    assert_eq!(log.hooks.len() + log.pages.values().map(Vec::len).sum::<usize>(), 5);
    drop(log);
    let refused: u64 = store.sinks().await.unwrap().iter().map(|sink| sink.refused).sum();
    assert_eq!(refused, 1);
    let told = store.deliveries(&first).await.unwrap();
    assert!(
        told.iter().any(|delivery| delivery.state == "refused" && delivery.error.contains("400"))
    );
}

#[tokio::test]
async fn two_guards_on_one_store_send_once() {
    let servers = Servers::start().await;
    // GitHub takes one a second.
    let config = Config { repeat_seconds: 2, ..servers.config() };
    let (store, folder) = file(&config).await;
    let path = folder.path().join("a b?#%.db");
    let second = Store::open(path.to_str().unwrap(), &config).await.unwrap();
    let record = async {
        for n in 0..40 {
            let by = if n % 2 == 0 { &store } else { &second };
            by.record(&fresh(named(&format!("Many{}", n % 5)))).await.unwrap();
        }
    };
    tokio::join!(drain(&store, &config), drain(&second, &config), record);
    tokio::join!(drain(&store, &config), drain(&second, &config));
    let all = store.list(&incidents::Query::default()).await.unwrap();
    assert_eq!(all.items.iter().map(|incident| incident.count).collect::<Vec<_>>(), [8; 5]);
    let log = servers.log();
    assert!(log.wrong.is_empty() && log.repeated.is_empty(), "{:?} {:?}", log.wrong, log.repeated);
    let opened = log.hooks.values().filter(|body| body["event"] == "opened").count();
    assert_eq!((opened, log.issues.len(), log.alerts.len(), log.pages.len()), (5, 5, 5, 5));
    // The last word on each has the whole count.
    for incident in &all.items {
        let counts =
            log.hooks.values().filter(|body| body["incident"]["id"] == incident.id.as_str());
        let last = counts.filter_map(|body| body["incident"]["count"].as_u64()).max();
        assert_eq!(last, Some(8));
    }
}

#[tokio::test]
async fn repeats_wait_and_are_told_together() {
    let servers = Servers::start().await;
    let config = Config { sinks: vec![servers.webhook()], repeat_seconds: 2, ..servers.config() };
    let (store, _folder) = file(&config).await;
    for _ in 0..50 {
        store.record(&fresh(crash(DUMP))).await.unwrap();
    }
    drain(&store, &config).await;
    let log = servers.log();
    assert_eq!(log.hooks.len(), 2, "the first, and one for all others");
    let last = log.hooks.values().find(|body| body["event"] == "repeated").unwrap();
    assert_eq!(last["incident"]["count"], 50);
    assert!(log.times[1] - log.times[0] >= Duration::from_millis(1500));
}

#[tokio::test]
async fn configurations_that_cannot_work_are_refused() {
    let servers = Servers::start().await;
    let (store, _folder) = file(&Config::default()).await;
    let refuse = |config: &Config, said: &str| {
        let error = Courier::new(store.clone(), config).err().expect("refused").to_string();
        assert!(error.contains(said), "{error}");
    };
    let mut twice = servers.config();
    twice.sinks.push(servers.webhook());
    refuse(&twice, "another sink has this name");
    let parse = |text: &str| serde_json::from_str::<Config>(text).unwrap();
    refuse(
        &parse(
            r#"{"sink":[{"name":"a","kind":"github","repository":"nope","token":{"env":"HOME"}}]}"#,
        ),
        "expected owner/name",
    );
    refuse(
        &parse(r#"{"sink":[{"name":"a","kind":"webhook","url":"file:///etc/passwd"}]}"#),
        "expected a url",
    );
    refuse(
        &parse(
            r#"{"sink":[{"name":"a","kind":"pagerduty","routing-key":{"env":"UNPANIC_NO_SUCH"}}]}"#,
        ),
        "the environment variable UNPANIC_NO_SUCH has no secret",
    );
    refuse(
        &parse(
            r#"{"sink":[{"name":"a","kind":"alertmanager","url":"http://a","labels":{"a-b":"c"}}]}"#,
        ),
        "no name of a label",
    );
}
