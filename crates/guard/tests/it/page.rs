//! The admin page in a browser: logging in, the list, one incident, acknowledging, live updates, and a
//! crash whose text tries to run.

use incidents::{NewIncident, State};
use jiff::{SignedDuration, Timestamp};

use crate::admin::{Page, TOKEN, evil};
use crate::sample::{death, explained, named, request};
use crate::webdriver::Browser;

/// The example, as if it had happened just now, among requests.
fn recent() -> NewIncident {
    let now = Timestamp::now() - SignedDuration::from_mins(2);
    let mut new = explained(0);
    let shift = new.time.duration_until(now);
    let moved = |time: Timestamp| time + shift;
    new.around = (0..14)
        .map(|n| {
            let from = -400 + 47 * n;
            let mut other = request(20 + n as u64, from, Some(from + 30 + 13 * n % 90));
            other.path = format!("/orders/{}", 100 + 17 * n);
            other.method = if n % 3 == 0 { "POST" } else { "GET" }.to_owned();
            let saved = n > 7 && n % 3 != 0;
            other.fate = match (n, saved) {
                (..8, _) => incidents::Fate::Served,
                (_, true) => incidents::Fate::Replayed,
                _ => incidents::Fate::Refused,
            };
            other.status = Some(if other.fate == incidents::Fate::Refused { 503 } else { 200 });
            other
        })
        .collect();
    new.time = moved(new.time);
    let named = new.request.iter_mut().map(|correlated| &mut correlated.request);
    for request in named.chain(&mut new.in_flight).chain(&mut new.around) {
        request.started = moved(request.started);
        request.ended = request.ended.map(moved);
    }
    for line in &mut new.log {
        line.time = moved(line.time);
    }
    new
}

#[test]
fn in_a_browser() {
    let Some(browser) = Browser::start() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let page = runtime.block_on(Page::start(true));
    let record = |new: &NewIncident| runtime.block_on(page.store.record(new)).unwrap().incident;
    let id = record(&recent());
    for n in 0..6 {
        let time = Timestamp::now() - SignedDuration::from_mins(40 * (n + 1));
        let other = NewIncident { time, ..death(named(&format!("Other{n}")), 0) };
        let other = record(&other);
        if n % 2 == 1 {
            runtime.block_on(page.store.set_state(&other, State::Acknowledged, "ann")).unwrap();
        }
    }

    // Not without the token; with it, back to where one wanted to go.
    browser.visit(&format!("{}/incidents", page.address));
    assert!(browser.text("label").contains("Token"));
    browser.script(&format!(
        "document.getElementById('token').value = {TOKEN:?}; document.forms[0].submit()"
    ));
    browser.wait("document.querySelectorAll('.rows tbody tr').length === 7");
    browser.wait("!document.getElementById('updates').hidden");
    browser.screenshot("guard-incidents.png");

    // One incident.
    browser.script("document.querySelector('.rows a').click()");
    browser.wait(&format!("location.pathname === '/incidents/{id}'"));
    browser.wait("document.querySelector('.side.other')");
    assert!(browser.text(".side.other").contains("store/expire.go:17"));
    assert!(browser.text(".stack .hit").contains("(*Index).Put"));
    browser.screenshot("guard-incident.png");
    browser.script("document.getElementById('timeline').scrollIntoView()");
    browser.screenshot("guard-timeline.png");

    // What is open stays open when the page is brought up to date.
    browser.script("document.getElementById('group-1').open = true");
    record(&NewIncident { time: Timestamp::now(), ..recent() });
    browser.wait("document.querySelector('.pills').textContent.includes('2×')");
    assert_eq!(browser.script("return document.getElementById('group-1').open"), true);

    // Acknowledging.
    browser.script("document.querySelector('.actions button').click()");
    browser.wait("document.getElementById('state')?.textContent === 'acknowledged'");
    let state = runtime.block_on(page.store.get(&id)).unwrap().unwrap().state;
    assert_eq!(state, State::Acknowledged);

    // The list, while a crash happens.
    browser.visit(&format!("{}/incidents", page.address));
    browser.wait("document.getElementById('updates')?.textContent === 'live'");
    let hostile = NewIncident { time: Timestamp::now(), ..evil() };
    let hostile = record(&hostile);
    browser.wait("document.querySelectorAll('.rows tbody tr').length === 8");

    // Its text is text.
    browser.visit(&format!("{}/incidents/{hostile}", page.address));
    browser.wait("document.querySelector('.message')");
    assert!(browser.text(".message").contains("<script>window.hit=1</script>"));
    assert_eq!(browser.script("return window.hit === undefined"), true);
    assert_eq!(browser.script("return document.querySelectorAll('img').length"), 0);

    browser.visit(&page.address);
    browser.wait("document.querySelector('.banner.good')");
    browser.wait("!document.getElementById('updates').hidden");
    browser.screenshot("guard.png");
    let log = browser.log();
    assert!(log.is_empty(), "{log:#?}");
}
