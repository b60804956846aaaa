//! Where experiments run: the server that is asked, and what a run may use besides.
//!
//! A run talks to the server like any other client. What needs more than a visitor may do goes to an [`Instance`] that the run
//! starts for itself, reaches through its database and its command line, and throws away.
//!
//! Promise: a run leaves nothing behind. Accounts are deleted at its end, also when it broke off; instances end with it, and even
//! if this process is killed, as they watch it. Accounts that nobody could delete any more go to the server's sweeper.

mod ask;
pub mod attacks;
mod browse;
pub mod copies;
mod instance;
mod knock;
mod launch;
mod log_in;
mod memory_store;
pub mod parts;
mod progress;
mod redis;
pub mod requests;
mod run;
mod service;
mod stories;
mod tls;
mod victim;
mod weak;
mod wire;

pub use self::{
    instance::Instance,
    knock::{Seen, get, post},
    log_in::Logins,
    memory_store::MemoryStore,
    progress::Progress,
    redis::PrivateRedis,
    run::{Run, perform},
    service::Service,
    stories::unexpected,
    victim::{Victim, forged},
    weak::Weak,
    wire::Wire,
};
use std::{path::PathBuf, sync::Arc};

use super::{
    client::{Target, Unanswered},
    experiment::Need,
    measure::Unmeasured,
    specimens::Specimens,
};
use crate::config::Surroundings;

/// What every run of one process may use.
#[derive(Debug, Clone)]
pub struct Lab {
    /// The server that is asked.
    pub target: Target,
    /// Where this process runs, for instances of its own.
    pub surroundings: Surroundings,
    /// The weak pages, if they are served.
    pub specimens: Option<Arc<Specimens>>,
    /// Who opens them.
    pub browser: Browsing,
}

/// Whose browser walks through the specimens.
#[derive(Debug, Clone)]
pub enum Browsing {
    /// The visitor's, who is asked to open a page.
    Visitor,
    /// A headless one, of this program.
    Headless(PathBuf),
    /// Nobody's: why.
    Nobody(String),
}

/// Why a run broke off; for people.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{why}")]
pub struct Stopped {
    /// In a sentence.
    pub why: String,
    /// What was not to be had, if that is why.
    pub lacks: Option<Need>,
}

impl Stopped {
    /// For a reason.
    pub fn because(why: impl Into<String>) -> Self {
        Self { why: why.into(), lacks: None }
    }

    /// For want of something.
    pub fn lacking(need: Need, why: impl Into<String>) -> Self {
        Self { why: why.into(), lacks: Some(need) }
    }
}

impl From<Unanswered> for Stopped {
    fn from(unanswered: Unanswered) -> Self {
        Self::because(unanswered.to_string())
    }
}

impl From<Unmeasured> for Stopped {
    fn from(unmeasured: Unmeasured) -> Self {
        Self::because(unmeasured.to_string())
    }
}

impl From<diesel::result::Error> for Stopped {
    fn from(error: diesel::result::Error) -> Self {
        Self::because(format!("the private instance’s database refused: {error}"))
    }
}
