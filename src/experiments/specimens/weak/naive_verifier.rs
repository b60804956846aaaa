//! **Missing: an algorithm of the verifier's own.** (X9, X10) It does what the token's header says: nothing for `none`, and for
//! `HS256` it takes the text of its *public* key for the secret. Hand-made, as no library of today does this.

use actix_web::{HttpRequest, HttpResponse};
use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    crypto::{sign, verify},
};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{
    super::visit::{Lost, Visit},
    bearer, refused, services,
};

/// A key pair, with its public half as the text that tutorials pass to `verify`.
pub(super) struct Verifier {
    signing: EncodingKey,
    pem: String,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

impl Verifier {
    pub(super) fn new() -> Option<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
        let text = STANDARD.encode(public.as_ref());
        let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"));
        let signing = EncodingKey::from_ec_der(pair.to_pkcs8v1().ok()?.as_ref());
        Some(Self { signing, pem })
    }

    /// **The mistake**: the token says how it is to be verified.
    fn believe(&self, token: &str) -> Option<Value> {
        let mut parts = token.split('.');
        let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
        let message = format!("{header}.{payload}");
        let read = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        let algorithm = read(header)?.get("alg")?.as_str()?.to_ascii_lowercase();
        let is_good = match algorithm.as_str() {
            "none" => true,
            "hs256" => holds(signature, &message, &DecodingKey::from_secret(self.pem.as_bytes()), Algorithm::HS256),
            "es256" => {
                holds(signature, &message, &DecodingKey::from_ec_pem(self.pem.as_bytes()).ok()?, Algorithm::ES256)
            }
            _ => false,
        };
        is_good.then(|| read(payload)).flatten()
    }
}

fn holds(signature: &str, message: &str, key: &DecodingKey, algorithm: Algorithm) -> bool {
    verify(signature, message.as_bytes(), key, algorithm).unwrap_or(false)
}

/// `GET /{run}/naive/key.pem`: the public key, which is no secret.
pub(in super::super) async fn public_key(visit: Visit) -> Result<HttpResponse, Lost> {
    let pem = services(&visit)?.naive.pem.clone();
    Ok(HttpResponse::Ok().content_type("application/x-pem-file").body(pem))
}

/// `POST /{run}/naive/token`: an honest token, signed with ES256.
pub(in super::super) async fn issue(visit: Visit) -> Result<HttpResponse, Lost> {
    let verifier = &services(&visit)?.naive;
    let exp = OffsetDateTime::now_utc().unix_timestamp() + 900;
    let part = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let message =
        format!("{}.{}", part(json!({ "typ": "JWT", "alg": "ES256" })), part(json!({ "sub": "somebody", "exp": exp })));
    let signature = sign(message.as_bytes(), &verifier.signing, Algorithm::ES256).map_err(|_| Lost::Unreadable)?;
    Ok(HttpResponse::Ok().json(json!({ "access_token": format!("{message}.{signature}") })))
}

/// `GET /{run}/naive/me`: whoever the token says.
pub(in super::super) async fn me(visit: Visit, request: HttpRequest) -> Result<HttpResponse, Lost> {
    let verifier = &services(&visit)?.naive;
    let claims = bearer(&request).and_then(|token| verifier.believe(token));
    Ok(claims.map_or_else(refused, |claims| HttpResponse::Ok().json(json!({ "sub": claims.get("sub") }))))
}
