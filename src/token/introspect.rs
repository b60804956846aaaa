//! Tells a service what a token is worth at this moment (RFC 7662): the database is asked about every one.
//!
//! A token of ours is active whichever audience it names: the answer says which, and whether it is meant for the service
//! that asks is for that service to see. A refresh token is active while it is unused and its login alive; asking neither
//! redeems it nor counts as reuse.
//!
//! Limit: the answer is true as of the statement. Who keeps it for a minute is a minute behind.

use std::sync::Arc;

use diesel::prelude::*;
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    LiveTokenUser, TokenUser, Tokens,
    access::{CLIENT_ID, Claims},
    authenticate::NotAuthenticated,
    record::{FamilyRecord, PlainRefreshToken},
    revoke::Shown,
};
use crate::{
    accounts::{Role, User},
    db::{
        self, clock_timestamp,
        schema::{refresh_tokens, token_families, users},
    },
};

/// The answer (RFC 7662, section 2.2). Of a token that is not active nothing else is said, not even why.
#[derive(Debug, Serialize)]
pub struct Introspection {
    /// Whether it counts now.
    active: bool,
    #[serde(flatten)]
    about: Option<About>,
}

/// What an active token is.
#[derive(Debug, Serialize)]
struct About {
    /// `Bearer`, or `refresh_token`, which is good for nothing but a refresh.
    token_type: &'static str,
    client_id: &'static str,
    iss: String,
    aud: serde_json::Value,
    sub: Uuid,
    sid: Uuid,
    /// As the user's row says, which may be newer than the claim.
    role: Role,
    auth_time: i64,
    iat: i64,
    exp: i64,
    /// A refresh token has no name but its hash, which stays here.
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
}

/// Asks about a token; whatever is not one of ours that counts now is not active.
pub async fn introspect(tokens: &Tokens, token: &str) -> db::Result<Introspection> {
    let about = match tokens.recognise(token) {
        None => None,
        Some(Shown::Access(claims)) => match LiveTokenUser::check(TokenUser(claims), tokens).await {
            Ok(live) => Some(About::access(Arc::unwrap_or_clone(TokenUser::from(live).0))),
            Err(NotAuthenticated::Database(error)) => return Err(error),
            Err(_) => None,
        },
        Some(Shown::Refresh(token)) => {
            let issuer = tokens.issuer.to_string();
            db::run(&tokens.pool, move |conn| About::refresh(conn, &token, issuer)).await?
        }
    };
    Ok(Introspection { active: about.is_some(), about })
}

impl About {
    fn access(claims: Claims) -> Self {
        Self {
            token_type: "Bearer",
            client_id: CLIENT_ID,
            iss: claims.iss,
            aud: serde_json::json!(claims.aud),
            sub: claims.sub,
            sid: claims.sid,
            role: claims.role,
            auth_time: claims.auth_time,
            iat: claims.iat,
            exp: claims.exp,
            jti: Some(claims.jti),
        }
    }

    fn refresh(conn: &mut PgConnection, token: &PlainRefreshToken, issuer: String) -> db::Result<Option<Self>> {
        let found: Option<(FamilyRecord, User, (OffsetDateTime, OffsetDateTime), OffsetDateTime)> =
            refresh_tokens::table
                .inner_join(token_families::table.inner_join(users::table))
                .filter(refresh_tokens::hash.eq(token.hash().as_bytes()).and(refresh_tokens::used_at.is_null()))
                .select((
                    FamilyRecord::as_select(),
                    User::as_select(),
                    (refresh_tokens::created_at, refresh_tokens::expires_at),
                    clock_timestamp(),
                ))
                .first(conn)
                .optional()?;
        let alive = found.filter(|(family, user, (_, expires_at), now)| {
            now < expires_at && family.end(*now).is_none() && user.ban(*now).is_none()
        });
        Ok(alive.map(|(family, user, (created_at, expires_at), _)| Self {
            token_type: "refresh_token",
            client_id: CLIENT_ID,
            // Nobody but the issuer can redeem it.
            aud: serde_json::json!(issuer),
            iss: issuer,
            sub: user.id,
            sid: family.id,
            role: user.role(),
            auth_time: family.authenticated_at.unix_timestamp(),
            iat: created_at.unix_timestamp(),
            exp: expires_at.unix_timestamp(),
            jti: None,
        }))
    }
}
