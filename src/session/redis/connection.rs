//! The way to Redis: one connection that all requests share, and a thread that keeps it.
//!
//! The thread connects, asks what it has to know (`greeting`), and asks every second whether Redis still answers; at the
//! first sign of an outage the connection is dropped, requests are refused at once, and the thread knocks until Redis is
//! there again. Around every call is a deadline of our own, as a frozen server says nothing at all.
//!
//! Promise: [`db::Error::StoreUnavailable`] means that nobody knows. Limit: a call that was cut off may still be carried out.

use std::{
    sync::{
        Arc, PoisonError, RwLock, Weak,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use redis::{Client, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, aio::MultiplexedConnection};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::Notify,
    time::{sleep, timeout},
};

use super::{
    changes::Changes,
    greeting::{self, Greeted, Run, client, greet},
    scripts::Call,
};
use crate::db;

/// How long a call may take: less than work in the database, in the middle of which Redis may be asked.
const DEADLINE: Duration = Duration::from_millis(500);
const BETWEEN_TRIES: Duration = Duration::from_millis(200);
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// The connection. Cloning it is cheap and shares it.
#[derive(Clone)]
pub struct Connection {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    present: RwLock<Option<Live>>,
    lost: Arc<Notify>,
    made: AtomicU64,
    runtime: Handle,
}

/// A connection to one run of Redis.
#[derive(Clone)]
pub struct Live {
    inner: MultiplexedConnection,
    run: Arc<Run>,
    /// A new one after each outage, beginning with 1.
    pub number: u64,
    /// What has changed of all that was read here; `None` where Redis won't say so.
    pub changes: Option<Arc<Changes>>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The client knows the password.
        f.write_str("Connection([redacted])")
    }
}

impl Connection {
    /// Begins to connect to where a URL says.
    pub fn open(url: &str) -> std::io::Result<Self> {
        let client = client(url).map_err(std::io::Error::other)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (present, lost) = (RwLock::new(None), Arc::new(Notify::new()));
        let shared =
            Arc::new(Shared { client, present, lost, made: AtomicU64::new(0), runtime: runtime.handle().clone() });
        let weak = Arc::downgrade(&shared);
        thread::Builder::new().name("redis".to_owned()).spawn(move || keep(&runtime, &weak))?;
        Ok(Self { shared })
    }

    /// What is connected at present.
    pub fn live(&self) -> db::Result<Live> {
        self.shared.present().ok_or_else(|| unavailable("an outage is known"))
    }

    /// The number of the present connection.
    pub fn number(&self) -> db::Result<u64> {
        let present = self.shared.present.read().unwrap_or_else(PoisonError::into_inner);
        present.as_ref().map(|live| live.number).ok_or_else(|| unavailable("an outage is known"))
    }

    /// Asks whether Redis answers, and is the one to write to still.
    pub async fn check(&self) -> db::Result<()> {
        let mut live = self.live()?;
        let answer = timeout(DEADLINE, greeting::check(&mut live.inner, &live.run)).await;
        if let Ok(Err(error)) = &answer {
            self.shared.lose(&live, error);
        }
        self.checked(&live, answer)
    }

    /// Runs a script.
    pub async fn ask<T: FromRedisValue>(&self, call: Call) -> db::Result<T> {
        self.ask_script(&mut self.live()?, call).await
    }

    /// Runs a script over this connection, or none.
    pub async fn ask_script<T: FromRedisValue>(&self, live: &mut Live, call: Call) -> db::Result<T> {
        let script = call.prepare(&live.run.id, live.run.durable);
        let answer = timeout(DEADLINE, script.invoke_async(&mut live.inner)).await;
        self.checked(live, answer)
    }

    /// Asks several things in one round trip, over this connection or none.
    pub async fn ask_all<T: FromRedisValue>(&self, live: &mut Live, questions: &Pipeline) -> db::Result<T> {
        let answer = timeout(DEADLINE, questions.query_async(&mut live.inner)).await;
        self.checked(live, answer)
    }

