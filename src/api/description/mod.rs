//! `GET /api/openapi.json`: the API described in the `OpenAPI` 3.1 format, generated from the code.
//!
//! **How to describe a route.** Beside its handler stands `#[utoipa::path(..)]` with what only the route knows:
//!
//! ```ignore
//! #[utoipa::path(
//!     patch, path = "/api/account", summary = "Changes the name that is shown.",
//!     request_body = Change,                          // a struct with #[derive(ToSchema)]; Option<..> if it may be left away
//!     params(("id" = Uuid, Path, description = "…")), // one for each {name} of the path
//!     responses((status = 200, body = PublicUser<'_>, description = "The account as it is now.")),
//!     security(("access_token" = [])),                // LiveTokenUser; TokenUser: "access_token_claims_only"; none: ()
//!     extensions(("x-problems" = json!(["refused-fields", "conflict"]))),
//! )]
//! ```
//!
//! and the handler gets a line in `paths(..)` below. `x-problems` lists the codes (`http/problem.rs`) that this route alone has.
//! What follows from the rest is added by `complete`: 406 and 500 for every route, 400, 401 and 503 for an access token, 400,
//! 408, 413 and 415 for a body; and each code's status, media type and headers. Tests hold that every mounted route is here.

mod complete;
mod listing;
mod refusals;

use actix_web::{HttpResponse, http::header, web};
use serde_json::Value;
use utoipa::OpenApi;

use super::dress::Problem;
use crate::{http::origin::Site, token::Tokens};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Two Doors: the token door",
        description = "Log in with an e-mail address and a password; get an access token (a JWT, a quarter of an hour) and a \
            refresh token (redeemed once, for its successor). Every refusal is `application/problem+json` (RFC 9457) with a stable \
            `code`. `HEAD` is answered wherever `GET` is, `OPTIONS` with 204 and `Allow`; another method is refused with 405, \
            another path with 404, another `Host` with 421.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
        contact(),
    ),
    paths(
        super::list,
        super::jwks,
        show,
        super::users::create,
        super::log_in::submit,
        super::renew::submit,
        super::log_out::submit,
        super::log_out_everywhere::submit,
        super::reauthenticate::submit,
        super::events::list,
        super::state::show,
        super::tokens::list,
        super::tokens::end,
        super::introspect::submit,
        super::endings::follow,
        super::revoke::submit,
        super::account::me,
        super::account::show,
        super::account::change,
        super::account::remove,
        super::account::change_password,
        super::browser::me,
        super::browser::csrf,
        super::browser::show,
        super::browser::rename,
        super::browser::log_out,
        super::admin::users::list,
        super::admin::users::show,
        super::admin::decisions::change_role,
        super::admin::decisions::ban,
        super::admin::decisions::unban,
        super::admin::decisions::log_out_everywhere,
        super::admin::events::list,
    ),
    components(schemas(Problem<'_>))
)]
struct Described;

/// The description, as this server's settings make it.
#[derive(Debug)]
pub struct Description {
    document: Value,
    listing: Value,
}

impl Description {
    /// `password_least`: the fewest characters of a new password.
    #[must_use]
    pub fn new(site: &Site, tokens: &Tokens, password_least: usize) -> Self {
        let document = serde_json::to_value(Described::openapi()).unwrap_or_default();
        let document = complete::complete(document, site, tokens, password_least);
        Self { listing: listing::listing(&document), document }
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// Its routes in short.
    #[must_use]
    pub fn listing(&self) -> &Value {
        &self.listing
    }
}

/// `GET /api/openapi.json`
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    summary = "This API, described in OpenAPI 3.1.",
    responses((status = 200, body = serde_json::Map<String, Value>, description = "An OpenAPI document."))
)]
pub async fn show(description: web::Data<Description>) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "public, max-age=300")).json(description.document())
}
