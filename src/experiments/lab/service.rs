//! Another service, which knows the issuer's public keys and nothing else: it has no database, and asks nobody about a token.
//!
//! It is not weak: it checks what `examples/resource_server.rs` checks, and stands here so that experiments need no second
//! program.

use std::{collections::HashMap, net::TcpListener, sync::Arc};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    http::header,
    web::{self, Data},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::Stopped;
use crate::{experiments::client::Target, http::origin::Site};

/// A service that is being run; dropping it ends it.
#[derive(Debug)]
pub struct Service {
    target: Target,
    handle: ServerHandle,
}

struct Verifier {
    keys: HashMap<String, (Algorithm, DecodingKey)>,
    issuer: String,
    audience: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    role: String,
}

impl Service {
    /// Runs one that accepts this issuer's tokens for this audience.
    pub fn open(jwks: &Value, issuer: &str, audience: &str) -> Result<Self, Stopped> {
        let failed = |why: String| Stopped::because(format!("a service could not be started: {why}"));
        let jwks: JwkSet = serde_json::from_value(jwks.clone()).map_err(|error| failed(error.to_string()))?;
        let key = |jwk: &jsonwebtoken::jwk::Jwk| {
            let algorithm = Algorithm::try_from(jwk.common.key_algorithm?).ok()?;
            Some((jwk.common.key_id.clone()?, (algorithm, DecodingKey::from_jwk(jwk).ok()?)))
        };
        let keys = jwks.keys.iter().filter_map(key).collect();
        let verifier = Arc::new(Verifier { keys, issuer: issuer.to_owned(), audience: audience.to_owned() });
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|error| failed(error.to_string()))?;
        let address = listener.local_addr().map_err(|error| failed(error.to_string()))?;
        let server = HttpServer::new(move || {
            App::new()
                .app_data(Data::from(Arc::clone(&verifier)))
                .route("/me", web::get().to(me))
                .route("/admin", web::get().to(admin))
        });
        let server =
            server.workers(1).disable_signals().listen(listener).map_err(|error| failed(error.to_string()))?.run();
        let handle = server.handle();
        tokio::spawn(server);
        let url = Url::parse(&format!("http://{address}")).map_err(|error| failed(error.to_string()))?;
        Ok(Self { target: Target::new(address, &Site::new(url, None, &[]), None), handle })
    }

    /// Where it is.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // The command is sent when the future is made.
        drop(self.handle.stop(false));
    }
}

impl Verifier {
    fn verify(&self, request: &HttpRequest) -> Option<Claims> {
        let token = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
        let named = decode_header(token).ok()?;
        if named.typ.as_deref() != Some("at+jwt") || named.crit.is_some() {
            return None;
        }
        let (algorithm, key) = self.keys.get(&named.kid?)?;
        let mut validation = Validation::new(*algorithm);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "nbf", "sub", "iss", "aud"]);
        validation.leeway = 0;
        decode(token, key, &validation).ok().map(|token| token.claims)
    }
}

/// `GET /me`: whoever the token says.
async fn me(request: HttpRequest, verifier: Data<Verifier>) -> HttpResponse {
    verifier.verify(&request).map_or_else(
        || HttpResponse::Unauthorized().json(json!({})),
        |claims| HttpResponse::Ok().json(json!({ "sub": claims.sub, "role": claims.role })),
    )
}

/// `GET /admin`: whoever the token says is an admin.
async fn admin(request: HttpRequest, verifier: Data<Verifier>) -> HttpResponse {
    match verifier.verify(&request) {
        Some(claims) if claims.role == "admin" => {
            HttpResponse::Ok().json(json!({ "sub": claims.sub, "role": claims.role }))
        }
        Some(_) => HttpResponse::Forbidden().json(json!({})),
        None => HttpResponse::Unauthorized().json(json!({})),
    }
}
