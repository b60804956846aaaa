//! Gathered look-ups: requests that ask the same kind of question at the same time share one statement.
//!
//! A session must be looked up at every request, so that its end counts at once. Asked one by one, each look-up costs a trip
//! between threads, a trip to the database and back, and a statement. So one thread with one connection asks for all: while it
//! waits for an answer, questions wait for it, and whatever waits when it is free goes in the next statement. The busier the
//! server, the more share one; a request that comes alone is asked for at once. Two connections were slower at every load, as
//! each found half as much to gather.
//!
//! On the way to that thread and back, the questions of one worker travel together too (`together`); and rows that have not
//! changed since they were last read are looked for, but not sent (`remembered`).
//!
//! Notes that many requests make, such as when their session was last used, are gathered likewise, on a second thread
//! (`Pool::noter`). They must bear to be made twice, or to be lost when the database crashes.
//!
//! Promise: **a look-up begins after it was asked for**. Nobody joins a statement that was already sent, also not with the very
//! same key: what was ended before a request arrived is seen by it. The pool's deadline is around each, however many share it,
//! and its breaker before it.
//! Limit: a question that makes the statement fail fails all that share it; so keys are of a type that can't.

pub mod as_before;
mod asker;
mod connected;
pub mod if_new;
pub mod remembered;
mod together;
pub mod version;

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use diesel::PgConnection;
use tokio::sync::oneshot;

pub use self::together::{Answers, Together};
use self::{
    asker::{Asker, Work},
    connected::Connected,
};
use super::{Error, Result, connection::Manager, count::Counted};
use crate::{metrics, telemetry};

/// One thread with one connection, for several kinds of question. Cloning it is cheap and shares it.
#[derive(Debug, Clone)]
pub struct Gatherer(Arc<Asker>);

/// One kind of look-up. Cloning it is cheap and shares the statements.
pub struct Lookup<K, A>(Arc<Kind<K, A>>);

struct Kind<K, A> {
    gatherer: Gatherer,
    together: Together<K, (A, Cost)>,
    queue: Arc<Queue<K, A>>,
}

type Ask<K, A> = dyn Fn(&mut Asking<'_>, &[K]) -> Result<Vec<A>> + Send + Sync;

/// What waits for the thread.
struct Queue<K, A> {
    ask: Box<Ask<K, A>>,
    waiting: Mutex<Vec<Group<K, A>>>,
}

impl<K, A> Queue<K, A> {
    fn waiting(&self) -> MutexGuard<'_, Vec<Group<K, A>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection that asks.
pub struct Asking<'a> {
    conn: &'a mut PgConnection,
    /// Its number: another one may know other things.
    connection: u64,
}

impl Deref for Asking<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.conn
    }
}

impl DerefMut for Asking<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.conn
    }
}

/// The questions of one worker.
struct Group<K, A> {
    keys: Vec<K>,
    sender: oneshot::Sender<Answers<(A, Cost)>>,
}

/// The statement that answered.
#[derive(Debug, Clone, Copy)]
struct Cost {
    counted: Counted,
    shared: bool,
}

impl Gatherer {
    pub(super) fn new(manager: Manager, deadline: Duration) -> Self {
        Self(Arc::new(Asker::new(manager, deadline)))
    }

    /// Whether nobody asks any more, as too many connections hang.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.0.is_lost()
    }

    /// A kind of look-up: `ask` answers all keys in their order, and not one by one.
    pub fn lookup<K, A>(
        &self,
        ask: impl Fn(&mut Asking<'_>, &[K]) -> Result<Vec<A>> + Send + Sync + 'static,
    ) -> Lookup<K, A>
    where
        K: Send + 'static,
        A: Send + 'static,
    {
        let queue = Arc::new(Queue { ask: Box::new(ask), waiting: Mutex::default() });
        self.0.serve(queue.clone());
        Lookup(Arc::new(Kind { gatherer: self.clone(), together: Together::new(), queue }))
    }
}

impl<K: Send + 'static, A: Send + 'static> Lookup<K, A> {
    /// Asks, together with whoever asks at the same time.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] at once during an outage, or when the request has waited for the database as long as it may.
    pub async fn ask(&self, key: K) -> Result<A> {
        let asker = &self.0.gatherer.0;
        asker.outage().check()?;
        let (began, waited) = (Instant::now(), telemetry::waited());
        let ask = || {
            let kind = Arc::clone(&self.0);
            move |keys| Arc::clone(&kind).answers(keys)
        };
        let answered = self.0.together.ask(key, ask);
        let answered = match waited {
            // All that share the statement have as long: their task watches the clock.
            Duration::ZERO => answered.await,
            _ => {
                let left = asker.deadline().saturating_sub(waited);
                tokio::time::timeout(left, answered).await.unwrap_or_else(|_| Err(asker.outage().late()))
            }
        };
        telemetry::record_wait(began.elapsed());
        let (answer, cost) = answered?;
        telemetry::record_sql(cost.counted.statements, cost.counted.time);
        if cost.shared {
            telemetry::record_shared_sql(cost.counted.statements);
        }
        Ok(answer)
    }
}

impl<K: Send + 'static, A: Send + 'static> Kind<K, A> {
    async fn answers(self: Arc<Self>, keys: Vec<K>) -> Answers<(A, Cost)> {
        let asker = &self.gatherer.0;
        let (sender, receiver) = oneshot::channel();
        self.queue.waiting().push(Group { keys, sender });
        if let Err(error) = asker.wake() {
            drop(receiver);
            // Nobody is there to take it out.
            self.queue.waiting().retain(|group| !group.sender.is_closed());
            return Err(error.into());
        }
        match tokio::time::timeout(asker.deadline(), receiver).await {
            Ok(answered) => answered.map_err(|_| Error::Unavailable("the thread that asked was lost".to_owned()))?,
            Err(_) => Err(asker.outage().late())?,
        }
    }
}

impl<K, A> Clone for Lookup<K, A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, A> std::fmt::Debug for Lookup<K, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lookup")
    }
}

impl<K: Send, A: Send> Work for Queue<K, A> {
    fn is_waited_for(&self) -> bool {
        !self.waiting().is_empty()
    }

    fn carry_out(&self, connected: &mut Connected) {
        let mut groups = std::mem::take(&mut *self.waiting());
        // Whose deadline has passed is not asked for any more.
        groups.retain(|group| !group.sender.is_closed());
        let mut keys = Vec::with_capacity(groups.iter().map(|group| group.keys.len()).sum());
        let senders: Vec<_> = groups
            .into_iter()
            .map(|mut group| {
                let asked = group.keys.len();
                keys.append(&mut group.keys);
                (asked, group.sender)
            })
            .collect();
        if keys.is_empty() {
            return;
        }
        let (result, counted) = connected.with(|asking| (self.ask)(asking, &keys));
        if counted.statements > 0 {
            metrics::gathered(keys.len());
        }
        let cost = Cost { counted, shared: keys.len() > 1 };
        match result {
            Ok(answers) => {
                let mut answers = answers.into_iter();
                for (asked, sender) in senders {
                    let _ = sender.send(Ok(answers.by_ref().take(asked).map(|answer| (answer, cost)).collect()));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for (_, sender) in senders {
                    let _ = sender.send(Err(Arc::clone(&error)));
                }
            }
        }
    }
}
