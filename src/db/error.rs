//! Why the database did not do what it was asked to.
//!
//! Promise: whoever gets [`Error::Unavailable`], [`Error::StoreUnavailable`] or [`Error::Overloaded`] knows nothing about any
//! row, so the answer is 503 and never "no such row". [`Error::absence`] says which of them it was.

use diesel::result::DatabaseErrorKind;

/// Why the database did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It can't be reached, is starting, or did not answer in time: to be tried again later.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// What keeps sessions beside it can't be reached, or did not answer in time.
    #[error("the session store is unavailable: {0}")]
    StoreUnavailable(String),
    /// It answers, but more waits for it than it can answer.
    #[error("too much waits for the database")]
    Overloaded,
    /// It refused the statement.
    #[error("the database refused: {0}")]
    Query(#[source] diesel::result::Error),
}

/// What the queries of this crate answer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can't be asked at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// The database.
    Database,
    /// What keeps sessions beside it.
    SessionStore,
    /// The database is there, and busy.
    Overload,
}

impl Absence {
    /// What is the matter, for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Database => "The database can't be reached",
            Self::SessionStore => "The session store can't be reached",
            Self::Overload => "Too much is being asked at once",
        }
    }

    /// What it means, for people.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Database => {
                "Without it the server can't tell who you are. Nothing is lost and no login has ended: try again in a few seconds."
            }
            Self::SessionStore => {
                "Without it the site can't tell who you are. Nothing is lost and no login has ended: try again in a few seconds."
            }
            Self::Overload => {
                "The database has more to do than it can, so this request was turned away unanswered. Try again in a few seconds."
            }
        }
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::Error as Diesel;
        let unavailable = match &error {
            _ if is_lost(&error) => true,
            Diesel::DatabaseError(kind, about) => match kind {
                DatabaseErrorKind::ReadOnlyTransaction | DatabaseErrorKind::SerializationFailure => true,
                _ => {
                    ["statement timeout", "lock timeout", "deadlock"].iter().any(|sign| about.message().contains(sign))
                }
            },
            Diesel::BrokenTransactionManager => true,
            _ => false,
        };
        if unavailable { Self::Unavailable(error.to_string()) } else { Self::Query(error) }
    }
}

/// Whether the connection is gone. Diesel does not always know: until libpq has noticed, its error is of no known kind.
pub(super) fn is_lost(error: &diesel::result::Error) -> bool {
    let diesel::result::Error::DatabaseError(kind, about) = error else { return false };
    let signs = ["terminating connection", "server closed the connection", "no connection to the server"];
    matches!(kind, DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand)
        || signs.iter().any(|sign| about.message().contains(sign))
}

/// Whether PostgreSQL speaks English: by its words a server that ends a statement or goes down is told from a fault of ours.
pub fn speaks_english(conn: &mut diesel::PgConnection) -> Result<bool> {
    use diesel::{RunQueryDsl as _, dsl::sql, sql_types::Text};
    let language: String = diesel::select(sql::<Text>("current_setting('lc_messages')")).get_result(conn)?;
    // Empty is whatever the server's environment says, which it does not tell.
    Ok(["", "C", "POSIX", "en"].contains(&language.split(['_', '.']).next().unwrap_or_default()))
}

impl Error {
    /// There is no connection; libpq says why in several lines, whoever starts the server is told in one.
    #[must_use]
    pub fn no_connection(error: &diesel::ConnectionError) -> Self {
        let said = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        // What libpq can't read it quotes, and it may be a piece of the password.
        let is_of_the_network = ["server", "host name", "FATAL"].iter().any(|sign| said.contains(sign));
        Self::Unavailable(if is_of_the_network {
            said
        } else {
            "its URL can't be read (nor is it shown here)".to_owned()
        })
    }

    /// The same once more, for others who shared the statement.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::Unavailable(reason) => Self::Unavailable(reason.clone()),
            Self::StoreUnavailable(reason) => Self::StoreUnavailable(reason.clone()),
            Self::Overloaded => Self::Overloaded,
            Self::Query(error) => Self::Query(diesel::result::Error::QueryBuilderError(error.to_string().into())),
        }
    }

    /// Whether a row that must be unique was there already.
    #[must_use]
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Query(diesel::result::Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)))
    }

    /// What could not be asked; nothing if the database was asked and refused.
    #[must_use]
    pub fn absence(&self) -> Option<Absence> {
        match self {
            Self::Unavailable(_) => Some(Absence::Database),
            Self::StoreUnavailable(_) => Some(Absence::SessionStore),
            Self::Overloaded => Some(Absence::Overload),
            Self::Query(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_is_gone_is_an_outage_whatever_kind_its_error_is_of() {
        let told = |text: &str| {
            let about = Box::new(text.to_owned());
            Error::from(diesel::result::Error::DatabaseError(DatabaseErrorKind::Unknown, about))
        };
        for text in ["server closed the connection unexpectedly", "terminating connection due to"] {
            assert!(matches!(told(text), Error::Unavailable(_)), "{text}");
        }
        assert!(matches!(told("relation \"rows\" does not exist"), Error::Query(_)));
    }
}
