//! Passwords are hashed with argon2id, behind a gate.
//!
//! Parameters after OWASP Password Storage: 19 MiB, two passes, one lane. They stand in each hash (PHC string format), so that
//! they can be raised and old hashes are replaced at the next log-in. Hashing is made to be slow and hungry: the [`Gate`] lets
//! as many run as the machine has cores to spare, lets 64 wait for 2 seconds and turns the rest away, so that a storm of
//! log-ins exhausts no memory and leaves a core to everybody else.

use std::{
    num::NonZero,
    panic::AssertUnwindSafe,
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use tokio::sync::{Semaphore, oneshot};

use super::fields::Password;
use crate::metrics;

const WAITING_MOST: usize = 64;
const WAIT: Duration = Duration::from_secs(2);

/// Memory in KiB, passes, lanes.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Verified for an e-mail address that nobody has: the same work as for one that somebody has.
static NOBODYS_HASH: LazyLock<String> = LazyLock::new(|| {
    let (salt, hash) = ("bm9ib2R5IGF0IGFsbA", "A".repeat(43));
    format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${hash}")
});

/// Too many passwords are being checked: to be tried again in 2 seconds.
#[derive(Debug, thiserror::Error)]
#[error("too many passwords are being checked")]
pub struct Busy;

/// What checking a password came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Checked {
    /// It is not the one.
    Wrong,
    /// It is.
    Right,
    /// It is, and here is the same with the present parameters, to be stored.
    RightWithNewHash(String),
}

/// What is hashed in. Its owner may use it again, which spares the system to clear as much of it for each hash.
#[derive(Default)]
pub struct Memory(Vec<Block>);

type Work = Box<dyn FnOnce(&mut Memory) + Send>;

/// Lets few hash at a time, on threads of their own, each in memory of its own: it is kept as long as somebody waits.
#[derive(Debug)]
pub struct Gate {
    threads: mpsc::Sender<Work>,
    running: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Gate {
    /// One less than the machine has cores, at least one.
    #[must_use]
    pub fn for_this_machine() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Self::new((cores - 1).max(1), 0)
    }

    fn new(threads: usize, waiting: usize) -> Self {
        let (sender, receiver) = mpsc::channel::<Work>();
        let (receiver, waiting) = (Arc::new(Mutex::new(receiver)), Arc::new(AtomicUsize::new(waiting)));
        for _ in 0..threads {
            let (receiver, waiting) = (Arc::clone(&receiver), Arc::clone(&waiting));
            let is_next_waiting = move || waiting.load(Ordering::Acquire) >= threads;
            let work_off = move || work_off(&receiver, is_next_waiting);
            if let Err(error) = thread::Builder::new().name("passwords".to_owned()).spawn(work_off) {
                tracing::error!(%error, "no thread to check passwords on");
            }
        }
        Self { threads: sender, running: Arc::new(Semaphore::new(threads)), waiting }
    }

    /// Refuses at once who would be one too many; nobody's place is taken by asking.
    pub fn has_room(&self) -> Result<(), Busy> {
        if self.waiting.load(Ordering::Acquire) < WAITING_MOST {
            return Ok(());
        }
        metrics::password_turned_away();
        Err(Busy)
    }

    /// Checks a password against a hash, or against nobody's.
    pub async fn check(&self, password: Password, hash: Option<String>) -> Result<Checked, Busy> {
        self.pass(move |memory| check(memory, &password, hash.as_deref())).await
    }

    /// Hashes a password that is to be stored.
    pub async fn hash(&self, password: Password) -> Result<String, Busy> {
        self.pass(move |memory| hash_in(memory, &password)).await?.ok_or(Busy)
    }

