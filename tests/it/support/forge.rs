//! A forger who has the server's own signing key: whatever such a token is refused for, it is not its signature.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query, sql_types};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use two_doors::secrets::{Purpose, Secrets};

use super::{TestApp, app::SECRET};

/// The newest signing key of a server, which must be one for ES256.
pub struct Forge {
    pub kid: String,
    key: EncodingKey,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = sql_types::Text)]
    kid: String,
    #[diesel(sql_type = sql_types::Binary)]
    sealed_private: Vec<u8>,
}

impl Forge {
    pub fn of(app: &TestApp) -> Self {
        let row: Row = sql_query("SELECT kid, sealed_private FROM signing_keys WHERE algorithm = 'ES256'")
            .get_result(&mut app.connect())
            .expect("one key");
        let sealing: [u8; 32] = Secrets::parse(SECRET).expect("valid").newest(Purpose::KeySealing);
        let (nonce, sealed) = row.sealed_private.split_at(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).expect("a nonce");
        let mut opened = sealed.to_vec();
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &sealing).expect("a key"));
        let private = key.open_in_place(nonce, Aad::from(row.kid.as_bytes()), &mut opened).expect("it opens");
        Self { key: EncodingKey::from_ec_der(private), kid: row.kid }
    }

    /// The header of the server's own tokens.
    pub fn header(&self) -> Value {
        json!({ "typ": "at+jwt", "alg": "ES256", "kid": self.kid })
    }

    /// A token with these parts, signed with ES256 whatever its header says.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// A token with these parts, which need not even be JSON.
    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        self.sign_message(&format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims)))
    }

    /// A token whose first two parts are these, as they stand.
    pub fn sign_message(&self, message: &str) -> String {
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, Algorithm::ES256).expect("signed");
        format!("{message}.{signature}")
    }
}

/// What a token says, unchecked.
pub fn claims(token: &str) -> Value {
    part(token, 1)
}

/// What a token's header says, unchecked.
pub fn header(token: &str) -> Value {
    part(token, 0)
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}
