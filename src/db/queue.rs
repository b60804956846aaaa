//! The queue before the connections: bounded in length and in time, so that overload is a quick refusal and no growing delay.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Error, Result};

/// How many requests may wait.
const WAITING_MOST: usize = 1000;

/// Who waits for a connection, and whether anybody gets on.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: AtomicUsize,
    done: AtomicU64,
}

impl Queue {
    /// How many wait.
    pub(super) fn length(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Somebody got their answer.
    pub(super) fn got_on(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits for a place. [`Error::Unavailable`] if nobody at all got on meanwhile: then the database does not answer.
    pub(super) async fn wait(&self, places: Arc<Semaphore>, most: Duration) -> Result<OwnedSemaphorePermit> {
        let _waiting = Waiting::enter(self)?;
        let done = self.done.load(Ordering::Relaxed);
        match tokio::time::timeout(most, places.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ if self.done.load(Ordering::Relaxed) != done => Err(Error::Overloaded),
            _ => Err(Error::Unavailable("nobody in front gets on".to_owned())),
        }
    }
}

/// One who waits; leaving is counted whatever happens.
struct Waiting<'a>(&'a Queue);

impl<'a> Waiting<'a> {
    fn enter(queue: &'a Queue) -> Result<Self> {
        let entered = Self(queue);
        if queue.waiting.fetch_add(1, Ordering::AcqRel) >= WAITING_MOST { Err(Error::Overloaded) } else { Ok(entered) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn who_would_be_one_too_many_is_turned_away_at_once() {
        let queue = Queue { waiting: AtomicUsize::new(WAITING_MOST), ..Queue::default() };
        let refused = queue.wait(Arc::new(Semaphore::new(1)), Duration::MAX).await;
        assert!(matches!(refused, Err(Error::Overloaded)), "although there is a place");
        assert_eq!(queue.length(), WAITING_MOST, "who was turned away no longer waits");
    }

    #[actix_web::test]
    async fn waiting_in_vain_is_overload_only_if_others_got_on() {
        let (queue, places) = (Queue::default(), Arc::new(Semaphore::new(0)));
        let stuck = queue.wait(Arc::clone(&places), Duration::ZERO).await;
        assert!(matches!(stuck, Err(Error::Unavailable(_))), "{stuck:?}");
        let waiting = queue.wait(places, Duration::from_millis(1));
        let (late, ()) = tokio::join!(waiting, async { queue.got_on() });
        assert!(matches!(late, Err(Error::Overloaded)), "{late:?}");
    }
}
