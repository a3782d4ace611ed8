//! A guard that is killed at random moments: a process of its own records and delivers, gets SIGKILL,
//! and is started again on the same file. In the end each sink has each incident once.

use std::process::{Command, Stdio};
use std::time::Duration;

use incidents::{Config, Courier, Store};

use crate::deliver::drain;
use crate::sample::{death, named};
use crate::servers::Servers;

/// Where the child finds what it needs.
const FILE: &str = "UNPANIC_TEST_KILL_FILE";
const CONFIG: &str = "UNPANIC_TEST_KILL_CONFIG";
const COUNT: &str = "UNPANIC_TEST_KILL_COUNT";

/// Not a test of its own: what the other one starts and kills.
#[tokio::test]
async fn child() {
    let Ok(file) = std::env::var(FILE) else { return };
    let config: Config = serde_json::from_str(&std::env::var(CONFIG).unwrap()).unwrap();
    let count: i64 = std::env::var(COUNT).unwrap().parse().unwrap();
    let store = Store::open(&file, &config).await.unwrap();
    let courier = Courier::new(store.clone(), &config).unwrap();
    tokio::spawn(courier.run(std::future::pending()));
    // A guard that comes up again may record what it recorded already.
    for n in 0..count {
        store.record(&death(named(&format!("Killed{n}")), n)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    std::future::pending().await
}

#[tokio::test]
async fn nothing_is_lost_and_nothing_is_told_twice() {
    let set = |name: &str| std::env::var_os(name).is_some();
    let rounds: i64 = match (set("UNPANIC_EXHAUSTIVE"), set("UNPANIC_SLOW")) {
        (true, _) => 100,
        (_, true) => 30,
        _ => 6,
    };
    let servers = Servers::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("incidents.db");
    let config = Config { repeat_seconds: 3600, new_per_hour: u32::MAX, ..servers.config() };
    let program = std::env::current_exe().unwrap();
    for round in 0..rounds {
        let mut child = Command::new(&program)
            .args(["--exact", "kill::child", "--nocapture"])
            .env(FILE, &file)
            .env(CONFIG, serde_json::to_string(&config).unwrap())
            // Two more in each round, so that there is always something new.
            .env(COUNT, (2 * round + 2).to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        // Once it has asked for something, at a moment of its own.
        let before = servers.log().times.len();
        for _ in 0..400 {
            if servers.log().times.len() > before {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let moment = blake3::hash(&round.to_le_bytes()).as_bytes()[0];
        tokio::time::sleep(Duration::from_micros(u64::from(moment) * 150)).await;
        assert!(child.try_wait().unwrap().is_none(), "it ran until it was killed");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let store = Store::open(file.to_str().unwrap(), &config).await.unwrap();
    let all = 2 * rounds;
    for n in 0..all {
        store.record(&death(named(&format!("Killed{n}")), n)).await.unwrap();
    }
    // Leases of the killed have to run out, which takes seconds; GitHub takes one issue a second.
    drain(&store, &config).await;
    let log = servers.log();
    assert!(log.wrong.is_empty(), "{:?}", log.wrong);
    let all = usize::try_from(all).unwrap();
    assert_eq!(log.hooks.len(), all, "webhook: one key an incident");
    assert_eq!(log.alerts.len(), all, "Alertmanager: one alert an incident");
    assert_eq!(log.pages.len(), all, "PagerDuty: one key an incident");
    assert_eq!(log.issues.len(), all, "GitHub: one issue an incident");
    eprintln!(
        "{rounds} rounds, {all} incidents, {} deliveries came to the webhook a second time",
        log.repeated.len()
    );
}
