//! Other texts of the same token: an ECDSA signature's twin, and the dead bits of the last letter.

use serde_json::Value;

use crate::experiments::lab::{
    Stopped,
    parts::{join, parts},
};

/// The order of P-256's group (FIPS 186-5, SP 800-186 3.2.1.3), big-endian.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The token with (r, n − s) for (r, s); none if it is not signed with ES256.
pub fn of(token: &str, header: &Value) -> Result<Option<String>, Stopped> {
    let mut whole = parts(token)?;
    if header["alg"] != "ES256" || whole[2].len() != 64 {
        return Ok(None);
    }
    let (_, s) = whole[2].split_at_mut(32);
    subtract_from_order(s);
    Ok(Some(join(&whole)))
}

/// Puts n − s in the place of s.
fn subtract_from_order(s: &mut [u8]) {
    let mut borrow = false;
    for (digit, order) in s.iter_mut().zip(ORDER).rev() {
        let (difference, first) = order.overflowing_sub(*digit);
        let (difference, second) = difference.overflowing_sub(u8::from(borrow));
        (*digit, borrow) = (difference, first || second);
    }
}

/// The token with every other last letter that decodes to the same bytes, for a decoder that lets it.
pub fn dead_bits(token: &str) -> Vec<String> {
    let Some((rest, signature)) = token.rsplit_once('.') else { return Vec::new() };
    let Some(last) = signature.bytes().last() else { return Vec::new() };
    let Some(value) = ALPHABET.iter().position(|letter| *letter == last) else { return Vec::new() };
    let dead = signature.len() * 6 % 8;
    let stem = &signature[..signature.len() - 1];
    let others = (1..1 << dead).map(|bits| char::from(ALPHABET[value ^ bits]));
    others.map(|letter| format!("{rest}.{stem}{letter}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_twin_of_the_twin_is_the_signature_itself() {
        let signature: Vec<u8> = (0..64).collect();
        let token = join(&[b"{}".to_vec(), b"{}".to_vec(), signature]);
        let header = serde_json::json!({ "alg": "ES256" });
        let twin = of(&token, &header).expect("three parts").expect("a twin");
        assert_ne!(twin, token);
        assert_eq!(of(&twin, &header).expect("three parts"), Some(token.clone()));
        assert_eq!(of(&token, &serde_json::json!({ "alg": "RS256" })).expect("three parts"), None);
        let mut one = [0; 32];
        one[31] = 1;
        subtract_from_order(&mut one);
        assert_eq!((one[31], &one[..31]), (0x50, &ORDER[..31]));
    }

    #[test]
    fn a_last_letter_has_as_many_others_as_its_dead_bits_say() {
        for (bytes, others) in [(64, 15), (32, 3), (384, 0)] {
            let token = join(&[b"{}".to_vec(), b"{}".to_vec(), vec![7; bytes]]);
            assert_eq!(dead_bits(&token).len(), others, "{bytes} bytes");
            assert!(dead_bits(&token).iter().all(|other| parts(other).is_err()), "a strict decoder refuses them");
        }
    }
}
