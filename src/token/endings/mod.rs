//! The feed of endings: who follows it knows within a second which access tokens count no more, and asks about none.
//!
//! Triggers write every ending into `token_endings`, in the transaction that brings it about (the migration says why
//! triggers). One
//! [`Hub`] an instance reads them four times a second, only while somebody follows, and tells all followers; each begins with a
//! snapshot of everything that still matters. The format is described in `docs/endings.md`.
//!
//! Promise: nothing that was committed is skipped, in whichever order it was. When the database does not answer, the feed
//! ends, so that a follower knows that it no longer knows. Limit: between two readings, and on the way, an ending is known
//! to nobody.

mod hub;
mod rows;

use actix_web::web::Bytes;
use tokio::sync::{mpsc, oneshot};

pub use self::hub::Hub;
pub use self::rows::sweep;
use crate::db::{self, Pool};

/// How many may follow one instance.
pub const FOLLOWERS_MOST: usize = 100;
/// How many pieces of the feed wait for a follower who reads slowly, before it is dropped.
const BEHIND_MOST: usize = 256;

/// The way to an instance's hub.
#[derive(Debug, Clone)]
pub struct Endings(mpsc::Sender<Ask>);

/// What the hub is asked for.
enum Ask {
    Follow(oneshot::Sender<Result<Feed, NotNow>>),
    Close,
}

/// The feed, as it is sent: pieces of an event stream.
pub type Feed = mpsc::Receiver<Bytes>;

/// Why nobody can follow just now.
#[derive(Debug, thiserror::Error)]
pub enum NotNow {
    /// There are [`FOLLOWERS_MOST`].
    #[error("too many follow the feed of endings")]
    TooMany,
    /// Nobody knows what ended.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Endings {
    /// The hub of an instance, which somebody has to run, and the way to it.
    pub fn new(pool: Pool) -> (Self, Hub) {
        let (asking, asks) = mpsc::channel(FOLLOWERS_MOST);
        (Self(asking), Hub::new(pool, asks))
    }

    /// Follows the feed: its first piece is the snapshot.
    pub async fn follow(&self) -> Result<Feed, NotNow> {
        let (answer, answered) = oneshot::channel();
        let closed = || NotNow::Database(db::Error::Unavailable("the feed of endings is closed".to_owned()));
        self.0.send(Ask::Follow(answer)).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }

    /// Ends the feed for everybody: the server stops.
    pub async fn close(&self) {
        let _ = self.0.send(Ask::Close).await;
    }
}
