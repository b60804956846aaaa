//! The comparisons: one event in a login's life, told at both doors at once, until every copied credential is dead.
//!
//! Somebody logs in, is known, and is robbed of copies of everything they hold; then the event happens, and the copies go on
//! being tried, four times a second, while each one's life is drawn as a bar. Access tokens are asked to be short-lived, so that
//! their end can be waited for. Two lanes show ways between the schemes: a route that asks whether the login is alive, and a
//! service that asks nobody and follows the feed of endings.
//!
//! What a visitor may do is done at this server, for a throwaway account. What only an operator may do, or an accident, happens
//! at private instances.
//!
//! A comparison is an experiment like any other, and runs like one.

mod clock;
mod event;
mod events;
mod follower;
mod happen;
mod life;
mod stage;
mod verdict;
mod watch;

pub use self::events::ALL;
use self::{event::Event, stage::Stage};
use super::{
    experiment::{Experiment, Outcome},
    lab::{Run, Stopped},
};

/// The comparison of this name.
#[must_use]
pub fn find(id: &str) -> Option<&'static Experiment> {
    ALL.into_iter().find(|event| event.id == id)
}

/// Tells the story of an event.
async fn tell(run: &mut Run, event: Event) -> Result<Outcome, Stopped> {
    let mut stage = Stage::set(run, event).await?;
    watch::before(run, &mut stage).await?;
    happen::happen(run, &mut stage).await?;
    watch::after(run, &mut stage).await?;
    verdict::judge(&stage)
}
