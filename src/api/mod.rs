//! The API, for programs: JSON, with the token scheme behind it. It never sees a session.
//!
//! Every route stands in [`mount`], and what it is for in its [`description`]. What a route needs is its handler's
//! parameter type: `TokenUser` reads the claims and asks nobody (`GET /api/me` alone does that here), `LiveTokenUser` also
//! asks whether the login is alive, `FreshTokenUser` also whether the password was checked lately; `LiveTokenAdmin` and
//! `FreshTokenAdmin` let admins in only. The site's cookies are ignored; the refresh token's counts at `/api/auth` only,
//! and the access token's at `/api/browser` only (`CookieTokenUser`, `LiveCookieTokenUser`, and `SafeCall` for what changes
//! something). There the origin is checked: `same_origin` has no other business here, as a browser never sends a bearer
//! token by itself.

pub mod body;
pub mod description;
pub mod error;

mod access_cookie;
mod account;
mod admin;
mod authenticate;
mod browser;
mod dress;
mod endings;
mod events;
mod introspect;
mod log_in;
mod log_out;
mod log_out_everywhere;
mod reauthenticate;
mod refresh_cookie;
mod renew;
mod revoke;
mod same_origin;
mod service;
mod state;
mod token_check;
mod token_form;
mod tokens;
mod users;

use actix_cors::Cors;
use actix_web::{
    HttpResponse, Route,
    http::{
        Method,
        header::{self, HeaderName},
    },
    middleware::{Compress, from_fn},
    web::{self, ServiceConfig, delete, get, patch, post},
};

pub use self::{error::Error, same_origin::CsrfKeys};
use crate::{
    http::{host, origin::Site, routes::resource},
    token::Tokens,
};

const TOKEN_CHECK_SAYS: &str = "Every answer says in `Token-Check` which check of an access token it rests on: none, claims \
    (nobody was asked) or live (the database was). With TOKEN_CHECK=live, routes that need claims only are checked live too.";

