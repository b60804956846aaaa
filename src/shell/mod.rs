//! What an operator does from the command line, beside serving: each group of commands is a file of its own.
//!
//! A command works on the database that the server works on: the configured one, or the private one, whether a server is
//! running on it or not. It needs the rights of whoever runs the server, and nobody's password.

pub mod experiment;
mod findings;
pub mod keys;
pub mod serve;
pub mod user;

use diesel::PgConnection;

use crate::{
    config::Config,
    db::{self, private_postgres::PrivatePostgres},
    secrets::Secrets,
    server::{self, open_for_a_command},
};

/// The database, for as long as a command runs.
pub struct Desk {
    /// A connection of its own.
    pub conn: PgConnection,
    /// What keys are sealed with.
    pub secrets: Secrets,
    // Goes last: a cluster that was started for this command stops with it.
    _postgres: Option<PrivatePostgres>,
}

impl Desk {
    /// Opens the database, with its schema up to date.
    pub fn open(config: &Config) -> Result<Self, server::Error> {
        let (postgres, url, secrets) = open_for_a_command(config)?;
        Ok(Self { conn: db::connect(&url)?, secrets, _postgres: postgres })
    }
}
