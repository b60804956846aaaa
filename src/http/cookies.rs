//! Which of the cookies that a browser sends are read at all: those whose name is what it looks like.
//!
//! A prefix such as `__Host-` (RFC 6265bis, 4.1.3) is worth what the browser checked, and it looks at the name as it is written.
//! The parser that everybody uses here decodes percent signs in names and trims any Unicode space around them, and so would take
//! `__Host%2Dsession`, which a sibling host may set, for the name that it may not. One pair that can't be read would hide
//! all others from it, too. So whatever could be read in two ways is left out before anybody reads.

use actix_web::{
    cookie::Cookie,
    http::header::{COOKIE, HeaderMap, HeaderValue},
};

/// Leaves the cookies in a request that can be read in one way only.
pub fn keep_plain(headers: &mut HeaderMap) {
    if headers.get_all(COOKIE).all(|header| pairs(header).all(is_plain)) {
        return;
    }
    let kept: Vec<&[u8]> = headers.get_all(COOKIE).flat_map(pairs).filter(|pair| is_plain(pair)).collect();
    let kept = HeaderValue::from_bytes(&kept.join(&b"; "[..]));
    headers.remove(COOKIE);
    if let Ok(kept) = kept
        && !kept.is_empty()
    {
        headers.insert(COOKIE, kept);
    }
}

fn pairs(header: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    header.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty())
}

/// A name of a token's characters (RFC 9110, 5.6.2) but `%`, and a value of visible ASCII that decodes to text.
fn is_plain(pair: &[u8]) -> bool {
    let Some(at) = pair.iter().position(|byte| *byte == b'=') else { return false };
    let (name, value) = (pair[..at].trim_ascii(), &pair[at + 1..]);
    let is_name =
        !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&'*+-.^_`|~".contains(byte));
    is_name && value.iter().all(|byte| (b' '..=b'~').contains(byte)) && decodes(pair, value)
}

fn decodes(pair: &[u8], value: &[u8]) -> bool {
    // Nearly always nothing is encoded but ASCII.
    let mut encoded = value.windows(2).filter(|bytes| bytes[0] == b'%').map(|bytes| bytes[1]);
    encoded.all(|digit| !matches!(digit, b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F'))
        || std::str::from_utf8(pair).is_ok_and(|pair| Cookie::parse_encoded(pair).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(sent: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut headers = HeaderMap::new();
        for header in sent {
            headers.append(COOKIE, HeaderValue::from_bytes(header).expect("a header"));
        }
        keep_plain(&mut headers);
        headers.get_all(COOKIE).map(|header| header.as_bytes().to_vec()).collect()
    }

    #[test]
    fn what_can_be_read_in_one_way_stays_as_it_came() {
        for plain in
            ["session=a%3Db; visitor=x", "__Host-session=abc", "a=; b==;  c=\"quoted\" ; d=%C3%A9; e=100%; f=%zz", ""]
        {
            assert_eq!(kept(&[plain.as_bytes()]), [plain.as_bytes()], "{plain}");
        }
        assert_eq!(kept(&[b"a=1", b"b=2"]), [b"a=1", b"b=2"]);
    }

    #[test]
    fn a_name_that_is_written_otherwise_than_it_is_read_goes_and_takes_nothing_along() {
        for odd in [
            "__Host%2Dsession=planted",
            "%5F_Host-session=planted",
            "\u{2000}__Host-session=planted",
            "\u{a0}__Host-session=planted",
            "__Host-session\u{3000}=planted",
            "__Host-session\u{b}=planted",
            "a b=planted",
            "=planted",
            "planted",
            "x=\u{e9}",
            "x=%FF",
            "x=%e9",
        ] {
            let sent = format!("a=1; {odd}; b=2");
            if HeaderValue::from_bytes(sent.as_bytes()).is_ok() {
                assert_eq!(kept(&[sent.as_bytes()]), [b"a=1; b=2"], "{odd}");
            }
        }
        assert_eq!(kept(&[b"x=\xff", b"a=1"]), [b"a=1"]);
        assert!(kept(&[b"planted"]).is_empty());
    }
}
