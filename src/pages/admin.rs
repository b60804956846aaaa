//! `/admin`: who is here, one of them, and everybody's audit trail. For admins, at this door with a session only.
//!
//! A demo admin, whose password everybody knows, may look around, but sees addresses of demo accounts only. What can be done
//! about somebody stands in `standing`.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use askama::Template;
use serde::Deserialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Error,
    devices::Device,
    frame::{self, Frame},
    log_in::Field,
    moment::Moment,
};
use crate::{
    accounts::{
        self, Accounts, User, demo,
        directory::{self, may_see},
        events::{Door, Kind},
        standing::Ban,
        trail::{self, Entry, Wanted},
    },
    db,
    everywhere::{self, Login},
    http::software,
    session::SessionAdmin,
};

/// As many as one reads at a time.
const A_PAGE: i64 = 25;
/// What stands in place of what a demo admin may not see.
const HIDDEN: &str = "not shown to a demo admin";

/// Somebody, as a list shows them.
struct Person {
    id: Uuid,
    display_name: String,
    email: String,
    role: &'static str,
    is_demo: bool,
    ban: Option<String>,
    since: Moment,
}

impl Person {
    fn new(user: &User, admin: &User, now: OffsetDateTime) -> Self {
        let may_see = may_see(admin, Some(user));
        // The reason may say more of the person than the name.
        let ban = |ban: Ban| if may_see { format!("{}: {}", ban.span(), ban.reason) } else { ban.span() };
        Self {
            id: user.id,
            display_name: user.display_name.clone(),
            email: if may_see { user.email.clone() } else { HIDDEN.to_owned() },
            role: user.role().as_str(),
            is_demo: user.demo,
            ban: user.ban(now).map(ban),
            since: Moment::new(user.created_at, now),
        }
    }
}

/// A line of the audit trail.
struct Line {
    at: Moment,
    door: Door,
    kind: String,
    user: Option<Uuid>,
    email: String,
    actor: Option<Uuid>,
    detail: Option<String>,
    client: Option<String>,
    address: Option<String>,
}

impl Line {
    fn new(entry: Entry, now: OffsetDateTime) -> Self {
        Self {
            at: Moment::new(entry.at, now),
            door: entry.door,
            kind: entry.kind,
            // Whoever is deleted has no page any more.
            user: entry.user.filter(|_| entry.email.is_some()),
            email: entry.email.unwrap_or_else(|| match entry.user {
                Some(_) => "a deleted account".to_owned(),
                None => "nobody in particular".to_owned(),
            }),
            actor: entry.actor,
            detail: entry.detail,
            client: entry.address.map(|_| software::in_words(&entry.user_agent)),
            address: entry.address.map(|address| address.to_string()),
        }
    }
}

#[derive(Template)]
#[template(path = "admin.html")]
struct UsersPage {
    frame: Frame,
    search: String,
    people: Vec<Person>,
    next: Option<String>,
    is_first: bool,
    is_demo_admin: bool,
}

/// Which users are wanted.
#[derive(Debug, Deserialize)]
pub struct Search {
    q: Option<String>,
    after: Option<String>,
}

/// `GET /admin`: the users, newest first, or those that a search finds.
pub async fn users(
    request: HttpRequest,
    admin: SessionAdmin,
    accounts: web::Data<Accounts>,
    query: web::Query<Search>,
) -> Result<HttpResponse, Error> {
    let Search { q, after } = query.into_inner();
    let search: String = q.unwrap_or_default().chars().take(200).collect();
    let (asker, is_first) = (admin.user().clone(), after.is_none());
    let page = db::run(&accounts.pool, {
        let search = search.clone();
        move |conn| directory::users(conn, Some(&asker), &search, after.as_deref(), A_PAGE)
    });
    let page = page.await?;
    let page = UsersPage {
        frame: Frame::of(&request),
        people: page.users.iter().map(|user| Person::new(user, admin.user(), page.now)).collect(),
        search,
        next: page.next,
        is_first,
        is_demo_admin: admin.user().demo,
    };
    frame::page(&request, StatusCode::OK, &page)
}

