//! Private keys at rest: AES-256-GCM under a key derived from `SECRETS`.
//!
//! The kid is bound to the sealed key, so that rows can't be exchanged.

use crate::secrets::{Purpose, Secrets, sealing};

/// A private key that was sealed, and whether with the newest secret.
pub(super) struct Unsealed {
    pub(super) private: Vec<u8>,
    pub(super) is_newest: bool,
}

/// Seals with the newest secret.
pub(super) fn seal(secrets: &Secrets, kid: &str, private: &[u8]) -> Vec<u8> {
    sealing::seal(&secrets.newest(Purpose::KeySealing), kid.as_bytes(), private)
}

/// Opens with whichever secret fits.
pub(super) fn unseal(secrets: &Secrets, kid: &str, sealed: &[u8]) -> Option<Unsealed> {
    secrets.all(Purpose::KeySealing).enumerate().find_map(|(index, key)| {
        let private = sealing::unseal(&[key], kid.as_bytes(), sealed)?;
        Some(Unsealed { private, is_newest: index == 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_the_same_secret_and_kid_only() {
        let secrets = |letter: &str| Secrets::parse(&letter.repeat(32)).expect("valid");
        let sealed = seal(&secrets("a"), "kid", b"private");
        let opened = unseal(&secrets("a"), "kid", &sealed).expect("opened");
        assert_eq!((opened.private.as_slice(), opened.is_newest), (b"private".as_slice(), true));
        let rotated = Secrets::parse(&format!("{},{}", "b".repeat(32), "a".repeat(32))).expect("valid");
        let opened = unseal(&rotated, "kid", &sealed).expect("an older secret still opens it");
        assert_eq!((opened.private.as_slice(), opened.is_newest), (b"private".as_slice(), false));
        assert!(unseal(&secrets("b"), "kid", &sealed).is_none());
        assert!(unseal(&secrets("a"), "another", &sealed).is_none());
    }
}
