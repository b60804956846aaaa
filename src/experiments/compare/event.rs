//! The events, and what is particular about each.

use crate::experiments::message::Answered;

/// Something that happens to a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    LogOut,
    Theft,
    PasswordChange,
    Ban,
    RoleChange,
    DatabaseDown,
    SecondInstance,
    ClockSkew,
}

impl Event {
    /// As it stands on the time axis and in sentences: "after …".
    pub fn name(self) -> &'static str {
        match self {
            Self::LogOut | Self::Theft => "log-out",
            Self::PasswordChange => "the change of password",
            Self::Ban => "the ban",
            Self::RoleChange => "the demotion",
            Self::DatabaseDown => "the database’s end",
            Self::SecondInstance => "log-out at the other instance",
            Self::ClockSkew => "the first request",
        }
    }

    /// Whether it takes more than a visitor may do.
    pub fn is_private(self) -> bool {
        matches!(self, Self::Ban | Self::RoleChange | Self::DatabaseDown | Self::SecondInstance | Self::ClockSkew)
    }

    /// What the access token is asked to live, in seconds. A clock that is 40 s off needs one that outlives that.
    pub fn token_seconds(self) -> u64 {
        if self == Self::ClockSkew { super::clock::TOKEN_SECONDS } else { 6 }
    }

    /// Whether an answer lets the copy do what it did before; `None` if it says nothing of that.
    pub fn lets_in(self, answer: &Answered) -> Option<bool> {
        let to_log_in = answer.header("location").is_some_and(|location| location.starts_with("/login?"));
        match answer.status {
            // After a demotion the copy still tells who it is; what counts is whether it still makes an admin.
            200 if self == Self::RoleChange && answer.json()["role"].is_string() => {
                Some(answer.json()["role"] == "admin")
            }
            200 => Some(true),
            303 if to_log_in => Some(false),
            401 | 403 => Some(false),
            503 if self == Self::DatabaseDown => Some(false),
            _ => None,
        }
    }
}
