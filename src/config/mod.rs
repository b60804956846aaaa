//! Everything that can be configured: read once at start from the environment and `.env`, checked, then passed down.
//!
//! Promise: this is the only module that reads the environment, and a wrong value stops the start with one line that names
//! the variable, the value and what is accepted. Every variable stands in `.env.example` with its meaning and default.
//! Secrets never appear in `Debug` or in an error.

mod parse;
mod read;
mod services;
mod specimens;
mod surroundings;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;
use url::Url;

pub use self::{parse::duration, read::Error, services::Services, specimens::Specimens, surroundings::Surroundings};
use crate::secrets::Secrets;

/// The whole configuration of one instance.
#[derive(Debug, Clone)]
pub struct Config {
    /// `BIND_ADDRESS`: where to listen; port 0 asks the system for a free one.
    pub bind_address: SocketAddr,
    /// `METRICS_ADDRESS`: where `/metrics` is served; `None` means nowhere.
    pub metrics_address: Option<SocketAddr>,
    /// `DRAIN`: how long everything is still answered after SIGTERM.
    pub drain: Duration,
    /// `PUBLIC_URL`: the address people use; `None` means `http://` and the bound address.
    pub public_url: Option<Url>,
    /// `SITE_HOST` and `API_HOST`; `None` means one host for both doors, that of the public URL.
    pub hosts: Option<Hosts>,
    /// `API_ALLOWED_ORIGINS`: origins other than our own whose pages may use the refresh cookie.
    pub api_allowed_origins: Vec<String>,
    /// `TRUSTED_PROXIES`: networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Where the rows live.
    pub database: Database,
    /// `MIGRATE`: whether starting brings the schema up to date.
    pub migrate: bool,
    /// `POOL_SIZE`: the most connections that requests share.
    pub pool_size: u32,
    /// `DATABASE_TIMEOUT`: how long a request waits for the database, all in all.
    pub database_timeout: Duration,
    /// `SECRETS`; only the embedded database can do without, as it has a folder to keep new ones in.
    pub secrets: Option<Secrets>,
    /// `DEMO_MODE`; `None` means: on with the embedded database on a loopback address, else off.
    pub demo_mode: Option<bool>,
    /// `EXPERIMENTS`: whether visitors may start experiments; `None` means: in demo mode.
    pub experiments: Option<bool>,
    /// `SESSION_STORE`: where sessions are kept.
    pub session_store: SessionStore,
    /// How long sessions live.
    pub session: SessionTtls,
    /// How long tokens live, and what they say.
    pub token: Token,
    /// What is asked of passwords, and how much guessing is allowed.
    pub accounts: Accounts,
    /// `EVENTS_TTL`: how long the audit trail is kept.
    pub events_ttl: Duration,
    /// Where the specimens are.
    pub specimens: Specimens,
    /// Logs and `Server-Timing`.
    pub telemetry: Telemetry,
    /// Whether the private database's data are thrown away at the end; said on the command line.
    pub throwaway: bool,
}

/// A host name for each door; both have the public URL's scheme and port.
#[derive(Debug, Clone)]
pub struct Hosts {
    /// `SITE_HOST`: also the public URL's host.
    pub site: String,
    /// `API_HOST`.
    pub api: String,
}

/// Where the rows live.
#[derive(Clone)]
pub enum Database {
    /// `DATABASE_URL`: a server that somebody else runs, and the URL that migrations use (`MIGRATION_DATABASE_URL`).
    Given {
        /// `DATABASE_URL`.
        url: String,
        /// `MIGRATION_DATABASE_URL`, or the same.
        migration_url: String,
    },
    /// A private cluster below this folder (`TWO_DOORS_DATA`).
    Private(Private),
}

/// What the private cluster needs of the environment.
#[derive(Debug, Clone)]
pub struct Private {
    /// `TWO_DOORS_DATA`, or the user's data folder.
    pub data: PathBuf,
    /// `PATH`, to find the PostgreSQL programs.
    pub path: Option<std::ffi::OsString>,
    /// `XDG_RUNTIME_DIR`, for a socket whose path would be too long.
    pub runtime_dir: Option<PathBuf>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Given { .. } => f.write_str("Given([redacted])"),
            Self::Private(private) => f.debug_tuple("Private").field(&private.data).finish(),
        }
    }
}

