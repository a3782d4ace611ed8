//! The same as JSON, for programs.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use incidents::{Error, State as Stage};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::auth::Visitor;
use super::{App, Shared, security};

/// What a list can be asked for: `?q=map+writes&state=open,regressed&service=orders&page=0`.
#[derive(Deserialize, Default)]
pub(super) struct Asked {
    #[serde(default)]
    pub q: String,
    #[serde(default)]
    pub state: String,
    #[serde(default)]
    pub service: String,
    #[serde(default)]
    pub page: u64,
    #[serde(default)]
    pub page_size: u64,
}

impl Asked {
    /// The states; an error names one that there is not.
    pub fn states(&self) -> Result<Vec<Stage>, String> {
        let names = self.state.split(',').map(str::trim).filter(|name| !name.is_empty());
        let parse = |name: &str| {
            Stage::parse(name).ok_or_else(|| {
                let all: Vec<&str> = Stage::ALL.iter().map(|state| state.as_str()).collect();
                format!("there is no state {name:?}: expected {}", all.join(", "))
            })
        };
        names.map(parse).collect()
    }

    pub fn query(&self, states: Vec<Stage>) -> incidents::Query {
        incidents::Query {
            text: self.q.clone(),
            states,
            service: Some(self.service.clone()).filter(|service| !service.is_empty()),
            page: self.page,
            page_size: self.page_size,
        }
    }
}

/// `GET /api/live`.
pub(super) async fn live(State(shared): App) -> Response {
    match shared.store.sinks().await {
        Ok(sinks) => {
            Json(json!({ "guard": shared.live.snapshot(), "sinks": sinks })).into_response()
        }
        Err(error) => failed(&error),
    }
}

/// `GET /api/incidents`.
pub(super) async fn list(State(shared): App, Query(asked): Query<Asked>) -> Response {
    let states = match asked.states() {
        Ok(states) => states,
        Err(why) => return refused(StatusCode::BAD_REQUEST, &why),
    };
    answer(shared.store.list(&asked.query(states)).await)
}

#[derive(Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    occurrence: String,
}

/// `GET /api/incidents/ID`, with `?occurrence=ID` for another than the latest.
pub(super) async fn incident(
    State(shared): App,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Response {
    match read(&shared, &id, &which.occurrence).await {
        Ok(Some(found)) => Json(found).into_response(),
        Ok(None) => refused(StatusCode::NOT_FOUND, "there is no such incident or occurrence"),
        Err(error) => failed(&error),
    }
}

async fn read(
    shared: &Shared,
    id: &str,
    which: &str,
) -> incidents::Result<Option<serde_json::Value>> {
    let store = &shared.store;
    let Some(incident) = store.get(id).await? else { return Ok(None) };
    let occurrence = match which {
        "" => store.latest(id).await?,
        which => match store.occurrence(which).await? {
            Some(occurrence) if occurrence.incident == id => Some(occurrence),
            _ => return Ok(None),
        },
    };
    Ok(Some(json!({
        "incident": incident,
        "occurrence": occurrence,
        "occurrences": store.occurrences(id, 0).await?,
        "history": store.history(id).await?,
        "deliveries": store.deliveries(id).await?,
    })))
}

/// What a change of state carries.
#[derive(Deserialize)]
pub(super) struct Change {
    state: String,
    #[serde(default)]
    by: String,
}

/// `POST /api/incidents/ID/state` with `{"state": "resolved", "by": "me"}`.
pub(super) async fn set_state(
    State(shared): App,
    Extension(visitor): Extension<Visitor>,
    headers: axum::http::HeaderMap,
    Path(id): Path<String>,
    change: Result<Json<Change>, axum::extract::rejection::JsonRejection>,
) -> Response {
    // A browser sends JSON to another site only after asking; still, its cookie is not enough here.
    if matches!(visitor, Visitor::Browser { .. }) && !security::same_origin(&headers) {
        return security::forbidden("the request came from another site");
    }
    let change = match change {
        Ok(Json(change)) => change,
        Err(why) => return refused(why.status(), &why.body_text()),
    };
    let Some(state) = settable(&change.state) else {
        return refused(StatusCode::BAD_REQUEST, "state: expected acknowledged, resolved or open");
    };
    match shared.store.set_state(&id, state, &change.by).await {
        Ok(changed) => Json(json!({ "changed": changed, "state": state })).into_response(),
        Err(Error::Unknown(_)) => refused(StatusCode::NOT_FOUND, "there is no such incident"),
        Err(error) => failed(&error),
    }
}

/// The states that people set; an incident regresses by itself.
pub(super) fn settable(name: &str) -> Option<Stage> {
    Stage::parse(name).filter(|state| *state != Stage::Regressed)
}

/// `GET /metrics`.
pub(super) async fn metrics(State(shared): App, headers: axum::http::HeaderMap) -> Response {
    if !shared.config.open_metrics && super::auth::visitor(&shared, &headers).await.is_none() {
        return super::auth::unauthorized();
    }
    let (text, content_type) = shared.live.metrics();
    ([(CONTENT_TYPE, content_type)], text).into_response()
}

fn answer<T: Serialize>(result: incidents::Result<T>) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(error) => failed(&error),
    }
}

fn refused(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}

fn failed(error: &Error) -> Response {
    refused(StatusCode::SERVICE_UNAVAILABLE, &error.to_string())
}
