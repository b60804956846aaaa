//! `GET /api/account/events`: the user's recent activity, newest first.

use std::str::FromStr;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Error;
use crate::{
    accounts::{
        Accounts,
        activity::{self, Activity, By, Wanted},
        credentials,
        events::Door,
        fields::Refused,
    },
    db,
    http::software,
    token::LiveTokenUser,
};

const LIMIT: i64 = 25;
const LIMIT_MOST: i64 = 100;

/// Which part is wanted; as text, so that a refusal can name the parameter.
#[derive(Debug, Deserialize)]
pub struct Query {
    before: Option<String>,
    limit: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct Event {
    id: i64,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    kind: String,
    /// "session", "token" or "none".
    door: &'static str,
    login: Option<Uuid>,
    /// Who did it, where that is nobody with your credentials.
    by: Option<&'static str>,
    detail: Option<String>,
    address: Option<String>,
    client: Option<String>,
    user_agent: String,
}

impl From<Activity> for Event {
    fn from(event: Activity) -> Self {
        Self {
            id: event.id,
            at: event.at,
            kind: event.kind,
            door: match event.door {
                Door::Session => "session",
                Door::Token => "token",
                Door::None => "none",
            },
            login: event.login,
            by: event.by.map(|by| match by {
                By::Admin => "admin",
                By::Operator => "operator",
            }),
            detail: event.detail,
            client: event.address.map(|_| software::in_words(&event.user_agent)),
            address: event.address.map(|address| address.to_string()),
            user_agent: event.user_agent,
        }
    }
}

#[derive(Serialize, ToSchema)]
struct Events {
    events: Vec<Event>,
    /// What to send as `before` for the next page; nothing after the last one.
    next_before: Option<i64>,
}

/// `GET /api/account/events`
#[utoipa::path(
    get,
    path = "/api/account/events",
    summary = "Your recent activity, newest first.",
    params(
        ("before" = Option<i64>, Query, description = "Only events older than the one with this id: the next page."),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 100, description = "How many; 25 if not said.")
    ),
    responses((status = 200, body = Events, description = "A page of events.")),
    security(("access_token" = [])),
    extensions(("x-problems" = json!(["refused-fields"])))
)]
pub async fn list(
    user: LiveTokenUser,
    accounts: web::Data<Accounts>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Error> {
    let before = number("before", query.before.as_deref(), |_| true, "Send the id of an event.")?;
    let limit =
        number("limit", query.limit.as_deref(), |limit| (1..=LIMIT_MOST).contains(&limit), "Ask for 1 to 100 events.")?;
    let wanted = Wanted { before, limit: limit.unwrap_or(LIMIT), refreshes: true };
    let LiveTokenUser { user, claims, .. } = user;
    let recent = db::run(&accounts.pool, move |conn| activity::recent(conn, &user, claims.sid, wanted));
    let (events, next_before) = recent.await?;
    Ok(HttpResponse::Ok().json(Events { events: events.into_iter().map(Event::from).collect(), next_before }))
}

/// A number in a query; a refusal names the parameter.
pub(super) fn number(
    field: &'static str,
    text: Option<&str>,
    fits: impl Fn(i64) -> bool,
    advice: &str,
) -> Result<Option<i64>, Error> {
    let Some(text) = text else { return Ok(None) };
    match i64::from_str(text) {
        Ok(number) if fits(number) => Ok(Some(number)),
        _ => Err(credentials::Error::Refused(vec![Refused { field, advice: advice.to_owned() }]).into()),
    }
}
