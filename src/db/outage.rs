//! The breaker: knows whether the database can be asked, so that no request has to find out by waiting.
//!
//! A request that met a broken connection, or no answer in time, raises a *suspicion*: a thread of its own then tries a fresh
//! connection. If that is answered at once, only the old connections were bad, or a statement was slow, and nobody else
//! notices; if not, the breaker opens and requests are refused at once, until a knock, five a second, is answered again. Either
//! way a new *generation* begins: connections of an older one are thrown away, so that no request pays for the outage after
//! its end.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use diesel::{Connection as _, PgConnection, connection::SimpleConnection as _};

use super::Error;
use crate::metrics;

/// Between two knocks; a server that takes longer than this for the smallest question is none to rely on.
const PATIENCE: Duration = Duration::from_millis(200);
/// How many knocks may hang at once, each until libpq gives up: the next one may find a server that lost the one before.
const KNOCKS_MOST: usize = 12;

/// Whether the database can be asked.
#[derive(Debug)]
pub struct Outage {
    url: String,
    // The same as `state`, for those who only ask.
    open: AtomicBool,
    state: Mutex<State>,
    generation: AtomicU64,
    this: Weak<Outage>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Suspected,
    Open,
}

impl Outage {
    /// A breaker that is closed: nothing is known to be wrong.
    pub fn new(url: String) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            url,
            open: AtomicBool::new(false),
            state: Mutex::new(State::Closed),
            generation: AtomicU64::new(0),
            this: this.clone(),
        })
    }

    /// Whether an outage is known.
    pub fn is_known(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Refuses at once during an outage, and counts that.
    pub fn check(&self) -> Result<(), Error> {
        if !self.is_known() {
            return Ok(());
        }
        metrics::database_refused("outage");
        Err(Error::Unavailable("an outage is known".to_owned()))
    }

    /// What to say when an answer has not come in time: counts that, and has it found out whether there is an outage.
    pub fn late(&self) -> Error {
        const SIGN: &str = "no answer within the deadline";
        metrics::database_refused("deadline");
        self.suspect(SIGN);
        Error::Unavailable(SIGN.to_owned())
    }

    /// Connections made in an older generation may be dead.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Has it found out whether there is an outage, if that is not being done already.
    pub fn suspect(&self, sign: &'static str) {
        let mut state = self.state();
        if *state != State::Closed {
            return;
        }
        *state = State::Suspected;
        drop(state);
        let this = self.this.clone();
        let knocking = thread::Builder::new().name("database-outage".to_owned()).spawn(move || knock(&this, sign));
        if let Err(error) = knocking {
            // Without the thread nobody would ever find out: better to go on asking.
            tracing::error!(%error, "no thread to ask for the database");
            self.end();
        }
    }

    fn begin(&self, sign: &str) {
        let mut state = self.state();
        if *state == State::Suspected {
            *state = State::Open;
            self.open.store(true, Ordering::Release);
            tracing::error!(sign, "the database is unavailable");
        }
    }

    fn end(&self) {
        let mut state = self.state();
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.open.store(false, Ordering::Release);
        if std::mem::replace(&mut *state, State::Closed) == State::Open {
            tracing::info!("the database answers again");
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Knocks until the database answers, or nobody wants to know any more.
fn knock(outage: &Weak<Outage>, sign: &str) {
    let (sender, answers) = mpsc::channel();
    let mut hanging = 0;
    while let Some(present) = outage.upgrade() {
        if hanging < KNOCKS_MOST {
            let (url, sender) = (present.url.clone(), sender.clone());
            let asking = thread::Builder::new().name("database-knock".to_owned());
            let asked = asking.spawn(move || sender.send(answers_quickly(&url)));
            hanging += usize::from(asked.is_ok());
        }
        // Held no longer: when the pool is gone, so is the reason to knock.
        drop(present);
        let began = Instant::now();
        let answered = answers.recv_timeout(PATIENCE);
        hanging -= usize::from(answered.is_ok());
        let Some(present) = outage.upgrade() else { return };
        if answered == Ok(true) {
            return present.end();
        }
        present.begin(sign);
        drop(present);
        thread::sleep(PATIENCE.saturating_sub(began.elapsed()));
    }
}

fn answers_quickly(url: &str) -> bool {
    let Ok(mut conn) = PgConnection::establish(url) else { return false };
    let asked = Instant::now();
    conn.batch_execute("SELECT 1").is_ok() && asked.elapsed() < PATIENCE
}
