//! The site, for people: HTML and forms, with the session scheme behind it. It never sees a token.
//!
//! Every route stands in [`mount`]. A page that needs somebody logged in takes `SessionUser` as a parameter, a form takes
//! [`form::SafeForm`], [`form::UserForm`] or, for sensitive actions, [`form::FreshForm`], which have checked where it comes from
//! before the handler runs. There is no `renew` page: a session renews itself by being used.

pub mod assets;
mod cookies;
mod dress;
pub mod error;
mod explanation;
mod flash;
pub mod form;
pub mod frame;
pub mod fresh;
pub mod same_origin;
mod standing;

mod account;
mod activity;
mod admin;
pub mod choose;
mod confirm;
mod devices;
pub mod docs;
mod experiments;
mod home;
mod inspect;
mod kept;
pub mod learn;
mod log_in;
mod log_out;
mod measure;
mod moment;
mod new_device;
mod problems;
mod sessions;
mod sign_up;
mod spa;
pub mod tour;
pub mod what_still_works;

use actix_web::{
    http::Method,
    middleware::{Compress, from_fn},
    web::{self, ServiceConfig, get, post},
};

pub use self::{error::Error, measure::Measurements};
use crate::{
    http::{
        host,
        origin::Site,
        routes::{alone, resource},
    },
    session::{self, Sessions},
};

/// Mounts the description of the API, with the site's dress. Mount it before the API, to which every path below `/api` belongs.
pub fn mount_docs(config: &mut ServiceConfig, sessions: &Sessions, at: &web::Data<Site>) {
    // A second scope of everything would hide the site's routes from whoever asks which of them a path leads to.
    let docs = alone("/api/docs", [(Method::GET, get().to(docs::show))], error::method_not_allowed);
    let docs = docs.guard(host::of_site(at)).wrap(from_fn(dress::within));
    config.service(session::wrap(docs, sessions).wrap(from_fn(dress::dress)).wrap(Compress::default()));
}

/// Mounts the site at `/`. Mount it last: what no other service takes is its 404.
pub fn mount(config: &mut ServiceConfig, sessions: &Sessions, at: &web::Data<Site>) {
    let route = |path: &str, routes: Vec<(Method, actix_web::Route)>| resource(path, routes, error::method_not_allowed);
    let (get_only, get_and_post, post_only) = (
        |path: &str, show: actix_web::Route| route(path, vec![(Method::GET, show)]),
        |path: &str, show: actix_web::Route, submit: actix_web::Route| {
            route(path, vec![(Method::GET, show), (Method::POST, submit)])
        },
        |path: &str, submit: actix_web::Route| route(path, vec![(Method::POST, submit)]),
    );
    let site = web::scope("")
        .guard(host::of_site(at))
        .service(get_only("/", get().to(home::show)))
        .service(get_and_post("/signup", get().to(sign_up::show), post().to(sign_up::submit)))
        .service(get_and_post("/login", get().to(log_in::show), post().to(log_in::submit)))
        .service(post_only("/logout", post().to(log_out::submit)))
        .service(get_only("/account", get().to(account::show)))
        .service(get_only("/account/me", get().to(account::me)))
        .service(get_only("/account/session", get().to(sessions::show)))
        .service(post_only("/account/name", post().to(account::rename)))
        .service(post_only("/account/email", post().to(account::change_email)))
        .service(post_only("/account/password", post().to(account::change_password)))
        .service(post_only("/account/delete", post().to(account::delete)))
        .service(post_only("/account/confirm", post().to(confirm::submit)))
        .service(get_only("/account/activity", get().to(activity::show)))
        .service(get_only("/account/devices", get().to(devices::show)))
        .service(post_only("/account/devices/acknowledge", post().to(new_device::acknowledge)))
        .service(post_only("/account/devices/end", post().to(devices::end_one)))
        .service(post_only("/account/devices/end-others", post().to(devices::end_others)))
        .service(post_only("/account/devices/end-all", post().to(devices::end_all)))
        .service(get_only("/admin", get().to(admin::users)))
        .service(get_only("/admin/events", get().to(admin::events)))
        .service(get_only("/admin/users/{id}", get().to(admin::user)))
        .service(post_only("/admin/users/{id}/role", post().to(standing::change_role)))
        .service(post_only("/admin/users/{id}/ban", post().to(standing::ban)))
        .service(post_only("/admin/users/{id}/unban", post().to(standing::unban)))
        .service(post_only("/admin/users/{id}/end-logins", post().to(standing::end_logins)))
        .service(get_only("/compare", get().to(experiments::compare)))
        .service(get_and_post("/compare/{event}", get().to(experiments::show), post().to(experiments::start)))
        .service(get_only("/compare/{event}/runs/{run}", get().to(experiments::run)))
        .service(get_only("/compare/{event}/runs/{run}/events", get().to(experiments::follow)))
        .service(get_only("/experiments", get().to(experiments::list)))
        .service(get_and_post("/experiments/{id}", get().to(experiments::show), post().to(experiments::start)))
        .service(get_only("/experiments/{id}/runs/{run}", get().to(experiments::run)))
        .service(get_only("/experiments/{id}/runs/{run}/events", get().to(experiments::follow)))
        .service(get_and_post("/measure", get().to(measure::show), post().to(measure::submit)))
        .service(get_only("/inspect", get().to(inspect::show)))
        .service(get_only("/spa", get().to(spa::show)))
        .service(get_only("/choose", get().to(choose::show)))
        .service(get_only("/what-still-works", get().to(what_still_works::show)))
        .service(get_only("/what-still-works/{ending}", get().to(what_still_works::show_one)))
        .service(get_only("/tour", get().to(tour::show)))
        .service(post_only("/tour/forget", post().to(tour::forget)))
        .service(get_only("/tour/questions", get().to(tour::show_questions)))
        .service(get_only("/tour/{stop}", get().to(tour::show_stop)))
        .service(get_only("/concepts", get().to(learn::concepts)))
        .service(get_only("/left-out", get().to(learn::left_out)))
        .service(get_only("/read", get().to(learn::read)))
        .service(get_only("/problems", get().to(problems::list)))
        .service(get_only("/problems/{code}", get().to(problems::show)))
        .default_service(web::to(error::not_found));
    // Refusals are dressed inside the session, as a page says who is logged in and its forms are bound to that, and actix-session
    // forgets it on the way out; outside are dressed only the failures of the session's own layers.
    let site = session::wrap(site.wrap(from_fn(dress::within)), sessions);
    let site = site.wrap(from_fn(dress::dress)).wrap(Compress::default());
    // Outside of the session's layers: style sheets are there whoever asks, and when the database is not.
    let files = web::scope("/static").guard(host::of_site(at)).service(get_only("/{name}", get().to(assets::serve)));
    let files = files.default_service(web::to(error::not_found)).wrap(from_fn(dress::dress));
    config.service(files).service(site);
}
