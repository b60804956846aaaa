//! Forms, as handlers get them: read, limited, decoded strictly, and proven to come from our own pages.
//!
//! A handler of an unsafe method takes [`SafeForm`], [`UserForm`] if somebody must be logged in, or [`FreshForm`] if the
//! action is a sensitive one: a form without a valid token never reaches it. A form that merely outlived its log-in loses
//! nothing: what was typed comes back to be sent again (passwords excepted), but only if the browser itself says that one
//! of our pages sent it.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::CONTENT_TYPE};
use percent_encoding::percent_decode;

pub use super::fresh::FreshForm;
use super::{Error, error::session_user, same_origin};
use crate::{
    http::body::{self, Body, Unread},
    session::SessionUser,
};

/// More than any form of ours takes.
const MOST_BYTES: usize = 64 * 1024;
/// Each is compared with the others, and may be written into a page again.
const MOST_FIELDS: usize = 64;
const TOKEN: &str = "form_token";

/// What a form says, by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

/// A form of ours, by anybody.
#[derive(Debug)]
pub struct SafeForm(pub Fields);

/// A form of ours, by somebody logged in.
#[derive(Debug)]
pub struct UserForm {
    /// Who sent it.
    pub user: SessionUser,
    /// What it says.
    pub fields: Fields,
}

/// A form whose token no longer fits: its log-in ended, or another one began.
#[derive(Debug)]
pub struct Outlived {
    /// Where it was sent to.
    pub action: String,
    /// What can be shown again.
    pub fields: Vec<(String, String)>,
    /// The passwords, which must be typed again.
    pub lost: Vec<String>,
    /// Whether somebody is logged in now.
    pub is_logged_in: bool,
    /// Whether somebody must be for it.
    pub needs_log_in: bool,
}

impl Fields {
    /// Fields that were decoded before.
    pub(super) fn new(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    /// What may be shown or kept: everything but passwords and the form's own token.
    pub(super) fn without_secrets(self) -> Vec<(String, String)> {
        self.0.into_iter().filter(|(name, _)| name != TOKEN && !is_password(name)).collect()
    }

    /// What was typed into a field; a missing one is as good as an empty one, and handlers say what is wrong with that.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }

    /// Decodes `application/x-www-form-urlencoded`, strictly: UTF-8 only, no NUL, no field twice, no more fields than any
    /// form has.
    fn decode(body: &[u8]) -> Option<Self> {
        let text = |part: &[u8]| -> Option<String> {
            let spaced: Vec<u8> = part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
            let text = percent_decode(&spaced).decode_utf8().ok()?.into_owned();
            (!text.contains('\0')).then_some(text)
        };
        let mut fields: Vec<(String, String)> = Vec::new();
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let (name, value) = (text(halves.next()?)?, text(halves.next().unwrap_or_default())?);
            if fields.len() == MOST_FIELDS || fields.iter().any(|(field, _)| *field == name) {
                return None;
            }
            fields.push((name, value));
        }
        Some(Self(fields))
    }

    fn outlived(self, request: &HttpRequest, is_logged_in: bool, needs_log_in: bool) -> Error {
        if !same_origin::is_vouched_for(request) {
            return Error::AnotherOrigin;
        }
        let (lost, fields): (Vec<_>, Vec<_>) =
            self.0.into_iter().filter(|(name, _)| name != TOKEN).partition(|(name, _)| is_password(name));
        Error::Outlived(Box::new(Outlived {
            action: request.path().to_owned(),
            fields,
            lost: lost.into_iter().map(|(name, _)| name).collect(),
            is_logged_in,
            needs_log_in,
        }))
    }
}

fn is_password(field: &str) -> bool {
    field.ends_with("password")
}

async fn read(request: &HttpRequest, payload: Option<Body>) -> Result<Fields, Error> {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Error::NotAForm);
    }
    let body = body::read(payload, MOST_BYTES).await.map_err(|unread| match unread {
        Unread::TooLarge => Error::TooLarge,
        Unread::TooSlow => Error::TooSlow,
        Unread::Broken => Error::Undecodable,
    })?;
    Fields::decode(&body).ok_or(Error::Undecodable)
}

impl FromRequest for SafeForm {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), body::take(request, payload));
        Box::pin(async move {
            let fields = read(&request, payload).await?;
            if same_origin::is_ours(&request, fields.get(TOKEN)) {
                return Ok(Self(fields));
            }
            match session_user(&request) {
                Err(banned @ Error::Banned(_)) => Err(banned),
                user => Err(fields.outlived(&request, user.is_ok(), false)),
            }
        })
    }
}

impl FromRequest for UserForm {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), body::take(request, payload));
        Box::pin(async move {
            let fields = read(&request, payload).await?;
            match session_user(&request) {
                Err(banned @ Error::Banned(_)) => Err(banned),
                Ok(user) if same_origin::is_ours(&request, fields.get(TOKEN)) => Ok(Self { user, fields }),
                user => Err(fields.outlived(&request, user.is_ok(), true)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Fields, MOST_FIELDS};

    #[test]
    fn forms_are_decoded_strictly() {
        let fields = Fields::decode(b"name=Ada+L%C3%B6velace&empty=&bare").expect("well formed");
        assert_eq!((fields.get("name"), fields.get("empty"), fields.get("bare")), ("Ada Lövelace", "", ""));
        assert_eq!(fields.get("missing"), "");
        for body in [&b"name=%FF"[..], b"name=\xff", b"name=%00", b"a=1&a=2"] {
            assert_eq!(Fields::decode(body), None, "{body:?}");
        }
        let many: Vec<String> = (0..=MOST_FIELDS).map(|number| format!("f{number}=")).collect();
        assert!(Fields::decode(many[1..].join("&").as_bytes()).is_some());
        assert_eq!(Fields::decode(many.join("&").as_bytes()), None);
    }
}
