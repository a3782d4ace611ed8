//! Starting, replacing and ending children.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;

use crate::guarded::{Guarded, free_port, is_alive, no_go};

#[test]
fn a_stopped_guard_finishes_what_is_in_flight() {
    if no_go() {
        return;
    }
    let mut guarded = Guarded::start(json!({}));
    let pid = guarded.pid();
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| guarded.ask("POST", "/slow?ms=1500"));
        std::thread::sleep(Duration::from_millis(500));
        guarded.signal(Signal::SIGTERM);
        assert_eq!(slow.join().unwrap().status, 200, "{}", guarded.said());
    });
    assert!(guarded.ended().success(), "{}", guarded.said());
    assert!(guarded.said().contains("ended well"), "the child was asked: {}", guarded.said());
    assert!(!is_alive(pid));
    assert!(!guarded.said().contains("died:"), "no incident: {}", guarded.said());
}

#[test]
fn a_stubborn_child_is_killed() {
    if no_go() {
        return;
    }
    let mut guarded = Guarded::start(json!({"arguments": ["-stubborn"], "kill-after": 300}));
    let pid = guarded.pid();
    guarded.signal(Signal::SIGTERM);
    assert!(guarded.ended().success());
    assert!(!is_alive(pid));
}

#[test]
fn a_killed_guard_leaves_no_orphan() {
    if no_go() {
        return;
    }
    let mut guarded = Guarded::start(json!({}));
    let pid = guarded.pid();
    guarded.signal(Signal::SIGKILL);
    guarded.ended();
    guarded.wait_for("the child's end", || !is_alive(pid));
}

#[test]
fn an_upgrade_refuses_nobody() {
    if no_go() {
        return;
    }
    let orders = [
        json!({}),
        json!({"replicas": 2}),
        json!({"upstream": format!("127.0.0.1:{}", free_port())}),
    ];
    for order in orders {
        let guarded = Guarded::start(order.clone());
        let before = guarded.pid();
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        let mut answers = 0;
                        while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                            let answer = guarded.ask("POST", "/slow?ms=5");
                            assert_eq!(answer.status, 200, "{answer:?}\n{}", guarded.said());
                            answers += 1;
                        }
                        answers
                    })
                })
                .collect();
            guarded.signal(Signal::SIGUSR2);
            guarded.wait_for("the old child's end", || !is_alive(before));
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            let answers: u32 = clients.into_iter().map(|c| c.join().unwrap()).sum();
            assert!(answers > 0);
        });
        assert_ne!(guarded.pid(), before, "{order}");
        assert!(!guarded.said().contains("died:"), "{}", guarded.said());
    }
}

#[test]
fn a_child_that_never_starts_opens_the_breaker() {
    if no_go() {
        return;
    }
    let guarded = Guarded::spawn(json!({"arguments": ["-broken"], "breaker-after": 4}));
    guarded.says("dies again and again");
    let start = Instant::now();
    let answer = guarded.ask("GET", "/");
    assert_eq!(answer.status, 503);
    assert!(start.elapsed() < Duration::from_secs(30), "it does not wait in the queue");
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!(seconds > 1, "{answer:?}");
    assert!(guarded.said().contains("cannot find its database"), "output is passed on");
    assert_eq!(guarded.said().matches("exit status: 3").count(), 4, "{}", guarded.said());
}

#[test]
fn requests_wait_for_a_slow_starter_within_limits() {
    if no_go() {
        return;
    }
    let guarded = Guarded::spawn(json!({"arguments": ["-delay", "1500ms"], "queue": 1}));
    std::thread::scope(|scope| {
        guarded.wait_for("the listener", || std::net::TcpStream::connect(guarded.address).is_ok());
        let asks: Vec<_> =
            (0..3).map(|_| scope.spawn(|| guarded.ask("POST", "/slow").status)).collect();
        let mut statuses: Vec<u16> = asks.into_iter().map(|a| a.join().unwrap()).collect();
        statuses.sort_unstable();
        // A very slow machine may let them come one after the other.
        assert_eq!(statuses[0], 200, "{}", guarded.said());
        assert!(statuses.iter().all(|s| [200, 503].contains(s)), "{statuses:?}");
    });
}

#[test]
fn replicas_share_and_cover_for_each_other() {
    if no_go() {
        return;
    }
    let guarded = Guarded::start(json!({"replicas": 2}));
    let mut pids = std::collections::BTreeSet::new();
    guarded.wait_for("both replicas", || {
        pids.insert(guarded.pid());
        pids.len() == 2
    });
    let start = Instant::now();
    guarded.ask("POST", "/crash?mode=exit");
    assert_eq!(guarded.ask("GET", "/slow").status, 200);
    assert!(start.elapsed() < Duration::from_secs(60));
    guarded.says("died: exit status 7");
}

#[test]
fn what_cannot_work_is_said() {
    if no_go() {
        return;
    }
    let mut missing = Guarded::spawn(json!({"command": ["/nowhere/service"], "breaker-after": 3}));
    missing.says("cannot start /nowhere/service");
    missing.says("dies again and again");
    missing.signal(Signal::SIGTERM);
    assert!(missing.ended().success());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut guarded = Guarded::spawn(json!({"upstream": format!("127.0.0.1:{port}")}));
    assert_eq!(guarded.ended().code(), Some(2));
    guarded.says("something listens there already");
}
