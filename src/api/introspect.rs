//! `POST /api/introspect` (RFC 7662): what a token is worth now, for configured services.

use actix_web::web;

use super::{Error, token_form::TokenForm};
use crate::token::{
    Tokens,
    introspect::{self, Introspection},
    service::Service,
};

/// `POST /api/introspect`
pub async fn submit(_: Service, tokens: web::Data<Tokens>, form: TokenForm) -> Result<web::Json<Introspection>, Error> {
    Ok(web::Json(introspect::introspect(&tokens, &form.0).await?))
}
