//! `/account/confirm`: asks for the password once more, and finishes what it was asked for.
//!
//! A sensitive form that comes more than ten minutes after the password is answered with this page: 403, as nothing was done,
//! and not 401, which would ask for credentials that a browser has no header for. It carries the form, sealed (`kept`). When the
//! password is right the session gets a new key, and [`carry_out`] sends the form on to its own handler: by the routes that
//! everybody takes, so that there is one list of what leads where, and handlers can't tell the difference.
//!
//! The API has no such page: its client repeats the request itself.

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse, Url},
    http::{StatusCode, Uri},
    middleware::Next,
    web,
};
use askama::Template;

use super::{
    Error, account,
    error::beyond_the_form,
    form::{Fields, UserForm},
    frame::{self, Frame, settings},
    fresh::{Confirmed, Stale, does},
    kept::{Holder, Kept},
    log_in::with_retry_after,
    moment::Moment,
};
use crate::{
    accounts::{
        Accounts, User,
        credentials::{self, Asker},
        ending::EndReason,
        events::{self, Door, Event, Kind},
    },
    db,
    session::{
        SessionUser,
        authenticate::NotLoggedIn,
        reauthenticate::{self, Reauthenticated, Renewed},
    },
};

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage {
    frame: Frame,
    email: String,
    given: String,
    does: &'static str,
    fields: Vec<(String, String)>,
    sealed: String,
    password_error: Option<String>,
}

/// Answers a form that came too long after the password.
pub(super) fn ask(request: &HttpRequest, stale: &Stale) -> Result<HttpResponse, Error> {
    page(request, &stale.user, &stale.kept, stale.sealed.clone(), (StatusCode::FORBIDDEN, None))
}

fn page(
    request: &HttpRequest,
    user: &SessionUser,
    kept: &Kept,
    sealed: String,
    (status, password_error): (StatusCode, Option<String>),
) -> Result<HttpResponse, Error> {
    let page = ConfirmPage {
        frame: Frame::of(request),
        email: user.user().email.clone(),
        given: Moment::new(user.record().authenticated_at, user.loaded().now).relative,
        does: does(request, path(&kept.action)).ok_or(Error::Unconfirmable)?,
        fields: kept.fields.iter().filter(|(name, value)| name != "next" && !value.is_empty()).cloned().collect(),
        sealed,
        password_error,
    };
    frame::password_page(request, status, &page)
}

fn path(action: &str) -> &str {
    action.split('?').next().unwrap_or_default()
}

/// `POST /account/confirm`
pub async fn submit(
    request: HttpRequest,
    accounts: web::Data<Accounts>,
    asker: Asker,
    form: Result<UserForm, Error>,
) -> Result<HttpResponse, Error> {
    let UserForm { user: session, fields } = form.map_err(|error| match error {
        // What is sealed for one session is of no use to another: there is nothing to be sent again.
        Error::Outlived(_) => Error::Unconfirmable,
        error => error,
    })?;
    let sealed = fields.get("sealed");
    let (kept, action) = opened(&request, sealed, &session).ok_or(Error::Unconfirmable)?;
    let password = fields.get("current_password");
    let user = match credentials::check_present(&accounts, Door::Session, session.user(), password, &asker).await {
        Ok(user) => user,
        Err(error) => {
            let error = beyond_the_form(error)?;
            let (status, said) = account::advice(&error);
            let response = page(&request, &session, &kept, sealed.to_owned(), (status, Some(said)))?;
            return Ok(with_retry_after(response, &error));
        }
    };
    let renewed = renew(&accounts, session, user, asker).await?;
    let user = reauthenticate::enter(&request, renewed)?;
    request.extensions_mut().insert(Confirmed { user, action, fields: Fields::new(kept.fields) });
    // Nobody sees this answer: `carry_out` exchanges it for the action's own.
    Ok(HttpResponse::NoContent().finish())
}

/// The form that was kept, if it is this session's and there is still such an action.
fn opened(request: &HttpRequest, sealed: &str, session: &SessionUser) -> Option<(Kept, Uri)> {
    let kept = Kept::open(settings(request)?.sealing_keys(), sealed, Holder::from(session))?;
    does(request, path(&kept.action))?;
    let action = kept.action.parse().ok()?;
    Some((kept, action))
}

/// Gives the session a new key, and says in the audit trail why.
async fn renew(accounts: &Accounts, session: SessionUser, user: User, asker: Asker) -> Result<Renewed, Error> {
    db::transaction(&accounts.pool, move |conn| {
        let renewed = match reauthenticate::reauthenticate(conn, &session, &user)? {
            Reauthenticated::Renewed(renewed) => *renewed,
            Reauthenticated::VersionChanged => return Err(Error::Conflict),
            // The same button, pressed twice: the first one did it.
            Reauthenticated::Ended(EndReason::Replaced) => return Err(Error::Unconfirmable),
            Reauthenticated::Ended(reason) => return Err(NotLoggedIn(Some(reason)).into()),
        };
        let event = Event::new(Door::Session, Kind::Reauthenticated).user(user.id).login(renewed.id());
        events::record(conn, &asker.client, &event)?;
        Ok(renewed)
    })
    .await
}

/// Sends a form whose password was just given to the handler it was meant for, and exchanges the answer; any other answer stays.
pub(super) async fn carry_out<B: MessageBody + 'static>(
    response: ServiceResponse<B>,
    next: &Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let action = response.request().extensions().get::<Confirmed>().map(|confirmed| confirmed.action.clone());
    let Some(action) = action else { return Ok(response) };
    // The body was read; what it said travels in the request's extensions.
    let mut request = ServiceRequest::from_request(response.into_parts().0);
    request.match_info_mut().set(Url::new(action.clone()));
    request.head_mut().uri = action;
    next.call(request).await
}
