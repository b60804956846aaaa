//! What a run saw, before anybody says what it means.

use crate::experiments::{exchange::Exchange, finding::Row};

/// All copies tried once.
pub struct Round {
    pub session: Exchange,
    pub claims: Exchange,
    pub live: Exchange,
    /// Only after log-out: to redeem it is to use it up.
    pub refresh: Option<Exchange>,
}

/// When each door was asked for the log-out, and when it answered, in seconds since the run began.
#[derive(Clone, Copy)]
pub struct LogOut {
    pub session_sent: f64,
    pub session_answered: f64,
    pub token_sent: f64,
    pub token_answered: f64,
}

/// What a run saw.
#[derive(Default)]
pub struct Evidence {
    /// Everything up to the log-out, and the log-out.
    pub rows: Vec<Row>,
    /// When each door had given its credential.
    pub session_since: f64,
    pub token_since: f64,
    /// When the access token expires by its own account.
    pub expires_at: f64,
    /// Rounds of the copies before the log-out, and after it.
    pub before: Vec<Round>,
    pub log_out: Option<LogOut>,
    pub after: Vec<Round>,
    /// When the story was over.
    pub over_at: f64,
}
