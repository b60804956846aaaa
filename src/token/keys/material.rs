//! One key: made, read from its private part, and what follows from that: what signs, what verifies, what is published.
//!
//! RSA keys have 3072 bits (128 bits of strength: ASVS 5.0, 11.2.3), HS256 keys 256. The public half always follows from the
//! private one and is never read from anywhere: who could write it would sign for us.

use aws_lc_rs::{
    encoding::AsDer as _,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    jwk::{Jwk, PublicKeyUse, ThumbprintHash},
};

use super::Error;
use crate::secrets::random;

const RSA_BITS_LEAST: usize = 3072;

/// A key in every form that is needed of it.
pub(super) struct Material {
    pub(super) algorithm: Algorithm,
    pub(super) kid: String,
    pub(super) signing: EncodingKey,
    pub(super) verifying: DecodingKey,
    /// What anybody may know; nothing for HS256, which has no public half.
    pub(super) jwk: Option<serde_json::Value>,
}

impl Material {
    /// Reads a private key: PKCS #8, or for HS256 the secret itself, whose kid can't follow from it and is `kid`.
    pub(super) fn read(algorithm: Algorithm, private: &[u8], kid: &str) -> Result<Self, Error> {
        let signing = encoding_key(algorithm, private)?;
        // excerpt: one_secret
        if algorithm == Algorithm::HS256 {
            let verifying = DecodingKey::from_secret(private);
            return Ok(Self { algorithm, kid: kid.to_owned(), signing, verifying, jwk: None });
        }
        // end excerpt
        let mut jwk = Jwk::from_encoding_key(&signing, algorithm).map_err(unusable)?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(unusable)?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        let verifying = DecodingKey::from_jwk(&jwk).map_err(unusable)?;
        let jwk = Some(serde_json::to_value(&jwk).map_err(unusable)?);
        Ok(Self { algorithm, kid, signing, verifying, jwk })
    }

    /// Makes a new key, and says its private part.
    pub(super) fn generate(algorithm: Algorithm) -> Result<(Self, Vec<u8>), Error> {
        let private = generate(algorithm).map_err(|_| Error::Unusable("no key could be made".to_owned()))?;
        // RFC 7638, section 7: a thumbprint of a secret would help to guess it.
        let kid = URL_SAFE_NO_PAD.encode(random::<24>());
        Ok((Self::read(algorithm, &private, &kid)?, private))
    }
}

/// Which algorithm a private key in PKCS #8 is for; an error says what is accepted.
pub(super) fn algorithm_of(private: &[u8]) -> Result<Algorithm, String> {
    if EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private).is_ok() {
        return Ok(Algorithm::ES256);
    }
    if Ed25519KeyPair::from_pkcs8(private).is_ok() {
        return Ok(Algorithm::EdDSA);
    }
    let accepted =
        format!("accepted are keys on the curve P-256, Ed25519 keys, and RSA keys from {RSA_BITS_LEAST} bits on");
    match RsaKeyPair::from_pkcs8(private) {
        Ok(pair) if pair.public_modulus_len() * 8 >= RSA_BITS_LEAST => Ok(Algorithm::RS256),
        Ok(pair) => Err(format!("its key has {} bits only; {accepted}", pair.public_modulus_len() * 8)),
        Err(_) => Err(format!("its key is of another kind; {accepted}")),
    }
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

fn unusable(error: impl ToString) -> Error {
    Error::Unusable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_makes_a_key_that_signs_and_verifies() {
        for algorithm in [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
            let (key, private) = Material::generate(algorithm).expect("a key");
            assert_eq!(key.jwk.is_none(), algorithm == Algorithm::HS256);
            let signature = jsonwebtoken::crypto::sign(b"message", &key.signing, algorithm).expect("signed");
            assert!(jsonwebtoken::crypto::verify(&signature, b"message", &key.verifying, algorithm).expect("checked"));
            assert!(!jsonwebtoken::crypto::verify(&signature, b"another", &key.verifying, algorithm).unwrap_or(false));
            assert_eq!(algorithm_of(&private).ok(), (algorithm != Algorithm::HS256).then_some(algorithm));
            assert_eq!(Material::read(algorithm, &private, &key.kid).expect("the same key").kid, key.kid);
        }
    }
}
