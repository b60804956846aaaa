//! What was measured once on the reference machine, to see this server's numbers against.

use super::signatures::Scheme;

/// The machine, and when.
pub const MACHINE: &str = "a machine with 2 cores, November 2026";

/// Medians of the release build on an otherwise idle machine, with the stores on Unix sockets of the same machine.
#[derive(Debug, Clone, Copy)]
pub struct Reference {
    /// Signing and checking, in microseconds, in the order of [`Scheme::ALL`].
    pub signatures: [(f64, f64); 5],
    /// Hashing a password, in milliseconds.
    pub password: f64,
    /// Finding out who asks, in microseconds, with the session in Postgres.
    pub session_in_postgres: f64,
    /// The same with the session in Redis.
    pub session_in_redis: f64,
    /// The same from the claims of a token whose signature was found right before, and is remembered.
    pub claims: f64,
    /// The same with a live check.
    pub live: f64,
    /// The header line of the cookie, in bytes.
    pub cookie_line: usize,
    /// The header line of the token in bytes, in the order of [`Scheme::ALL`].
    pub bearer_lines: [usize; 5],
}

/// The run.
pub const RUN: Reference = Reference {
    signatures: [(1.49, 3.61), (26.5, 54.0), (18.6, 40.0), (662.0, 21.6), (1515.0, 40.6)],
    password: 16.8,
    session_in_postgres: 185.0,
    session_in_redis: 117.0,
    claims: 1.0,
    live: 198.0,
    cookie_line: 109,
    bearer_lines: [609, 652, 652, 908, 1078],
};

impl Reference {
    /// Signing with this scheme, in microseconds.
    #[must_use]
    pub fn sign(&self, scheme: Scheme) -> f64 {
        self.signatures[scheme as usize].0
    }

    /// Checking with this scheme, in microseconds.
    #[must_use]
    pub fn verify(&self, scheme: Scheme) -> f64 {
        self.signatures[scheme as usize].1
    }
}
