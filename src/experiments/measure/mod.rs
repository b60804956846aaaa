//! Measuring what either scheme costs on this machine: functions that return samples, for `/measure` and for experiments.
//!
//! | module | what it measures |
//! |---|---|
//! | [`signatures`] | signing and checking a token, with every algorithm, in this process |
//! | [`passwords`] | hashing a password, in this process |
//! | [`doors`] | a request at either door, over HTTP, and how many bytes its credential takes |
//! | [`machine`] | nothing: it names the processor and the build that all this was measured with |
//!
//! Promise: every number is a [`Sample`] with its count and its spread; nothing is carried over from an earlier run. Computing is
//! done on a thread of its own, never on one that answers requests.
//! Limit: whatever else the machine does meanwhile is in the numbers. The spread shows it.

pub mod doors;
pub mod machine;
pub mod passwords;
pub mod reference;
pub mod report;
pub mod sample;
pub mod signatures;

use std::thread;

use tokio::sync::oneshot;

pub use self::sample::Sample;
use self::{doors::Doors, signatures::Signature};
use super::client::{Target, Unanswered};

/// How long a run takes at most, about.
pub const SECONDS: u64 = 5;

/// How often each thing is measured.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    /// Each signature and each check of one.
    pub signatures: usize,
    /// Each kind of request.
    pub requests: usize,
    /// Each password.
    pub passwords: usize,
}

/// Enough for a 10th and a 90th percentile that mean something, in a time that a visitor waits.
pub const USUAL: Counts = Counts { signatures: 200, requests: 200, passwords: 15 };

/// Everything that was measured.
#[derive(Debug)]
pub struct Measurement {
    /// For each algorithm.
    pub signatures: Vec<Signature>,
    /// Hashing a password.
    pub password: Sample,
    /// Requests at both doors.
    pub doors: Doors,
}

/// Why nothing was measured; for people.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unmeasured(pub String);

impl From<Unanswered> for Unmeasured {
    fn from(unanswered: Unanswered) -> Self {
        Self(unanswered.to_string())
    }
}

/// Measures all of it, one thing after the other, so that none disturbs another.
pub async fn run(target: &Target, counts: Counts) -> Result<Measurement, Unmeasured> {
    let doors = doors::measure(target, counts.requests).await?;
    let claims = doors.claims_of_the_token.clone();
    let (signatures, password) = on_a_thread(move || {
        let signatures = signatures::measure(&claims, counts.signatures)?;
        Ok::<_, Unmeasured>((signatures, passwords::measure(counts.passwords)?))
    })
    .await??;
    Ok(Measurement { signatures, password, doors })
}

/// Runs a computation on a thread of its own, which takes its memory along when it ends.
pub async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Unmeasured> {
    let (sender, receiver) = oneshot::channel();
    let started = thread::Builder::new().name("measuring".to_owned()).spawn(move || drop(sender.send(work())));
    started.map_err(|error| Unmeasured(format!("no thread to measure on: {error}")))?;
    receiver.await.map_err(|_| Unmeasured("the measuring was lost".to_owned()))
}
