//! Where sessions are kept, and for how long.

use std::time::Duration;

use super::{
    parse::is_redis,
    reader::{Error, Reader},
};

/// Where sessions are kept.
#[derive(Clone)]
pub enum SessionStore {
    /// In the database.
    Postgres,
    /// In the Redis that a URL names.
    Redis(String),
}

impl std::fmt::Debug for SessionStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Postgres => "Postgres",
            Self::Redis(_) => "Redis([redacted])",
        })
    }
}

impl SessionStore {
    pub(super) fn read(read: &Reader<'_>) -> Result<Self, Error> {
        match read.text("SESSION_STORE")? {
            None => Ok(Self::Postgres),
            Some(value) if value.eq_ignore_ascii_case("postgres") => Ok(Self::Postgres),
            Some(url) if is_redis(&url) => Ok(Self::Redis(url)),
            // The value is not quoted: it may hold a password.
            Some(_) => Err(Error(
                "SESSION_STORE can't be used (its value is not shown here): accepted is postgres, \
                 redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE] or redis+unix:///SOCKET[?db=DATABASE]; rediss:// (TLS) is not, \
                 use a tunnel"
                    .to_owned(),
            )),
        }
    }
}

/// How long sessions live, and how many (OWASP Session Management: idle and absolute timeouts, both enforced by the server).
#[derive(Debug, Clone, Copy)]
pub struct SessionTtls {
    /// `SESSION_IDLE_TTL`: since the last request.
    pub idle: Duration,
    /// `SESSION_ABSOLUTE_TTL`: since log-in.
    pub absolute: Duration,
    /// `REMEMBERED_IDLE_TTL`: since the last request, with "remember me".
    pub remembered_idle: Duration,
    /// `REMEMBERED_ABSOLUTE_TTL`: since log-in, with "remember me".
    pub remembered_absolute: Duration,
    /// `MAX_SESSIONS`: how many one user may have at once; the next log-in ends the oldest.
    pub most: u32,
}

impl SessionTtls {
    pub(super) fn read(read: &Reader<'_>) -> Result<Self, Error> {
        let least = Duration::from_secs(2);
        Ok(Self {
            idle: read.ttl("SESSION_IDLE_TTL", 30 * 60, least)?,
            absolute: read.ttl("SESSION_ABSOLUTE_TTL", 12 * 3600, least)?,
            remembered_idle: read.ttl("REMEMBERED_IDLE_TTL", 14 * 86_400, least)?,
            remembered_absolute: read.ttl("REMEMBERED_ABSOLUTE_TTL", 30 * 86_400, least)?,
            most: read.count("MAX_SESSIONS", 20, 1, 1000)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config;

    #[test]
    fn a_redis_is_named_by_a_url_that_is_never_printed() {
        for url in ["redis://:hunter2hunter2@redis:6379/1", "redis+unix:///run/redis.sock?db=1&pass=hunter2hunter2"] {
            let config = config(&[("SESSION_STORE", url)]).expect("a Redis");
            assert!(matches!(&config.session_store, SessionStore::Redis(kept) if kept == url));
            assert!(!format!("{config:?}").contains("hunter2"));
        }
        for url in ["rediss://:hunter2hunter2@redis", "redis://hunter2hunter2@", "memcached://hunter2hunter2", "redis"]
        {
            let error = config(&[("SESSION_STORE", url)]).expect_err(url);
            assert!(error.starts_with("SESSION_STORE") && !error.contains("hunter2"), "{error}");
        }
    }
}
