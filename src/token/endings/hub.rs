//! One task an instance that reads endings for all of its followers.
//!
//! It knows what still matters, so that a new follower's snapshot and the news that follow it come from one place and
//! nothing falls between them. While nobody follows it knows nothing and asks nothing.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use actix_web::web::Bytes;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{
    Ask, BEHIND_MOST, FOLLOWERS_MOST, Feed, NotNow,
    rows::{self, EVER, Row},
};
use crate::{
    db::{self, Pool},
    token::access::now,
};

/// Between two readings.
const EVERY: Duration = Duration::from_millis(250);
/// A reading that takes longer leaves followers in ignorance, so they are told.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two comments on a feed that has nothing to say.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How much longer than it matters an ending is remembered: a clock behind ours may still read it.
const SLACK_SECONDS: i64 = 120;

const STILL_HERE: &str = ": still here\n\n";
const LOST: &str = ": the database does not answer: from here on nobody knows what ended\n\n";
const CLOSING: &str = ": the server stops\n\n";
const COMPLETE: &str = "event: snapshot-complete\ndata: {}\n\n";

/// Reads endings and tells followers.
#[must_use = "nobody is told anything unless it runs"]
pub struct Hub {
    pool: Pool,
    asks: mpsc::Receiver<Ask>,
    known: BTreeMap<i64, Row>,
    /// The transaction at which the next reading begins.
    since: String,
    followers: Vec<mpsc::Sender<Bytes>>,
    waiting: Vec<oneshot::Sender<Result<Feed, NotNow>>>,
    told_at: Instant,
}

impl Hub {
    pub(super) fn new(pool: Pool, asks: mpsc::Receiver<Ask>) -> Self {
        Self {
            pool,
            asks,
            known: BTreeMap::new(),
            since: EVER.to_owned(),
            followers: Vec::new(),
            waiting: Vec::new(),
            told_at: Instant::now(),
        }
    }

    /// Serves followers until it is closed.
    pub async fn run(mut self) {
        loop {
            let ask = match self.followers.is_empty() {
                true => self.asks.recv().await,
                false => match timeout(EVERY, self.asks.recv()).await {
                    Ok(ask) => ask,
                    Err(_) => {
                        self.read().await;
                        continue;
                    }
                },
            };
            match ask {
                Some(Ask::Follow(answer)) => {
                    self.waiting.push(answer);
                    self.read().await;
                }
                Some(Ask::Close) | None => return self.tell(CLOSING),
            }
        }
    }

    /// Reads once, tells the news, and greets who waits with everything that is known then.
    async fn read(&mut self) {
        let since = self.since.clone();
        let pool = self.pool.clone();
        let mut reading = Box::pin(db::run(&pool, move |conn| rows::read(conn, &since)));
        let read = match timeout(PATIENCE, &mut reading).await {
            Ok(read) => read,
            Err(_) => {
                self.lose();
                // To its own deadline, which opens the breaker: readings must not pile up before a frozen server.
                reading.await
            }
        };
        match read {
            Ok(rows) => self.take(rows),
            Err(error) => {
                tracing::warn!(%error, "the feed of endings waits for the database");
                self.lose();
            }
        }
        if self.followers.is_empty() {
            self.forget();
        }
    }

    fn take(&mut self, rows: Vec<Row>) {
        if let Some(row) = rows.first() {
            self.since = row.oldest.clone();
        }
        let mut news = String::new();
        for row in rows {
            let event = row.event();
            if self.known.insert(row.id, row).is_none() {
                news.push_str(&event);
            }
        }
        let over = now() - SLACK_SECONDS;
        self.known.retain(|_, row| row.until > over);
        if news.is_empty() && self.told_at.elapsed() >= HEARTBEAT {
            news.push_str(STILL_HERE);
        }
        self.tell(&news);
        for answer in std::mem::take(&mut self.waiting) {
            let greeted = self.greet();
            // Who went away meanwhile leaves a feed that is closed, and the next telling drops it.
            let _ = answer.send(greeted);
        }
    }

    fn greet(&mut self) -> Result<Feed, NotNow> {
        if self.followers.len() >= FOLLOWERS_MOST {
            return Err(NotNow::TooMany);
        }
        let mut snapshot = "retry: 1000\n\n".to_owned();
        for row in self.known.values() {
            snapshot.push_str(&row.event());
        }
        snapshot.push_str(COMPLETE);
        let (follower, feed) = mpsc::channel(BEHIND_MOST);
        // There is room: it is the first piece.
        let _ = follower.try_send(snapshot.into());
        self.followers.push(follower);
        Ok(feed)
    }

    /// Drops who is gone, and who reads too slowly: a feed that ends is better than one that is late.
    fn tell(&mut self, text: &str) {
        if text.is_empty() {
            return self.followers.retain(|follower| !follower.is_closed());
        }
        let piece = Bytes::copy_from_slice(text.as_bytes());
        self.followers.retain(|follower| follower.try_send(piece.clone()).is_ok());
        self.told_at = Instant::now();
    }

    fn lose(&mut self) {
        self.tell(LOST);
        self.followers.clear();
        for answer in std::mem::take(&mut self.waiting) {
            let unknown = db::Error::Unavailable("nobody knows what ended".to_owned());
            let _ = answer.send(Err(NotNow::Database(unknown)));
        }
        self.forget();
    }

    fn forget(&mut self) {
        self.known.clear();
        EVER.clone_into(&mut self.since);
    }
}
