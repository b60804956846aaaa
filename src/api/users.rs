//! `POST /api/users`: makes an account. It logs nobody in: a token is only ever given for a log-in.

use actix_web::{HttpResponse, http::header, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    Error,
    body::{Json, NewPassword},
};
use crate::accounts::{Accounts, PublicUser, credentials::Asker, events::Door, sign_up};

/// The body of a sign-up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUp {
    #[schema(format = "email", max_length = 254, example = "you@example.org")]
    email: String,
    #[schema(min_length = 1, max_length = 80, example = "You")]
    display_name: String,
    #[schema(value_type = NewPassword)]
    password: String,
}

/// `POST /api/users`
#[utoipa::path(
    post,
    path = "/api/users",
    summary = "Makes an account; logs nobody in.",
    request_body = SignUp,
    responses((
        status = 201,
        body = PublicUser<'_>,
        description = "The account.",
        headers(("Location" = String, description = "Where the account is, for its owner."))
    )),
    extensions(("x-problems" = json!(["refused-fields", "email-taken", "throttled", "busy", "unavailable"])))
)]
pub async fn create(accounts: web::Data<Accounts>, asker: Asker, body: Json<SignUp>) -> Result<HttpResponse, Error> {
    let Json(SignUp { email, display_name, password }) = body;
    let user = sign_up::sign_up(&accounts, Door::Token, (&email, &display_name, &password), &asker).await?;
    Ok(HttpResponse::Created().insert_header((header::LOCATION, "/api/account")).json(user.public()))
}
