//! A token that nobody issued: what `/inspect` shows until the browser turns out to have one of its own.
//!
//! It is built and as long as this server's are by default, so that nothing on the page moves when the real one takes its place.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::CLAIMS;
use crate::http::origin::Site;

/// Of the length that ES256 and `EdDSA` give.
const SIGNATURE: &str = "ThisIsNoSignatureOfAnybodyButAsLongAsOneIsWithES256OrEdDSAwhichIsSixtyFourBytesOfNoise";
const ISSUED: (i64, &str) = (1_767_225_600, "2026-01-01T00:00:00.000Z");
const EXPIRED: (i64, &str) = (1_767_226_500, "2026-01-01T00:15:00.000Z");

pub(super) struct Example {
    pub header: [Line; 3],
    pub payload: [Line; 12],
    pub signature: &'static str,
}

/// A member of one of the parts.
pub(super) struct Line {
    pub name: &'static str,
    value: Value,
    /// The same instant for people, if it is one.
    date: Option<&'static str>,
}

impl Example {
    /// One that this site's API might have issued.
    pub fn of(site: &Site) -> Self {
        let api = site.api_address();
        let line = |name, value| Line { name, value, date: None };
        let instant = |name, (at, date)| Line { name, value: json!(at), date: Some(date) };
        let id = |last: u8| json!(format!("00000000-0000-4000-8000-00000000000{last}"));
        Self {
            header: [
                line("typ", json!("at+jwt")),
                line("alg", json!("ES256")),
                line("kid", json!("NoKeyOfAnybodyButAsLongAsAThumbprintOfOneIs")),
            ],
            payload: [
                line("iss", json!(api)),
                line("aud", json!(format!("{api}/api"))),
                line("sub", id(1)),
                line("client_id", json!("two-doors")),
                line("role", json!("user")),
                line("sid", id(2)),
                line("ver", json!(1)),
                instant("auth_time", ISSUED),
                line("jti", id(3)),
                instant("iat", ISSUED),
                instant("nbf", ISSUED),
                instant("exp", EXPIRED),
            ],
            signature: SIGNATURE,
        }
    }

    pub fn head(&self) -> String {
        encoded(&self.header)
    }

    pub fn body(&self) -> String {
        encoded(&self.payload)
    }
}

impl Line {
    pub fn shown(&self) -> String {
        self.value.to_string() + &self.date.map(|date| format!(" = {date}")).unwrap_or_default()
    }

    pub fn meaning(&self) -> &'static str {
        CLAIMS.iter().find(|(name, _)| *name == self.name).map_or("", |(_, meaning)| meaning)
    }
}

/// JSON in base64url, in the order of the lines.
fn encoded(lines: &[Line]) -> String {
    let members: Vec<String> = lines.iter().map(|line| format!("{:?}:{}", line.name, line.value)).collect();
    URL_SAFE_NO_PAD.encode(format!("{{{}}}", members.join(",")))
}
