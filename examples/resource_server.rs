//! A service that accepts the access tokens of Two Doors and never talks to it about any of them.
//!
//! It shares no code and no database with the issuer: it knows an address where public keys are published, the issuer's name and
//! its own. That is the promise of signed tokens, and here it can be watched: three services, one log-in, and all of them go on
//! answering while the issuer and its database are stopped.
//!
//! ```sh
//! AUDIENCES=orders,billing,notifications script/server
//! # in another terminal:
//! cargo run --example resource_server -- --name orders --audience orders --issuer http://127.0.0.1:8080 \
//!     --jwks http://127.0.0.1:8080/.well-known/jwks.json --listen 127.0.0.1:9001
//! ```
//!
//! Limit: who asks nobody learns of nothing. A token of a login that has ended is accepted until it expires, unless the service
//! follows the feed of endings: with `--follow-endings http://127.0.0.1:8080/api/endings --service orders --secret-file FILE` it
//! refuses within a second what was ended, and still asks about no token. While the feed is away it goes on with claims and the
//! endings that it knows: availability before certainty. It says so on standard error, and in each answer: `Token-Check` is
//! `endings`, or `claims`. For an issuer with https, add reqwest's feature `rustls`.

#[path = "resource_server/endings.rs"]
mod endings;
#[path = "resource_server/follow.rs"]
mod follow;
#[path = "resource_server/keys.rs"]
mod keys;
#[path = "resource_server/refusal.rs"]
mod refusal;
#[path = "resource_server/verify.rs"]
mod verify;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use clap::Parser;
use serde_json::json;

use crate::{endings::Endings, keys::Keys, refusal::Refusal, verify::Verifier};

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
    #[arg(long, default_value_t = 3)]
    look_every: u64,
    /// The issuer's feed of endings.
    #[arg(long, requires = "service")]
    follow_endings: Option<String>,
    /// The name under which the feed's owner knows this service.
    #[arg(long, requires = "secret_file")]
    service: Option<String>,
    /// The file with the secret of that name: everybody on the machine can read arguments.
    #[arg(long, requires = "follow_endings")]
    secret_file: Option<PathBuf>,
}

/// A service that starts waits so long for what has ended, before it opens.
const FIRST_SNAPSHOT: Duration = Duration::from_secs(2);

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let keys =
        Keys::new(arguments.jwks, Duration::from_secs(arguments.keep), Duration::from_secs(arguments.look_every))?;
    let name = arguments.name.clone();
    let endings = match (arguments.follow_endings, arguments.service, arguments.secret_file) {
        (Some(feed), Some(service), Some(file)) => Some(follow_endings(feed, service, &file).await?),
        _ => None,
    };
    let verifier = web::Data::new(Verifier::new(arguments.name, arguments.issuer, arguments.audience, keys, endings));
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

async fn follow_endings(
    feed: String,
    service: String,
    file: &Path,
) -> Result<Arc<Endings>, Box<dyn std::error::Error>> {
    let secret = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let endings = follow::follow(feed, service, secret.trim().to_owned())?;
    // If they don't come, that was said, and it opens all the same.
    let _ = tokio::time::timeout(FIRST_SNAPSHOT, endings.wait()).await;
    Ok(endings)
}

/// `GET /`: what the service would do its work with.
async fn who_is_asking(request: HttpRequest, verifier: web::Data<Verifier>) -> Result<HttpResponse, Refusal> {
    let (claims, check) = verifier.verify(request.headers()).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "no-store")).insert_header(("token-check", check));
    Ok(response.json(json!({
        "service": verifier.name(),
        "user": claims.sub,
        "role": claims.role,
        "login": claims.sid,
        "until": claims.exp,
    })))
}
