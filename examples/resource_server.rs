//! A service that accepts the access tokens of Two Doors and never talks to it about any of them.
//!
//! It shares no code and no database with the issuer: it knows an address where public keys are published, the issuer's name and
//! its own. That is the promise of signed tokens, and here it can be watched: three services, one log-in, and all of them go on
//! answering while the issuer and its database are stopped.
//!
//! ```sh
//! AUDIENCES=orders,billing,notifications script/server
//! cargo run --example resource_server -- --name orders --audience orders --issuer http://127.0.0.1:8080 \
//!     --jwks http://127.0.0.1:8080/.well-known/jwks.json --listen 127.0.0.1:9001
//! ```
//!
//! Limit: who asks nobody learns of nothing. A token of a login that has ended is accepted until it expires. For an issuer with
//! https, add reqwest's feature `rustls`.

#[path = "resource_server/keys.rs"]
mod keys;
#[path = "resource_server/refusal.rs"]
mod refusal;
#[path = "resource_server/verify.rs"]
mod verify;

use std::{net::SocketAddr, time::Duration};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use clap::Parser;
use serde_json::json;

use crate::{keys::Keys, refusal::Refusal, verify::Verifier};

/// A service that verifies the access tokens of Two Doors by itself.
#[derive(Debug, Parser)]
struct Arguments {
    /// What it calls itself.
    #[arg(long)]
    name: String,
    /// What a token's `aud` must contain.
    #[arg(long)]
    audience: String,
    /// What a token's `iss` must be.
    #[arg(long)]
    issuer: String,
    /// Where the issuer publishes its public keys.
    #[arg(long)]
    jwks: String,
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The most seconds for which keys are kept, whatever `max-age` allows: a retired key is accepted for so long.
    #[arg(long, default_value_t = 300)]
    keep: u64,
    /// The fewest seconds between two look-ups of the keys, whoever asks for them: anybody can make up a `kid`. Not longer
    /// than the issuer announces a new key before it signs.
    #[arg(long, default_value_t = 5)]
    look_every: u64,
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let keys =
        Keys::new(arguments.jwks, Duration::from_secs(arguments.keep), Duration::from_secs(arguments.look_every))?;
    let name = arguments.name.clone();
    let verifier = web::Data::new(Verifier::new(arguments.name, arguments.issuer, arguments.audience, keys));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(verifier.clone())
            .route("/", web::get().to(who_is_asking))
            .default_service(web::to(|| async { HttpResponse::NotFound().finish() }))
    });
    let server = server.workers(2).shutdown_timeout(2).bind(arguments.listen)?;
    for address in server.addrs() {
        println!("{name} is open at http://{address}");
    }
    Ok(server.run().await?)
}

/// `GET /`: what the service would do its work with.
async fn who_is_asking(request: HttpRequest, verifier: web::Data<Verifier>) -> Result<HttpResponse, Refusal> {
    let claims = verifier.verify(request.headers()).await?;
    Ok(HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(json!({
        "service": verifier.name(),
        "user": claims.sub,
        "role": claims.role,
        "login": claims.sid,
        "until": claims.exp,
    })))
}
