//! The session cookie's name, signature and life in the browser.
//!
//! The key in it is 256 random bits, so the signature adds no strength: it spares the database the look-ups of made-up keys,
//! and it is what actix-session expects. Cookies signed with an older secret are signed anew, so that changing `SECRETS` logs
//! nobody out. Where a browser sends two cookies of our name (on plain http a sibling can plant one with a longer path),
//! the last one that we signed counts: ours has the shortest path, and browsers send it last.

use actix_web::{
    cookie::{Cookie, CookieJar, Key, SameSite, time::Duration},
    http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE},
};

use crate::secrets::{Purpose, Secrets};

/// The cookie, as configured.
#[derive(Clone)]
pub struct SessionCookie {
    pub name: &'static str,
    pub secure: bool,
    pub key: Key,
    older: Vec<Key>,
}

impl std::fmt::Debug for SessionCookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionCookie").field("name", &self.name).finish_non_exhaustive()
    }
}

impl SessionCookie {
    // excerpt: name
    pub fn new(secrets: &Secrets, https: bool) -> Self {
        // excerpt: secret
        let mut keys = secrets.all::<64>(Purpose::SessionCookie).map(|key| Key::from(&key));
        let key = keys.next().unwrap_or_else(Key::generate);
        Self { name: if https { "__Host-session" } else { "session" }, secure: https, key, older: keys.collect() }
        // end excerpt
    }
    // end excerpt

