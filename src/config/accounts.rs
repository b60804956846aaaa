//! What is asked of passwords, and how much guessing is allowed.

use super::reader::{Error, Reader};

/// What is asked of passwords, and how much guessing is allowed. A budget of 0 is no limit.
#[derive(Debug, Clone, Copy)]
pub struct Accounts {
    /// `PASSWORD_MIN_LENGTH`: in characters, after NFC.
    pub password_min: usize,
    /// `THROTTLE_ACCOUNT_ADDRESS`: failures in 15 minutes for an account from one address.
    pub failures_account_address: u32,
    /// `THROTTLE_ACCOUNT`: failures in 15 minutes for an account from anywhere.
    pub failures_account: u32,
    /// `THROTTLE_ADDRESS`: failures in 15 minutes from one address for any account.
    pub failures_address: u32,
    /// `THROTTLE_SIGN_UP`: new accounts an hour from one address.
    pub sign_ups_address: u32,
    /// `THROTTLE_REFRESH`: refreshes a minute of one token login.
    pub refreshes_login: u32,
}

impl Accounts {
    pub(super) fn read(read: &Reader<'_>) -> Result<Self, Error> {
        Ok(Self {
            password_min: read.count("PASSWORD_MIN_LENGTH", 15, 8, 64)? as usize,
            failures_account_address: read.count("THROTTLE_ACCOUNT_ADDRESS", 10, 0, 1_000_000)?,
            failures_account: read.count("THROTTLE_ACCOUNT", 100, 0, 1_000_000)?,
            failures_address: read.count("THROTTLE_ADDRESS", 100, 0, 1_000_000)?,
            sign_ups_address: read.count("THROTTLE_SIGN_UP", 20, 0, 1_000_000)?,
            refreshes_login: read.count("THROTTLE_REFRESH", 60, 0, 1_000_000)?,
        })
    }
}
