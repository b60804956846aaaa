//! The keys that sign access tokens, and the public halves that verify them.
//!
//! Keys are rows, so that instances agree; their private parts are sealed with AES-256-GCM under a key derived from `SECRETS`,
//! so that who reads the table can sign nothing. Each key names its algorithm, and a token is checked with the algorithm of
//! the key that its `kid` names. RSA keys have 3072 bits (128 bits of strength: ASVS 5.0, 11.2.3), HS256 keys 256.

use std::collections::HashMap;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    encoding::AsDer as _,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use diesel::prelude::*;
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header,
    jwk::{Jwk, PublicKeyUse, ThumbprintHash},
};
use serde_json::json;

use super::access::{Claims, TYPE};
use crate::{
    db::{self, schema::signing_keys},
    secrets::{Purpose, Secrets, random},
};

/// All keys that this instance knows.
pub struct Keyring {
    signing: (String, Algorithm, EncodingKey),
    verifying: HashMap<String, VerifyingKey>,
    jwks: serde_json::Value,
}

/// What verifies one key's tokens.
pub struct VerifyingKey {
    /// The only algorithm that its tokens may name.
    pub algorithm: Algorithm,
    /// The public key, or the shared secret.
    pub verifying: DecodingKey,
}

/// Why there is no usable key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The table can't be read.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// None of `SECRETS` opens it.
    #[error(
        "signing key {0} was sealed with another secret: put that secret at the end of SECRETS, or delete the key's row in signing_keys"
    )]
    Sealed(String),
    /// It could not be made or read.
    #[error("a signing key can't be used: {0}")]
    Unusable(String),
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring").field("signing", &self.signing.0).finish_non_exhaustive()
    }
}

impl Keyring {
    /// Reads the keys; makes the first one for this algorithm, if there is none. Call it under the migration lock.
    pub fn load(conn: &mut PgConnection, secrets: &Secrets, algorithm: Algorithm) -> Result<Self, Error> {
        let mut keys = read(conn, secrets)?;
        if !keys.iter().any(|key| key.algorithm == algorithm) {
            make(conn, secrets, algorithm)?;
            keys = read(conn, secrets)?;
        }
        let newest = keys.iter().rev().find(|key| key.algorithm == algorithm);
        let newest = newest.ok_or_else(|| Error::Unusable("the new key is not there".to_owned()))?;
        let signing = (newest.kid.clone(), algorithm, newest.signing.clone());
        let jwks = json!({ "keys": keys.iter().filter_map(|key| key.jwk.clone()).collect::<Vec<_>>() });
        let verifying =
            keys.into_iter().map(|key| (key.kid, VerifyingKey { algorithm: key.algorithm, verifying: key.verifying }));
        Ok(Self { signing, verifying: verifying.collect(), jwks })
    }

    /// The key that a token names.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&VerifyingKey> {
        self.verifying.get(kid)
    }

    /// The public keys (RFC 7517). HS256 keys have no public half and are never among them.
    #[must_use]
    pub fn jwks(&self) -> &serde_json::Value {
        &self.jwks
    }

    pub(super) fn sign(&self, claims: &Claims) -> jsonwebtoken::errors::Result<String> {
        let (kid, algorithm, key) = &self.signing;
        let mut header = Header::new(*algorithm);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(kid.clone());
        jsonwebtoken::encode(&header, claims, key)
    }
}

struct Key {
    kid: String,
    algorithm: Algorithm,
    signing: EncodingKey,
    verifying: DecodingKey,
    jwk: Option<serde_json::Value>,
}

/// Every key that is not retired, oldest first.
fn read(conn: &mut PgConnection, secrets: &Secrets) -> Result<Vec<Key>, Error> {
    let rows: Vec<(String, String, Vec<u8>)> = signing_keys::table
        .filter(signing_keys::retired_at.is_null())
        .order(signing_keys::created_at)
        .select((signing_keys::kid, signing_keys::algorithm, signing_keys::sealed_private))
        .load(conn)
        .map_err(db::Error::from)?;
    rows.into_iter()
        .map(|(kid, algorithm, sealed)| {
            let algorithm: Algorithm = algorithm.parse().map_err(unusable)?;
            let private = unseal(secrets, &kid, sealed).ok_or_else(|| Error::Sealed(kid.clone()))?;
            let signing = encoding_key(algorithm, &private)?;
            let (verifying, jwk) = public_half(&signing, algorithm, &kid, &private)?;
            Ok(Key { kid, algorithm, signing, verifying, jwk })
        })
        .collect()
}

