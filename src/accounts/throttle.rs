//! Slows guessing down: budgets of failures by account, by address and by both.
//!
//! Every check of a password uses one of each budget before it is made, so that many at once can't slip through, and gets it
//! back if the password was right; a success never wipes what others used. Budgets are kept in memory, at most 100,000 of them,
//! for this instance alone: with n instances an attacker has n times as many guesses. They are kept under a hash of what
//! was typed, whether or not such an account exists.
//!
//! An attacker with many addresses can use up an account's own budget. Its owner then waits with them on a new device; one
//! that has logged in to this account before (`devices`) has a budget of its own, and all of these have one together:
//! addresses are not proven here, so somebody else may have had this one first, and kept what devices are known by.
//!
//! Refreshes are no guesses: theirs is a budget of each login, apart from the others, so that it can't push them out.

use std::{
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use quick_cache::unsync::Cache;
use uuid::Uuid;

use super::fields::Email;
use crate::{config, secrets::sha256};

const BUDGETS_MOST: usize = 100_000;
const FAILURES_WINDOW: Duration = Duration::from_mins(15);
const SIGN_UPS_WINDOW: Duration = Duration::from_hours(1);
const REFRESHES_WINDOW: Duration = Duration::from_mins(1);

/// What a budget is counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Of {
    AccountFromAddress([u8; 32], IpAddr),
    Account([u8; 32]),
    Address(IpAddr),
    /// One entry of a device cookie, which belongs to one account.
    Device([u8; 32]),
    /// All entries of an account's address together: whoever had the address before may have collected any number of them.
    Devices([u8; 32]),
    SignUps(IpAddr),
    Other(&'static str, IpAddr),
}

#[derive(Debug, Clone, Copy)]
struct Used {
    uses: u32,
    since: Instant,
}

/// The budget is used up until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts; the next is possible in {} s", self.seconds())]
pub struct Throttled(Duration);

impl Throttled {
    /// What `Retry-After` says: whole seconds, at least one.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0.as_secs() + 1
    }
}

/// All budgets of this instance.
#[derive(Debug)]
pub struct Throttle {
    attempts: Budgets<Of>,
    refreshes: Budgets<Uuid>,
    limits: config::Accounts,
}

/// What was used of the budgets of one sort; who has used nothing is not among them.
#[derive(Debug)]
struct Budgets<K>(Mutex<Cache<K, Used>>);

/// Uses of budgets that can be given back.
#[derive(Debug)]
#[must_use = "a success gives its use back"]
pub struct Attempt(Vec<Of>);

impl Throttle {
    /// Budgets as configured; 0 is no limit.
    #[must_use]
    pub fn new(limits: &config::Accounts) -> Self {
        Self { attempts: Budgets::new(), refreshes: Budgets::new(), limits: *limits }
    }

    /// Before a password is checked for this account. A device that has logged in to it before has a budget of its own there.
    pub fn attempt(&self, email: &Email, network: IpAddr, device: Option<[u8; 32]>) -> Result<Attempt, Throttled> {
        let account = sha256(email.folded().as_bytes());
        if let Some(device) = device {
            let budgets = [
                (Of::Device(device), self.limits.failures_account_address),
                (Of::Devices(account), self.limits.failures_account),
                (Of::Address(network), self.limits.failures_address),
            ];
            return self.take(&budgets, FAILURES_WINDOW);
        }
        let budgets = [
            (Of::AccountFromAddress(account, network), self.limits.failures_account_address),
            (Of::Account(account), self.limits.failures_account),
            (Of::Address(network), self.limits.failures_address),
        ];
        self.take(&budgets, FAILURES_WINDOW)
    }

    /// Before an account is made. Give it back if none can be: only what asks whether an address is taken counts.
    pub fn sign_up(&self, network: IpAddr) -> Result<Attempt, Throttled> {
        self.take(&[(Of::SignUps(network), self.limits.sign_ups_address)], SIGN_UPS_WINDOW)
    }

    /// Before what was typed for a new account is judged; to be given back if it was accepted. Ten times as many as accounts.
    pub fn refused_sign_up(&self, network: IpAddr) -> Result<Attempt, Throttled> {
        self.hourly("refused sign-ups", network, self.limits.sign_ups_address.saturating_mul(10))
    }

    /// Any other thing that an address may do `limit` times an hour.
    pub fn hourly(&self, what: &'static str, network: IpAddr, limit: u32) -> Result<Attempt, Throttled> {
        self.take(&[(Of::Other(what, network), limit)], SIGN_UPS_WINDOW)
    }

    /// When a login's refresh token is exchanged: each exchange leaves rows, which are kept for months.
    pub fn refresh(&self, login: Uuid) -> Result<(), Throttled> {
        self.refreshes.take(&[(login, self.limits.refreshes_login)], REFRESHES_WINDOW)
    }

