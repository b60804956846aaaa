//! The mark that our own experiments' requests carry, so that their log-ins don't use up a visitor's budgets.
//!
//! An HMAC over the present minute and a nonce, under a key derived from `SECRETS`. It exempts from throttling and does
//! nothing else: it is no credential and opens no door. It never goes to a browser or to another server. Where visitors may start
//! experiments, these also follow the feed of endings, as a service of their own.

use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::http::header::HeaderMap;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::secrets::{Purpose, Secrets, hex, mac, random, same};

/// The header that carries the mark.
pub const HEADER: &str = "two-doors-own-client";

/// A fresh mark; good for this minute and the next.
#[must_use]
pub fn mark(secrets: &Secrets) -> String {
    let nonce: [u8; 16] = random();
    let tag = mac(&secrets.newest::<32>(Purpose::OwnClient), &[&minute().to_be_bytes(), &nonce]);
    URL_SAFE_NO_PAD.encode([nonce.as_slice(), tag.as_slice()].concat())
}

/// The name and secret under which our own experiments follow the feed of endings, as a configured service would.
#[must_use]
pub fn service(secrets: &Secrets) -> (&'static str, String) {
    ("two-doors", hex(&secrets.newest::<32>(Purpose::OwnService)))
}

/// Knows our own mark.
pub struct Verifier(Vec<[u8; 32]>);

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verifier([redacted])")
    }
}

impl Verifier {
    pub(super) fn new(secrets: &Secrets) -> Self {
        Self(secrets.all(Purpose::OwnClient).collect())
    }

    pub(super) fn is_ours(&self, headers: &HeaderMap) -> bool {
        let Some(mark) = headers.get(HEADER).and_then(|mark| URL_SAFE_NO_PAD.decode(mark.as_bytes()).ok()) else {
            return false;
        };
        let Some((nonce, tag)) = mark.split_at_checked(16) else { return false };
        let now = minute();
        [now, now - 1]
            .iter()
            .any(|minute| self.0.iter().any(|key| same(&mac(key, &[&minute.to_be_bytes(), nonce]), tag)))
    }
}

fn minute() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 60
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn only_a_mark_made_with_our_secrets_is_ours() {
        let secrets = Secrets::parse(&"s".repeat(40)).expect("valid");
        let other = Secrets::parse(&"o".repeat(40)).expect("valid");
        let is_ours = |mark: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static(HEADER), HeaderValue::from_str(mark).expect("visible"));
            Verifier::new(&secrets).is_ours(&headers)
        };
        assert!(is_ours(&mark(&secrets)));
        assert!(!is_ours(&mark(&other)));
        assert!(!is_ours("") && !is_ours("AAAA") && !is_ours("not base64!"));
    }
}
