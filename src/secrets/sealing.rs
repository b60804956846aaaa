//! Seals bytes with AES-256-GCM, so that whoever holds them can neither read nor change them.
//!
//! The nonce is random and stands in front. Random nonces of 96 bits are safe for some 2³² messages under one key (NIST SP
//! 800-38D, section 8.3), which is why every purpose has a key of its own.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::random;

/// Nonce, then ciphertext and tag. What it is `about` is bound to it and not contained.
///
/// # Panics
///
/// Beyond 64 GiB.
#[must_use]
pub fn seal(key: &[u8; 32], about: &[u8], plain: &[u8]) -> Vec<u8> {
    let nonce: [u8; NONCE_LEN] = random();
    let mut sealed = plain.to_vec();
    let done = cipher(key).map(|cipher| {
        cipher.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(about), &mut sealed)
    });
    assert!(matches!(done, Some(Ok(()))), "AES-256-GCM seals less than 64 GiB");
    [nonce.as_slice(), &sealed].concat()
}

/// What was sealed with one of these keys about the very same; `None` for anything else.
#[must_use]
pub fn unseal(keys: &[[u8; 32]], about: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
    keys.iter().find_map(|key| {
        let mut opened = sealed.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = cipher(key)?.open_in_place(nonce, Aad::from(about), &mut opened).ok()?;
        Some(plain.to_vec())
    })
}

fn cipher(key: &[u8; 32]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key).ok().map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_whole_with_its_own_key_and_about_the_same_only() {
        let (key, older) = ([1; 32], [2; 32]);
        let sealed = seal(&key, b"this", b"plain");
        assert_eq!(unseal(&[older, key], b"this", &sealed).as_deref(), Some(b"plain".as_slice()));
        assert_eq!(unseal(&[older], b"this", &sealed), None);
        assert_eq!(unseal(&[key], b"that", &sealed), None);
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert_eq!(unseal(&[key], b"this", &altered), None, "byte {at}");
            assert_eq!(unseal(&[key], b"this", &sealed[..at]), None, "the first {at} bytes");
        }
    }

    #[test]
    fn nothing_is_sealed_twice_alike() {
        assert_ne!(seal(&[1; 32], b"", b"plain"), seal(&[1; 32], b"", b"plain"));
    }
}
