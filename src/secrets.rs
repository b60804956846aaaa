//! The one configured secret, and the keys derived from it.
//!
//! `SECRETS` is a list, newest first: everything new is made with the newest, everything older is still understood, so a
//! secret can be changed without logging anybody out. No purpose uses a secret as it is: each takes a key of its own from
//! HKDF-SHA-256 (RFC 5869) under a label of its own, so that what one purpose leaks says nothing about another.
//!
//! Limit: who reads the secret can forge every cookie and unseal every signing key.

pub mod sealing;

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    digest::{SHA256, digest},
    hkdf::{HKDF_SHA256, KeyType, Salt},
    hmac,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// What a derived key is for: its HKDF label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Signs the session cookie.
    SessionCookie,
    /// Signs the token in every form of the site.
    FormToken,
    /// Signs the flash cookie.
    Flash,
    /// Seals the private parts of the signing keys.
    KeySealing,
    /// Yields the passwords of the demo accounts.
    DemoPassword,
    /// Signs the mark of our own experiments' requests.
    OwnClient,
    /// Signs the token that a browser's unsafe call to the API carries.
    CsrfToken,
    /// Signs what a device that has logged in is known by.
    Device,
    /// Signs what a browser has been told of new devices.
    Acknowledgement,
    /// Is the secret of the service under which our own experiments follow the feed of endings.
    OwnService,
    /// Seals the form that a page keeps while it asks for the password again.
    KeptForm,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::SessionCookie => b"two-doors session cookie",
            Self::FormToken => b"two-doors form token",
            Self::Flash => b"two-doors flash",
            Self::KeySealing => b"two-doors key sealing",
            Self::DemoPassword => b"two-doors demo password",
            Self::OwnClient => b"two-doors own client",
            Self::CsrfToken => b"two-doors csrf token",
            Self::Device => b"two-doors device",
            Self::Acknowledgement => b"two-doors acknowledgement",
            Self::OwnService => b"two-doors own service",
            Self::KeptForm => b"two-doors kept form",
        }
    }
}

/// The configured secrets, newest first; at least one. Never printed.
#[derive(Clone)]
pub struct Secrets(Arc<[String]>);

/// The fewest bytes a secret may have: 256 bits, as RFC 7518, section 3.2 asks of an HS256 key.
pub const SECRET_MIN_BYTES: usize = 32;

impl Secrets {
    /// Reads a comma-separated list, newest first; `None` if it is empty or one of them is too short.
    #[must_use]
    // excerpt: length
    pub fn parse(list: &str) -> Option<Self> {
        let secrets: Arc<[String]> = list.split(',').map(|secret| secret.trim().to_owned()).collect();
        secrets.iter().all(|secret| secret.len() >= SECRET_MIN_BYTES).then_some(Self(secrets))
    }
    // end excerpt

    /// Makes one new random secret, in the form that [`Secrets::parse`] reads.
    #[must_use]
    pub fn generate() -> String {
        URL_SAFE_NO_PAD.encode(random::<48>())
    }

    /// The key of `LENGTH` bytes for this purpose, from the newest secret.
    #[must_use]
    pub fn newest<const LENGTH: usize>(&self, purpose: Purpose) -> [u8; LENGTH] {
        derive(&self.0[0], purpose)
    }

    /// The keys for this purpose from every secret, newest first.
    pub fn all<const LENGTH: usize>(&self, purpose: Purpose) -> impl Iterator<Item = [u8; LENGTH]> + '_ {
        self.0.iter().map(move |secret| derive(secret, purpose))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} redacted]", self.0.len())
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derive<const LENGTH: usize>(secret: &str, purpose: Purpose) -> [u8; LENGTH] {
    let mut key = [0; LENGTH];
    let filled = Salt::new(HKDF_SHA256, b"")
        .extract(secret.as_bytes())
        .expand(&[purpose.label()], Length(LENGTH))
        .and_then(|okm| okm.fill(&mut key));
    assert!(filled.is_ok(), "HKDF gives at most 255 hashes' length, and {LENGTH} bytes are less");
    key
}

/// Bytes in hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 0xf)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// Random bytes of the operating system's generator.
///
/// # Panics
///
/// If the system has none to give.
#[must_use]
pub fn random<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    assert!(aws_lc_rs::rand::fill(&mut bytes).is_ok(), "a system without randomness is no place to log anybody in");
    bytes
}

/// SHA-256 of some bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// HMAC-SHA-256 of a message whose parts are told apart by their lengths, so that no two lists of parts give one message.
#[must_use]
pub fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut tag = [0; 32];
    tag.copy_from_slice(context.sign().as_ref());
    tag
}

/// Compares two secrets in a time that depends on their lengths only.
#[must_use]
pub fn same(left: &[u8], right: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(left, right).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_with_a_short_secret_is_refused() {
        assert!(Secrets::parse("").is_none());
        assert!(Secrets::parse(&format!("{},short", "x".repeat(32))).is_none());
        assert!(Secrets::parse(&format!("{}, {}", "x".repeat(32), "y".repeat(40))).is_some());
    }

    #[test]
    fn every_purpose_and_every_secret_gives_another_key() {
        let secrets = Secrets::parse(&format!("{},{}", "x".repeat(32), "y".repeat(32))).expect("valid");
        let cookie: Vec<[u8; 32]> = secrets.all(Purpose::SessionCookie).collect();
        assert_eq!(cookie[0], secrets.newest(Purpose::SessionCookie));
        assert_ne!(cookie[0], cookie[1]);
        let purposes = [
            Purpose::SessionCookie,
            Purpose::FormToken,
            Purpose::Flash,
            Purpose::KeySealing,
            Purpose::DemoPassword,
            Purpose::OwnClient,
            Purpose::CsrfToken,
            Purpose::Device,
            Purpose::Acknowledgement,
            Purpose::OwnService,
            Purpose::KeptForm,
        ];
        let keys: std::collections::BTreeSet<[u8; 32]> = purposes.into_iter().map(|one| secrets.newest(one)).collect();
        assert_eq!(keys.len(), purposes.len());
    }

    #[test]
    fn a_mac_tells_the_parts_of_a_message_apart() {
        assert_ne!(mac(b"key", &[b"ab", b"c"]), mac(b"key", &[b"a", b"bc"]));
    }

    #[test]
    fn secrets_are_never_printed() {
        let secrets = Secrets::parse(&"s".repeat(32)).expect("valid");
        assert_eq!(format!("{secrets:?}"), "[1 redacted]");
    }
}