    /// Runs a computation that deserves a thread, behind the gate.
    pub async fn pass<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let waiting = Waiting::enter(&self.waiting).inspect_err(|_| metrics::password_turned_away())?;
        let began = Instant::now();
        let permit = tokio::time::timeout(WAIT, Arc::clone(&self.running).acquire_owned());
        let permit = permit.await.map_err(|_| Busy)?.map_err(|_| Busy)?;
        metrics::password_waited(began.elapsed());
        let (sender, receiver) = oneshot::channel();
        // The work itself holds its place: a client that goes away drops this future, but the work goes on.
        let work = Box::new(move |memory: &mut Memory| {
            let result = work(memory);
            drop((permit, waiting));
            let _ = sender.send(result);
        });
        self.threads.send(work).map_err(|_| Busy)?;
        receiver.await.map_err(|_| Busy)
    }
}

/// Does what comes until the gate is gone. Work that panics takes its place along and nobody else's.
fn work_off(works: &Mutex<mpsc::Receiver<Work>>, is_next_waiting: impl Fn() -> bool) {
    let mut memory = Memory::default();
    loop {
        let next = works.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = next else { return };
        if std::panic::catch_unwind(AssertUnwindSafe(|| work(&mut memory))).is_err() {
            tracing::error!("checking a password panicked");
        }
        if !is_next_waiting() {
            memory = Memory::default();
        }
    }
}

/// One who waits or hashes; leaving is counted whatever happens.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn enter(waiting: &Arc<AtomicUsize>) -> Result<Self, Busy> {
        let entered = Self(Arc::clone(waiting));
        metrics::passwords_waiting(1);
        if waiting.fetch_add(1, Ordering::AcqRel) >= WAITING_MOST { Err(Busy) } else { Ok(entered) }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
        metrics::passwords_waiting(-1);
    }
}

fn current() -> (Algorithm, Version, Params) {
    (Algorithm::Argon2id, Version::V0x13, Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or_default())
}

impl Memory {
    fn hash(
        &mut self,
        password: &Password,
        salt: &Salt,
        (algorithm, version, params): (Algorithm, Version, Params),
    ) -> Option<Output> {
        let blocks = params.block_count();
        if self.0.len() < blocks {
            self.0.resize(blocks, Block::new());
        }
        let mut output = [0; Output::MAX_LENGTH];
        let output = output.get_mut(..params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN))?;
        Argon2::new(algorithm, version, params)
            .hash_password_into_with_memory(password.as_bytes(), salt, output, self.0.get_mut(..blocks)?)
            .ok()?;
        Output::new(output).ok()
    }
}

/// Hashes on this thread; `None` only if the system has no randomness or memory to give.
#[must_use]
pub fn hash(password: &Password) -> Option<String> {
    hash_in(&mut Memory::default(), password)
}

fn hash_in(memory: &mut Memory, password: &Password) -> Option<String> {
    let salt = Salt::generate();
    let (algorithm, version, params) = current();
    let hash = PasswordHash {
        algorithm: algorithm.ident(),
        version: Some(version.into()),
        params: ParamsString::try_from(&params).ok()?,
        hash: Some(memory.hash(password, &salt, (algorithm, version, params))?),
        salt: Some(salt),
    };
    Some(hash.to_string())
}

/// Whether a password opens a hash; on this thread.
pub(super) fn opens(password: &Password, hash: &str) -> bool {
    check(&mut Memory::default(), password, Some(hash)) != Checked::Wrong
}

fn check(memory: &mut Memory, password: &Password, stored: Option<&str>) -> Checked {
    let Ok(parsed) = PasswordHash::new(stored.unwrap_or(&NOBODYS_HASH)) else { return Checked::Wrong };
    if !is_of(memory, password, &parsed).unwrap_or(false) || stored.is_none() {
        return Checked::Wrong;
    }
    let current = PasswordHash::new(&NOBODYS_HASH).is_ok_and(|current| {
        (current.algorithm, current.version, &current.params) == (parsed.algorithm, parsed.version, &parsed.params)
    });
    match current {
        true => Checked::Right,
        false => hash_in(memory, password).map_or(Checked::Right, Checked::RightWithNewHash),
    }
}

