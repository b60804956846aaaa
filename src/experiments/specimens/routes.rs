//! Every route of the specimens' listener. None of them is mounted anywhere else.

use actix_cors::Cors;
use actix_web::{
    App, Error, HttpResponse,
    body::{EitherBody, MessageBody},
    cookie::Key,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    http::{Method, header},
    middleware::{DefaultHeaders, Next, from_fn},
    web::{self, Data},
};

use super::{
    Shared, api, attacker,
    hosts::{Hosts, Role},
    page, steps, victim, visit, weak, witness,
};
use crate::http::unread;

/// No specimen has more to say.
const BODY_MOST: usize = 16 * 1024;

/// The application, with the key that seals what [`weak::mount`] keeps in cookies.
pub(super) fn app(
    state: Data<Shared>,
    key: Key,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let cors = cors(&state.hosts);
    App::new()
        .app_data(state)
        .app_data(web::PayloadConfig::new(BODY_MOST))
        .app_data(web::JsonConfig::default().limit(BODY_MOST).error_handler(|_, _| visit::Lost::Unreadable.into()))
        .configure(|config| mount(config, cors))
        .configure(|config| weak::mount(config, &key))
        .default_service(web::to(nothing))
        .wrap(from_fn(witness::follow))
        .wrap(from_fn(only_ours))
        .wrap(
            DefaultHeaders::new()
                .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
                .add((header::X_FRAME_OPTIONS, "DENY"))
                .add(("Cross-Origin-Opener-Policy", "same-origin")),
        )
        .wrap(from_fn(unread::layer))
}

/// The API lets in its own front end and the other site alike, so that what differs between them is not CORS.
fn cors(hosts: &Hosts) -> Cors {
    Cors::default()
        .allowed_origin(&hosts.origin(Role::App))
        .allowed_origin(&hosts.origin(Role::Attacker))
        .allowed_methods([Method::GET, Method::POST])
        .allowed_header(header::AUTHORIZATION)
        .supports_credentials()
}

fn mount(config: &mut web::ServiceConfig, cors: Cors) {
    config
        .route("/files/{name}", web::get().to(page::file))
        .service(
            web::scope("/{run}/api")
                .wrap(cors)
                .route("/login", web::post().to(api::log_in))
                .route("/me", web::get().to(api::me)),
        )
        .route("/{run}/own/cookies", web::get().to(victim::cookies))
        .route("/{run}/own/me", web::get().to(victim::me))
        .route("/{run}/own/token", web::get().to(victim::token))
        .route("/{run}/own/transfer", web::post().to(victim::transfer))
        .route("/{run}/search", web::get().to(victim::search))
        .route("/{run}/search/end", web::get().to(victim::leave))
        .route("/{run}/payload.js", web::get().to(attacker::payload))
        .route("/{run}/loot", web::post().to(attacker::loot))
        .route("/{run}/{step:\\d+}", web::get().to(steps::show))
        .route("/{run}/{step:\\d+}/arrive", web::get().to(steps::arrive))
        .route("/{run}/{step:\\d+}/arrive", web::post().to(steps::arrive))
        .route("/{run}/{step:\\d+}/found", web::post().to(steps::found))
        .route("/{run}/{step:\\d+}/knocked", web::post().to(steps::knocked))
        .route("/{run}/{step:\\d+}/broken", web::post().to(steps::broken));
}

/// Nothing is here, whoever is asked for it.
async fn nothing() -> HttpResponse {
    actix_web::ResponseError::error_response(&visit::Lost::Nowhere)
}

/// Sends away whoever comes by another name.
async fn only_ours<B: MessageBody + 'static>(
    shared: Data<Shared>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if visit::role(request.request(), &shared).is_some() {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    }
    let refusal = actix_web::ResponseError::error_response(&visit::Lost::Host);
    Ok(request.into_response(refusal).map_into_right_body())
}
