//! `POST /api/auth/logout-everywhere`: ends every login of this kind, and the sessions too if asked to.
//!
//! The user's version counts up, so that a log-in or a refresh under way can't slip past, and live routes refuse every access
//! token at once. Routes that read only claims accept those that are out until they expire.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Error, access_cookie, body::OptionalJson, refresh_cookie};
use crate::{
    accounts::{
        self, Accounts,
        credentials::Asker,
        ending::EndReason,
        events::{self, Door, Event, Kind},
    },
    everywhere,
    http::problem,
    token::FreshTokenUser,
};

/// The body of a log-out everywhere.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogOutEverywhere {
    /// Whether the site's sessions end as well.
    sessions: bool,
}

/// How many logins ended at each door.
#[derive(Serialize, ToSchema)]
struct LoggedOutEverywhere {
    sessions: usize,
    tokens: usize,
}

/// `POST /api/auth/logout-everywhere`
#[utoipa::path(
    post,
    path = "/api/auth/logout-everywhere",
    summary = "Ends every login of this kind, this one included. The answer says how many ended at each door.",
    request_body = Option<LogOutEverywhere>,
    responses((status = 200, body = LoggedOutEverywhere, description = "They have ended.")),
    security(("access_token" = [])),
    extensions(("x-problems" = json!(["step-up-required", "conflict"])))
)]
pub async fn submit(
    request: HttpRequest,
    user: FreshTokenUser,
    accounts: web::Data<Accounts>,
    asker: Asker,
    body: OptionalJson<LogOutEverywhere>,
) -> Result<HttpResponse, Error> {
    let (id, login, sessions_too) = (user.user.id, user.claims.sid, body.0.sessions);
    let ending = accounts.change(move |conn| {
        accounts::raise_version(conn, id)?.ok_or(Error::of(&problem::CONFLICT))?;
        let ended = match sessions_too {
            true => everywhere::end_all(conn, id, EndReason::EndedElsewhere)?,
            false => everywhere::end_families(conn, id, EndReason::EndedElsewhere)?,
        };
        let detail = ended.to_string();
        let event = Event::new(Door::Token, Kind::LoggedOutEverywhere).user(id).login(login).detail(&detail);
        events::record(conn, &asker.client, &event)?;
        Ok::<_, Error>(ended)
    });
    let ended = ending.await?;
    let answer = LoggedOutEverywhere { sessions: ended.sessions, tokens: ended.families };
    let mut response = HttpResponse::Ok();
    access_cookie::take(&mut response, &request);
    Ok(response.cookie(refresh_cookie::removal(&request)).json(answer))
}
