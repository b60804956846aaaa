//! Sessions in Redis (`SESSION_STORE=redis://…`): the same promises as the table's, without a statement in Postgres.
//!
//! actix-session's own Redis store makes a session anew when a late write finds it gone, keeps plain keys, and knows no
//! user; this one is ours. Every step is a script, which Redis runs as one: it touches a session that is there or does
//! nothing, and it alone reads the clock.
//!
//! Promise: what ended stays ended, also if Redis dies at any moment: after a restart only what reached the disk for certain
//! counts (`connection`), so everybody logs in again unless `appendonly yes` and `appendfsync always` are set. While Redis is
//! away the answer is 503, and nobody is logged out.
//! Limit: one Redis, reached without TLS (a Unix socket, a private network, or a tunnel); a log-in whose transaction fails
//! after this may leave a session whose key nobody has.

mod connection;
mod record;
mod scripts;
mod sessions;
mod user;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use uuid::Uuid;

use self::{connection::Connection, scripts::Call};
use super::{
    backend::Found,
    record::{HashedKey, Loaded},
};
use crate::{
    accounts::{
        User,
        change::{Copies, Task},
        ending::EndReason,
    },
    db::{self, Pool, gather::Together},
};

/// Sessions in Redis.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    pool: Pool,
    /// The number of the connection at whose beginning the outbox was emptied.
    caught_up: AtomicU64,
    /// Look-ups, and those after the user's row was read.
    together: [Together<HashedKey, Vec<String>>; 2],
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
            connection,
            pool,
            caught_up: AtomicU64::new(0),
            together: [Together::one_at_a_time(), Together::one_at_a_time()],
        })
    }

    /// Finds a session with its user, and notes that it is used.
    pub(super) async fn load(&self, key: HashedKey) -> db::Result<Found> {
        self.catch_up().await?;
        match understand(&key, self.look_up(key, false).await?)? {
            Answer::Found(found) => return Ok(found),
            Answer::NoCopyOf(user) => {
                let copy = db::run(&self.pool, move |conn| user::read(conn, user)).await?;
                self.connection.ask::<()>(copy.write()?).await?;
            }
        }
        match understand(&key, self.look_up(key, true).await?)? {
            Answer::Found(found) => Ok(found),
            Answer::NoCopyOf(_) => Err(unreadable()),
        }
    }

    /// Together with whoever asks at the same time, as in Postgres: one script finds them all. While it does, others wait for the
    /// next one: Redis does one thing after the other anyway.
    async fn look_up(&self, key: HashedKey, user_was_read: bool) -> db::Result<Vec<String>> {
        let together = &self.together[usize::from(user_was_read)];
        let look_up = || {
            let connection = self.connection.clone();
            move |keys: Vec<HashedKey>| {
                let call = Call::of(&scripts::LOAD).arg(u8::from(user_was_read));
                let call = keys.iter().fold(call, |call, key| call.key(scripts::session(key)));
                let connection = connection.clone();
                async move { connection.ask(call).await.map_err(Arc::new) }
            }
        };
        together.ask(key, look_up).await
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
        Box::pin(self.connection.ping())
    }

    fn settle(&self) -> Task<'_> {
        Box::pin(self.settle_all())
    }
}

/// What Redis knows of a key.
enum Answer {
    Found(Found),
    NoCopyOf(Uuid),
}

fn understand(key: &HashedKey, answer: Vec<String>) -> db::Result<Answer> {
    let mut answer = answer.into_iter();
    let (kind, mut rest) = (answer.next(), || answer.next().unwrap_or_default());
    Ok(match kind.as_deref() {
        Some("unknown") => Answer::Found(Found::Unknown),
        Some("ended") => {
            let reason = EndReason::from_name(&rest()).unwrap_or(EndReason::LoggedOut);
            let (now, user) = (record::instant(&rest()).ok_or_else(unreadable)?, serde_json::from_str::<User>(&rest()));
            Answer::Found(Found::Ended(reason, user.ok().and_then(|user| user.ban_on(Some(reason), now))))
        }
        Some("user") => Answer::NoCopyOf(rest().parse().map_err(|_| unreadable())?),
        Some("live") => {
            let (now, user) = (record::instant(&rest()).ok_or_else(unreadable)?, rest());
            let record = record::read(&rest()).ok_or_else(unreadable)?;
            match serde_json::from_str(&user) {
                Ok(user) => {
                    let (record, user) = (Arc::new(record), Arc::new(user));
                    Answer::Found(Found::of(Some(Arc::new(Loaded { key: *key, record, user, now }))))
                }
                // Another version of this program wrote it.
                Err(_) => Answer::NoCopyOf(record.user_id),
            }
        }
        _ => return Err(unreadable()),
    })
}

/// Somebody else writes into our Redis, or an older version of this program did.
fn unreadable() -> db::Error {
    db::Error::StoreUnavailable("Redis holds what this program can't read".to_owned())
}
