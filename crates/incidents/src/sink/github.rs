//! GitHub issues (REST API, version 2022-11-28): one issue an incident, comments for what comes after,
//! closed when it is resolved, opened again when it regresses.
//!
//! GitHub has no idempotency keys. So each issue and each comment ends with a line that names the
//! incident or the delivery, and before one is made that may have been made already, it is looked for:
//! among the newest issues, which a list shows at once, and by search, which is minutes late but goes
//! back to the first. Only what a member of the repository or an app wrote counts: anybody can open an
//! issue with such a line.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::http::{self, Answer, Client};
use super::{Failure, Sending};
use crate::config::Secret;
use crate::incident::Ticket;
use crate::outbox::Event;
use crate::ticket::{self, Notice, markdown};

/// Limits of the API: characters of a title and of a body.
const TITLE: usize = 256;
const BODY: usize = 65_536;
/// The label that every issue of ours has.
const LABEL: &str = "unpanic";
/// GitHub asks for a second between requests that make something ("Best practices for using the REST
/// API"), and for a minute's pause when a secondary limit names no time.
const SPACING: Duration = Duration::from_secs(1);
const SECONDARY: Duration = Duration::from_mins(1);
/// Clocks of GitHub and of this machine differ by less.
const SKEW: SignedDuration = SignedDuration::from_mins(10);
/// So many pages of comments are looked through.
const PAGES: u32 = 5;

/// A repository's issues.
pub(super) struct Github {
    client: Client,
    sink: String,
    api: Url,
    owner: String,
    name: String,
    token: Secret,
    labels: Vec<String>,
    /// When something was last made.
    made: Mutex<Option<Instant>>,
}

/// What is made of a notice: an issue, should there be none yet, and a comment.
#[derive(Serialize, Deserialize)]
struct Body {
    title: String,
    issue: String,
    comment: String,
}

#[derive(Deserialize)]
struct Issue {
    number: u64,
    html_url: String,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    author_association: String,
    #[serde(default)]
    user: Option<User>,
    #[serde(default)]
    pull_request: Option<Value>,
}

#[derive(Deserialize)]
struct Comment {
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    author_association: String,
    #[serde(default)]
    user: Option<User>,
}

#[derive(Deserialize)]
struct User {
    #[serde(default, rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Found {
    items: Vec<Issue>,
}

impl Github {
    pub fn new(
        client: Client,
        sink: &str,
        repository: &str,
        token: &Secret,
        api: Option<&str>,
        labels: &[String],
    ) -> Result<Self, String> {
        let parts = repository.split_once('/');
        let fits = |part: &str| {
            let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            !part.is_empty() && part != ".." && part != "." && part.chars().all(known)
        };
        let Some((owner, name)) = parts.filter(|(owner, name)| fits(owner) && fits(name)) else {
            return Err(format!("repository is `{repository}`: expected owner/name"));
        };
        token.read().map_err(|e| e.to_string())?;
        if let Some(label) =
            labels.iter().find(|label| label.is_empty() || label.chars().count() > 50)
        {
            return Err(format!("`{label}` is no label: expected 1 to 50 characters"));
        }
        let mut labels = labels.to_vec();
        labels.insert(0, LABEL.to_owned());
        Ok(Self {
            client,
            sink: sink.to_owned(),
            api: http::url(api.unwrap_or("https://api.github.com"))?,
            owner: owner.to_owned(),
            name: name.to_owned(),
            token: token.clone(),
            labels,
            made: Mutex::new(None),
        })
    }

    pub fn render(&self, notice: &Notice) -> String {
        let marked = |text: String, id: &str| {
            let marker = markdown::marker(id);
            let room = BODY - marker.chars().count() - 2;
            // Never the case with the sections' own limits; a body that is too long would be refused.
            let text: String = text.chars().take(room).collect();
            format!("{text}\n{marker}\n")
        };
        let body = Body {
            title: markdown::title(&notice.headline(), TITLE),
            issue: marked(ticket::body(notice), &notice.incident.id),
            comment: marked(ticket::comment(notice), &notice.id),
        };
        serde_json::to_string(&body).expect("strings always become JSON")
    }

