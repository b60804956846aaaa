//! What belongs to a database without being in it: a store that keeps a part of what its rows tell of. Whoever works with a
//! connection of the pool finds it, as it finds the rows, so that nobody has to hand it on who doesn't know it.

use std::{any::Any, cell::RefCell, sync::Arc};

thread_local! {
    static PRESENT: RefCell<Option<Companion>> = const { RefCell::new(None) };
}

/// What stands beside a pool's connections.
#[derive(Clone)]
pub(super) struct Companion(Arc<dyn Any + Send + Sync>);

impl Companion {
    pub(super) fn new<T: Any + Send + Sync>(companion: Arc<T>) -> Self {
        Self(companion)
    }

    pub(super) fn of_kind<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        Arc::clone(&self.0).downcast().ok()
    }
}

impl std::fmt::Debug for Companion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Companion")
    }
}

/// Runs `work` with this beside the database.
pub(super) fn beside<T>(companion: Option<Companion>, work: impl FnOnce() -> T) -> T {
    let before = PRESENT.replace(companion);
    let result = work();
    PRESENT.set(before);
    result
}

/// What stands beside the database that this thread works with at this moment, inside of [`super::Pool::with`].
#[must_use]
pub fn companion<T: Any + Send + Sync>() -> Option<Arc<T>> {
    PRESENT.with_borrow(|present| present.as_ref().and_then(Companion::of_kind))
}
