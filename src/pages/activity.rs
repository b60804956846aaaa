//! `/account/activity`: what happened to the user's logins, along the spine: left at this door, right at the other.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use askama::Template;
use serde::Deserialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Error,
    frame::{self, Frame},
    moment::Moment,
};
use crate::{
    accounts::{
        Accounts,
        activity::{self, Activity, By, Wanted},
        events::{Door, Kind},
    },
    db,
    http::software,
    session::SessionUser,
};

/// As many as one reads at a time.
const A_PAGE: i64 = 25;
/// What its owner should look at twice.
const ALARMING: [Kind; 4] = [Kind::LogInFailed, Kind::NewDevice, Kind::RefreshTokenReused, Kind::Banned];

struct Entry {
    at: Moment,
    door: Door,
    what: String,
    detail: Option<String>,
    by: Option<&'static str>,
    client: Option<String>,
    address: Option<String>,
    is_this_login: bool,
    is_alarming: bool,
}

impl Entry {
    fn new(event: Activity, this: Uuid, now: OffsetDateTime) -> Self {
        let mut letters = event.kind.chars();
        let what = letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
        Self {
            at: Moment::new(event.at, now),
            door: event.door,
            what,
            detail: event.detail,
            by: event.by.map(|by| match by {
                By::Admin => "by an admin",
                By::Operator => "by whoever runs this server",
            }),
            client: event.address.map(|_| software::in_words(&event.user_agent)),
            address: event.address.map(|address| address.to_string()),
            is_this_login: event.login == Some(this),
            is_alarming: ALARMING.iter().any(|kind| kind.as_str() == event.kind),
        }
    }
}

#[derive(Template)]
#[template(path = "activity.html")]
struct ActivityPage {
    frame: Frame,
    entries: Vec<Entry>,
    refreshes: bool,
    is_first: bool,
    older: Option<i64>,
}

/// Which part is wanted.
#[derive(Debug, Deserialize)]
pub struct Query {
    before: Option<i64>,
    refreshes: Option<String>,
}

/// `GET /account/activity`
pub async fn show(
    request: HttpRequest,
    user: SessionUser,
    accounts: web::Data<Accounts>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Error> {
    let (owner, this, now) = (user.user().clone(), user.record().id, user.loaded().now);
    let refreshes = query.refreshes.as_deref() == Some("shown");
    let wanted = Wanted { before: query.before, limit: A_PAGE, refreshes };
    let recent = db::run(&accounts.pool, move |conn| activity::recent(conn, &owner, this, wanted));
    let (events, older) = recent.await?;
    let page = ActivityPage {
        frame: Frame::of(&request),
        older,
        entries: events.into_iter().map(|event| Entry::new(event, this, now)).collect(),
        refreshes,
        is_first: query.before.is_none(),
    };
    frame::page(&request, StatusCode::OK, &page)
}
