//! Recording, grouping, states, search, retention: on SQLite here, and the same on PostgreSQL from
//! there.

use std::time::Duration;

use incidents::{Config, Error, Novelty, Query, Retention, State, Store};
use jiff::{SignedDuration, Timestamp};

use crate::sample::{DUMP, at, crash, death, explained, named};

/// A store in a new file.
pub async fn file(config: &Config) -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b?#%.db");
    let store = Store::open(path.to_str().unwrap(), config).await.unwrap();
    (store, folder)
}

#[tokio::test]
async fn on_sqlite() {
    let (store, folder) = file(&Config::default()).await;
    life(&store).await;
    search(&store).await;
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(folder.path().join("a b?#%.db")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o077, 0, "requests are nobody else's business");
    let head = std::fs::read(folder.path().join("a b?#%.db")).unwrap();
    // https://www.sqlite.org/fileformat.html, 1.3.3.
    assert_eq!(head[18..20], [2, 2], "readers go on while one writes");
}

/// From the first crash to the regression.
pub async fn life(store: &Store) {
    let first = death(crash(DUMP), 0);
    let recorded = store.record(&first).await.unwrap();
    assert_eq!(recorded.novelty, Novelty::First);
    let again = store.record(&first).await.unwrap();
    assert_eq!((again.novelty, &again.occurrence), (Novelty::Known, &recorded.occurrence));

    let repeat = store.record(&death(crash(DUMP), 1000)).await.unwrap();
    assert_eq!((repeat.novelty, &repeat.incident), (Novelty::Repeat, &recorded.incident));
    let id = recorded.incident.as_str();
    let incident = store.get(id).await.unwrap().unwrap();
    assert_eq!((incident.count, incident.state), (2, State::Open));
    assert_eq!((incident.first_seen, incident.last_seen), (at(0), at(1000)));
    assert_eq!(incident.title, "fatal error: concurrent map writes in store.(*Index).Put");
    assert_eq!(incident.recoverable, Some(false));

    // One that comes late is no later.
    store.record(&death(crash(DUMP), -500)).await.unwrap();
    let incident = store.get(id).await.unwrap().unwrap();
    assert_eq!((incident.count, incident.first_seen), (3, at(-500)));
    assert_eq!(incident.last_seen, at(1000));

    // Another service is another incident.
    let mut other = death(crash(DUMP), 0);
    "billing".clone_into(&mut other.service.name);
    assert_ne!(store.record(&other).await.unwrap().incident, id);

    // What was recorded comes back whole.
    let latest = store.latest(id).await.unwrap().unwrap();
    assert_eq!(latest.what, death(crash(DUMP), 1000));
    assert!(latest.trimmed.is_empty());
    store.recovered(&repeat.occurrence, Duration::from_millis(431)).await.unwrap();
    let latest = store.latest(id).await.unwrap().unwrap();
    assert_eq!(latest.what.recovery, Some(Duration::from_millis(431)));
    let heads = store.occurrences(id, 0).await.unwrap();
    assert_eq!((heads.total, heads.items[0].recovery_ms), (3, Some(431)));
    assert_eq!(heads.items[0].host, "web-1");

    // States, by whom.
    assert!(store.set_state(id, State::Acknowledged, "ann").await.unwrap());
    assert!(!store.set_state(id, State::Acknowledged, "bob").await.unwrap(), "it is already");
    assert!(store.set_state(id, State::Resolved, "bob\n\0").await.unwrap());
    let incident = store.get(id).await.unwrap().unwrap();
    assert_eq!((incident.state, incident.state_by.as_str()), (State::Resolved, "bob\\n\\x00"));

    // A crash from before it was resolved is none that the fix did not stop; a later one is.
    let before = store.record(&death(crash(DUMP), 2000)).await.unwrap();
    assert_eq!(before.novelty, Novelty::Repeat);
    let mut later = death(crash(DUMP), 0);
    later.time = Timestamp::now() + SignedDuration::from_secs(1);
    assert_eq!(store.record(&later).await.unwrap().novelty, Novelty::Regression);
    let incident = store.get(id).await.unwrap().unwrap();
    assert_eq!((incident.state, incident.count), (State::Regressed, 5));
    let history: Vec<State> =
        store.history(id).await.unwrap().iter().map(|change| change.state).collect();
    assert_eq!(history, [State::Regressed, State::Resolved, State::Acknowledged]);

    let unknown = store.set_state("inc-0", State::Resolved, "x").await;
    assert!(matches!(unknown, Err(Error::Unknown(id)) if id == "inc-0"));
    assert_eq!(store.get("inc-0").await.unwrap(), None);
}

