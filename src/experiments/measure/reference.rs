//! What was measured once on the reference machine, to see this server's numbers against.

use super::signatures::Scheme;

/// The machine, and when.
pub const MACHINE: &str = "a machine with 2 cores, November 2026";

/// Medians of the release build; nothing, where none was taken.
#[derive(Debug, Clone, Copy)]
pub struct Reference {
    /// Signing and checking, in microseconds, in the order of [`Scheme::ALL`].
    pub signatures: [(Option<f64>, Option<f64>); 5],
    /// Hashing a password, in milliseconds.
    pub password: f64,
    /// Finding out who asks, in microseconds, with the session in Postgres.
    pub session_in_postgres: Option<f64>,
    /// The same with the session in Redis.
    pub session_in_redis: Option<f64>,
    /// The same from a token's claims.
    pub claims: Option<f64>,
    /// The same with a live check.
    pub live: Option<f64>,
    /// The header line of the cookie, in bytes.
    pub cookie_line: usize,
    /// The header line of the token in bytes, in the order of [`Scheme::ALL`].
    pub bearer_lines: [usize; 5],
}

/// The run.
pub const RUN: Reference = Reference {
    signatures: [(None, None), (Some(123.0), Some(80.0)), (None, Some(62.0)), (Some(1400.0), Some(31.0)), (None, None)],
    password: 25.0,
    session_in_postgres: None,
    session_in_redis: None,
    claims: None,
    live: None,
    cookie_line: 107,
    bearer_lines: [609, 652, 652, 908, 1078],
};

impl Reference {
    /// Signing with this scheme, in microseconds.
    #[must_use]
    pub fn sign(&self, scheme: Scheme) -> Option<f64> {
        self.signatures[scheme as usize].0
    }

    /// Checking with this scheme, in microseconds.
    #[must_use]
    pub fn verify(&self, scheme: Scheme) -> Option<f64> {
        self.signatures[scheme as usize].1
    }
}
