//! What both doors share: people, their passwords, the slowing of guesses, and the audit trail.
//!
//! Nothing here knows what a session or a token is. The one thing both schemes lean on is `credential_version`: it counts up
//! whenever every login of a user ends, and a login is only ever inserted if the version is still the one that its password
//! was checked against ([`hold_version`]).

pub mod activity;
pub mod change;
pub mod credentials;
pub mod demo;
pub mod devices;
pub mod directory;
pub mod email;
pub mod ending;
pub mod events;
pub mod fields;
pub mod gate;
pub mod new_devices;
pub mod own_client;
pub mod password;
pub mod sign_up;
pub mod standing;
pub mod throttle;
pub mod trail;

mod rows;
mod user;

use std::sync::Arc;

pub use self::{
    rows::{
        delete, delete_abandoned, find, find_at, find_by_email, find_by_email_at, hold_version, insert, raise_version,
        rehash, rename, set_password,
    },
    user::{Me, PublicUser, Role, User},
};
use crate::{config, db::Pool, secrets::Secrets};

/// The state that both doors share.
#[derive(Debug)]
pub struct Accounts {
    /// The database.
    pub pool: Pool,
    /// The most that may be guessed.
    pub throttle: throttle::Throttle,
    /// Where passwords are hashed.
    pub gate: gate::Gate,
    /// The fewest characters of a password.
    pub password_min: usize,
    /// The passwords of the demo accounts, in demo mode.
    pub demo: Vec<demo::DemoAccount>,
    /// Knows devices again.
    pub devices: devices::Signer,
    own_client: own_client::Verifier,
    copies: Option<Arc<dyn change::Copies>>,
}

impl Accounts {
    /// Sets up the state; nothing is asked of the database yet.
    #[must_use]
    pub fn new(pool: Pool, config: &config::Accounts, secrets: &Secrets, demo_mode: bool) -> Self {
        Self {
            pool,
            throttle: throttle::Throttle::new(config),
            gate: gate::Gate::for_this_machine(),
            password_min: config.password_min,
            demo: if demo_mode { demo::accounts(secrets) } else { Vec::new() },
            devices: devices::Signer::new(secrets),
            own_client: own_client::Verifier::new(secrets),
            copies: None,
        }
    }

    /// The same, where somebody keeps copies of users' rows.
    #[must_use]
    pub fn copied_by(self, copies: Option<Arc<dyn change::Copies>>) -> Self {
        Self { copies, ..self }
    }
}
