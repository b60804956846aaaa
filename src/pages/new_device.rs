//! The notice that a new device logged in, on every page until this browser's user says that it is known.
//!
//! The newest such log-in stands in the user's row, which the session's own statement reads. What a browser was told is kept in a
//! signed cookie of that browser: whoever acknowledges on one device, silences no other, so that an intruder can't hide.

use actix_web::{HttpRequest, HttpResponse, cookie::time::Duration, web};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use super::{
    Error,
    form::UserForm,
    frame::{self, Cookies, settings, site_cookie, site_cookie_value},
};
use crate::{
    secrets::{mac, same},
    session::SessionUser,
};

const COOKIE: &str = "acknowledged";
const DAYS: i64 = 365;

/// The log-in from a new device that this browser has not been told of; the new device itself needs no telling.
#[must_use]
pub fn untold(request: &HttpRequest, session: &SessionUser) -> Option<i64> {
    let user = session.user();
    // Everybody's account has new devices all day long.
    if user.demo {
        return None;
    }
    let event = user.new_device_event.filter(|_| user.new_device_login != Some(session.record().id))?;
    (acknowledged(request, user.id).unwrap_or_default() < event).then_some(event)
}

fn acknowledged(request: &HttpRequest, user: Uuid) -> Option<i64> {
    let value = site_cookie_value(request, COOKIE)?;
    let (event, tag) = value.split_once('.')?;
    let (event, tag) = (event.parse::<i64>().ok()?, URL_SAFE_NO_PAD.decode(tag).ok()?);
    let is_ours = |key: &[u8; 32]| same(&mac(key, &[user.as_bytes(), &event.to_be_bytes()]), &tag);
    settings(request)?.acknowledgement_keys().iter().any(is_ours).then_some(event)
}

/// `POST /account/devices/acknowledge`: it was me.
pub async fn acknowledge(
    request: HttpRequest,
    form: UserForm,
    settings: web::Data<frame::Settings>,
) -> Result<HttpResponse, Error> {
    let user = form.user.user();
    // Not what came after the page that was read.
    let event = form.fields.get("event").parse::<i64>().ok().filter(|event| Some(*event) <= user.new_device_event);
    if let (Some(event), Some(key)) = (event, settings.acknowledgement_keys().first()) {
        let tag = mac(key, &[user.id.as_bytes(), &event.to_be_bytes()]);
        let mut cookie = site_cookie(&request, COOKIE, format!("{event}.{}", URL_SAFE_NO_PAD.encode(tag)));
        cookie.set_max_age(Duration::days(DAYS));
        Cookies::add(&request, cookie);
    }
    Ok(frame::redirect(&request, "/account/devices"))
}