fn make(conn: &mut PgConnection, secrets: &Secrets, algorithm: Algorithm) -> Result<(), Error> {
    let private = generate(algorithm).map_err(|_| Error::Unusable("no key could be made".to_owned()))?;
    let signing = encoding_key(algorithm, &private)?;
    let (kid, jwk) = if algorithm == Algorithm::HS256 {
        // RFC 7638, section 7: a thumbprint of a secret would help to guess it.
        (URL_SAFE_NO_PAD.encode(random::<24>()), None)
    } else {
        let jwk = Jwk::from_encoding_key(&signing, algorithm).map_err(unusable)?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(unusable)?;
        (kid.clone(), public_half(&signing, algorithm, &kid, &private)?.1)
    };
    diesel::insert_into(signing_keys::table)
        .values((
            signing_keys::kid.eq(&kid),
            signing_keys::algorithm.eq(format!("{algorithm:?}")),
            signing_keys::public_jwk.eq(jwk),
            signing_keys::sealed_private.eq(seal(secrets, &kid, &private)),
        ))
        .execute(conn)
        .map_err(db::Error::from)?;
    tracing::info!(kid, ?algorithm, "a signing key was made");
    Ok(())
}

fn generate(algorithm: Algorithm) -> Result<Vec<u8>, aws_lc_rs::error::Unspecified> {
    Ok(match algorithm {
        Algorithm::HS256 => random::<32>().to_vec(),
        Algorithm::EdDSA => Ed25519KeyPair::generate()?.to_pkcs8v1()?.as_ref().to_vec(),
        Algorithm::RS256 => RsaKeyPair::generate(KeySize::Rsa3072)?.as_der()?.as_ref().to_vec(),
        _ => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?.to_pkcs8v1()?.as_ref().to_vec(),
    })
}

fn encoding_key(algorithm: Algorithm, private: &[u8]) -> Result<EncodingKey, Error> {
    Ok(match algorithm {
        Algorithm::HS256 => EncodingKey::from_secret(private),
        Algorithm::EdDSA => EncodingKey::from_ed_der(private),
        // `from_rsa_der` wants PKCS #1; the PEM reader unwraps the PKCS #8 that keys are stored as.
        Algorithm::RS256 => {
            let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(private));
            EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(unusable)?
        }
        _ => EncodingKey::from_ec_der(private),
    })
}

/// What verifies, and what is published of it.
fn public_half(
    signing: &EncodingKey,
    algorithm: Algorithm,
    kid: &str,
    private: &[u8],
) -> Result<(DecodingKey, Option<serde_json::Value>), Error> {
    if algorithm == Algorithm::HS256 {
        return Ok((DecodingKey::from_secret(private), None));
    }
    let mut jwk = Jwk::from_encoding_key(signing, algorithm).map_err(unusable)?;
    jwk.common.key_id = Some(kid.to_owned());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    let verifying = DecodingKey::from_jwk(&jwk).map_err(unusable)?;
    Ok((verifying, Some(serde_json::to_value(&jwk).map_err(unusable)?)))
}

fn unusable(error: impl ToString) -> Error {
    Error::Unusable(error.to_string())
}

/// Nonce, then ciphertext and tag; the kid is bound as associated data, so that rows can't be exchanged.
fn seal(secrets: &Secrets, kid: &str, private: &[u8]) -> Vec<u8> {
    let nonce: [u8; NONCE_LEN] = random();
    let mut sealed = private.to_vec();
    let key = cipher(secrets.newest(Purpose::KeySealing));
    let done = key.map(|key| {
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(kid.as_bytes()), &mut sealed)
    });
    assert!(matches!(done, Some(Ok(()))), "AES-256-GCM seals less than 64 GiB");
    [nonce.as_slice(), &sealed].concat()
}

fn unseal(secrets: &Secrets, kid: &str, sealed: Vec<u8>) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
    secrets.all(Purpose::KeySealing).find_map(|key| {
        let mut opened = sealed.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let private = cipher(key)?.open_in_place(nonce, Aad::from(kid.as_bytes()), &mut opened).ok()?;
        Some(private.to_vec())
    })
}

fn cipher(key: [u8; 32]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, &key).ok().map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_the_same_secret_and_kid_only() {
        let secrets = |letter: &str| Secrets::parse(&letter.repeat(32)).expect("valid");
        let sealed = seal(&secrets("a"), "kid", b"private");
        assert_eq!(unseal(&secrets("a"), "kid", sealed.clone()).as_deref(), Some(b"private".as_slice()));
        let rotated = Secrets::parse(&format!("{},{}", "b".repeat(32), "a".repeat(32))).expect("valid");
        assert!(unseal(&rotated, "kid", sealed.clone()).is_some(), "an older secret still opens it");
        assert!(unseal(&secrets("b"), "kid", sealed.clone()).is_none());
        assert!(unseal(&secrets("a"), "another", sealed).is_none());
    }

    #[test]
    fn every_algorithm_makes_a_key_that_signs_and_verifies() {
        for algorithm in [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
            let private = generate(algorithm).expect("a key");
            let signing = encoding_key(algorithm, &private).expect("usable");
            let (verifying, jwk) = public_half(&signing, algorithm, "kid", &private).expect("a public half");
            assert_eq!(jwk.is_none(), algorithm == Algorithm::HS256);
            let signature = jsonwebtoken::crypto::sign(b"message", &signing, algorithm).expect("signed");
            assert!(jsonwebtoken::crypto::verify(&signature, b"message", &verifying, algorithm).expect("checked"));
            assert!(!jsonwebtoken::crypto::verify(&signature, b"another", &verifying, algorithm).unwrap_or(false));
        }
    }
}
