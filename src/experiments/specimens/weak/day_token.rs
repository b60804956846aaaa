//! **Missing: a short life, and anybody who is asked.** (R3) Tokens are good for 24 hours, whatever becomes of their user.

use actix_web::{HttpRequest, HttpResponse, web};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;

use super::{
    super::visit::{Lost, Visit},
    bearer, lock, refused, services,
};
use crate::secrets::random;

const SECONDS: i64 = 24 * 60 * 60;

/// The issuer's key, and what became of its only user.
#[derive(Debug)]
pub(super) struct Issuer {
    key: [u8; 32],
    password_changes: u32,
    is_banned: bool,
}

impl Default for Issuer {
    fn default() -> Self {
        Self { key: random(), password_changes: 0, is_banned: false }
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Claims {
    sub: String,
    iat: i64,
    exp: i64,
}

/// `POST /{run}/day/token`
pub(in super::super) async fn issue(visit: Visit) -> Result<HttpResponse, Lost> {
    let issuer = lock(&services(&visit)?.day);
    if issuer.is_banned {
        return Ok(refused());
    }
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let claims = Claims { sub: "the victim".to_owned(), iat: now, exp: now + SECONDS };
    let token = encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(&issuer.key));
    let token = token.map_err(|_| Lost::Unreadable)?;
    Ok(HttpResponse::Ok().json(json!({ "access_token": token, "expires_in": SECONDS })))
}

/// `GET /{run}/day/me`: whoever has a token with our signature; and for how long.
pub(in super::super) async fn me(visit: Visit, request: HttpRequest) -> Result<HttpResponse, Lost> {
    let issuer = lock(&services(&visit)?.day);
    let key = DecodingKey::from_secret(&issuer.key);
    let claims =
        bearer(&request).and_then(|token| decode::<Claims>(token, &key, &Validation::new(Algorithm::HS256)).ok());
    let now = OffsetDateTime::now_utc().unix_timestamp();
    Ok(claims.map_or_else(refused, |token| {
        HttpResponse::Ok().json(json!({ "sub": token.claims.sub, "seconds_left": token.claims.exp - now }))
    }))
}

/// `GET /{run}/day/account`: what the user's row would say, which nobody asks.
pub(in super::super) async fn account(visit: Visit) -> Result<HttpResponse, Lost> {
    let issuer = lock(&services(&visit)?.day);
    Ok(HttpResponse::Ok().json(json!({ "password_changes": issuer.password_changes, "banned": issuer.is_banned })))
}

/// `POST /{run}/day/password` and `POST /{run}/day/ban`
pub(in super::super) async fn change(visit: Visit, path: web::Path<(String, String)>) -> Result<HttpResponse, Lost> {
    let mut issuer = lock(&services(&visit)?.day);
    match path.1.as_str() {
        "password" => issuer.password_changes = issuer.password_changes.saturating_add(1),
        _ => issuer.is_banned = true,
    }
    Ok(HttpResponse::NoContent().finish())
}