/// Where sessions are kept.
#[derive(Clone)]
pub enum SessionStore {
    /// In the database.
    Postgres,
    /// In the Redis that a URL names.
    Redis(String),
}

impl std::fmt::Debug for SessionStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Postgres => "Postgres",
            Self::Redis(_) => "Redis([redacted])",
        })
    }
}

/// How long sessions live, and how many (OWASP Session Management: idle and absolute timeouts, both enforced by the server).
#[derive(Debug, Clone, Copy)]
pub struct SessionTtls {
    /// `SESSION_IDLE_TTL`: since the last request.
    pub idle: Duration,
    /// `SESSION_ABSOLUTE_TTL`: since log-in.
    pub absolute: Duration,
    /// `REMEMBERED_IDLE_TTL`: since the last request, with "remember me".
    pub remembered_idle: Duration,
    /// `REMEMBERED_ABSOLUTE_TTL`: since log-in, with "remember me".
    pub remembered_absolute: Duration,
    /// `MAX_SESSIONS`: how many one user may have at once; the next log-in ends the oldest.
    pub most: u32,
}

/// How long tokens live, and what they say.
#[derive(Debug, Clone)]
pub struct Token {
    /// `ACCESS_TTL`: an access token's life, and with it the longest a copy outlives log-out.
    pub access: Duration,
    /// `REFRESH_TTL`: a refresh token's life, from its own issue.
    pub refresh: Duration,
    /// `FAMILY_TTL`: a login's life, however often it is refreshed.
    pub family: Duration,
    /// `REFRESH_GRACE`: how long a redeemed refresh token is answered with the same successor; zero switches it off.
    pub grace: Duration,
    /// `SERVICES`: the programs that may ask about tokens and follow what ends.
    pub services: Services,
    /// `MAX_FAMILIES`: how many logins one user may have at once; the next one ends the oldest.
    pub most: u32,
    /// `TOKEN_CHECK=live`: routes that would read the claims only ask the database too.
    pub always_live: bool,
    /// `TOKEN_ALGORITHM`: what new signing keys are made for.
    pub algorithm: jsonwebtoken::Algorithm,
    /// `TOKEN_KEY_FILES`: private keys in files instead of the table; the first one signs.
    pub key_files: Vec<PathBuf>,
    /// `TOKEN_ISSUER`: the claim `iss`; `None` means the public URL.
    pub issuer: Option<String>,
    /// `TOKEN_AUDIENCE`: the claim `aud`; `None` means the public URL and `/api`.
    pub audience: Option<String>,
    /// `AUDIENCES`: other services that tokens may be asked for.
    pub audiences: Vec<String>,
}

/// What is asked of passwords, and how much guessing is allowed. A budget of 0 is no limit.
#[derive(Debug, Clone, Copy)]
pub struct Accounts {
    /// `PASSWORD_MIN_LENGTH`: in characters, after NFC.
    pub password_min: usize,
    /// `THROTTLE_ACCOUNT_ADDRESS`: failures in 15 minutes for an account from one address.
    pub failures_account_address: u32,
    /// `THROTTLE_ACCOUNT`: failures in 15 minutes for an account from anywhere.
    pub failures_account: u32,
    /// `THROTTLE_ADDRESS`: failures in 15 minutes from one address for any account.
    pub failures_address: u32,
    /// `THROTTLE_SIGN_UP`: new accounts an hour from one address.
    pub sign_ups_address: u32,
}

/// Logs and `Server-Timing`.
#[derive(Debug, Clone)]
pub struct Telemetry {
    /// `LOG`: a `tracing` filter such as `info` or `two_doors=debug`.
    pub log: String,
    /// `LOG_FORMAT=json`.
    pub json: bool,
    /// `SERVER_TIMING`; `None` means: on in demo mode or on a loopback address.
    pub server_timing: Option<bool>,
}

impl Config {
    /// Reads `.env`, if there is one, and the environment, which wins.
    pub fn from_env() -> Result<Self, Error> {
        if let Err(error) = dotenvy::dotenv()
            && !error.not_found()
        {
            return Err(Error::dotenv(&error));
        }
        Self::from_lookup(&|name| std::env::var_os(name))
    }
}
