//! Why a login ended: the one vocabulary of both schemes, stored with the row and told to whoever shows the credential again.

/// Why a login ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// Its owner logged out with it.
    LoggedOut,
    /// Its owner ended it from another login.
    EndedElsewhere,
    /// Nobody used it for too long.
    Idle,
    /// It reached its greatest age.
    Absolute,
    /// The password was changed.
    PasswordChanged,
    /// The same browser gave the password again, at the log-in or for a sensitive action, and got a new key.
    Replaced,
    /// An old refresh token came back: somebody has a copy.
    Reuse,
    /// The account was banned.
    Banned,
    /// The user may do less than before, so logins that say otherwise ended.
    RoleChanged,
    /// Newer logins took its place: a user has only so many at once.
    TooMany,
    /// A client gave its refresh token back (RFC 7009).
    Revoked,
}

impl EndReason {
    /// As it stands in the row.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LoggedOut => "logged out",
            Self::EndedElsewhere => "ended elsewhere",
            Self::Idle => "idle",
            Self::Absolute => "absolute",
            Self::PasswordChanged => "password changed",
            Self::Replaced => "replaced",
            Self::Reuse => "reuse",
            Self::Banned => "banned",
            Self::RoleChanged => "role changed",
            Self::TooMany => "too many",
            Self::Revoked => "revoked",
        }
    }

    /// Reads what stands in a row.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::LoggedOut,
            Self::EndedElsewhere,
            Self::Idle,
            Self::Absolute,
            Self::PasswordChanged,
            Self::Replaced,
            Self::Reuse,
            Self::Banned,
            Self::RoleChanged,
            Self::TooMany,
            Self::Revoked,
        ]
        .into_iter()
        .find(|reason| reason.as_str() == name)
    }

    /// A sentence for the person who held the credential.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        match self {
            Self::LoggedOut => "You logged out.",
            Self::EndedElsewhere => "This login was ended from another one of yours.",
            Self::Idle => "This login was not used for a while, so it ended.",
            Self::Absolute => "This login reached its greatest age, so it ended.",
            Self::PasswordChanged => "Your password was changed, which ends every login.",
            Self::Replaced => "You gave your password again here, which put a new login in the place of this one.",
            Self::Reuse => {
                "An old refresh token of this login was used again: somebody may have a copy, so the login ended."
            }
            Self::Banned => "Your account was banned, which ends every login.",
            Self::RoleChanged => "Your role was changed, which ends logins that carry the old one.",
            Self::TooMany => "You logged in more often than one may be logged in at once, so the oldest login ended.",
            Self::Revoked => "The login was revoked by its client.",
        }
    }
}