    fn take(&self, budgets: &[(Of, u32)], window: Duration) -> Result<Attempt, Throttled> {
        self.attempts.take(budgets, window)?;
        Ok(Attempt(budgets.iter().filter(|(_, limit)| *limit > 0).map(|(of, _)| *of).collect()))
    }

    /// Takes an attempt out of the count: it was no failure.
    pub fn give_back(&self, attempt: Attempt) {
        self.attempts.give_back(attempt.0);
    }
}

impl<K: Copy + Eq + Hash> Budgets<K> {
    fn new() -> Self {
        Self(Mutex::new(Cache::new(BUDGETS_MOST)))
    }

    /// Takes one of each, or none; 0 is no limit.
    fn take(&self, budgets: &[(K, u32)], window: Duration) -> Result<(), Throttled> {
        let now = Instant::now();
        let budgets = || budgets.iter().filter(|(_, limit)| *limit > 0);
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (of, limit) in budgets() {
            if let Some(budget) = used.get(of)
                && now < budget.since + window
                && budget.uses >= *limit
            {
                return Err(Throttled(budget.since + window - now));
            }
        }
        for (of, _) in budgets() {
            let budget = used.get(of).filter(|budget| now < budget.since + window);
            let Used { uses, since } = budget.copied().unwrap_or(Used { uses: 0, since: now });
            used.insert(*of, Used { uses: uses + 1, since });
        }
        Ok(())
    }

    fn give_back(&self, budgets: Vec<K>) {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for of in budgets {
            match used.get(&of).copied() {
                // Nothing used is nothing to remember: it would push out what is.
                Some(Used { uses: 0 | 1, .. }) => drop(used.remove(&of)),
                Some(budget) => used.insert(of, Used { uses: budget.uses - 1, ..budget }),
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle() -> Throttle {
        Throttle::new(&config::Accounts {
            password_min: 15,
            failures_account_address: 2,
            failures_account: 3,
            failures_address: 4,
            sign_ups_address: 1,
            refreshes_login: 2,
        })
    }

    fn email(name: &str) -> Email {
        Email::parse(&format!("{name}@example.com")).expect("valid")
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn each_budget_stops_guessing_on_its_own() {
        let throttle = throttle();
        for _ in 0..2 {
            drop(throttle.attempt(&email("ada"), address(1), None).expect("within the budget"));
        }
        assert!(throttle.attempt(&email("ADA"), address(1), None).is_err(), "account from one address");
        drop(throttle.attempt(&email("ada"), address(2), None).expect("another address"));
        assert!(throttle.attempt(&email("ada"), address(3), None).is_err(), "account from anywhere");
        for name in ["bob", "cleo"] {
            drop(throttle.attempt(&email(name), address(1), None).expect("other accounts"));
        }
        assert!(throttle.attempt(&email("dora"), address(1), None).is_err(), "one address");
        drop(throttle.sign_up(address(1)).expect("the first"));
        assert!(throttle.sign_up(address(1)).is_err_and(|throttled| throttled.seconds() > 3500));
    }

    #[test]
    fn devices_have_budgets_of_their_own_and_no_more_together_than_strangers() {
        let throttle = throttle();
        for last in 1..=3 {
            drop(throttle.attempt(&email("ada"), address(last), None).expect("a stranger"));
        }
        assert!(throttle.attempt(&email("ada"), address(4), None).is_err(), "strangers used theirs up");
        for device in 0..3 {
            drop(throttle.attempt(&email("ada"), address(5 + device), Some([device; 32])).expect("a device"));
        }
        let one_more = throttle.attempt(&email("ada"), address(9), Some([9; 32]));
        assert!(one_more.is_err(), "however many somebody has collected");
        drop(throttle.attempt(&email("bob"), address(9), Some([8; 32])).expect("another account's"));
    }

    #[test]
    fn each_login_has_its_own_refreshes_and_0_is_no_limit() {
        let throttle = throttle();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert!((0..2).all(|_| throttle.refresh(one).is_ok()));
        assert!(throttle.refresh(one).is_err_and(|throttled| throttled.seconds() <= 60));
        assert!(throttle.refresh(other).is_ok());
        let lifted = Throttle::new(&config::Accounts { refreshes_login: 0, ..throttle.limits });
        assert!((0..1000).all(|_| lifted.refresh(one).is_ok()));
    }

    #[test]
    fn a_success_gives_back_its_own_use_and_nothing_else() {
        let throttle = throttle();
        let _failure = throttle.attempt(&email("ada"), address(1), None).expect("first");
        let success = throttle.attempt(&email("ada"), address(1), None).expect("second");
        throttle.give_back(success);
        let _failure = throttle.attempt(&email("ada"), address(1), None).expect("the one given back");
        assert!(throttle.attempt(&email("ada"), address(1), None).is_err(), "the failure still counts");
    }
}
