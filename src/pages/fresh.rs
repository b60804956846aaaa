//! Forms for sensitive actions: they take a login whose password was checked in the last ten minutes.
//!
//! A handler says so by taking [`FreshForm`] instead of `UserForm`, and by having a row in [`ACTIONS`]; nothing else is for it to
//! do. If the login is older, `confirm` asks for the password, and the handler runs after that with the very fields that were
//! sent the first time. A form that asks for the present password itself takes `UserForm`: that is its re-authentication.

use std::{future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest,
    dev::{Payload, Url},
    http::Uri,
};

use super::{
    Error,
    form::{Fields, UserForm},
    frame::settings,
    kept::{Holder, Kept},
};
use crate::session::{SessionAdmin, SessionUser};

/// Every route that takes a [`FreshForm`], as it is mounted, and what the page that asks for the password says it is about to do.
pub const ACTIONS: &[(&str, &str)] = &[
    ("/account/email", "change your e-mail address"),
    ("/admin/users/{id}/role", "change somebody’s role"),
    ("/admin/users/{id}/ban", "ban somebody, which ends every login of theirs"),
    ("/admin/users/{id}/unban", "take a ban back"),
    ("/admin/users/{id}/end-logins", "end every login of somebody, at both doors"),
    ("/account/devices/end", "end one of your logins"),
    ("/account/devices/end-others", "end every login of yours but this one, at both doors"),
    ("/account/devices/end-all", "end every login of yours at both doors, this one included"),
];

/// A form of ours, by somebody logged in whose password was checked in the last ten minutes.
#[derive(Debug)]
pub struct FreshForm {
    /// Who sent it.
    pub user: SessionUser,
    /// What it says.
    pub fields: Fields,
}

/// A [`FreshForm`] by an admin; to anybody else it says no before it asks for a password.
#[derive(Debug)]
pub struct AdminFreshForm {
    /// Who sent it.
    pub admin: SessionAdmin,
    /// What it says.
    pub fields: Fields,
}

/// A form that came too long after the password, to be finished when that was given again.
#[derive(Debug)]
pub struct Stale {
    pub(super) user: SessionUser,
    pub(super) kept: Kept,
    pub(super) sealed: String,
}

/// A form whose password was just given, on its way to its own handler.
#[derive(Debug)]
pub(super) struct Confirmed {
    pub user: SessionUser,
    pub action: Uri,
    pub fields: Fields,
}

/// What a page says that the action at this path does; `None` if it takes no [`FreshForm`].
pub(super) fn does(request: &HttpRequest, path: &str) -> Option<&'static str> {
    // As it is routed: letters may come percent-encoded.
    let path = Url::new(path.parse().ok()?);
    let pattern = request.resource_map().match_pattern(path.path())?;
    ACTIONS.iter().find(|(action, _)| *action == pattern).map(|(_, does)| *does)
}

impl FreshForm {
    fn of(request: &HttpRequest, form: UserForm) -> Result<Self, Error> {
        let UserForm { user, fields } = form;
        if user.is_fresh() {
            return Ok(Self { user, fields });
        }
        does(request, request.path())
            .ok_or_else(|| Error::Internal(format!("{} is none of the sensitive actions", request.path())))?;
        let action = request.uri().path_and_query().map_or_else(|| request.path().to_owned(), ToString::to_string);
        let kept = Kept::new(Holder::from(&user), action, fields);
        let key = settings(request).and_then(|settings| settings.sealing_keys().first());
        let key = key.ok_or_else(|| Error::Internal("the site has no keys".to_owned()))?;
        let sealed = kept.seal(key).ok_or(Error::TooLarge)?;
        Err(Error::Stale(Box::new(Stale { user, kept, sealed })))
    }
}

impl FromRequest for FreshForm {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let confirmed = request.extensions_mut().remove::<Confirmed>();
        if let Some(Confirmed { user, fields, .. }) = confirmed.filter(|confirmed| confirmed.action == *request.uri()) {
            return Box::pin(std::future::ready(Ok(Self { user, fields })));
        }
        let (request, form) = (request.clone(), UserForm::from_request(request, payload));
        Box::pin(async move { Self::of(&request, form.await?) })
    }
}

impl FromRequest for AdminFreshForm {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        // A visitor's form may be sent again after the log-in: then only the form itself can say no.
        let known = SessionUser::of(request).ok();
        if known.is_some_and(|user| SessionAdmin::of(user).is_none()) {
            return Box::pin(std::future::ready(Err(Error::Forbidden)));
        }
        let form = FreshForm::from_request(request, payload);
        Box::pin(async move {
            let FreshForm { user, fields } = form.await?;
            Ok(Self { admin: SessionAdmin::of(user).ok_or(Error::Forbidden)?, fields })
        })
    }
}
