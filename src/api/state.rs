//! `GET /api/auth/state`: whether the refresh cookie names a login that is alive.
//!
//! A page asks this before it refreshes, so that who never logged in causes no error. It redeems nothing, so it is no reuse,
//! whatever is shown; a token that was used already still names its login: the refresh itself has to find that out. Always 200,
//! but in an outage, when nobody knows.

use actix_web::{HttpRequest, web};
use serde::Serialize;

use super::{Error, refresh_cookie};
use crate::{
    accounts::{Accounts, ending::EndReason},
    db,
    token::record::{self, Standing},
};

/// What is known of the login.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub struct State {
    logged_in: bool,
    /// Why it ended, if it was not its owner who logged out.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<&'static str>,
}

/// `GET /api/auth/state`
#[utoipa::path(
    get,
    path = "/api/auth/state",
    summary = "Whether the refresh cookie names a login that is alive; exchanges nothing.",
    responses((status = 200, body = State, description = "What is known of the login.")),
    security(("refresh_cookie" = []), ()),
    extensions(("x-problems" = json!(["unavailable"])))
)]
pub async fn show(request: HttpRequest, accounts: web::Data<Accounts>) -> Result<web::Json<State>, Error> {
    // A cookie that doesn't count, as two of them differ or another origin's page had it sent, is as good as none.
    let presented = refresh_cookie::presented(&request, None).unwrap_or_default();
    let Some(token) = presented.and_then(|presented| presented.token) else { return Ok(web::Json(State::default())) };
    let standing = db::run(&accounts.pool, move |conn| record::standing(conn, &token)).await?;
    Ok(web::Json(match standing {
        Standing::Alive => State { logged_in: true, ended: None },
        Standing::Ended(EndReason::LoggedOut) | Standing::Unknown => State::default(),
        Standing::Ended(reason) => State { logged_in: false, ended: Some(reason.explanation()) },
    }))
}
