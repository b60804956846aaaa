//! **Missing: rotation.** (R7, R8) A refresh token stays the same for as long as it lives, so that a thief's use of it and its
//! owner's look alike, for ever.

use std::collections::HashMap;

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::{
    super::visit::{Lost, Visit},
    lock, refused, services,
};
use crate::secrets::{hex, random};

const MOST: usize = 1000;

/// Each with the number of its uses.
#[derive(Debug, Default)]
pub(super) struct Tokens(HashMap<String, u32>);

/// `POST /{run}/unrotated/login`
pub(in super::super) async fn log_in(visit: Visit) -> Result<HttpResponse, Lost> {
    let mut tokens = lock(&services(&visit)?.unrotated);
    if tokens.0.len() >= MOST {
        tokens.0.clear();
    }
    let token = hex(&random::<32>());
    tokens.0.insert(token.clone(), 0);
    Ok(HttpResponse::Ok().json(json!({ "refresh_token": token })))
}

/// What is redeemed.
#[derive(Deserialize)]
pub(in super::super) struct Refresh {
    refresh_token: String,
}

/// `POST /{run}/unrotated/refresh`: an access token would be in the answer; how often this happened before is.
pub(in super::super) async fn refresh(visit: Visit, body: web::Json<Refresh>) -> Result<HttpResponse, Lost> {
    let mut tokens = lock(&services(&visit)?.unrotated);
    let Some(uses) = tokens.0.get_mut(&body.refresh_token) else { return Ok(refused()) };
    *uses = uses.saturating_add(1);
    Ok(HttpResponse::Ok().json(json!({ "refresh_token": body.refresh_token, "uses": uses })))
}
