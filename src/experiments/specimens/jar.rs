//! The cookies of a run: set under names of their own, recognised when they come back, removed at the end.
//!
//! A name carries the run, so that runs don't disturb one another, and nothing here can be mistaken for a real door's cookie.
//! Lines are written by hand, as some of them are what no cookie library would write.

use std::collections::BTreeMap;

use actix_web::http::header::{COOKIE, HeaderMap};

/// As long as a run is kept.
pub(super) const SECONDS: u64 = 15 * 60;

/// One `Set-Cookie` line of a story.
#[derive(Debug, Clone, Copy)]
pub(super) struct Set {
    /// What tells it apart within its run. Those that begin with `__Host-` carry that prefix.
    pub label: &'static str,
    /// What it says; a session's is made for the run.
    pub value: Value,
    /// Such as `; HttpOnly`. `{domain}` stands for the domain that four of the hosts share.
    pub attributes: &'static str,
}

/// What a cookie says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// The secret that logs in.
    Session,
    /// Set by its own host.
    Own,
    /// Set by another one.
    Planted,
    /// Nothing: it goes.
    Removed,
}

/// A cookie that its own host sets.
pub(super) const fn own(label: &'static str, attributes: &'static str) -> Set {
    Set { label, value: Value::Own, attributes }
}

/// A cookie that another host sets.
pub(super) const fn planted(label: &'static str, attributes: &'static str) -> Set {
    Set { label, value: Value::Planted, attributes }
}

/// The end of a cookie.
pub(super) const fn removed(label: &'static str, attributes: &'static str) -> Set {
    Set { label, value: Value::Removed, attributes }
}

/// How the cookies of one run are named.
#[derive(Debug, Clone)]
pub(super) struct Jar {
    prefix: String,
    secret: String,
    domain: String,
}

/// Which cookies came with a request: label to values, as there may be several of one name.
pub(super) type Seen = BTreeMap<String, Vec<String>>;

impl Jar {
    pub(super) fn new(run: &str, secret: &str, domain: &str) -> Self {
        let short = run.get(..8).unwrap_or(run);
        Self { prefix: format!("sp-{short}-"), secret: secret.to_owned(), domain: domain.to_owned() }
    }

    /// What every name begins with, after `__Host-`.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The value of a `Set-Cookie` header.
    pub(super) fn line(&self, set: &Set) -> String {
        let (host, label) = set.label.strip_prefix("__Host-").map_or(("", set.label), |label| ("__Host-", label));
        let (value, age) = match set.value {
            Value::Session => (self.secret.as_str(), SECONDS),
            Value::Own => ("own", SECONDS),
            Value::Planted => ("planted", SECONDS),
            Value::Removed => ("", 0),
        };
        let attributes = set.attributes.replace("{domain}", &self.domain);
        format!("{host}{}{label}={value}; Path=/; Max-Age={age}{attributes}", self.prefix)
    }

    /// Which of them came. The secret is shown as `own`.
    pub(super) fn seen(&self, headers: &HeaderMap) -> Seen {
        let mut seen = Seen::new();
        for (host, label, value) in self.came(headers) {
            let value = if value == self.secret { "own" } else { value };
            seen.entry(format!("{host}{label}")).or_default().push(value.to_owned());
        }
        seen
    }

    /// The `Cookie` header, without what is not this run's.
    pub(super) fn own(&self, headers: &HeaderMap) -> String {
        let own = self.came(headers).map(|(host, label, value)| format!("{host}{}{label}={value}", self.prefix));
        own.collect::<Vec<_>>().join("; ")
    }

    /// Of each of them its prefix, what is after the run's own part of its name, and its value.
    fn came<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = (&'static str, &'a str, &'a str)> {
        let lines = headers.get_all(COOKIE).filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.filter_map(|(name, value)| {
            let (host, rest) = name.strip_prefix("__Host-").map_or(("", name), |rest| ("__Host-", rest));
            Some((host, rest.strip_prefix(&self.prefix)?, value))
        })
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn cookies_of_a_run_are_told_from_all_others() {
        let jar = Jar::new("0123456789abcdef", "s3cret", "specimen.localhost");
        let line = jar.line(&planted("__Host-fixed", "; Secure; Domain={domain}"));
        assert_eq!(line, "__Host-sp-01234567-fixed=planted; Path=/; Max-Age=900; Secure; Domain=specimen.localhost");
        let mut headers = HeaderMap::new();
        let sent = "session=real; sp-01234567-lax=s3cret; sp-76543210-lax=x; sp-01234567-lax=planted; __Host-sp-01234567-fixed=own";
        headers.insert(COOKIE, HeaderValue::from_static(sent));
        let seen = jar.seen(&headers);
        assert_eq!(seen["lax"], ["own", "planted"]);
        assert_eq!(seen["__Host-fixed"], ["own"]);
        assert_eq!(seen.len(), 2);
    }
}
