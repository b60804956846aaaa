//! Changes of users' rows, which somebody outside of the database may keep copies of.
//!
//! The session store in Redis does. Whoever changes a user's row, its version above all, does it through
//! [`Accounts::change`]: the copy is up to date before the change is answered, so that a request that arrives after the answer
//! finds every login ended that it ended. Without such a store this is a transaction and nothing more.

use std::{fmt, future::Future, pin::Pin};

use diesel::PgConnection;

use super::Accounts;
use crate::db;

/// What a keeper of copies does, in its own time.
pub type Task<'a> = Pin<Box<dyn Future<Output = db::Result<()>> + 'a>>;

/// Who keeps copies of users' rows.
pub trait Copies: fmt::Debug + Send + Sync {
    /// Whether the copies can be changed just now.
    fn check(&self) -> Task<'_>;

    /// Brings every copy up to date whose row has changed.
    fn settle(&self) -> Task<'_>;
}

impl Accounts {
    /// A transaction that changes users' rows.
    ///
    /// # Errors
    ///
    /// What `work` says; [`db::Error::StoreUnavailable`] if the copies can't be reached. If that shows beforehand, as
    /// nearly always, nothing has changed; if it shows afterwards, the change is made and the copies follow it as soon as
    /// they can be reached: nobody is told that it is done before it is.
    pub async fn change<T, E>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<db::Error> + From<diesel::result::Error> + Send + 'static,
    {
        if let Some(copies) = &self.copies {
            copies.check().await?;
        }
        let done = db::transaction(&self.pool, work).await?;
        self.settle().await?;
        Ok(done)
    }

    /// Brings copies up to date that somebody left behind: the command line, or an instance that died.
    pub async fn settle(&self) -> db::Result<()> {
        match &self.copies {
            Some(copies) => copies.settle().await,
            None => Ok(()),
        }
    }

    /// Whether there are copies at all.
    #[must_use]
    pub fn has_copies(&self) -> bool {
        self.copies.is_some()
    }

    /// Whether the copies can be changed just now.
    pub async fn check_copies(&self) -> db::Result<()> {
        match &self.copies {
            Some(copies) => copies.check().await,
            None => Ok(()),
        }
    }
}
