//! Private keys at rest: AES-256-GCM under a key derived from `SECRETS`.
//!
//! A sealed key is nonce, ciphertext and tag. The kid is bound as associated data, so that rows can't be exchanged.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::secrets::{Purpose, Secrets, random};

/// A private key that was sealed, and whether with the newest secret.
pub(super) struct Unsealed {
    pub(super) private: Vec<u8>,
    pub(super) is_newest: bool,
}

/// Seals with the newest secret.
pub(super) fn seal(secrets: &Secrets, kid: &str, private: &[u8]) -> Vec<u8> {
    let nonce: [u8; NONCE_LEN] = random();
    let mut sealed = private.to_vec();
    let key = cipher(secrets.newest(Purpose::KeySealing));
    let done = key.map(|key| {
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(kid.as_bytes()), &mut sealed)
    });
    assert!(matches!(done, Some(Ok(()))), "AES-256-GCM seals less than 64 GiB");
    [nonce.as_slice(), &sealed].concat()
}

/// Opens with whichever secret fits.
pub(super) fn unseal(secrets: &Secrets, kid: &str, sealed: &[u8]) -> Option<Unsealed> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
    secrets.all(Purpose::KeySealing).enumerate().find_map(|(index, key)| {
        let mut opened = sealed.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let private = cipher(key)?.open_in_place(nonce, Aad::from(kid.as_bytes()), &mut opened).ok()?;
        Some(Unsealed { private: private.to_vec(), is_newest: index == 0 })
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
        let opened = unseal(&secrets("a"), "kid", &sealed).expect("opened");
        assert_eq!((opened.private.as_slice(), opened.is_newest), (b"private".as_slice(), true));
        let rotated = Secrets::parse(&format!("{},{}", "b".repeat(32), "a".repeat(32))).expect("valid");
        let opened = unseal(&rotated, "kid", &sealed).expect("an older secret still opens it");
        assert_eq!((opened.private.as_slice(), opened.is_newest), (b"private".as_slice(), false));
        assert!(unseal(&secrets("b"), "kid", &sealed).is_none());
        assert!(unseal(&secrets("a"), "another", &sealed).is_none());
    }
}
