//! `GET /api/admin/events`: the whole audit trail, newest first.

use actix_web::web;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    super::{Error, events::number},
    LIMIT_ADVICE, PAGE, refused_field,
};
use crate::{
    accounts::{
        Accounts, directory,
        events::Kind,
        trail::{self, Entry, Wanted},
    },
    db,
    http::software,
    token::LiveTokenAdmin,
};

/// Which part is wanted; as text, so that a refusal can name the parameter.
#[derive(Debug, Deserialize)]
pub struct Query {
    user: Option<String>,
    kind: Option<String>,
    before: Option<String>,
    limit: Option<String>,
}

impl Query {
    fn parse(&self) -> Result<Wanted, Error> {
        let user = self.user.as_deref().map(Uuid::try_parse).transpose();
        let kind = self.kind.as_deref().map(|name| Kind::from_name(name).ok_or(())).transpose();
        let fits = |limit: i64| (1..=directory::MOST).contains(&limit);
        Ok(Wanted {
            user: user.map_err(|_| refused_field("user", "Send the id of an account."))?,
            kind: kind.map_err(|()| refused_field("kind", "Send a kind as events have it, such as `logged in`."))?,
            before: number("before", self.before.as_deref(), |_| true, "Send the id of an event.")?,
            limit: number("limit", self.limit.as_deref(), fits, LIMIT_ADVICE)?.unwrap_or(PAGE),
        })
    }
}

/// An event, as an admin sees it.
#[derive(Serialize, ToSchema)]
struct RecordedEvent {
    id: i64,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    kind: String,
    /// "session", "token" or "none".
    door: &'static str,
    /// Whom it concerns.
    user: Option<Uuid>,
    /// That person's address; a deleted account has none any more.
    email: Option<String>,
    login: Option<Uuid>,
    /// Who did it, where that is another admin.
    actor: Option<Uuid>,
    detail: Option<String>,
    /// `null`: the command line, the server itself, or an admin, to a demo admin.
    address: Option<String>,
    client: Option<String>,
    user_agent: String,
}

impl From<Entry> for RecordedEvent {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            kind: entry.kind,
            door: entry.door.as_str(),
            user: entry.user,
            email: entry.email,
            login: entry.login,
            actor: entry.actor,
            detail: entry.detail,
            client: entry.address.map(|_| software::in_words(&entry.user_agent)),
            address: entry.address.map(|address| address.to_string()),
            user_agent: entry.user_agent,
        }
    }
}

/// A page of the trail.
#[derive(Serialize, ToSchema)]
pub struct Trail {
    events: Vec<RecordedEvent>,
    /// What to send as `before` for the next page; nothing after the last one.
    next_before: Option<i64>,
}

/// `GET /api/admin/events`
#[utoipa::path(
    get,
    path = "/api/admin/events",
    summary = "The whole audit trail, newest first, a page at a time.",
    params(
        ("user" = Option<Uuid>, Query, description = "Whom the events concern."),
        ("kind" = Option<String>, Query, description = "Such as `logged in`."),
        ("before" = Option<i64>, Query, description = "The `next_before` of the page before."),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "How many; 50 if not said."),
    ),
    responses((status = 200, body = Trail, description = "A page of it.")),
    security(("access_token" = [])),
    extensions(("x-problems" = json!(["forbidden", "refused-fields"])))
)]
pub async fn list(
    admin: LiveTokenAdmin,
    accounts: web::Data<Accounts>,
    query: web::Query<Query>,
) -> Result<web::Json<Trail>, Error> {
    let wanted = query.parse()?;
    let (entries, next_before) = db::run(&accounts.pool, move |conn| trail::page(conn, &admin.user, wanted)).await?;
    Ok(web::Json(Trail { events: entries.into_iter().map(RecordedEvent::from).collect(), next_before }))
}
