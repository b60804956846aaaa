//! Everything that can be configured: read once at start from the environment and `.env`, checked, then passed down.
//!
//! Promise: this is the only module that reads the environment, and a wrong value stops the start with one line that names
//! the variable, the value and what is accepted. Every variable stands in `.env.example` with its meaning and default.
//! Secrets never appear in `Debug` or in an error.

mod accounts;
mod database;
mod hosts;
mod parse;
mod reader;
mod services;
mod session;
mod specimens;
mod surroundings;
mod telemetry;
mod token;

use std::{ffi::OsString, fs, net::SocketAddr, os::unix::fs::MetadataExt as _, path::Path, time::Duration};

use ipnet::IpNet;
use url::Url;

pub use self::{
    accounts::Accounts,
    database::{Database, Private},
    hosts::Hosts,
    parse::{duration, is_loopback},
    reader::Error,
    services::Services,
    session::{SessionStore, SessionTtls},
    specimens::Specimens,
    surroundings::Surroundings,
    telemetry::Telemetry,
    token::Token,
};
use self::{
    parse::{network_of, origin_of, public_url},
    reader::Reader,
};
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
    /// `DEMO_MODE`; `None` means: on with the embedded database on a loopback address that is not another host's
    /// `PUBLIC_URL`, else off.
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

impl Config {
    /// Reads `.env` of the present folder, if there is one, and the environment, which wins.
    pub fn from_env() -> Result<Self, Error> {
        dotenv(Path::new(".env"))?;
        Self::from_lookup(&|name| std::env::var_os(name))
    }

    /// Reads every variable through `lookup`, so that tests need no environment.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        let read = Reader(lookup);
        let (bind_address, public_url) = addresses(&read)?;
        let hosts = Hosts::read(&read, public_url.as_ref())?;
        let database = Database::read(&read)?;
        let secrets = database.secrets(&read)?;
        Ok(Self {
            bind_address,
            metrics_address: read.optional(
                "METRICS_ADDRESS",
                "an IP address and a port, such as 127.0.0.1:9464",
                |value| value.parse().ok(),
            )?,
            drain: read.or("DRAIN", Duration::ZERO, "a time of at most 10m, such as 5s", |value| {
                duration(value).filter(|time| *time <= Duration::from_mins(10))
            })?,
            public_url,
            hosts,
            api_allowed_origins: read.or(
                "API_ALLOWED_ORIGINS",
                Vec::new(),
                "a comma-separated list of origins such as https://app.example.com, without a path",
                |value| value.split(',').map(|origin| origin_of(origin.trim())).collect(),
            )?,
            trusted_proxies: read.or(
                "TRUSTED_PROXIES",
                Vec::new(),
                "a comma-separated list of networks or addresses such as 10.0.0.0/8",
                |value| value.split(',').map(|network| network_of(network.trim())).collect(),
            )?,
            database,
            migrate: read.switch("MIGRATE", "on", "off")?.unwrap_or(true),
            pool_size: read.count("POOL_SIZE", 10, 1, 500)?,
            database_timeout: read.or(
                "DATABASE_TIMEOUT",
                Duration::from_millis(800),
                "a time from 100ms to 60s",
                |value| {
                    duration(value).filter(|time| (Duration::from_millis(100)..=Duration::from_mins(1)).contains(time))
                },
            )?,
            secrets,
            demo_mode: read.switch("DEMO_MODE", "on", "off")?,
            experiments: read.switch("EXPERIMENTS", "on", "off")?,
            session_store: SessionStore::read(&read)?,
            session: SessionTtls::read(&read)?,
            token: Token::read(&read)?,
            accounts: Accounts::read(&read)?,
            throwaway: false,
            events_ttl: read.ttl("EVENTS_TTL", 90 * 86_400, Duration::from_hours(24))?,
            specimens: Specimens::read(&read)?,
            telemetry: Telemetry::read(&read)?,
        })
    }
}

