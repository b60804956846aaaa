//! `POST /api/users`: makes an account. It logs nobody in: a token is only ever given for a log-in.

use actix_web::{HttpResponse, http::header, web};
use serde::Deserialize;

use super::{Error, body::Json};
use crate::accounts::{
    Accounts,
    credentials::{self, Asker},
    events::Door,
};

/// The body of a sign-up.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignUp {
    email: String,
    display_name: String,
    password: String,
}

/// `POST /api/users`
pub async fn create(accounts: web::Data<Accounts>, asker: Asker, body: Json<SignUp>) -> Result<HttpResponse, Error> {
    let Json(SignUp { email, display_name, password }) = body;
    let user = credentials::sign_up(&accounts, Door::Token, (&email, &display_name, &password), &asker).await?;
    Ok(HttpResponse::Created().insert_header((header::LOCATION, "/api/account")).json(user.public()))
}
