//! A message on the next page about what the last request did.
//!
//! It travels in a signed cookie of its own for at most a minute and never in the session: most of them are said when there is
//! none, or none any more.

use actix_web::{HttpRequest, cookie::time::Duration};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    cookies::{Cookies, remove_site_cookie, site_cookie, site_cookie_value},
    frame::settings,
};
use crate::secrets::{mac, same};

/// A message about what the last request did.
#[derive(Debug)]
pub struct Flash {
    /// Whether something is amiss.
    pub warning: bool,
    /// For people.
    pub text: String,
}

const FLASH: &str = "flash";
const FLASH_SECONDS: i64 = 60;

/// Leaves a message for the next page.
pub fn leave(request: &HttpRequest, warning: bool, text: &str) {
    let Some(key) = settings(request).and_then(|settings| settings.flash_keys().first()) else { return };
    // The instant in twelve digits.
    let content = format!("{}{:012}{text}", if warning { '!' } else { '.' }, now());
    let tag = mac(key, &[content.as_bytes()]);
    let value = format!("{}.{}", URL_SAFE_NO_PAD.encode(content), URL_SAFE_NO_PAD.encode(tag));
    let mut cookie = site_cookie(request, FLASH, value);
    cookie.set_max_age(Duration::seconds(FLASH_SECONDS));
    Cookies::add(request, cookie);
}

/// Seconds since 1970, by this server's clock.
fn now() -> i64 {
    time::OffsetDateTime::now_utc().unix_timestamp()
}

/// Takes the message that was left for this page.
pub(super) fn take(request: &HttpRequest) -> Option<Flash> {
    let value = site_cookie_value(request, FLASH)?;
    remove_site_cookie(request, FLASH);
    let (content, tag) = value.split_once('.')?;
    let (content, tag) = (URL_SAFE_NO_PAD.decode(content).ok()?, URL_SAFE_NO_PAD.decode(tag).ok()?);
    if !settings(request)?.flash_keys().iter().any(|key| same(&mac(key, &[&content]), &tag)) {
        return None;
    }
    let content = String::from_utf8(content).ok()?;
    let (sign, rest) = content.split_at_checked(1)?;
    let (at, text) = rest.split_at_checked(12)?;
    let age = now() - at.parse::<i64>().ok()?;
    (0..=FLASH_SECONDS).contains(&age).then(|| Flash { warning: sign == "!", text: text.to_owned() })
}
