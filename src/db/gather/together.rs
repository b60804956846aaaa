//! What one worker asks at the same time, it asks in one piece.
//!
//! The first question of a turn starts a task, which runs when the worker has done what it is at; until then others join. The
//! answers come back in one piece, too, and wake the worker once, however many requests wait for them.

use std::{
    any::Any,
    cell::RefCell,
    future::Future,
    marker::PhantomData,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use actix_web::rt;
use tokio::sync::oneshot;

use crate::db::{Error, Result};

/// Who asks the same kind of question. Its questions are told apart from others by its number.
pub struct Together<K, A> {
    number: u64,
    of: PhantomData<fn(K) -> A>,
}

/// What all get that asked together.
pub type Answers<A> = Result<Vec<A>, Arc<Error>>;

/// A key, and who waits for its answer.
type Asked<K, A> = (K, oneshot::Sender<Result<A, Arc<Error>>>);

thread_local! {
    /// The questions of this thread that nobody has taken up yet, by number.
    static ASKED: RefCell<Vec<(u64, Box<dyn Any>)>> = const { RefCell::new(Vec::new()) };
}

impl<K: 'static, A: 'static> Together<K, A> {
    /// A kind of question.
    #[must_use]
    pub fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Self { number: COUNT.fetch_add(1, Ordering::Relaxed), of: PhantomData }
    }

    /// Asks together with whoever asks in the same turn of this worker; `ask` answers all keys in their order. Which of their
    /// `ask`s it is does not matter.
    ///
    /// # Errors
    ///
    /// What `ask` says, for all of them.
    pub async fn ask<F>(&self, key: K, ask: impl FnOnce(Vec<K>) -> F + 'static) -> Result<A>
    where
        F: Future<Output = Answers<A>> + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        if join(self.number, (key, sender)) {
            rt::spawn(take_up(self.number, ask));
        }
        let answered = receiver.await.map_err(|_| Error::Unavailable("nobody asked".to_owned()))?;
        answered.map_err(|error| error.again())
    }
}

impl<K: 'static, A: 'static> Default for Together<K, A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, A> std::fmt::Debug for Together<K, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Together").field(&self.number).finish()
    }
}

/// Whether it is the first of this turn.
fn join<K: 'static, A: 'static>(number: u64, asked: Asked<K, A>) -> bool {
    ASKED.with_borrow_mut(|all| {
        let others = all.iter_mut().find(|(of, _)| *of == number);
        match others.and_then(|(_, others)| others.downcast_mut::<Vec<Asked<K, A>>>()) {
            Some(others) => {
                others.push(asked);
                false
            }
            None => {
                all.push((number, Box::new(vec![asked])));
                true
            }
        }
    })
}

async fn take_up<K: 'static, A: 'static, F>(number: u64, ask: impl FnOnce(Vec<K>) -> F)
where
    F: Future<Output = Answers<A>>,
{
    let asked = ASKED.with_borrow_mut(|all| {
        let at = all.iter().position(|(of, _)| *of == number)?;
        all.swap_remove(at).1.downcast::<Vec<Asked<K, A>>>().ok()
    });
    let (keys, waiting): (Vec<K>, Vec<_>) = asked.map(|asked| *asked).unwrap_or_default().into_iter().unzip();
    match ask(keys).await {
        Ok(answers) => {
            for (waiting, answer) in waiting.into_iter().zip(answers) {
                let _ = waiting.send(Ok(answer));
            }
        }
        Err(error) => {
            for waiting in waiting {
                let _ = waiting.send(Err(Arc::clone(&error)));
            }
        }
    }
}
