//! `POST /api/revoke` (RFC 7009): a client gives a token back, and it counts no more.
//!
//! Whoever holds a token may end it: our clients are public, so possession is the only authorisation there could be, and ending
//! is all that can be done with it here. A token that nobody knows is answered like one that was ended (section 2.2), so the
//! answer says nothing to who guesses. Both kinds of token are taken, so `unsupported_token_type` is never answered.

use actix_web::{HttpResponse, web};

use super::{
    Error,
    token_form::{Form, TokenForm},
};
use crate::{
    accounts::credentials::Asker,
    db,
    token::{Tokens, revoke},
};

/// `POST /api/revoke`
#[utoipa::path(
    post,
    path = "/api/revoke",
    summary = "Takes a token back: a refresh token with its login, an access token by itself, at live routes.",
    request_body(content = Form, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "It counts no more, if it ever did. Nothing is said in the body.")),
    extensions(("x-problems" = json!(["unavailable"])))
)]
pub async fn submit(tokens: web::Data<Tokens>, asker: Asker, form: TokenForm) -> Result<HttpResponse, Error> {
    if let Some(shown) = tokens.recognise(&form.0) {
        db::transaction(&tokens.pool, move |conn| Ok::<_, Error>(revoke::revoke(conn, &shown, &asker.client)?)).await?;
    }
    Ok(HttpResponse::Ok().finish())
}
