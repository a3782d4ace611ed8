//! The pages' handlers: what is asked for is read from the store, `view` makes text of it, askama lays
//! it out. Reading and acknowledging work without a script.

use std::sync::Arc;

use askama::Template as _;
use axum::extract::{Form, Path, Query, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, body::Bytes};
use incidents::{Error, State as Stage};
use jiff::Timestamp;
use rust_embed::RustEmbed;
use serde::Deserialize;

use super::api::{Asked, settable};
use super::auth::{Visitor, same_secret};
use super::view::{self, Frame, IncidentPage, List, Message, Overview, Parts, Row, Tab, query};
use super::{App, Shared, security};

/// So many incidents stand on the first page.
const LATEST: u64 = 8;
/// The address of pages that want to know about everything.
const LIVE: &str = "live incidents";

/// The style sheet, the script and the icon.
#[derive(RustEmbed)]
#[folder = "assets"]
struct Assets;

/// `GET /`.
pub(super) async fn overview(
    State(shared): App,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    let store = &shared.store;
    let open = vec![Stage::Open, Stage::Regressed, Stage::Acknowledged];
    let wanted = incidents::Query { states: open, page_size: LATEST, ..Default::default() };
    let made = async {
        let frame = frame(&shared, &visitor, "live", LIVE).await?;
        let latest = store.list(&wanted).await?.items;
        let sinks = store.sinks().await?;
        Ok(Overview::new(frame, &shared.live.snapshot(), &latest, &sinks, Timestamp::now()))
    };
    match made.await {
        Ok(page) => html(page.render()),
        Err(error) => failed(&error),
    }
}

/// `GET /incidents`.
pub(super) async fn list(
    State(shared): App,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Asked>,
) -> Response {
    match list_page(&shared, &visitor, &asked).await {
        Ok(page) => html(page.render()),
        Err(error) => failed(&error),
    }
}

async fn list_page(shared: &Shared, visitor: &Visitor, asked: &Asked) -> incidents::Result<List> {
    // A state that there is not, from a link that somebody wrote: all.
    let (state, states) = match asked.state.as_str() {
        "" => (String::new(), vec![Stage::Open, Stage::Regressed, Stage::Acknowledged]),
        name => match Stage::parse(name) {
            Some(state) => (name.to_owned(), vec![state]),
            None => ("all".to_owned(), Vec::new()),
        },
    };
    let page = shared.store.list(&asked.query(states)).await?;
    let (counts, services) = shared.store.overview().await?;
    let now = Timestamp::now();
    let link = |state: &str, page: u64| {
        let mut link = format!("/incidents?state={}", query(state));
        for (name, value) in [("q", &asked.q), ("service", &asked.service)] {
            if !value.is_empty() {
                link += &format!("&{name}={}", query(value));
            }
        }
        if page > 0 {
            link += &format!("&page={page}");
        }
        link
    };
    let of = |state: Stage| counts.iter().find(|(s, _)| *s == state).map_or(0, |(_, count)| *count);
    let all: u64 = counts.iter().map(|(_, count)| count).sum();
    let tab = |name: &'static str, value: &str, count: u64| Tab {
        name,
        count,
        link: link(value, 0),
        here: state == value,
    };
    let tabs = vec![
        tab("Unresolved", "", all - of(Stage::Resolved)),
        tab("Open", "open", of(Stage::Open)),
        tab("Regressed", "regressed", of(Stage::Regressed)),
        tab("Acknowledged", "acknowledged", of(Stage::Acknowledged)),
        tab("Resolved", "resolved", of(Stage::Resolved)),
        tab("All", "all", all),
    ];
    let offset = page.page.saturating_mul(page.page_size);
    let shown = page.items.len() as u64;
    Ok(List {
        frame: frame(shared, visitor, "incidents", "incidents").await?,
        text: asked.q.clone(),
        service: asked.service.clone(),
        services,
        newer: (page.page > 0).then(|| link(&state, page.page - 1)),
        older: (offset.saturating_add(shown) < page.total && shown > 0)
            .then(|| link(&state, page.page + 1)),
        state,
        tabs,
        rows: page.items.iter().map(|incident| Row::new(incident, now)).collect(),
        total: page.total,
        first: if shown == 0 { 0 } else { offset + 1 },
        last: offset.saturating_add(shown),
    })
}

#[derive(Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    occurrence: String,
}

