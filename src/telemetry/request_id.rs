//! The id of a request.

use std::{
    cell::Cell,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use super::MEASURED;

/// The id under which a request stands in the log; error pages show it.
#[derive(Debug, Clone, Copy)]
pub struct RequestId(u64);

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl RequestId {
    /// That of the request that is being answered.
    #[must_use]
    pub fn present() -> Option<Self> {
        MEASURED.try_with(|measured| measured.id).ok().flatten()
    }

    /// A number that tells requests apart in the log, and processes too by where it begins. Each thread takes a thousand at
    /// once, as a counter that all of them write to at every request slows all of them.
    pub(super) fn next() -> Self {
        const AT_ONCE: u64 = 1024;
        static FIRST: LazyLock<u64> =
            LazyLock::new(|| u64::from_be_bytes(crate::secrets::random()) & 0xffff_ffff_0000_0000);
        static COUNT: AtomicU64 = AtomicU64::new(0);
        thread_local! {
            static NEXT: Cell<u64> = const { Cell::new(0) };
        }
        let next = match NEXT.get() {
            used_up if used_up % AT_ONCE == 0 => COUNT.fetch_add(AT_ONCE, Ordering::Relaxed),
            next => next,
        };
        NEXT.set(next + 1);
        Self(*FIRST | (next & 0xffff_ffff))
    }
}