/// Words, states, services, pages.
pub async fn search(store: &Store) {
    for n in 0..30 {
        store.record(&death(named(&format!("Find{n:02}")), 10_000 + n)).await.unwrap();
    }
    let mut panic = explained(20_000);
    panic.crash = Some(crash(
        "panic: 100% of \u{fc}ber_all\n\ngoroutine 1 [running]:\nmain.main()\n\t/a.go:1 +0x1\nexit status 2\n",
    ));
    store.record(&panic).await.unwrap();
    let find = async |text: &str| {
        let query = Query { text: text.to_owned(), ..Query::default() };
        store.list(&query).await.unwrap().total
    };
    assert_eq!(find("concurrent MAP orders").await, 31);
    assert_eq!(find("100%").await, 1);
    assert_eq!(find("\u{dc}BER").await, 1);
    assert_eq!(find("r_all").await, 1);
    assert_eq!(find("r_a_l").await, 0, "an underscore means itself");
    assert_eq!(find("'; DROP TABLE incidents; --").await, 0);
    assert_eq!(find("a\0b \\").await, 0);
    let page = Query { page: 1, page_size: 10, ..Query::default() };
    let page = store.list(&page).await.unwrap();
    assert_eq!((page.items.len(), page.total), (10, 33));
    assert!(page.items.windows(2).all(|pair| pair[0].last_seen >= pair[1].last_seen));
    let beyond = Query { page: u64::MAX, ..Query::default() };
    assert!(store.list(&beyond).await.unwrap().items.is_empty());
    let regressed = Query { states: vec![State::Regressed], ..Query::default() };
    assert_eq!(store.list(&regressed).await.unwrap().total, 1);
    let billing = Query { service: Some("billing".to_owned()), ..Query::default() };
    assert_eq!(store.list(&billing).await.unwrap().total, 1);
    let (counts, services) = store.overview().await.unwrap();
    assert_eq!(counts.iter().map(|(_, count)| count).sum::<u64>(), 33);
    assert_eq!(services, ["billing", "orders"]);
}

#[tokio::test]
async fn old_ones_go() {
    let retention = Retention { days: 1, incidents: 3, occurrences: 4, ..Retention::default() };
    let (store, _folder) = file(&Config { retention, ..Config::default() }).await;
    let long_ago = Timestamp::now() - SignedDuration::from_hours(100);
    let now = Timestamp::now();
    let record = async |name: &str, time: Timestamp| {
        let new = incidents::NewIncident { time, ..death(named(name), 0) };
        store.record(&new).await.unwrap().incident
    };
    let many = record("Many", now).await;
    for n in 0..10 {
        record("Many", now + SignedDuration::from_millis(n + 1)).await;
    }
    let kept = store.occurrences(&many, 0).await.unwrap();
    assert_eq!(kept.total, 4, "the latest are kept");
    assert_eq!(store.get(&many).await.unwrap().unwrap().count, 11, "and all are counted");

    let resolved = record("Resolved", long_ago).await;
    store.set_state(&resolved, State::Resolved, "").await.unwrap();
    let open = record("Open", long_ago).await;
    record("Open", long_ago + SignedDuration::from_secs(1)).await;
    assert_eq!(store.prune().await.unwrap(), (1, 1));
    assert_eq!(store.get(&resolved).await.unwrap(), None);
    let left = store.occurrences(&open, 0).await.unwrap();
    assert_eq!(left.total, 1, "the latest of an open one stays");

    for n in 0..4 {
        record(&format!("New{n}"), now + SignedDuration::from_secs(n)).await;
    }
    assert_eq!(store.prune().await.unwrap(), (0, 3));
    assert_eq!(store.get(&open).await.unwrap(), None, "seen longest ago");
}

#[tokio::test]
async fn a_flood_of_different_crashes_is_one_incident() {
    let (store, _folder) = file(&Config { new_per_hour: 5, ..Config::default() }).await;
    let record =
        async |name: String, millis: i64| store.record(&death(named(&name), millis)).await.unwrap();
    for n in 0..20 {
        record(format!("Random{n}"), n).await;
    }
    let all = store.list(&Query::default()).await.unwrap();
    assert_eq!(all.total, 6);
    assert_eq!((all.items[0].fingerprint.as_str(), all.items[0].count), ("flood", 15));
    assert!(all.items[0].title.starts_with("many different crashes, the latest: fatal error"));
    // What is known is no flood, and what is recorded again is known.
    assert_eq!(record("Random0".to_owned(), 30).await.novelty, Novelty::Repeat);
    assert_eq!(record("Random19".to_owned(), 19).await.novelty, Novelty::Known);
    // An hour later there is room again.
    assert_eq!(record("Random20".to_owned(), 3_700_000).await.novelty, Novelty::First);
}

