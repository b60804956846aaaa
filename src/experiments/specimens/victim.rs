//! The victim: a site that believes its cookie, and has one page with a hole.

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use serde::Deserialize;
use serde_json::json;

use super::{
    hosts::Role,
    page,
    story::Act,
    visit::{Lost, Visit},
};

/// Whether the session cookie came, unspoilt.
fn is_logged_in(visit: &Visit, request: &HttpRequest) -> bool {
    let seen = visit.run.jar.seen(request.headers());
    seen.get("session").is_some_and(|values| values.iter().any(|value| value == "own"))
}

/// Whether a bearer token of this run came. (Which of its places it was kept in stands behind the dot.)
pub(super) fn has_bearer(visit: &Visit, request: &HttpRequest) -> bool {
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = shown.and_then(|shown| shown.strip_prefix("Bearer "));
    token.and_then(|token| token.strip_prefix(&visit.run.token)).is_some_and(|place| place.starts_with('.'))
}

fn refused() -> HttpResponse {
    HttpResponse::Unauthorized().json(json!({}))
}

/// `GET /{run}/own/cookies`: which cookies came, as the server sees them.
pub(super) async fn cookies(visit: Visit, request: HttpRequest) -> Result<HttpResponse, Lost> {
    visit.only_at(Role::Victim)?;
    Ok(HttpResponse::Ok().json(visit.run.jar.seen(request.headers())))
}

/// `GET /{run}/own/me`: whoever has either credential.
pub(super) async fn me(visit: Visit, request: HttpRequest) -> Result<HttpResponse, Lost> {
    visit.only_at(Role::Victim)?;
    let known = is_logged_in(&visit, &request) || has_bearer(&visit, &request);
    Ok(if known { HttpResponse::Ok().json(json!({ "user": "the victim" })) } else { refused() })
}

/// `GET /{run}/own/token`: a token for the page's own script, to be kept in memory.
pub(super) async fn token(visit: Visit, request: HttpRequest) -> Result<HttpResponse, Lost> {
    visit.only_at(Role::Victim)?;
    let token = json!({ "token": format!("{}.memory", visit.run.token) });
    Ok(if is_logged_in(&visit, &request) { HttpResponse::Ok().json(token) } else { refused() })
}

/// `POST /{run}/own/transfer`: what the victim would not want done. It has no defence but the cookie.
pub(super) async fn transfer(visit: Visit, request: HttpRequest) -> Result<HttpResponse, Lost> {
    visit.only_at(Role::Victim)?;
    if !is_logged_in(&visit, &request) {
        return Ok(refused());
    }
    visit.run.state().script.transfers += 1;
    Ok(HttpResponse::Ok().json(json!({ "transferred": true })))
}

/// What is searched for.
#[derive(Deserialize)]
pub(super) struct Query {
    q: String,
}

/// `GET /{run}/search?q=`: **the hole.** It repeats what was searched for as HTML, and no policy forbids the scripts in it.
pub(super) async fn search(visit: Visit, query: web::Query<Query>) -> Result<HttpResponse, Lost> {
    visit.only_at(Role::Victim)?;
    if lure(&visit).is_none() {
        return Err(Lost::Nowhere);
    }
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Specimen · Two Doors</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n<link rel=\"stylesheet\" href=\"/files/specimen.css\">\n<main>\n\
         <p class=\"label\"><strong>Specimen.</strong> This page has a hole: it repeats what is in its address, also a script.</p>\n\
         <h1>Search</h1>\n<p>Nothing was found for {}.</p>\n<p id=\"says\" role=\"status\"></p>\n\
         <noscript><p>Your browser runs no script here, so the attack fails.</p></noscript>\n</main>\n\
         <script type=\"module\" src=\"/files/victim.js\"></script>\n</html>\n",
        query.q
    );
    Ok(page::shown().body(html))
}

/// `GET /{run}/search/end`: the attacker's script is done; the story goes on.
pub(super) async fn leave(visit: Visit) -> Result<HttpResponse, Lost> {
    visit.only_at(Role::Victim)?;
    let lure = lure(&visit).ok_or(Lost::Nowhere)?;
    let next = visit.run.url(&visit.shared.hosts, lure + 1);
    Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, next)).finish())
}

/// Which step of the story leads to the hole.
fn lure(visit: &Visit) -> Option<usize> {
    visit.run.steps.iter().position(|step| matches!(step.act, Act::Lure))
}
