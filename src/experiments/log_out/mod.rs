//! The first comparison: what is left of each credential after log-out.
//!
//! One story, told at both doors at once: somebody logs in, is known, is robbed of copies of everything they hold, logs out;
//! then the copies are tried again from a second client, four times a second, until the last is dead. The access token is
//! asked to be short-lived, so that its end can be waited for.
//!
//! Claims S5 and R2: a session can be ended at once. Claim R1: a JWT can't be revoked before it expires.
//!
//! The account is made for the run and deleted at its end, also if something failed; what even that can't reach, the
//! server's sweeper deletes a quarter of an hour later.

mod arrival;
mod copies;
mod evidence;
mod life;
mod report;
mod rounds;
mod story;
mod verdict;

use self::story::Story;
use super::{account::Account, client::Target, finding::Comparison};

/// How long a run takes, about.
pub const SECONDS: u64 = 8;

/// Runs the story and cleans up after it, whatever happens.
pub async fn run(target: &Target) -> Comparison {
    let account = Account::invent();
    let mut story = Story::begin(&account);
    let told = story.tell(target).await;
    if let Err(stopped) = &told {
        tracing::warn!(%stopped, "the comparison broke off");
    }
    let removed = account.remove(target).await;
    report::write(story.into_evidence(), told.err(), &removed)
}
