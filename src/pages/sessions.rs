//! `/account/session`: what the browser holds, against what this server holds.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use askama::Template;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    Error,
    frame::{self, Frame},
    moment::Moment,
};

use crate::{
    secrets::hex,
    session::{SessionUser, Sessions, record::SessionRecord},
};

#[derive(Template)]
#[template(path = "session.html")]
struct SessionPage {
    frame: Frame,
    held: Held,
    started: Moment,
    seen: Moment,
    idle_expires: Moment,
    absolute_expires: Moment,
    now: Moment,
    remembered: bool,
    idle_at_percent: f64,
    now_at_percent: f64,
}

/// What there is of a session: a name in the browser, and a row here.
pub(super) struct Held {
    pub cookie_name: String,
    pub cookie_short: String,
    pub attributes: Vec<(String, String)>,
    pub columns: Vec<(String, String, String)>,
}

impl Held {
    pub fn of(request: &HttpRequest, sessions: &Sessions, user: &SessionUser) -> Self {
        let cookie = request.cookie(sessions.cookie_name()).map(|cookie| cookie.value().to_owned()).unwrap_or_default();
        Self {
            cookie_name: sessions.cookie_name().to_owned(),
            cookie_short: short(&cookie),
            attributes: attributes(sessions, user.record()),
            columns: columns(user, user.record()),
        }
    }
}

/// `GET /account/session`
pub async fn show(
    request: HttpRequest,
    user: SessionUser,
    sessions: web::Data<Sessions>,
) -> Result<HttpResponse, Error> {
    let (record, now) = (user.record(), user.loaded().now);
    let span = (record.absolute_expires_at - record.created_at).as_seconds_f64().max(1.0);
    let percent = |at: OffsetDateTime| ((at - record.created_at).as_seconds_f64() / span * 100.0).clamp(0.0, 100.0);
    let moment = |at| Moment::new(at, now);
    let page = SessionPage {
        frame: Frame::of(&request),
        held: Held::of(&request, &sessions, &user),
        started: moment(record.created_at),
        seen: moment(record.seen_at),
        idle_expires: moment(record.idle_expires_at().min(record.absolute_expires_at)),
        absolute_expires: moment(record.absolute_expires_at),
        now: moment(now),
        remembered: record.remembered,
        idle_at_percent: percent(record.idle_expires_at()),
        now_at_percent: percent(now),
    };
    frame::page(&request, StatusCode::OK, &page)
}

fn attributes(sessions: &Sessions, record: &SessionRecord) -> Vec<(String, String)> {
    let mut attributes = vec![
        ("HttpOnly", "No script can read it, so a script that got into the page can't carry it away."),
        ("SameSite=Lax", "Another site can't send it along, except when you follow a link to here."),
        ("Path=/", "Every page of this site gets it, and so would the API, which ignores it."),
    ];
    match sessions.is_secure() {
        true => attributes.extend([
            ("Secure", "It is never sent without encryption."),
            ("__Host-", "No other host, not even a sibling, can set a cookie of this name."),
        ]),
        false => attributes.push((
            "not Secure",
            "This server is reached over plain http on your own machine; over https it would be Secure.",
        )),
    }
    attributes.push(match record.remembered {
        true => ("Max-Age", "It outlives the browser, as you asked to be remembered."),
        false => ("no Max-Age", "It goes when the browser is closed (some browsers restore it with your tabs)."),
    });
    attributes.into_iter().map(|(name, meaning)| (name.to_owned(), meaning.to_owned())).collect()
}

fn columns(user: &SessionUser, record: &SessionRecord) -> Vec<(String, String, String)> {
    let at = |instant: OffsetDateTime| instant.format(&Rfc3339).unwrap_or_default();
    let hash = hex(&user.loaded().key.as_bytes()[..4]);
    let row = [
        (
            "key_hash",
            format!("{hash}… (32 bytes)"),
            "SHA-256 of the key in your cookie: who reads this table can't log in with it.",
        ),
        ("id", record.id.to_string(), "This login's public name."),
        (
            "user_id",
            record.user_id.to_string(),
            "Who you are. Your name and role are read from that row at every request.",
        ),
        ("state", record.state.to_string(), "What pages keep for you. However much it is, the cookie stays as it is."),
        ("remembered", record.remembered.to_string(), "Whether the cookie outlives the browser."),
        ("created_at", at(record.created_at), "When you logged in."),
        ("authenticated_at", at(record.authenticated_at), "When your password was last checked."),
        ("seen_at", at(record.seen_at), "Your last request, noted at most once a minute."),
        ("idle_ttl_seconds", record.idle_ttl_seconds.to_string(), "How long it may lie unused."),
        ("absolute_expires_at", at(record.absolute_expires_at), "When it ends, however busy you are."),
        ("ended_at", "NULL".to_owned(), "Log-out writes the time here, and the key opens nothing any more."),
        ("user_agent", record.user_agent.clone(), "What your browser calls itself."),
        ("address", record.address.addr().to_string(), "Where you logged in from."),
    ];
    row.into_iter().map(|(name, value, meaning)| (name.to_owned(), value, meaning.to_owned())).collect()
}

/// Enough of a credential to tell it from others, and no more.
fn short(credential: &str) -> String {
    let letters: Vec<char> = credential.chars().collect();
    match letters.len() {
        0..=12 => "…".to_owned(),
        length => {
            format!("{}…{}", letters[..3].iter().collect::<String>(), letters[length - 3..].iter().collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn a_shortened_credential_gives_little_away() {
        assert_eq!(short("abcdefghijklmnop"), "abc…nop");
        assert_eq!(short("short"), "…");
    }
}