/// Whether a hash is that of a password; `None` if it is none of ours.
fn is_of(memory: &mut Memory, password: &Password, hash: &PasswordHash) -> Option<bool> {
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
    let version = hash.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
    let output = memory.hash(password, hash.salt.as_ref()?, (algorithm, version, Params::try_from(hash).ok()?))?;
    // In constant time: it is how outputs are compared.
    Some(hash.hash.as_ref()? == &output)
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHasher as _, PasswordVerifier as _};

    use super::*;

    fn checked(password: &str, hash: Option<&str>) -> Checked {
        check(&mut Memory::default(), &Password::typed(password), hash)
    }

    #[test]
    fn a_password_opens_its_own_hash_in_any_unicode_form() {
        let hash = hash(&Password::typed("caf\u{e9} au lait, deux fois")).expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(checked("cafe\u{301} au lait, deux fois", Some(&hash)), Checked::Right);
        assert_eq!(checked("cafe au lait, deux fois", Some(&hash)), Checked::Wrong);
    }

    #[test]
    fn nobodys_hash_is_well_formed_and_opens_to_nothing() {
        assert!(PasswordHash::new(&NOBODYS_HASH).is_ok());
        assert_eq!(checked("anything", None), Checked::Wrong);
    }

    #[test]
    fn hashes_are_those_of_the_library_also_in_memory_that_is_used_again() {
        let mut memory = Memory::default();
        for (name, kib) in [("a large one", 2048), ("a small one", 64), ("another large one", 2048)] {
            let (algorithm, version, _) = current();
            let library = Argon2::new(algorithm, version, Params::new(kib, 3, 2, Some(24)).expect("valid"));
            let hash: PasswordHash = library.hash_password(name.as_bytes()).expect("hashed");
            let mut is_of = |password: &str| is_of(&mut memory, &Password::typed(password), &hash);
            assert_eq!((is_of(name), is_of("something else")), (Some(true), Some(false)), "{name}");
            let ours = hash_in(&mut memory, &Password::typed(name)).expect("hashed");
            assert!(library.verify_password(name.as_bytes(), ours.as_str()).is_ok(), "{name}");
        }
    }

    #[test]
    fn what_is_no_hash_opens_to_nothing() {
        let hash = hash(&Password::typed("marble otter gravel")).expect("a hash");
        let without_output = hash.rsplit_once('$').expect("parts").0;
        let without_salt = without_output.rsplit_once('$').expect("parts").0;
        let of_another_kind = hash.replace("argon2id", "scrypt");
        for broken in ["", "*", without_output, without_salt, &of_another_kind] {
            assert_eq!(checked("marble otter gravel", Some(broken)), Checked::Wrong, "{broken}");
        }
    }

    #[test]
    fn a_hash_with_other_parameters_is_replaced_when_its_password_is_seen() {
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(1024, 1, 1, None).expect("valid"));
        let old: PasswordHash = weak.hash_password(b"an old password").expect("hashed");
        let checked_old = checked("an old password", Some(&old.to_string()));
        let Checked::RightWithNewHash(new) = checked_old else { panic!("{checked_old:?}") };
        assert_eq!(checked("an old password", Some(&new)), Checked::Right);
    }

    #[actix_web::test]
    async fn the_gate_turns_away_who_would_be_one_too_many() {
        let gate = Gate::new(1, WAITING_MOST);
        assert!(gate.has_room().is_err() && Gate::new(1, WAITING_MOST - 1).has_room().is_ok());
        assert!(gate.check(Password::typed("x"), None).await.is_err());
        assert_eq!(gate.waiting.load(Ordering::Acquire), WAITING_MOST, "who was turned away no longer waits");
    }

    #[actix_web::test]
    async fn work_holds_its_place_also_when_nobody_waits_for_it_any_more() {
        let gate = Gate::new(1, 0);
        let (go_on, held) = mpsc::channel::<()>();
        let mut left = Box::pin(gate.pass(move |_| held.recv()));
        // Polled once, so that the work has begun, and then dropped as by a client that goes away.
        assert!(tokio::time::timeout(Duration::ZERO, &mut left).await.is_err());
        drop(left);
        assert_eq!((gate.running.available_permits(), gate.waiting.load(Ordering::Acquire)), (0, 1));
        go_on.send(()).expect("the work goes on");
        gate.pass(|_| ()).await.expect("its turn comes");
    }
}