#[tokio::test]
async fn what_is_too_large_is_cut_and_says_so() {
    let retention = Retention { occurrence_bytes: 20_000, ..Retention::default() };
    let (store, _folder) = file(&Config { retention, ..Config::default() }).await;
    let mut text = DUMP.replace("exit status 2\n", "");
    for n in 0..3000_u64 {
        // Nothing that compresses to nothing.
        let name = blake3::hash(&n.to_le_bytes()).to_hex();
        text +=
            &format!("\ngoroutine {} [select]:\nmain.f{name}()\n\t/{name}.go:{n} +0x1\n", n + 100);
    }
    let mut new = death(crash(&text), 0);
    new.log = (0..5000)
        .map(|n| incidents::LogLine {
            time: at(n),
            stderr: false,
            text: blake3::hash(&n.to_le_bytes()).to_hex().to_string(),
        })
        .collect();
    let recorded = store.record(&new).await.unwrap();
    let got = store.occurrence(&recorded.occurrence).await.unwrap().unwrap();
    let crash = got.what.crash.as_ref().unwrap();
    assert!(!got.trimmed.is_empty());
    assert_eq!(crash.report.goroutines, new.crash.as_ref().unwrap().report.goroutines);
    let told: u64 = crash.groups.iter().map(|group| group.count).sum();
    assert_eq!(told + crash.ungrouped + 1, crash.total, "every goroutine is accounted for");
    assert_eq!(crash.total, 3004);
    assert_eq!(got.what.log.last(), new.log.last(), "the latest lines are kept");
}

#[tokio::test]
async fn guards_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("incidents.db");
    // All open it at once, and one makes the tables.
    let open = (0..4).map(|_| {
        let path = path.to_str().unwrap().to_owned();
        tokio::spawn(async move { Store::open(&path, &Config::default()).await.unwrap() })
    });
    let mut stores = Vec::new();
    for task in open.collect::<Vec<_>>() {
        stores.push(task.await.unwrap());
    }
    together(stores).await;
}

/// Several stores record the same and different things at once.
pub async fn together(stores: Vec<Store>) {
    let tasks: Vec<_> = stores
        .iter()
        .enumerate()
        .map(|(guard, store)| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0..20 {
                    let mut own = death(named("Shared"), n);
                    own.service.host = format!("web-{guard}");
                    store.record(&own).await.unwrap();
                    // The same from all.
                    store.record(&death(named("Same"), n)).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let all = stores[0].list(&Query::default()).await.unwrap();
    let counts: Vec<u64> = all.items.iter().map(|incident| incident.count).collect();
    assert_eq!(all.total, 2);
    assert!(counts.contains(&(20 * stores.len() as u64)) && counts.contains(&20), "{counts:?}");
}

#[tokio::test]
async fn a_place_that_is_none_is_named() {
    for (place, said) in [
        ("mysql://me:secret@db/x", "mysql://me@db/x"),
        ("", "expected a file"),
        ("postgres://me:secret@127.0.0.1:1/x", "postgres://me@127.0.0.1:1/x"),
        ("/proc/nothing/here.db", "/proc/nothing/here.db"),
    ] {
        let error = Store::open(place, &Config::default()).await.err().expect("no store");
        let text = error.to_string();
        assert!(text.contains(said) && !text.contains("secret"), "{text}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_store_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "not a database, but long enough to be looked at ".repeat(100)).unwrap();
    let error =
        Store::open(path.to_str().unwrap(), &Config::default()).await.err().expect("no store");
    assert!(error.to_string().contains("notes.txt"), "{error}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("not a database"));
}

#[tokio::test]
async fn exits_without_a_word_are_grouped_by_how_they_ended() {
    let (store, _folder) = file(&Config::default()).await;
    let mut killed = death(crash(DUMP), 0);
    killed.crash = None;
    killed.exit = Some(incidents::Exit {
        signal: Some("SIGKILL".to_owned()),
        oom_killed: true,
        ..incidents::Exit::default()
    });
    let first = store.record(&killed).await.unwrap();
    killed.time = at(1);
    assert_eq!(store.record(&killed).await.unwrap().incident, first.incident);
    let incident = store.get(&first.incident).await.unwrap().unwrap();
    assert_eq!(incident.title, "killed by SIGKILL (out of memory)");
    assert_eq!((incident.count, incident.recoverable), (2, Some(false)));
}