    /// Leaves at most one session cookie in the request, signed with the newest secret; tells whether it had to be re-signed.
    pub fn normalize(&self, headers: &mut HeaderMap) -> Option<Cookie<'static>> {
        // Nearly always there is one, signed with the only secret: then nothing need be taken apart.
        if self.older.is_empty() && self.may_be_in(headers) <= 1 {
            return None;
        }
        let sent: Vec<Cookie<'static>> = headers
            .get_all(COOKIE)
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| Cookie::parse_encoded(pair.trim().to_owned()).ok())
            .collect();
        let (ours, others): (Vec<_>, Vec<_>) = sent.into_iter().partition(|cookie| cookie.name() == self.name);
        if ours.is_empty() || (ours.len() == 1 && self.older.is_empty()) {
            return None;
        }
        let newest = ours.iter().rev().find(|cookie| self.plain(cookie, &self.key).is_some());
        let (kept, resigned) = match newest {
            Some(cookie) => (Some(cookie.clone()), None),
            None => {
                let signed = ours.iter().rev().find_map(|cookie| {
                    self.older.iter().find_map(|key| self.plain(cookie, key)).map(|key| self.sign(key))
                });
                (signed.clone(), signed)
            }
        };
        let header = others.iter().chain(&kept).map(|cookie| cookie.stripped().encoded().to_string());
        let header = header.collect::<Vec<_>>().join("; ");
        headers.remove(COOKIE);
        if let Ok(value) = HeaderValue::from_str(&header) {
            headers.insert(COOKIE, value);
        }
        resigned
    }

    /// How many cookies may be ours: those of our name, and those whose name is encoded.
    fn may_be_in(&self, headers: &HeaderMap) -> usize {
        let ours = |pair: &&[u8]| {
            let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
            name == self.name.as_bytes() || name.contains(&b'%')
        };
        headers.get_all(COOKIE).map(|header| header.as_bytes().split(|byte| *byte == b';').filter(ours).count()).sum()
    }

    fn plain(&self, cookie: &Cookie<'static>, key: &Key) -> Option<String> {
        let mut jar = CookieJar::new();
        jar.add_original(cookie.clone());
        jar.signed(key).get(self.name).map(|cookie| cookie.value().to_owned())
    }

    /// Signs a value, with the very attributes that actix-session gives its cookie.
    fn sign(&self, value: String) -> Cookie<'static> {
        let cookie = Cookie::build(self.name, value)
            .path("/")
            .secure(self.secure)
            .http_only(true)
            .same_site(SameSite::Lax)
            .finish();
        let mut jar = CookieJar::new();
        jar.signed_mut(&self.key).add(cookie.clone());
        jar.get(self.name).cloned().unwrap_or(cookie)
    }

    /// Appends a cookie to an answer.
    pub fn set(headers: &mut HeaderMap, cookie: &Cookie<'_>) {
        if let Ok(value) = HeaderValue::from_str(&cookie.encoded().to_string()) {
            headers.append(SET_COOKIE, value);
        }
    }

    /// Whether an answer sets our cookie, or removes it.
    pub fn is_set_in(&self, headers: &HeaderMap) -> bool {
        headers.get_all(SET_COOKIE).any(|value| self.is_ours(value))
    }

    /// Takes our cookie out of an answer.
    pub fn withdraw(&self, headers: &mut HeaderMap) {
        self.rewrite(headers, |_| None);
    }

    /// Lets our cookie outlive the browser by this much; a removal stays a removal.
    pub fn remember(&self, headers: &mut HeaderMap, max_age: Duration) {
        self.rewrite(headers, |value| {
            let text = value.to_str().ok()?;
            if text.contains("Max-Age=") {
                return Some(value.clone());
            }
            HeaderValue::from_str(&format!("{text}; Max-Age={}", max_age.whole_seconds().max(0))).ok()
        });
    }

    fn is_ours(&self, value: &HeaderValue) -> bool {
        value.as_bytes().strip_prefix(self.name.as_bytes()).is_some_and(|rest| rest.starts_with(b"="))
    }

    fn rewrite(&self, headers: &mut HeaderMap, ours: impl Fn(&HeaderValue) -> Option<HeaderValue>) {
        let values: Vec<HeaderValue> = headers.get_all(SET_COOKIE).cloned().collect();
        headers.remove(SET_COOKIE);
        for value in values {
            let value = if self.is_ours(&value) { ours(&value) } else { Some(value) };
            if let Some(value) = value {
                headers.append(SET_COOKIE, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(secrets: &[&str]) -> SessionCookie {
        let list = secrets.iter().map(|letter| letter.repeat(32)).collect::<Vec<_>>().join(",");
        SessionCookie::new(&Secrets::parse(&list).expect("valid"), false)
    }

    fn normalized(of: &SessionCookie, header: &str) -> (Vec<String>, bool) {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_str(header).expect("visible"));
        let resigned = of.normalize(&mut headers).is_some();
        let header = headers.get(COOKIE).map_or("", |value| value.to_str().expect("visible")).to_owned();
        let values = header
            .split(';')
            .filter_map(|pair| Cookie::parse_encoded(pair.trim().to_owned()).ok())
            .map(|cookie| of.plain(&cookie, &of.key).unwrap_or_default())
            .collect();
        (values, resigned)
    }

    #[test]
    fn of_several_cookies_the_last_one_that_we_signed_counts() {
        let ours = cookie(&["a"]);
        let (first, second) = (ours.sign("first".into()), ours.sign("second".into()));
        let header = format!(
            "session=planted; {}; {}; session=garbage",
            first.stripped().encoded(),
            second.stripped().encoded()
        );
        assert_eq!(normalized(&ours, &header), (vec!["second".to_owned()], false));
    }

    #[test]
    fn a_cookie_signed_with_an_older_secret_is_signed_anew_and_a_forged_one_dropped() {
        let (old, new) = (cookie(&["a"]), cookie(&["b", "a"]));
        let header = old.sign("key".into()).stripped().encoded().to_string();
        assert_eq!(normalized(&new, &header), (vec!["key".to_owned()], true));
        let forged = cookie(&["c"]).sign("key".into()).stripped().encoded().to_string();
        assert_eq!(normalized(&new, &forged), (Vec::new(), false));
    }

    #[test]
    fn remembering_changes_our_cookie_only_and_no_removal() {
        let ours = cookie(&["a"]);
        let mut headers = HeaderMap::new();
        for value in ["session=k; Path=/", "sessions=x", "session=; Max-Age=0"] {
            headers.append(SET_COOKIE, HeaderValue::from_static(value));
        }
        ours.remember(&mut headers, Duration::seconds(60));
        let values: Vec<&str> = headers.get_all(SET_COOKIE).map(|value| value.to_str().expect("visible")).collect();
        assert_eq!(values, ["session=k; Path=/; Max-Age=60", "sessions=x", "session=; Max-Age=0"]);
        ours.withdraw(&mut headers);
        assert_eq!(headers.get_all(SET_COOKIE).count(), 1);
    }
}
