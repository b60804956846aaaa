//! Weak services for programs: each is what a tutorial might have, with one thing missing, and says which.
//!
//! An experiment begins a [`Story::Services`] and talks to them over HTTP, below the run's own path, with the credentials that
//! they hand out. Their users, sessions and keys belong to the run and end with it.

mod copied_role;
mod day_token;
mod fixation;
pub mod memory_store;
mod naive_verifier;
mod sealed_cookie;
mod sessions;
mod unrotated;

use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_session::{SessionMiddleware, storage::CookieSessionStore};
use actix_web::{HttpRequest, HttpResponse, cookie::Key, http::header, web};
use serde_json::json;

use super::{
    Story,
    hosts::Role,
    visit::{Lost, Visit},
};

/// The state of a run's services.
#[derive(Debug)]
pub(super) struct Services {
    naive: naive_verifier::Verifier,
    day: Mutex<day_token::Issuer>,
    unrotated: Mutex<unrotated::Tokens>,
    fixation: Mutex<sessions::Sessions>,
    copied: Mutex<copied_role::Users>,
}

impl Services {
    /// Fresh ones; none if no key can be made.
    pub(super) fn new() -> Option<Self> {
        Some(Self {
            naive: naive_verifier::Verifier::new()?,
            day: Mutex::default(),
            unrotated: Mutex::default(),
            fixation: Mutex::default(),
            copied: Mutex::default(),
        })
    }
}

/// The services of this visit, if its story has them.
fn services(visit: &Visit) -> Result<&Services, Lost> {
    visit.only_at(Role::Victim)?;
    match (&visit.run.story, &visit.run.services) {
        (Story::Services, Some(services)) => Ok(services),
        _ => Err(Lost::Nowhere),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The token in `Authorization: Bearer …`.
fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ")
}

fn refused() -> HttpResponse {
    HttpResponse::Unauthorized().json(json!({}))
}

/// Mounts them. The key seals what [`sealed_cookie`] keeps in the browser.
pub(super) fn mount(config: &mut web::ServiceConfig, key: &Key) {
    let sealed = SessionMiddleware::builder(CookieSessionStore::default(), key.clone())
        .cookie_name("sp-sealed".to_owned())
        .cookie_secure(false)
        .build();
    config
        .route("/{run}/naive/key.pem", web::get().to(naive_verifier::public_key))
        .route("/{run}/naive/token", web::post().to(naive_verifier::issue))
        .route("/{run}/naive/me", web::get().to(naive_verifier::me))
        .route("/{run}/day/token", web::post().to(day_token::issue))
        .route("/{run}/day/me", web::get().to(day_token::me))
        .route("/{run}/day/account", web::get().to(day_token::account))
        .route("/{run}/day/{event:password|ban}", web::post().to(day_token::change))
        .route("/{run}/unrotated/login", web::post().to(unrotated::log_in))
        .route("/{run}/unrotated/refresh", web::post().to(unrotated::refresh))
        .route("/{run}/fixation/page", web::get().to(fixation::page))
        .route("/{run}/fixation/login", web::post().to(fixation::log_in))
        .route("/{run}/fixation/me", web::get().to(fixation::me))
        .route("/{run}/copied/login", web::post().to(copied_role::log_in))
        .route("/{run}/copied/me", web::get().to(copied_role::me))
        .route("/{run}/copied/role/{role}", web::post().to(copied_role::change))
        .service(
            web::scope("/{run}/sealed")
                .wrap(sealed)
                .route("/login", web::post().to(sealed_cookie::log_in))
                .route("/me", web::get().to(sealed_cookie::me))
                .route("/logout", web::post().to(sealed_cookie::log_out)),
        );
}
