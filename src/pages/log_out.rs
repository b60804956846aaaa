//! `POST /logout`: ends this login, and only this one.
//!
//! A `GET` would be followed by any page that embeds it as a picture. If the row can't be ended the answer is an error page, and
//! the cookie stays: a log-out that is none must not look like one.

use actix_web::{HttpRequest, HttpResponse, http::header, web};

use super::{Error, flash, form::SafeForm, frame};
use crate::{
    accounts::{
        Accounts,
        credentials::Asker,
        ending::EndReason,
        events::{self, Door, Event, Kind},
    },
    db,
    session::{self, MaybeSessionUser},
};

/// `POST /logout`
pub async fn submit(
    request: HttpRequest,
    visitor: MaybeSessionUser,
    accounts: web::Data<Accounts>,
    asker: Asker,
    form: Result<SafeForm, Error>,
) -> Result<HttpResponse, Error> {
    match (visitor.0, form) {
        (Some(user), Ok(_)) => {
            db::transaction(&accounts.pool, move |conn| {
                if session::log_out::log_out(conn, &user, EndReason::LoggedOut)? {
                    let event = Event::new(Door::Session, Kind::LoggedOut).user(user.user().id).login(user.record().id);
                    events::record(conn, &asker.client, &event)?;
                } else if session::log_out::has_successor(conn, &user)? {
                    // Overtaken by a password that this very browser changed or gave again: what came in its place is
                    // alive, and taking its cookie would look like a log-out that it is not.
                    return Err(Error::Conflict);
                }
                Ok::<_, Error>(())
            })
            .await?;
            session::log_out::leave(&request);
        }
        // The login had ended before: what was asked for is the case already.
        (None, Ok(_) | Err(Error::Outlived(_))) => {}
        (_, Err(error)) => return Err(error),
    }
    flash::leave(
        &request,
        false,
        "You are logged out. The server has ended this login: a copy of the cookie opens nothing.",
    );
    let mut response = frame::redirect(&request, "/login");
    // Only the cache: "cookies" would also wipe the other door's refresh token, and the message above.
    response.headers_mut().insert(header::CLEAR_SITE_DATA, header::HeaderValue::from_static("\"cache\""));
    Ok(response)
}