/// `GET /incidents/ID`, with `?occurrence=ID` for another than the latest.
pub(super) async fn incident(
    State(shared): App,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Response {
    match incident_page(&shared, &visitor, &id, &which.occurrence).await {
        Ok(Some(page)) => html(page.render()),
        Ok(None) => {
            let text = "It was never there, or it is so old that it was deleted.";
            message(&shared, &visitor, StatusCode::NOT_FOUND, "No such incident", text).await
        }
        Err(error) => failed(&error),
    }
}

async fn incident_page(
    shared: &Shared,
    visitor: &Visitor,
    id: &str,
    which: &str,
) -> incidents::Result<Option<IncidentPage>> {
    let store = &shared.store;
    let Some(incident) = store.get(id).await? else { return Ok(None) };
    let occurrence = match which {
        "" => store.latest(id).await?,
        which => match store.occurrence(which).await? {
            Some(occurrence) if occurrence.incident == id => Some(occurrence),
            _ => return Ok(None),
        },
    };
    let parts = Parts {
        incident: &incident,
        occurrence: occurrence.as_ref(),
        occurrences: &store.occurrences(id, 0).await?,
        history: &store.history(id).await?,
        deliveries: &store.deliveries(id).await?,
    };
    let frame = frame(shared, visitor, "incidents", "incidents").await?;
    Ok(Some(IncidentPage::new(frame, &parts, Timestamp::now())))
}

/// What a form carries that changes something.
#[derive(Deserialize)]
pub(super) struct Change {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    by: String,
}

/// `POST /incidents/ID/state` by a form.
pub(super) async fn set_state(
    State(shared): App,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Form(change): Form<Change>,
) -> Response {
    if let Visitor::Browser { csrf } = &visitor {
        if !security::same_origin(&headers) {
            return security::forbidden("the form came from another site");
        }
        if !same_secret(&change.csrf, csrf) {
            return security::forbidden("the form is too old: load the page again");
        }
    }
    let Some(state) = settable(&change.state) else {
        let text = "Expected acknowledged, resolved or open.";
        return message(&shared, &visitor, StatusCode::BAD_REQUEST, "No such state", text).await;
    };
    match shared.store.set_state(&id, state, change.by.trim()).await {
        Ok(_) => {
            let to = format!("/incidents/{}", query(&id));
            (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response()
        }
        Err(Error::Unknown(_)) => {
            let text = "It is so old that it was deleted.";
            message(&shared, &visitor, StatusCode::NOT_FOUND, "No such incident", text).await
        }
        Err(error) => failed(&error),
    }
}

/// `GET /assets/NAME`.
pub(super) async fn asset(Path(name): Path<String>) -> Response {
    let kind = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    match Assets::get(&name) {
        // Asked for again each time that the program may be another.
        Some(file) => {
            let headers = [(CONTENT_TYPE.as_str(), kind), ("cache-control", "no-cache")];
            (headers, Bytes::from(file.data.into_owned())).into_response()
        }
        None => missing().await,
    }
}

/// For whatever there is not.
pub(super) async fn missing() -> Response {
    (StatusCode::NOT_FOUND, "there is no such page\n").into_response()
}

async fn frame(
    shared: &Shared,
    visitor: &Visitor,
    here: &'static str,
    live: &'static str,
) -> incidents::Result<Frame> {
    let (counts, _) = shared.store.overview().await?;
    let snapshot = shared.live.snapshot();
    Ok(Frame {
        service: view::line(&snapshot.service),
        version: view::line(snapshot.version.as_deref().unwrap_or_default()),
        csrf: match visitor {
            Visitor::Browser { csrf } => csrf.clone(),
            Visitor::Program => String::new(),
        },
        here,
        open: counts
            .iter()
            .filter(|(state, _)| view::is_open(*state))
            .map(|(_, count)| count)
            .sum(),
        live,
    })
}

async fn message(
    shared: &Arc<Shared>,
    visitor: &Visitor,
    status: StatusCode,
    title: &str,
    text: &str,
) -> Response {
    match frame(shared, visitor, "incidents", "").await {
        Ok(frame) => {
            let page = Message { frame, title: title.to_owned(), text: text.to_owned() };
            (status, html(page.render())).into_response()
        }
        Err(error) => failed(&error),
    }
}

/// A page, or why it could not be made.
pub(super) fn html(page: askama::Result<String>) -> Response {
    match page {
        Ok(text) => ([(CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

/// The store does not answer. The frame needs it too, so this is plain text.
fn failed(error: &Error) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "5")], format!("{error}\n")).into_response()
}