/// Where to listen, and the address that people use.
fn addresses(read: &Reader<'_>) -> Result<(SocketAddr, Option<Url>), Error> {
    let bind_address = read.or(
        "BIND_ADDRESS",
        SocketAddr::from(([127, 0, 0, 1], 8080)),
        "an IP address and a port, such as 127.0.0.1:8080 or [::1]:0",
        |value| value.replace("localhost:", "127.0.0.1:").parse().ok(),
    )?;
    let public_url = read.optional(
        "PUBLIC_URL",
        "https://HOST[:PORT], or http://HOST[:PORT] where HOST is this machine (localhost, 127.0.0.1 or [::1])",
        public_url,
    )?;
    if public_url.is_none() && !bind_address.ip().is_loopback() {
        return Err(Error(format!(
            "PUBLIC_URL is not set: it must be where BIND_ADDRESS={bind_address} is no loopback address; accepted is \
             the address that people use, such as https://doors.example.com"
        )));
    }
    Ok((bind_address, public_url))
}

/// Whoever writes it says where the database is and who signs.
fn dotenv(file: &Path) -> Result<(), Error> {
    let Some(metadata) = file.metadata().ok().filter(fs::Metadata::is_file) else { return Ok(()) };
    if metadata.mode() & 0o002 != 0 {
        return Err(Error(
            ".env can't be used: accepted is one that not everybody may write (chmod o-w .env)".to_owned(),
        ));
    }
    dotenvy::from_path(file).map_err(|error| Error::dotenv(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub fn config(variables: &[(&str, &str)]) -> Result<Config, String> {
        let home = ("HOME", "/home/somebody");
        Config::from_lookup(&|name| {
            variables.iter().chain([&home]).find(|(set, _)| *set == name).map(|(_, value)| OsString::from(value))
        })
        .map_err(|error| error.to_string())
    }

    pub const SECRET: &str = "an example of a secret of fifty bytes or a few more";

    #[test]
    fn an_empty_environment_gives_the_documented_defaults() {
        let config = config(&[]).expect("defaults");
        assert_eq!(config.bind_address.to_string(), "127.0.0.1:8080");
        assert_eq!(config.session.idle, Duration::from_mins(30));
        assert_eq!(config.token.access, Duration::from_mins(15));
        assert_eq!(config.token.algorithm, jsonwebtoken::Algorithm::ES256);
        assert_eq!(config.accounts.password_min, 15);
        assert!(matches!(config.database, Database::Private(_)));
        assert!(matches!(config.session_store, SessionStore::Postgres));
    }

    #[test]
    fn a_wrong_value_is_named_with_its_variable_and_what_is_accepted() {
        for (name, value) in [
            ("BIND_ADDRESS", "8080"),
            ("METRICS_ADDRESS", "9464"),
            ("DRAIN", "1h"),
            ("PUBLIC_URL", "http://doors.example.com"),
            ("PUBLIC_URL", "https://doors.example.com/path"),
            ("POOL_SIZE", "0"),
            ("DATABASE_TIMEOUT", "50ms"),
            ("SESSION_IDLE_TTL", "soon"),
            ("ACCESS_TTL", "1s"),
            ("TOKEN_ALGORITHM", "none"),
            ("TOKEN_KEY_FILES", "keys/new.pem"),
            ("AUDIENCES", "orders,,billing"),
            ("TOKEN_CHECK", "never"),
            ("TRUSTED_PROXIES", "everyone"),
            ("API_ALLOWED_ORIGINS", "null"),
            ("SITE_HOST", "https://app.example.com"),
            ("API_HOST", "api.example.com:8443"),
            ("DEMO_MODE", "perhaps"),
            ("SPECIMEN_ADDRESS", "8081"),
            ("SPECIMEN_HOSTS", "victim.example,sibling.example"),
            ("LOG_FORMAT", "xml"),
            ("SERVER_TIMING", "some"),
            ("PASSWORD_MIN_LENGTH", "7"),
        ] {
            let error = config(&[(name, value)]).expect_err(name);
            assert!(error.contains(name) && error.contains(value) && error.contains("accepted"), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn a_public_bind_wants_a_public_url() {
        assert!(config(&[("BIND_ADDRESS", "0.0.0.0:80")]).expect_err("no url").starts_with("PUBLIC_URL"));
        assert!(config(&[("BIND_ADDRESS", "0.0.0.0:80"), ("PUBLIC_URL", "https://doors.example.com")]).is_ok());
    }
}
