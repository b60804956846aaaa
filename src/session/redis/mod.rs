//! Sessions in Redis (`SESSION_STORE=redis://…`): the same promises as the table's, without a statement in Postgres.
//!
//! actix-session's own Redis store makes a session anew when a late write finds it gone, keeps plain keys, and knows no
//! user; this one is ours. Every change is a script, which Redis runs as one: it touches a session that is there or does
//! nothing. Every instant is one of Redis's clock.
//!
//! Promise: what ended stays ended, also if Redis dies at any moment: after a restart only what reached the disk for
//! certain counts (`connection`), so everybody logs in again unless `appendonly yes` and `appendfsync always` are set.
//! While Redis is away the answer is 503, and nobody is logged out. Limit: one Redis (or Valkey), reached without TLS (a
//! Unix socket, a private network, or a tunnel); a log-in whose transaction fails after this may leave a session whose key
//! nobody has.

mod changes;
mod connection;
mod greeting;
mod look_up;
mod record;
mod scripts;
mod sessions;
mod told;
mod user;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use self::{connection::Connection, look_up::LookUp, told::Answer};
use super::{backend::Found, key::HashedKey};
use crate::{
    accounts::change::{Copies, Task},
    db::{self, Pool, gather::Together},
};

/// Sessions in Redis.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    pool: Pool,
    /// The number of the connection at whose beginning the outbox was emptied.
    caught_up: AtomicU64,
    look_up: Arc<LookUp>,
    together: Together<HashedKey, Answer>,
}

/// The Redis beside the database that this thread works with; `None` where sessions are rows of that database.
pub(super) fn store() -> Option<Arc<Store>> {
    db::companion()
}

/// How often the outbox is read within one deadline of the database.
const ROUNDS: usize = 10;

impl Store {
    /// Begins to connect. Redis need not be there yet: until it is, whoever needs a session is answered with 503.
    pub fn open(url: &str, pool: Pool) -> std::io::Result<Self> {
        let connection = Connection::open(url)?;
        if !connection.wait_until_connected() {
            tracing::warn!("starting without Redis: the site answers 503 until it is there");
        }
        Ok(Self {
            look_up: Arc::new(LookUp::new(connection.clone())),
            connection,
            pool,
            caught_up: AtomicU64::new(0),
            together: Together::new(),
        })
    }

    /// Finds a session with its user, and notes that it is used.
    pub(super) async fn load(&self, key: HashedKey) -> db::Result<Found> {
        self.catch_up().await?;
        match self.ask(key).await? {
            Answer::Found(found) => return Ok(found),
            Answer::NoCopyOf(user) => {
                let copy = db::run(&self.pool, move |conn| user::read(conn, user)).await?;
                self.connection.ask::<()>(copy.write()?).await?;
            }
            Answer::Unreadable => return Err(unreadable()),
        }
        match self.look_up.find_with_user(key).await? {
            Answer::Found(found) => Ok(found),
            Answer::NoCopyOf(_) | Answer::Unreadable => Err(unreadable()),
        }
    }

    /// Together with whoever asks at the same time, as in Postgres.
    async fn ask(&self, key: HashedKey) -> db::Result<Answer> {
        let ask = || {
            let look_up = Arc::clone(&self.look_up);
            async move |keys| look_up.find(keys).await
        };
        self.together.ask(key, ask).await
    }

    /// Copies changed rows that wait in the outbox, the caller's own among them; `false` if there are more.
    async fn settle_some(&self) -> db::Result<bool> {
        let connection = self.connection.clone();
        db::run(&self.pool, move |conn| {
            for _ in 0..ROUNDS {
                let pending = user::pending(conn)?;
                for change in &pending {
                    connection.wait::<()>(change.copy.write()?)?;
                    user::settled(conn, change.user, change.revision)?;
                }
                if i64::try_from(pending.len()).is_ok_and(|read| read < user::AT_ONCE) {
                    return Ok(true);
                }
            }
            Ok(false)
        })
        .await
    }

    async fn settle_all(&self) -> db::Result<()> {
        while !self.settle_some().await? {}
        Ok(())
    }

    /// What was changed while Redis was away, or by an instance that died, counts before anybody is let in again.
    async fn catch_up(&self) -> db::Result<()> {
        let number = self.connection.number()?;
        if self.caught_up.load(Ordering::Acquire) != number {
            self.settle_all().await?;
            self.caught_up.store(number, Ordering::Release);
        }
        Ok(())
    }
}

impl Copies for Store {
    fn check(&self) -> Task<'_> {
        Box::pin(self.connection.check())
    }

    fn settle(&self) -> Task<'_> {
        Box::pin(self.settle_all())
    }
}

/// Somebody else writes into our Redis, or an older version of this program did.
fn unreadable() -> db::Error {
    db::Error::StoreUnavailable("Redis holds what this program can't read".to_owned())
}
