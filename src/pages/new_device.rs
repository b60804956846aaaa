//! The notice that new devices logged in, on every page until this browser's user says that they are known.
//!
//! The newest such log-ins stand in the user's row, which the session's own statement reads. What a browser was told is kept in a
//! signed cookie of that browser, for each of its users: whoever acknowledges on one device, silences no other, so that an
//! intruder can't hide.

use actix_web::{HttpRequest, HttpResponse, cookie::time::Duration, web};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use super::{
    Error,
    cookies::{Cookies, site_cookie, site_cookie_value},
    form::UserForm,
    frame::{self, settings},
};
use crate::{
    secrets::{mac, same},
    session::SessionUser,
};

const COOKIE: &str = "acknowledged";
const DAYS: i64 = 365;
/// Users of one browser whose acknowledgements are kept; the one who gave theirs longest ago is asked again.
const USERS_MOST: usize = 5;

/// Log-ins from new devices that this browser has not been told of.
#[derive(Debug, Clone, Copy)]
pub struct Untold {
    /// The newest one's number.
    pub newest: i64,
    /// How many there are.
    pub count: usize,
}

/// What this browser has not been told of; the new device itself needs no telling.
#[must_use]
pub fn untold(request: &HttpRequest, session: &SessionUser) -> Option<Untold> {
    let user = session.user();
    // Everybody's account has new devices all day long.
    if user.demo {
        return None;
    }
    let mut devices = user.new_devices.since(0, session.record().id).peekable();
    // Most have none, and need no look at the cookie.
    devices.peek()?;
    let told = acknowledged(request, user.id);
    let mut devices = devices.filter(|device| device.event > told);
    let newest = devices.next()?.event;
    Some(Untold { newest, count: 1 + devices.count() })
}

/// The number up to which a user has acknowledged in this browser.
fn acknowledged(request: &HttpRequest, user: Uuid) -> i64 {
    entries(request).iter().filter_map(|entry| read(request, user, entry)).max().unwrap_or_default()
}

/// What the cookie holds: for each user a number and its signature, the newest first.
fn entries(request: &HttpRequest) -> Vec<String> {
    let value = site_cookie_value(request, COOKIE).unwrap_or_default();
    let parts: Vec<&str> = value.split('.').take(2 * USERS_MOST).collect();
    parts.chunks_exact(2).map(|entry| entry.join(".")).collect()
}

/// The number in an entry, if it was made for this user.
fn read(request: &HttpRequest, user: Uuid, entry: &str) -> Option<i64> {
    let (event, tag) = entry.split_once('.')?;
    let (event, tag) = (event.parse::<i64>().ok()?, URL_SAFE_NO_PAD.decode(tag).ok()?);
    let is_ours = |key: &[u8; 32]| same(&mac(key, &[user.as_bytes(), &event.to_be_bytes()]), &tag);
    settings(request)?.acknowledgement_keys().iter().any(is_ours).then_some(event)
}

/// `POST /account/devices/acknowledge`: that was me.
pub async fn acknowledge(
    request: HttpRequest,
    form: UserForm,
    settings: web::Data<frame::Settings>,
) -> Result<HttpResponse, Error> {
    let user = form.user.user();
    // Not what came after the page that was read.
    let event = form.fields.get("event").parse::<i64>().ok().filter(|event| Some(*event) <= user.new_devices.newest());
    if let (Some(event), Some(key)) = (event, settings.acknowledgement_keys().first()) {
        let tag = mac(key, &[user.id.as_bytes(), &event.to_be_bytes()]);
        let mut kept = entries(&request);
        kept.retain(|entry| read(&request, user.id, entry).is_none());
        kept.insert(0, format!("{event}.{}", URL_SAFE_NO_PAD.encode(tag)));
        kept.truncate(USERS_MOST);
        let mut cookie = site_cookie(&request, COOKIE, kept.join("."));
        cookie.set_max_age(Duration::days(DAYS));
        Cookies::add(&request, cookie);
    }
    Ok(frame::redirect(&request, "/account/devices"))
}
