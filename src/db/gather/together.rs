//! What one worker asks at the same time, it asks in one piece.
//!
//! The first question of a turn starts a task, which runs when the worker has done what it is at; until then others join. The
//! answers come back in one piece, too, and wake the worker once, however many requests wait for them. What comes while an answer
//! is under way goes in a piece of its own: never in the one that has gone.

use std::{
    any::Any,
    cell::RefCell,
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
    /// A kind of question. Whoever is asked gathers by itself, or can answer several at once.
    #[must_use]
    pub fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Self { number: COUNT.fetch_add(1, Ordering::Relaxed), of: PhantomData }
    }

    /// Asks together with whoever asks in the same turn of this worker. What `how` makes answers all keys in their order; whose
    /// it is does not matter, so only the first one's is made.
    ///
    /// # Errors
    ///
    /// What was answered, for all of them.
    pub async fn ask<F>(&self, key: K, how: impl FnOnce() -> F) -> Result<A>
    where
        F: AsyncFnOnce(Vec<K>) -> Answers<A> + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        if join(self.number, (key, sender)) {
            rt::spawn(take_up(self.number, how()));
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

/// The questions that came up to now.
fn take<K: 'static, A: 'static>(number: u64) -> Vec<Asked<K, A>> {
    let taken = ASKED.try_with(|all| {
        let mut all = all.borrow_mut();
        let at = all.iter().position(|(of, _)| *of == number)?;
        all.swap_remove(at).1.downcast().ok()
    });
    taken.ok().flatten().map(|asked| *asked).unwrap_or_default()
}

async fn take_up<K: 'static, A: 'static>(number: u64, ask: impl AsyncFnOnce(Vec<K>) -> Answers<A>) {
    let (keys, waiting): (Vec<K>, Vec<_>) = take(number).into_iter().unzip();
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

#[cfg(test)]
mod tests {
    use std::{cell::Cell, rc::Rc};

    use super::*;

    /// Answers each key with the number of the piece that it went in, when it is let go on.
    #[derive(Clone)]
    struct Slow(Rc<Cell<usize>>, Rc<tokio::sync::Semaphore>);

    fn slow() -> Slow {
        Slow(Rc::default(), Rc::new(tokio::sync::Semaphore::new(0)))
    }

    fn ask(together: &Rc<Together<u8, usize>>, key: u8, of: &Slow) -> rt::task::JoinHandle<Result<usize>> {
        let (together, Slow(pieces, gate)) = (Rc::clone(together), of.clone());
        rt::spawn(async move {
            let how = move || {
                async move |keys: Vec<u8>| {
                    pieces.set(pieces.get() + 1);
                    let piece = pieces.get();
                    gate.acquire().await.expect("never closed").forget();
                    Ok(vec![piece; keys.len()])
                }
            };
            together.ask(key, how).await
        })
    }

    async fn turn() {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }

    #[actix_web::test]
    async fn what_comes_while_an_answer_is_under_way_goes_in_a_piece_of_its_own() {
        let (together, of) = (Rc::new(Together::new()), slow());
        let first = ask(&together, 1, &of);
        turn().await;
        // The very same key, too: what it asked for had gone before it came.
        let (second, third) = (ask(&together, 1, &of), ask(&together, 2, &of));
        turn().await;
        assert_eq!(of.0.get(), 2, "nobody waits for the last answer");
        of.1.add_permits(2);
        for (asked, piece) in [(first, 1), (second, 2), (third, 2)] {
            assert_eq!(asked.await.expect("joined").expect("answered"), piece);
        }
    }
}