    pub async fn send(&self, sending: &Sending<'_>) -> Result<Option<Ticket>, Failure> {
        let body: Body = serde_json::from_str(sending.body)
            .map_err(|e| Failure::Refused(format!("the stored issue is damaged: {e}")))?;
        let known = sending.ticket.as_ref().and_then(|ticket| ticket.reference.parse().ok());
        let number = match known {
            Some(number) => Some((number, None)),
            None => self.find(sending).await?.map(|issue| (issue.number, Some(issue.html_url))),
        };
        let Some((number, url)) = number else {
            // What is over need not be opened first.
            if sending.event == Event::Resolved {
                return Ok(None);
            }
            return self
                .create(&body)
                .await
                .map(|issue| Some(self.ticket(issue.number, &issue.html_url)));
        };
        match self.update(sending, number, &body).await {
            // Deleted or moved away: a new one.
            Err(Update::Gone) if known.is_some() && sending.event != Event::Resolved => {
                let issue = match self.find(sending).await? {
                    Some(issue) if issue.number != number => issue,
                    _ => self.create(&body).await?,
                };
                Ok(Some(self.ticket(issue.number, &issue.html_url)))
            }
            Err(Update::Gone) => Ok(None),
            Err(Update::Failed(failure)) => Err(failure),
            Ok(()) => Ok(url.map(|url| self.ticket(number, &url))),
        }
    }

    fn ticket(&self, number: u64, url: &str) -> Ticket {
        // What the API says is shown as a link: nothing else than an address may get there.
        let url = http::url(url).ok().map(String::from);
        Ticket { sink: self.sink.clone(), reference: number.to_string(), url }
    }

    /// The issue of an incident, if there is one.
    async fn find(&self, sending: &Sending<'_>) -> Result<Option<Issue>, Failure> {
        let mut url = self.issues(&[]);
        url.query_pairs_mut()
            .append_pair("state", "all")
            .append_pair("sort", "created")
            .append_pair("direction", "desc")
            .append_pair("per_page", "100");
        let newest: Vec<Issue> = self.get(url).await?;
        let ours = |issue: &Issue| {
            issue.pull_request.is_none()
                && trusted(&issue.author_association, issue.user.as_ref())
                && markdown::is_marked(issue.body.as_deref().unwrap_or_default(), sending.incident)
        };
        // Should there be two, the first counts.
        if let Some(issue) = newest.into_iter().filter(ours).min_by_key(|issue| issue.number) {
            return Ok(Some(issue));
        }
        let mut url = http::below(&self.api, &["search", "issues"]);
        let query = format!(
            "\"unpanic:{}\" in:body type:issue repo:{}/{}",
            sending.incident, self.owner, self.name
        );
        url.query_pairs_mut().append_pair("q", &query).append_pair("per_page", "20");
        let found: Found = self.get(url).await?;
        Ok(found.items.into_iter().filter(ours).min_by_key(|issue| issue.number))
    }

    async fn create(&self, body: &Body) -> Result<Issue, Failure> {
        let content = json!({ "title": body.title, "body": body.issue, "labels": self.labels });
        let answer = self.write(Method::POST, self.issues(&[]), &content).await?;
        parsed(&check(answer)?)
    }

    /// Brings an issue up to date: the comment first, then the state.
    async fn update(&self, sending: &Sending<'_>, number: u64, body: &Body) -> Result<(), Update> {
        let number = number.to_string();
        // The issue itself was this delivery, or an earlier attempt of it.
        let told = sending.event == Event::Opened
            || sending.again && self.commented(sending, &number).await?;
        if !told {
            let url = self.issues(&[&number, "comments"]);
            let answer = self.write(Method::POST, url, &json!({ "body": body.comment })).await?;
            existing(answer)?;
        }
        let state = match sending.event {
            Event::Resolved => json!({ "state": "closed", "state_reason": "completed" }),
            Event::Regressed | Event::Reopened => {
                json!({ "state": "open", "state_reason": "reopened" })
            }
            _ => return Ok(()),
        };
        let answer = self.write(Method::PATCH, self.issues(&[&number]), &state).await?;
        existing(answer)?;
        Ok(())
    }

