//! `/account/devices`: every login of the user at both doors, side by side, and the means to end them.
//!
//! Logins go by their public names here: neither a session's key nor its hash, nor any token, stands in a page. Somebody
//! else's name is as good as none: 404. To end logins takes a fresh password; to log out here never does.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use askama::Template;
use uuid::Uuid;

use super::{
    Error, flash,
    form::FreshForm,
    frame::{self, Frame},
    moment::Moment,
};
use crate::{
    accounts::{
        self, Accounts,
        credentials::Asker,
        ending::EndReason,
        events::{self, Door, Event, Kind},
    },
    db,
    everywhere::{self, Login},
    http::software,
    session::{self, SessionUser},
};

/// What stands in place of the address that another visitor of a demo account came from.
const NOT_TOLD: &str = "somewhere (this account is everybody’s)";

/// One login, as the page shows it.
pub(super) struct Device {
    pub id: Uuid,
    pub client: String,
    pub user_agent: String,
    pub address: String,
    pub is_this: bool,
    pub remembered: bool,
    pub is_new: bool,
    pub started: Moment,
    pub seen: Moment,
    pub expires: Moment,
}

impl Device {
    pub fn new(login: Login, reader: &SessionUser) -> Self {
        let (this, now) = (reader.record().id, reader.loaded().now);
        let is_told = reader.user().may_know_where(Some(login.id), this);
        Self {
            client: software::in_words(&login.user_agent),
            is_this: login.id == this,
            id: login.id,
            user_agent: login.user_agent,
            address: if is_told { login.address.to_string() } else { NOT_TOLD.to_owned() },
            remembered: login.remembered,
            is_new: login.new_device,
            started: Moment::new(login.started_at, now),
            seen: Moment::new(login.seen_at, now),
            expires: Moment::new(login.expires_at, now),
        }
    }
}

#[derive(Template)]
#[template(path = "devices.html")]
struct DevicesPage {
    frame: Frame,
    sessions: Vec<Device>,
    families: Vec<Device>,
    problem: Option<String>,
}

/// Answers with the list as it is now.
async fn answer(
    request: &HttpRequest,
    accounts: &Accounts,
    user: &SessionUser,
    (status, problem): (StatusCode, Option<&str>),
) -> Result<HttpResponse, Error> {
    let (id, this) = (user.user().id, user.record().id);
    let logins = db::run(&accounts.pool, move |conn| everywhere::list(conn, id)).await?;
    let (mut sessions, families): (Vec<_>, Vec<_>) = logins.into_iter().partition(|login| login.door == Door::Session);
    // The one that is looked through comes first.
    sessions.sort_by_key(|login| login.id != this);
    let devices = |logins: Vec<Login>| logins.into_iter().map(|login| Device::new(login, user)).collect();
    let page = DevicesPage {
        frame: Frame::of(request),
        sessions: devices(sessions),
        families: devices(families),
        problem: problem.map(str::to_owned),
    };
    frame::page(request, status, &page)
}

/// `GET /account/devices`
pub async fn show(
    request: HttpRequest,
    user: SessionUser,
    accounts: web::Data<Accounts>,
) -> Result<HttpResponse, Error> {
    answer(&request, &accounts, &user, (StatusCode::OK, None)).await
}

/// `POST /account/devices/end`: ends the login that the field `id` names.
pub async fn end_one(
    request: HttpRequest,
    accounts: web::Data<Accounts>,
    asker: Asker,
    form: FreshForm,
) -> Result<HttpResponse, Error> {
    let FreshForm { user: session, fields } = form;
    let (user, this) = (session.user().id, session.record().id);
    let ended = match Uuid::try_parse(fields.get("id")) {
        Ok(login) => {
            let ended = db::transaction(&accounts.pool, move |conn| {
                let ended = everywhere::end_one(conn, user, login, reason(login == this))?;
                if ended.is_some() {
                    let kind = if login == this { Kind::LoggedOut } else { Kind::LoginEnded };
                    events::record(conn, &asker.client, &Event::new(Door::Session, kind).user(user).login(login))?;
                }
                Ok::<_, db::Error>(ended)
            });
            ended.await?.map(|door| (door, login == this))
        }
        Err(_) => None,
    };
    match ended {
        None => {
            let problem = "None of your logins that are alive goes by this name. It may have ended meanwhile.";
            answer(&request, &accounts, &session, (StatusCode::NOT_FOUND, Some(problem))).await
        }
        Some((_, true)) => Ok(leave(&request, "You are logged out here. Your other logins go on.")),
        Some((door, false)) => {
            let text = match door {
                Door::Token => {
                    "The token login has ended: its refresh token is dead. An access token that is out already works at claims-only routes until it expires."
                }
                _ => "The session has ended: its cookie opens nothing any more.",
            };
            flash::leave(&request, false, text);
            Ok(frame::redirect(&request, "/account/devices"))
        }
    }
}

/// `POST /account/devices/end-others`: ends every login but this one.
pub async fn end_others(
    request: HttpRequest,
    accounts: web::Data<Accounts>,
    asker: Asker,
    form: FreshForm,
) -> Result<HttpResponse, Error> {
    let (user, this) = (form.user.user().id, form.user.record().id);
    let ended = accounts.change(move |conn| {
        accounts::raise_version(conn, user)?.ok_or(Error::Conflict)?;
        let ended = everywhere::end_others(conn, user, this, EndReason::EndedElsewhere)?;
        let detail = format!("all but this one: {ended}");
        let event = Event::new(Door::Session, Kind::LoggedOutEverywhere).user(user).login(this).detail(&detail);
        events::record(conn, &asker.client, &event)?;
        Ok::<_, Error>(ended)
    });
    flash::leave(&request, false, &format!("Ended: {}. Only this browser is still logged in.", ended.await?));
    Ok(frame::redirect(&request, "/account/devices"))
}

/// `POST /account/devices/end-all`: log-out everywhere, here included.
pub async fn end_all(
    request: HttpRequest,
    accounts: web::Data<Accounts>,
    asker: Asker,
    form: FreshForm,
) -> Result<HttpResponse, Error> {
    let (user, this) = (form.user.user().id, form.user.record().id);
    let ended = accounts.change(move |conn| {
        accounts::raise_version(conn, user)?.ok_or(Error::Conflict)?;
        let ended = everywhere::end_all(conn, user, EndReason::EndedElsewhere)?;
        let detail = ended.to_string();
        let event = Event::new(Door::Session, Kind::LoggedOutEverywhere).user(user).login(this).detail(&detail);
        events::record(conn, &asker.client, &event)?;
        Ok::<_, Error>(ended)
    });
    Ok(leave(&request, &format!("You are logged out everywhere. Ended: {}.", ended.await?)))
}

fn reason(is_this: bool) -> EndReason {
    if is_this { EndReason::LoggedOut } else { EndReason::EndedElsewhere }
}

/// Takes the cookie from this browser, whose session the transaction has ended.
fn leave(request: &HttpRequest, text: &str) -> HttpResponse {
    session::log_out::leave(request);
    flash::leave(request, false, text);
    frame::redirect(request, "/login")
}
