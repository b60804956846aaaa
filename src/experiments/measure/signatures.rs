//! Signing and checking a token, with fresh keys of every algorithm that the token door may be configured with.
//!
//! Done with the library that the door uses, on the claims of a real token: what is timed is the making or the reading of a whole
//! token, JSON and base64 included. RSA keys are measured with 2048 bits as well, which many issuers use, and which this
//! server refuses.

use aws_lc_rs::{
    encoding::AsDer as _,
    error::Unspecified,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode, errors, jwk::Jwk};
use serde_json::Value;

use super::{
    Unmeasured,
    sample::{Sample, Unit, repeat},
};
use crate::secrets::random;

/// What is measured: an algorithm with a size of key, if it has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// One secret for both.
    Hs256,
    /// ECDSA on the curve P-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSA with 2048 bits.
    Rs256With2048,
    /// RSA with 3072 bits, as strong as the curves.
    Rs256With3072,
}

/// What one of them costs.
#[derive(Debug, Clone)]
pub struct Signature {
    /// Which one.
    pub scheme: Scheme,
    /// Making a token.
    pub sign: Sample,
    /// Checking it.
    pub verify: Sample,
    /// How long the token is.
    pub bytes: usize,
}

struct Keys {
    algorithm: Algorithm,
    signing: EncodingKey,
    verifying: DecodingKey,
}

impl Scheme {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Hs256, Self::Es256, Self::EdDsa, Self::Rs256With2048, Self::Rs256With3072];

    /// As it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Rs256With2048 => "RS256, 2048 bits",
            Self::Rs256With3072 => "RS256, 3072 bits",
        }
    }

    fn keys(self) -> Result<Keys, Unmeasured> {
        let failed = |_: Unspecified| Unmeasured(format!("no {} key could be made", self.name()));
        let algorithm = self.algorithm();
        let signing = match self {
            Self::Hs256 => {
                let secret = random::<32>();
                let signing = EncodingKey::from_secret(&secret);
                return Ok(Keys { algorithm, signing, verifying: DecodingKey::from_secret(&secret) });
            }
            Self::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
                EncodingKey::from_ec_der(pair.to_pkcs8v1().map_err(failed)?.as_ref())
            }
            Self::EdDsa => {
                let pair = Ed25519KeyPair::generate().map_err(failed)?;
                EncodingKey::from_ed_der(pair.to_pkcs8v1().map_err(failed)?.as_ref())
            }
            Self::Rs256With2048 => rsa(KeySize::Rsa2048).map_err(failed)??,
            Self::Rs256With3072 => rsa(KeySize::Rsa3072).map_err(failed)??,
        };
        let jwk = Jwk::from_encoding_key(&signing, algorithm)?;
        Ok(Keys { algorithm, verifying: DecodingKey::from_jwk(&jwk)?, signing })
    }

    fn algorithm(self) -> Algorithm {
        match self {
            Self::Hs256 => Algorithm::HS256,
            Self::Es256 => Algorithm::ES256,
            Self::EdDsa => Algorithm::EdDSA,
            Self::Rs256With2048 | Self::Rs256With3072 => Algorithm::RS256,
        }
    }
}

/// The PEM reader unwraps PKCS #8; `from_rsa_der` would want PKCS #1.
fn rsa(size: KeySize) -> Result<Result<EncodingKey, Unmeasured>, Unspecified> {
    let private = STANDARD.encode(RsaKeyPair::generate(size)?.as_der()?.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{private}\n-----END PRIVATE KEY-----\n");
    Ok(EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(Unmeasured::from))
}

impl From<errors::Error> for Unmeasured {
    fn from(error: errors::Error) -> Self {
        Self(format!("a token could not be made or read: {error}"))
    }
}

/// Measures all schemes on these claims, on this thread.
pub fn measure(claims: &Value, n: usize) -> Result<Vec<Signature>, Unmeasured> {
    Scheme::ALL.into_iter().map(|scheme| one(scheme, claims, n)).collect()
}

fn one(scheme: Scheme, claims: &Value, n: usize) -> Result<Signature, Unmeasured> {
    let keys = scheme.keys()?;
    let header = Header { kid: Some("a".repeat(43)), typ: Some("at+jwt".to_owned()), ..Header::new(keys.algorithm) };
    let token = encode(&header, claims, &keys.signing)?;
    // The clock and the names are compared by whoever reads the claims; here only the signature counts.
    let mut validation = Validation::new(keys.algorithm);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    // excerpt: timed
    let signed = repeat(n, || encode(&header, claims, &keys.signing))?;
    let verified = repeat(n, || decode::<Value>(&token, &keys.verifying, &validation))?;
    let sample = |times: &[_]| {
        Sample::of(times, Unit::Microseconds).ok_or_else(|| Unmeasured("nothing was to be measured".to_owned()))
    };
    // end excerpt
    Ok(Signature { scheme, sign: sample(&signed)?, verify: sample(&verified)?, bytes: token.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_is_measured_and_its_token_is_as_long_as_its_signature_makes_it() {
        let measured = measure(&serde_json::json!({ "sub": "somebody" }), 3).expect("measured");
        let bytes: Vec<usize> = measured.iter().map(|one| one.bytes).collect();
        assert_eq!(measured.iter().map(|one| one.scheme).collect::<Vec<_>>(), Scheme::ALL);
        assert!(measured.iter().all(|one| one.sign.n == 3 && one.verify.n == 3 && one.sign.median > 0.0));
        // Signatures of 32, 64, 64, 256 and 384 bytes, in base64url.
        let longer: Vec<usize> = bytes.iter().map(|length| length - bytes[0]).collect();
        assert_eq!(longer, [0, 43, 43, 299, 469]);
    }
}