    /// Whether an earlier attempt made the comment.
    async fn commented(&self, sending: &Sending<'_>, number: &str) -> Result<bool, Update> {
        let since =
            (sending.created - SKEW).round(jiff::Unit::Second).unwrap_or(Timestamp::UNIX_EPOCH);
        for page in 1..=PAGES {
            let mut url = self.issues(&[number, "comments"]);
            url.query_pairs_mut()
                .append_pair("since", &since.to_string())
                .append_pair("per_page", "100")
                .append_pair("page", &page.to_string());
            let answer = existing(self.read(url).await?)?;
            let comments: Vec<Comment> = parsed(&answer)?;
            let ours = |comment: &Comment| {
                trusted(&comment.author_association, comment.user.as_ref())
                    && markdown::is_marked(comment.body.as_deref().unwrap_or_default(), sending.id)
            };
            if comments.iter().any(ours) {
                return Ok(true);
            }
            if comments.len() < 100 {
                break;
            }
        }
        Ok(false)
    }

    fn issues(&self, path: &[&str]) -> Url {
        let url = http::below(&self.api, &["repos", &self.owner, &self.name, "issues"]);
        http::below(&url, path)
    }

    async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T, Failure> {
        parsed(&check(self.read(url).await?)?)
    }

    async fn read(&self, url: Url) -> Result<Answer, Failure> {
        http::send(self.request(Method::GET, url)?).await
    }

    async fn write(&self, method: Method, url: Url, body: &Value) -> Result<Answer, Failure> {
        let mut made = self.made.lock().await;
        if let Some(made) = *made {
            tokio::time::sleep_until(made + SPACING).await;
        }
        let request = self.request(method, url)?.body(body.to_string());
        let answer = http::send(request.header("content-type", "application/json")).await;
        *made = Some(Instant::now());
        answer
    }

    fn request(&self, method: Method, url: Url) -> Result<reqwest::RequestBuilder, Failure> {
        Ok(self
            .client
            .request(method, url)
            .bearer_auth(self.token.read()?)
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28"))
    }
}

/// Why an issue was not brought up to date.
enum Update {
    /// There is no such issue any more.
    Gone,
    Failed(Failure),
}

impl From<Failure> for Update {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// An answer about an issue that should be there.
fn existing(answer: Answer) -> Result<Answer, Update> {
    match answer.status.as_u16() {
        404 | 410 => Err(Update::Gone),
        _ => Ok(check(answer)?),
    }
}

/// An answer that says yes; what GitHub means by others ("Rate limits for the REST API").
fn check(answer: Answer) -> Result<Answer, Failure> {
    if answer.status.is_success() {
        return Ok(answer);
    }
    if !matches!(answer.status.as_u16(), 403 | 429) {
        return Err(answer.failure());
    }
    let told = answer.told();
    if let Some(wait) = answer.wait() {
        return Err(Failure::Wait(wait, told));
    }
    let left = answer.headers.get("x-ratelimit-remaining").and_then(|left| left.to_str().ok());
    if left == Some("0") {
        let reset = answer.until("x-ratelimit-reset").unwrap_or(SECONDARY);
        return Err(Failure::Wait(reset + Duration::from_secs(1), told));
    }
    let secondary = answer.status.as_u16() == 429 || told.contains("secondary rate limit");
    Err(if secondary { Failure::Wait(SECONDARY, told) } else { Failure::Setup(told) })
}

fn parsed<T: DeserializeOwned>(answer: &Answer) -> Result<T, Failure> {
    serde_json::from_slice(&answer.body)
        .map_err(|e| Failure::Down(format!("its answer is not what the API promises: {e}")))
}

/// Whether whoever wrote something may speak for us.
fn trusted(association: &str, user: Option<&User>) -> bool {
    matches!(association, "OWNER" | "MEMBER" | "COLLABORATOR")
        || user.is_some_and(|user| user.kind == "Bot")
}
