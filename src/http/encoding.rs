//! Answers may always come as they are: whoever forbids that (`identity;q=0`) is not understood, which RFC 9110, 12.5.3
//! leaves to us. A refusal would be made before anybody knows whose answer it is, and fit neither door.

use actix_web::http::header::{ACCEPT_ENCODING, HeaderMap};

/// Leaves out what forbids an answer that is not compressed.
pub fn allow_plain(headers: &mut HeaderMap) {
    if headers.get_all(ACCEPT_ENCODING).any(|value| value.as_bytes().split(|byte| *byte == b',').any(forbids)) {
        headers.remove(ACCEPT_ENCODING);
    }
}

fn forbids(entry: &[u8]) -> bool {
    let mut parts = entry.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let is_plain = parts.next().is_some_and(|name| name == b"*" || name.eq_ignore_ascii_case(b"identity"));
    is_plain && parts.any(|part| part.strip_prefix(b"q=").or(part.strip_prefix(b"Q=")).is_some_and(is_zero))
}

fn is_zero(weight: &[u8]) -> bool {
    weight.iter().all(|byte| matches!(byte, b'0' | b'.'))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn is_kept(value: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(value));
        allow_plain(&mut headers);
        headers.contains_key(ACCEPT_ENCODING)
    }

    #[test]
    fn only_what_forbids_plain_answers_goes() {
        for value in ["gzip, br", "gzip;q=0", "identity;q=0.001", "*;q=0.5", "br;q=1, *;q=0.1", ""] {
            assert!(is_kept(value), "{value}");
        }
        for value in ["identity;q=0", "gzip, *; q=0.000", "Identity ;Q=0.0"] {
            assert!(!is_kept(value), "{value}");
        }
    }
}
