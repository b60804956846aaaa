//! **Missing: a store that outlives the process.** (X11)
//!
//! The one specimen that has a process of its own, as it is the process that has to end: a run starts it, on a free port of this
//! machine, and kills it. It shares no address with anything else.

use std::{io, net::Ipv4Addr, sync::Mutex};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    web::{self, Data},
};
use serde_json::json;

use super::{
    lock, refused,
    sessions::{Session, Sessions, cookie, shown},
};

type Store = Data<Mutex<Sessions>>;

/// Serves it until a signal comes. It says where, as `two-doors serve` does.
pub async fn serve() -> io::Result<()> {
    let store: Store = Data::new(Mutex::default());
    let app = move || {
        App::new().app_data(store.clone()).route("/login", web::post().to(log_in)).route("/me", web::get().to(me))
    };
    let server = HttpServer::new(app).workers(1).shutdown_timeout(1).bind((Ipv4Addr::LOCALHOST, 0))?;
    for address in server.addrs() {
        println!("A store in memory, weak on purpose, is open at http://{address}/");
    }
    server.run().await
}

/// `POST /login`
async fn log_in(store: Store) -> HttpResponse {
    let session = Session { user: Some("the victim".to_owned()), role: None };
    let id = lock(&store).insert(session);
    HttpResponse::Ok().cookie(cookie(&id)).json(json!({}))
}

/// `GET /me`
async fn me(store: Store, request: HttpRequest) -> HttpResponse {
    let sessions = lock(&store);
    let known = shown(&request).is_some_and(|id| sessions.find(&id).is_some());
    if known { HttpResponse::Ok().json(json!({})) } else { refused() }
}
