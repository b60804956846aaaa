//! The gate before the hashing of passwords.
//!
//! It lets as many run as the machine has cores to spare, lets 64 wait for 2 seconds and turns the rest away, so that a storm of
//! log-ins exhausts no memory and leaves a core to everybody else.

use std::{
    num::NonZero,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use tokio::sync::{Semaphore, oneshot};

use super::{
    fields::Password,
    password::{Checked, Memory, check, hash_in},
};
use crate::metrics;

const WAITING_MOST: usize = 64;
const WAIT: Duration = Duration::from_secs(2);

/// Too many passwords are being checked: to be tried again in 2 seconds.
#[derive(Debug, thiserror::Error)]
#[error("too many passwords are being checked")]
pub struct Busy;

type Work = Box<dyn FnOnce(&mut Memory) + Send>;

/// Lets few hash at a time, on threads of their own, each in memory of its own: it is kept as long as somebody waits.
#[derive(Debug)]
pub struct Gate {
    threads: mpsc::Sender<Work>,
    /// How many there are.
    count: u32,
    running: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Gate {
    /// One less than the machine has cores, at least one.
    #[must_use]
    pub fn for_this_machine() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Self::new((cores - 1).max(1), 0)
    }

    fn new(threads: usize, waiting: usize) -> Self {
        let (sender, receiver) = mpsc::channel::<Work>();
        let (receiver, waiting) = (Arc::new(Mutex::new(receiver)), Arc::new(AtomicUsize::new(waiting)));
        for _ in 0..threads {
            let (receiver, waiting) = (Arc::clone(&receiver), Arc::clone(&waiting));
            let is_next_waiting = move || waiting.load(Ordering::Acquire) >= threads;
            let work_off = move || work_off(&receiver, is_next_waiting);
            if let Err(error) = thread::Builder::new().name("passwords".to_owned()).spawn(work_off) {
                tracing::error!(%error, "no thread to check passwords on");
            }
        }
        let count = u32::try_from(threads).unwrap_or(u32::MAX);
        Self { threads: sender, count, running: Arc::new(Semaphore::new(threads)), waiting }
    }

    /// Returns when nothing is computed any more, also not for a request that gave up.
    pub async fn until_idle(&self) {
        let _ = self.running.acquire_many(self.count).await;
    }

    /// Refuses at once who would be one too many; nobody's place is taken by asking.
    pub fn has_room(&self) -> Result<(), Busy> {
        if self.waiting.load(Ordering::Acquire) < WAITING_MOST {
            return Ok(());
        }
        metrics::password_turned_away();
        Err(Busy)
    }

    /// Checks a password against a hash, or against nobody's.
    pub async fn check(&self, password: Password, hash: Option<String>) -> Result<Checked, Busy> {
        self.pass(move |memory| check(memory, &password, hash.as_deref())).await
    }

    /// Hashes a password that is to be set, unless it is refused: to judge it costs computing, too.
    pub async fn hash_unless<E: Send + 'static>(
        &self,
        password: Password,
        refused: impl FnOnce(&Password) -> Result<(), E> + Send + 'static,
    ) -> Result<Result<String, E>, Busy> {
        let work = move |memory: &mut Memory| refused(&password).map(|()| hash_in(memory, &password));
        match self.pass(work).await? {
            Ok(hash) => hash.map(Ok).ok_or(Busy),
            Err(refused) => Ok(Err(refused)),
        }
    }

    /// Runs a computation that deserves a thread, behind the gate.
    pub async fn pass<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let waiting = Waiting::enter(&self.waiting).inspect_err(|_| metrics::password_turned_away())?;
        let began = Instant::now();
        let permit = tokio::time::timeout(WAIT, Arc::clone(&self.running).acquire_owned());
        let permit = permit.await.map_err(|_| Busy)?.map_err(|_| Busy)?;
        metrics::password_waited(began.elapsed());
        let (sender, receiver) = oneshot::channel();
        // The work itself holds its place: a client that goes away drops this future, but the work goes on.
        let work = Box::new(move |memory: &mut Memory| {
            let result = work(memory);
            drop((permit, waiting));
            let _ = sender.send(result);
        });
        self.threads.send(work).map_err(|_| Busy)?;
        receiver.await.map_err(|_| Busy)
    }
}

/// Does what comes until the gate is gone. Work that panics takes its place along and nobody else's.
fn work_off(works: &Mutex<mpsc::Receiver<Work>>, is_next_waiting: impl Fn() -> bool) {
    let mut memory = Memory::default();
    loop {
        let next = works.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = next else { return };
        if std::panic::catch_unwind(AssertUnwindSafe(|| work(&mut memory))).is_err() {
            tracing::error!("checking a password panicked");
        }
        if !is_next_waiting() {
            memory = Memory::default();
        }
    }
}

/// One who waits or hashes; leaving is counted whatever happens.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn enter(waiting: &Arc<AtomicUsize>) -> Result<Self, Busy> {
        let entered = Self(Arc::clone(waiting));
        metrics::passwords_waiting(1);
        if waiting.fetch_add(1, Ordering::AcqRel) >= WAITING_MOST { Err(Busy) } else { Ok(entered) }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
        metrics::passwords_waiting(-1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn the_gate_turns_away_who_would_be_one_too_many() {
        let gate = Gate::new(1, WAITING_MOST);
        assert!(gate.has_room().is_err() && Gate::new(1, WAITING_MOST - 1).has_room().is_ok());
        assert!(gate.check(Password::typed("x"), None).await.is_err());
        assert_eq!(gate.waiting.load(Ordering::Acquire), WAITING_MOST, "who was turned away no longer waits");
    }

    #[actix_web::test]
    async fn work_holds_its_place_also_when_nobody_waits_for_it_any_more() {
        let gate = Gate::new(1, 0);
        let (go_on, held) = mpsc::channel::<()>();
        let mut left = Box::pin(gate.pass(move |_| held.recv()));
        // Polled once, so that the work has begun, and then dropped as by a client that goes away.
        assert!(tokio::time::timeout(Duration::ZERO, &mut left).await.is_err());
        drop(left);
        assert_eq!((gate.running.available_permits(), gate.waiting.load(Ordering::Acquire)), (0, 1));
        go_on.send(()).expect("the work goes on");
        gate.pass(|_| ()).await.expect("its turn comes");
    }
}
