//! The connection of the thread that asks.
//!
//! It is made when it is needed. One that broke, or is older than the last outage, is replaced before the next statement.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use diesel::{connection::SimpleConnection as _, r2d2::ManageConnection as _};

use crate::db::{
    Asking, Error, Result,
    connection::{Manager, Pooled},
    count::Counted,
};

/// The connection, if there is one.
pub(super) struct Connected {
    manager: Manager,
    pooled: Option<Pooled>,
    /// Of the connection, among all of them.
    number: u64,
}

impl Connected {
    pub fn with_manager(manager: Manager) -> Self {
        Self { manager, pooled: None, number: 0 }
    }

    /// Runs `work` with a connection that is not known to be dead. Look-ups and notes may be made twice: if a connection
    /// breaks in the middle and a new one is to be had, nobody need notice.
    pub fn with<T>(&mut self, work: impl Fn(&mut Asking<'_>) -> Result<T>) -> (Result<T>, Counted) {
        let (result, counted) = self.once(&work);
        if counted.broken { self.once(&work) } else { (result, counted) }
    }

    fn once<T>(&mut self, work: impl Fn(&mut Asking<'_>) -> Result<T>) -> (Result<T>, Counted) {
        let generation = self.manager.outage.generation();
        let trusted = |pooled: &mut Pooled| pooled.generation == generation && pooled.answers();
        let mut pooled = match self.pooled.take_if(trusted) {
            Some(pooled) => pooled,
            None => match self.connect() {
                Ok(pooled) => pooled,
                Err(error) => return (Err(error), Counted::default()),
            },
        };
        pooled.counter.take();
        let result = work(&mut Asking { conn: &mut pooled.conn, connection: self.number });
        let mut counted = pooled.counter.take();
        pooled.used_at = Instant::now();
        counted.broken |= diesel::r2d2::R2D2Connection::is_broken(&mut pooled.conn);
        if counted.broken {
            self.manager.outage.suspect("a connection broke");
        } else {
            self.pooled = Some(pooled);
        }
        (result, counted)
    }

    fn connect(&mut self) -> Result<Pooled> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        self.number = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
        let connect = || {
            let mut pooled = self.manager.connect()?;
            // However many keys there are, the way to the rows is the same: making a plan each time costs more than it
            // saves. Each key leads to one row, so there is nothing to be gained from putting rows in order before they are
            // fetched. No note is worth waiting for a disk.
            let settings =
                "SET plan_cache_mode = force_generic_plan; SET enable_bitmapscan = off; SET synchronous_commit = off";
            pooled.conn.batch_execute(settings).map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
            pooled.counter.take();
            Ok(pooled)
        };
        connect().map_err(|error| {
            self.manager.outage.suspect("no connection to be had");
            Error::no_connection(&error)
        })
    }
}