    /// [`Connection::ask`] for a thread that may wait, in the middle of a transaction.
    pub fn wait<T: FromRedisValue + Send + 'static>(&self, call: Call) -> db::Result<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let this = self.clone();
        self.shared.runtime.spawn(async move {
            let _ = sender.send(this.ask(call).await);
        });
        // The thread of the connection watches the deadline, this one only whether that thread is alive.
        receiver.recv_timeout(2 * DEADLINE).unwrap_or_else(|_| Err(unavailable("nobody asked it")))
    }

    /// Waits until it is connected, for as long as a call may take.
    pub fn wait_until_connected(&self) -> bool {
        let until = std::time::Instant::now() + DEADLINE;
        while self.live().is_err() {
            if std::time::Instant::now() >= until {
                return false;
            }
            thread::sleep(Duration::from_millis(5));
        }
        true
    }

    fn checked<T>(&self, live: &Live, answer: Result<RedisResult<T>, tokio::time::error::Elapsed>) -> db::Result<T> {
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                // What was answered and can't be understood is a record's fault: on a broken connection it is followed by worse.
                let is_lost = error.is_io_error() || error.is_unrecoverable_error();
                if is_lost && error.kind() != ErrorKind::Parse {
                    self.shared.lose(live, &error);
                }
                Err(unavailable(error))
            }
            Err(elapsed) => {
                self.shared.lose(live, &elapsed);
                Err(unavailable("no answer within the deadline"))
            }
        }
    }
}

fn unavailable(reason: impl std::fmt::Display) -> db::Error {
    db::Error::StoreUnavailable(reason.to_string())
}

impl Shared {
    fn present(&self) -> Option<Live> {
        self.present.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, live: Option<Live>) {
        *self.present.write().unwrap_or_else(PoisonError::into_inner) = live;
    }

    /// Drops a connection that failed, unless a newer one is in its place.
    fn lose(&self, failed: &Live, sign: &dyn std::fmt::Display) {
        let mut present = self.present.write().unwrap_or_else(PoisonError::into_inner);
        if present.as_ref().is_some_and(|live| live.number == failed.number) {
            tracing::error!(%sign, "Redis is unavailable");
            *present = None;
            self.lost.notify_one();
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The thread need not sleep to the end.
        self.lost.notify_one();
    }
}

/// Keeps a connection for as long as somebody holds a [`Connection`].
fn keep(runtime: &Runtime, shared: &Weak<Shared>) {
    runtime.block_on(async {
        let mut told = false;
        while let Some(present) = shared.upgrade() {
            match connect(&present).await {
                Ok(live) => {
                    tracing::info!(durable = live.run.durable, tells_changes = live.changes.is_some(), "Redis answers");
                    told = false;
                    present.set(Some(live));
                    drop(present);
                    watch(shared).await;
                }
                Err(error) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::error!(%error, "Redis can't be reached");
                    }
                    drop(present);
                }
            }
            sleep(BETWEEN_TRIES).await;
        }
    });
}

/// Returns when the connection is lost, or not wanted any more.
async fn watch(shared: &Weak<Shared>) {
    while let Some(shared) = shared.upgrade() {
        let connection = Connection { shared };
        if connection.check().await.is_err() {
            return;
        }
        let lost = Arc::clone(&connection.shared.lost);
        drop(connection);
        let _ = timeout(BETWEEN_LOOKS, lost.notified()).await;
    }
}

async fn connect(shared: &Shared) -> RedisResult<Live> {
    let late = || RedisError::from((ErrorKind::Io, "no answer within the deadline"));
    let Greeted { inner, run, changes } =
        timeout(DEADLINE, greet(&shared.client, DEADLINE)).await.unwrap_or_else(|_| Err(late()))?;
    let number = shared.made.fetch_add(1, Ordering::Relaxed) + 1;
    Ok(Live { inner, run: Arc::new(run), number, changes })
}