#[derive(Template)]
#[template(path = "admin_user.html")]
struct UserPage {
    frame: Frame,
    person: Person,
    locked: Option<String>,
    is_self: bool,
    sessions: Vec<Device>,
    families: Vec<Device>,
    lines: Vec<Line>,
    problem: Option<String>,
    reason: Field,
    until: Field,
}

/// What went wrong with a form of the page, and what had been typed.
#[derive(Default)]
pub(super) struct Typed {
    pub problem: Option<String>,
    pub reason: Field,
    pub until: Field,
}

/// `GET /admin/users/{id}`
pub async fn user(
    request: HttpRequest,
    admin: SessionAdmin,
    accounts: web::Data<Accounts>,
    id: web::Path<String>,
) -> Result<HttpResponse, Error> {
    let id = Uuid::try_parse(&id).map_err(|_| Error::NotFound)?;
    answer(&request, &accounts, &admin, id, (StatusCode::OK, Typed::default())).await
}

/// Answers with the page of a user as they are now.
pub(super) async fn answer(
    request: &HttpRequest,
    accounts: &Accounts,
    admin: &SessionAdmin,
    id: Uuid,
    (status, typed): (StatusCode, Typed),
) -> Result<HttpResponse, Error> {
    let (asker, now) = (admin.user().clone(), admin.loaded().now);
    let found = db::run(&accounts.pool, move |conn| {
        let Some((user, _)) = accounts::find(conn, id)? else { return Ok::<_, db::Error>(None) };
        let logins = if may_see(&asker, Some(&user)) { everywhere::list(conn, id)? } else { Vec::new() };
        let wanted = Wanted { user: Some(id), limit: A_PAGE, ..Wanted::default() };
        Ok(Some((user, logins, trail::page(conn, &asker, wanted)?.0)))
    });
    let (user, logins, entries) = found.await?.ok_or(Error::NotFound)?;
    let (sessions, families): (Vec<_>, Vec<_>) = logins.into_iter().partition(|login| login.door == Door::Session);
    let devices = |logins: Vec<Login>| logins.into_iter().map(|login| Device::new(login, admin)).collect();
    let locked = match (admin.user().demo, user.demo) {
        (true, _) => Some("You are a demo admin, whose password everybody knows: you may look, but change nothing."),
        (_, true) => Some(demo::LOCKED),
        _ => None,
    };
    let page = UserPage {
        frame: Frame::of(request),
        person: Person::new(&user, admin.user(), now),
        locked: locked.map(str::to_owned),
        is_self: user.id == admin.user().id,
        sessions: devices(sessions),
        families: devices(families),
        lines: entries.into_iter().map(|entry| Line::new(entry, now)).collect(),
        problem: typed.problem,
        reason: typed.reason,
        until: typed.until,
    };
    frame::page(request, status, &page)
}

#[derive(Template)]
#[template(path = "admin_events.html")]
struct EventsPage {
    frame: Frame,
    kind: Option<Kind>,
    lines: Vec<Line>,
    older: Option<i64>,
    is_first: bool,
    is_demo_admin: bool,
}

impl EventsPage {
    fn is_chosen(&self, kind: Kind) -> bool {
        self.kind == Some(kind)
    }
}

/// Which part of the trail is wanted.
#[derive(Debug, Deserialize)]
pub struct Part {
    kind: Option<String>,
    before: Option<i64>,
}

/// `GET /admin/events`: everybody's audit trail.
pub async fn events(
    request: HttpRequest,
    admin: SessionAdmin,
    accounts: web::Data<Accounts>,
    query: web::Query<Part>,
) -> Result<HttpResponse, Error> {
    let kind = match query.kind.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => Some(Kind::from_name(name).ok_or(Error::NotFound)?),
        None => None,
    };
    let (asker, now) = (admin.user().clone(), admin.loaded().now);
    let wanted = Wanted { kind, before: query.before, limit: A_PAGE, ..Wanted::default() };
    let (entries, older) = db::run(&accounts.pool, move |conn| trail::page(conn, &asker, wanted)).await?;
    let page = EventsPage {
        frame: Frame::of(&request),
        kind,
        older,
        lines: entries.into_iter().map(|entry| Line::new(entry, now)).collect(),
        is_first: query.before.is_none(),
        is_demo_admin: admin.user().demo,
    };
    frame::page(&request, StatusCode::OK, &page)
}
