//! The breaker: knows whether the database can be asked, so that no request has to find out by waiting.
//!
//! It opens at the first sign of an outage. A thread of its own then tries a fresh connection every 200 ms and closes it
//! again after the first answer. Every closing begins a new *generation*: connections of an older one are thrown away, so
//! that no request pays for the outage after its end.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use diesel::{Connection as _, PgConnection, connection::SimpleConnection as _};

use super::Error;

const BETWEEN_TRIES: Duration = Duration::from_millis(200);

/// Whether the database can be asked.
#[derive(Debug)]
pub struct Outage {
    url: String,
    open: AtomicBool,
    generation: AtomicU64,
    this: Weak<Outage>,
}

impl Outage {
    /// A breaker that is closed: nothing is known to be wrong.
    pub fn new(url: String) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            url,
            open: AtomicBool::new(false),
            generation: AtomicU64::new(0),
            this: this.clone(),
        })
    }

    /// Refuses at once during an outage.
    pub fn check(&self) -> Result<(), Error> {
        if self.open.load(Ordering::Acquire) {
            return Err(Error::Unavailable("an outage is known".to_owned()));
        }
        Ok(())
    }

    /// Connections made in an older generation may be dead.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Opens the breaker, if it is not open already.
    pub fn begin(&self, sign: &str) {
        if self.open.swap(true, Ordering::AcqRel) {
            return;
        }
        tracing::error!(sign, "the database is unavailable");
        let this = self.this.clone();
        let knocking = thread::Builder::new().name("database-outage".to_owned()).spawn(move || knock(&this));
        if let Err(error) = knocking {
            // Without the thread nobody would ever close it: better to go on asking.
            tracing::error!(%error, "no thread to wait for the database");
            self.end();
        }
    }

    fn end(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.open.store(false, Ordering::Release);
    }
}

fn knock(outage: &Weak<Outage>) {
    loop {
        // Held only while knocking: when the pool is gone, so is the reason to knock.
        let Some(outage) = outage.upgrade() else { return };
        let answered =
            PgConnection::establish(&outage.url).is_ok_and(|mut conn| conn.batch_execute("SELECT 1").is_ok());
        if answered {
            outage.end();
            tracing::info!("the database answers again");
            return;
        }
        drop(outage);
        thread::sleep(BETWEEN_TRIES);
    }
}