/// Mounts the API at `/api`, and the public keys. Pages of other origins may read its answers, also those to the refresh
/// cookie, if they are the site's, which may have another host than the API, or among `API_ALLOWED_ORIGINS`. By default
/// there are none, and nothing is said about it.
pub fn mount(config: &mut ServiceConfig, site: &web::Data<Site>) {
    let cors = Cors::default()
        .supports_credentials()
        .allowed_methods(["GET", "POST", "PATCH", "DELETE"])
        .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE, same_origin::X_CSRF_TOKEN])
        .expose_headers([
            token_check::TOKEN_CHECK,
            header::RETRY_AFTER,
            header::WWW_AUTHENTICATE,
            HeaderName::from_static("server-timing"),
        ]);
    let cors = site.readers().fold(cors, |cors, origin| cors.allowed_origin(origin));
    let has_readers = site.readers().next().is_some();
    let route = |path: &str, routes: Vec<(Method, Route)>| resource(path, routes, error::method_not_allowed);
    let post_only = |path: &str, to: Route| route(path, vec![(Method::POST, to)]);
    let get_only = |path: &str, to: Route| route(path, vec![(Method::GET, to)]);
    let account = vec![
        (Method::GET, get().to(account::show)),
        (Method::PATCH, patch().to(account::change)),
        (Method::DELETE, delete().to(account::remove)),
    ];
    let administered =
        vec![(Method::GET, get().to(admin::users::show)), (Method::PATCH, patch().to(admin::decisions::change_role))];
    let by_cookie = vec![(Method::GET, get().to(browser::show)), (Method::PATCH, patch().to(browser::rename))];
    // Compressed is what may be long. Other answers are too short to gain by it, and of a token in one that is compressed its
    // length could tell something (BREACH).
    let api = web::scope("/api")
        .guard(host::of_api(site))
        // First what is asked for most: routes are tried in their order.
        .service(get_only("/me", get().to(account::me)))
        .service(route("/account", account))
        .service(get_only("", get().to(list)).wrap(Compress::default()))
        .service(get_only("/openapi.json", get().to(description::show)).wrap(Compress::default()))
        .service(post_only("/users", post().to(users::create)))
        .service(post_only("/auth/login", post().to(log_in::submit)))
        .service(post_only("/auth/refresh", post().to(renew::submit)))
        .service(post_only("/auth/reauthenticate", post().to(reauthenticate::submit)))
        .service(post_only("/auth/logout", post().to(log_out::submit)))
        .service(get_only("/auth/state", get().to(state::show)))
        .service(post_only("/auth/logout-everywhere", post().to(log_out_everywhere::submit)))
        .service(get_only("/auth/tokens", get().to(tokens::list)).wrap(Compress::default()))
        .service(post_only("/introspect", post().to(introspect::submit)))
        .service(get_only("/endings", get().to(endings::follow)))
        .service(post_only("/revoke", post().to(revoke::submit)))
        .service(route("/auth/tokens/{id}", vec![(Method::DELETE, delete().to(tokens::end))]))
        .service(get_only("/account/events", get().to(events::list)).wrap(Compress::default()))
        .service(post_only("/account/password", post().to(account::change_password)))
        .service(get_only("/browser/me", get().to(browser::me)))
        .service(get_only("/browser/csrf", get().to(browser::csrf)))
        .service(route("/browser/account", by_cookie))
        .service(post_only("/browser/logout", post().to(browser::log_out)))
        .service(get_only("/admin/users", get().to(admin::users::list)).wrap(Compress::default()))
        .service(route("/admin/users/{id}", administered))
        .service(post_only("/admin/users/{id}/ban", post().to(admin::decisions::ban)))
        .service(post_only("/admin/users/{id}/unban", post().to(admin::decisions::unban)))
        .service(post_only("/admin/users/{id}/logout-everywhere", post().to(admin::decisions::log_out_everywhere)))
        .service(get_only("/admin/events", get().to(admin::events::list)).wrap(Compress::default()))
        .default_service(web::to(error::not_found))
        .app_data(web::QueryConfig::default().error_handler(|_, _| error::unreadable_query().into()))
        .wrap(from_fn(dress::around));
    let keys = get_only("/.well-known/jwks.json", get().to(jwks)).guard(host::of_api(site)).wrap(from_fn(dress::dress));
    config.service(keys);
    if has_readers {
        config.service(api.wrap(cors).wrap(from_fn(dress::beforehand)));
    } else {
        config.service(api);
    }
    if site.api_origin().is_some() {
        // What the API's own host has no route for is nobody else's.
        let nothing = web::scope("").guard(host::of_api(site)).default_service(web::to(error::not_found));
        config.service(nothing.wrap(from_fn(dress::dress)));
    }
}

/// `GET /api`
#[utoipa::path(
    get,
    path = "/api",
    summary = "Lists these routes.",
    responses((status = 200, body = serde_json::Map<String, serde_json::Value>, description = "The routes, in short."))
)]
async fn list(
    tokens: web::Data<Tokens>,
    site: web::Data<Site>,
    description: web::Data<description::Description>,
) -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({
        "about": "The token door of Two Doors. Errors are application/problem+json (RFC 9457).",
        "problems": format!("{}/problems", site.address()),
        "keys": "/.well-known/jwks.json",
        "description": "/api/openapi.json",
        "token_check": if tokens.always_live() { "live" } else { "claims" },
        "token_check_header": TOKEN_CHECK_SAYS,
        "routes": description.listing(),
    }))
}

/// `GET /.well-known/jwks.json` (RFC 7517): what anybody needs to verify our tokens, and nobody to make one.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    summary = "The public keys that our access tokens are verified with.",
    responses((status = 200, body = Keys, content_type = "application/jwk-set+json", description = "A JWK set (RFC 7517)."))
)]
async fn jwks(tokens: web::Data<Tokens>) -> HttpResponse {
    let jwks = tokens.keys.jwks();
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, format!("public, max-age={}", jwks.max_age)))
        // Public keys are for everybody, pages of other origins included.
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::CROSS_ORIGIN_RESOURCE_POLICY, "cross-origin"))
        .insert_header((header::CONTENT_TYPE, "application/jwk-set+json"))
        .body(jwks.body)
}

/// A JWK set.
#[derive(utoipa::ToSchema)]
struct Keys {
    /// None with HS256, whose one key is secret.
    #[allow(dead_code, reason = "only described")]
    keys: Vec<serde_json::Map<String, serde_json::Value>>,
}
