//! How a variable becomes a value, and the line that says what is wrong with it.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use jsonwebtoken::Algorithm;
use url::{Host, Url};

use super::{
    Accounts, Config, Database, Hosts, Private, Services, SessionStore, SessionTtls, Specimens, Telemetry, Token,
    parse::{audience_of, duration, host_name, is_loopback, is_redis, network_of, origin_of, public_url},
};
use crate::secrets::{SECRET_MIN_BYTES, Secrets};

/// Why the configuration can't be used: one line for the person who starts the server.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

impl Error {
    pub(super) fn dotenv(error: &dotenvy::Error) -> Self {
        // The error's own text quotes the line, which may hold a secret.
        let kind = match error {
            dotenvy::Error::LineParse(_, at) => format!("its line can't be read from column {at} on"),
            dotenvy::Error::Io(error) => error.to_string(),
            _ => "it can't be read".to_owned(),
        };
        Self(format!(".env: {kind}; accepted are lines NAME=value as in .env.example"))
    }
}

/// Reads variables by name; an unset or empty one has its default.
pub(super) struct Reader<'a>(pub(super) &'a dyn Fn(&str) -> Option<OsString>);

impl Reader<'_> {
    fn text(&self, name: &str) -> Result<Option<String>, Error> {
        match (self.0)(name) {
            None => Ok(None),
            Some(value) => match value.into_string() {
                Ok(value) if value.trim().is_empty() => Ok(None),
                Ok(value) => Ok(Some(value.trim().to_owned())),
                Err(_) => Err(Error(format!("{name}: its value is not UTF-8"))),
            },
        }
    }

    /// Reads with `parse`; an error names the variable, the value and what is `accepted`.
    pub(super) fn optional<T>(
        &self,
        name: &str,
        accepted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(value) = self.text(name)? else { return Ok(None) };
        match parse(&value) {
            Some(parsed) => Ok(Some(parsed)),
            None => Err(Error(format!("{name}={value:?} can't be used: accepted is {accepted}"))),
        }
    }

    fn or<T>(&self, name: &str, default: T, accepted: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, Error> {
        Ok(self.optional(name, accepted, parse)?.unwrap_or(default))
    }

    fn ttl(&self, name: &str, default_seconds: u64, least: Duration) -> Result<Duration, Error> {
        let accepted =
            format!("a time such as 90s, 15m, 12h or 14d, at least {} s and at most 10 years", least.as_secs_f64());
        self.or(name, Duration::from_secs(default_seconds), &accepted, |value| {
            duration(value).filter(|time| (least..=Duration::from_hours(87_600)).contains(time))
        })
    }

    fn count(&self, name: &str, default: u32, least: u32, most: u32) -> Result<u32, Error> {
        let accepted = format!("a whole number from {least} to {most}");
        self.or(name, default, &accepted, |value| value.parse().ok().filter(|count| (least..=most).contains(count)))
    }

    fn switch(&self, name: &str, on: &str, off: &str) -> Result<Option<bool>, Error> {
        self.optional(name, &format!("{on} or {off}"), |value| match value.to_ascii_lowercase() {
            value if value == on => Some(true),
            value if value == off => Some(false),
            _ => None,
        })
    }
}

impl Config {
    /// Reads every variable through `lookup`, so that tests need no environment.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        let read = Reader(lookup);
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
        let hosts = hosts(&read, public_url.as_ref())?;
        let database = database(&read)?;
        let secrets = secrets(&read, &database)?;
        let config = Self {
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
            session_store: session_store(&read)?,
            session: session(&read)?,
            token: token(&read)?,
            accounts: Accounts {
                password_min: read.count("PASSWORD_MIN_LENGTH", 15, 8, 64)? as usize,
                failures_account_address: read.count("THROTTLE_ACCOUNT_ADDRESS", 10, 0, 1_000_000)?,
                failures_account: read.count("THROTTLE_ACCOUNT", 100, 0, 1_000_000)?,
                failures_address: read.count("THROTTLE_ADDRESS", 100, 0, 1_000_000)?,
                sign_ups_address: read.count("THROTTLE_SIGN_UP", 20, 0, 1_000_000)?,
            },
            throwaway: false,
            events_ttl: read.ttl("EVENTS_TTL", 90 * 86_400, Duration::from_hours(24))?,
            specimens: Specimens::read(&read)?,
            telemetry: Telemetry {
                log: read.or(
                    "LOG",
                    "info".to_owned(),
                    "a level (error, warn, info, debug, trace) or a filter such as two_doors=debug,warn",
                    |value| {
                        let known = value.parse::<tracing_subscriber::filter::Targets>().is_ok();
                        known.then(|| value.to_owned())
                    },
                )?,
                json: read.switch("LOG_FORMAT", "json", "text")?.unwrap_or(false),
                server_timing: read.switch("SERVER_TIMING", "full", "off")?,
            },
        };
        Ok(config)
    }
}

/// Both hosts or neither; and no credential goes over plain http to another machine.
fn hosts(read: &Reader<'_>, public_url: Option<&Url>) -> Result<Option<Hosts>, Error> {
    let accepted = "a host name without scheme and port, such as app.example.com";
    let site = read.optional("SITE_HOST", accepted, host_name)?;
    let api = read.optional("API_HOST", accepted, host_name)?;
    let (site, api) = match (site, api) {
        (None, None) => return Ok(None),
        (Some(site), Some(api)) => (site, api),
        (Some(_), None) => return Err(Error("API_HOST is not set: it must be where SITE_HOST is".to_owned())),
        (None, Some(_)) => return Err(Error("SITE_HOST is not set: it must be where API_HOST is".to_owned())),
    };
    if site == api {
        return Err(Error(format!("API_HOST={api:?} can't be used: accepted is another host name than SITE_HOST's")));
    }
    if let Some(url) = public_url.filter(|url| url.host_str() != Some(&site)) {
        return Err(Error(format!(
            "SITE_HOST={site:?} can't be used: accepted is the host of PUBLIC_URL={:?}, which is the site's address",
            url.as_str()
        )));
    }
    let is_https = public_url.is_some_and(|url| url.scheme() == "https");
    for (name, value) in [("SITE_HOST", &site), ("API_HOST", &api)] {
        if !is_https && !Host::parse(value).is_ok_and(|host| is_loopback(as_ref(&host))) {
            return Err(Error(format!(
                "{name}={value:?} can't be used: without https in PUBLIC_URL, accepted is a name of this machine, such as \
                 app.two-doors.localhost"
            )));
        }
    }
    Ok(Some(Hosts { site, api }))
}

fn as_ref(host: &Host) -> Host<&str> {
    match host {
        Host::Domain(name) => Host::Domain(name),
        Host::Ipv4(address) => Host::Ipv4(*address),
        Host::Ipv6(address) => Host::Ipv6(*address),
    }
}

fn database(read: &Reader<'_>) -> Result<Database, Error> {
    if let Some(url) = read.text("DATABASE_URL")? {
        // The value is not quoted: it may hold a password.
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://") || url.contains('=')) {
            return Err(Error(
                "DATABASE_URL can't be used: accepted is postgres://USER:PASSWORD@HOST/DATABASE (its value is not shown here)"
                    .to_owned(),
            ));
        }
        let migration_url = read.text("MIGRATION_DATABASE_URL")?.unwrap_or_else(|| url.clone());
        return Ok(Database::Given { url, migration_url });
    }
    let path = (read.0)("PATH");
    let runtime_dir = (read.0)("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let data = match read.text("TWO_DOORS_DATA")? {
        Some(folder) => std::path::absolute(&folder)
            .map_err(|error| Error(format!("TWO_DOORS_DATA={folder:?} can't be used: {error}")))?,
        None => default_data(read)?,
    };
    Ok(Database::Private(Private { data, path, runtime_dir }))
}

/// Root's home is closed to the `postgres` user, as whom the cluster then runs.
fn default_data(read: &Reader<'_>) -> Result<PathBuf, Error> {
    if nix::unistd::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/two-doors"));
    }
    if let Some(folder) = read.text("XDG_DATA_HOME")?.map(PathBuf::from).filter(|folder| folder.is_absolute()) {
        return Ok(folder.join("two-doors"));
    }
    match read.text("HOME")? {
        Some(home) => Ok(PathBuf::from(home).join(".local/share/two-doors")),
        None => Err(Error(
            "TWO_DOORS_DATA is not set and there is no HOME: accepted is a folder to keep data in".to_owned(),
        )),
    }
}

fn secrets(read: &Reader<'_>, database: &Database) -> Result<Option<Secrets>, Error> {
    let accepted = format!(
        "a comma-separated list, newest first, of random texts of at least {SECRET_MIN_BYTES} bytes each, \
         such as `openssl rand -base64 48` prints"
    );
    match (read.text("SECRETS")?, database) {
        (Some(list), _) => match Secrets::parse(&list) {
            Some(secrets) => Ok(Some(secrets)),
            None => Err(Error(format!("SECRETS can't be used (its value is not shown here): accepted is {accepted}"))),
        },
        (None, Database::Private(_)) => Ok(None),
        (None, Database::Given { .. }) => {
            Err(Error(format!("SECRETS is not set: it must be where DATABASE_URL is; accepted is {accepted}")))
        }
    }
}

fn session_store(read: &Reader<'_>) -> Result<SessionStore, Error> {
    match read.text("SESSION_STORE")? {
        None => Ok(SessionStore::Postgres),
        Some(value) if value.eq_ignore_ascii_case("postgres") => Ok(SessionStore::Postgres),
        Some(url) if is_redis(&url) => Ok(SessionStore::Redis(url)),
        // The value is not quoted: it may hold a password.
        Some(_) => Err(Error(
            "SESSION_STORE can't be used (its value is not shown here): accepted is postgres, \
             redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE] or redis+unix:///SOCKET[?db=DATABASE]; rediss:// (TLS) is not, \
             use a tunnel"
                .to_owned(),
        )),
    }
}

fn services(read: &Reader<'_>) -> Result<Services, Error> {
    let Some(list) = read.text("SERVICES")? else { return Ok(Services::default()) };
    Services::parse(&list).ok_or_else(|| {
        Error(format!(
            "SERVICES can't be used (its value is not shown here): accepted is a comma-separated list of NAME:SECRET, where \
             NAME is made of letters, digits, dots, dashes and underscores, and SECRET is at least {SECRET_MIN_BYTES} bytes, \
             such as `openssl rand -hex 32` prints"
        ))
    })
}

fn session(read: &Reader<'_>) -> Result<SessionTtls, Error> {
    let least = Duration::from_secs(2);
    Ok(SessionTtls {
        idle: read.ttl("SESSION_IDLE_TTL", 30 * 60, least)?,
        absolute: read.ttl("SESSION_ABSOLUTE_TTL", 12 * 3600, least)?,
        remembered_idle: read.ttl("REMEMBERED_IDLE_TTL", 14 * 86_400, least)?,
        remembered_absolute: read.ttl("REMEMBERED_ABSOLUTE_TTL", 30 * 86_400, least)?,
        most: read.count("MAX_SESSIONS", 20, 1, 1000)?,
    })
}

fn token(read: &Reader<'_>) -> Result<Token, Error> {
    let uri = "an absolute URI such as https://doors.example.com";
    let parse_uri = |value: &str| Url::parse(value).is_ok().then(|| value.to_owned());
    Ok(Token {
        access: read.ttl("ACCESS_TTL", 15 * 60, Duration::from_secs(5))?,
        refresh: read.ttl("REFRESH_TTL", 14 * 86_400, Duration::from_secs(5))?,
        family: read.ttl("FAMILY_TTL", 90 * 86_400, Duration::from_secs(5))?,
        grace: read.ttl("REFRESH_GRACE", 10, Duration::ZERO)?,
        services: services(read)?,
        most: read.count("MAX_FAMILIES", 20, 1, 1000)?,
        always_live: read.switch("TOKEN_CHECK", "live", "claims")?.unwrap_or(false),
        algorithm: read.or(
            "TOKEN_ALGORITHM",
            Algorithm::ES256,
            "ES256, EdDSA, RS256 or HS256",
            |value| match value {
                "HS256" => Some(Algorithm::HS256),
                "RS256" => Some(Algorithm::RS256),
                "ES256" => Some(Algorithm::ES256),
                "EdDSA" => Some(Algorithm::EdDSA),
                _ => None,
            },
        )?,
        key_files: read.or(
            "TOKEN_KEY_FILES",
            Vec::new(),
            "a comma-separated list of absolute paths, the key that signs first",
            |value| {
                let files = value.split(',').map(|file| PathBuf::from(file.trim()));
                files.map(|file| file.is_absolute().then_some(file)).collect()
            },
        )?,
        issuer: read.optional("TOKEN_ISSUER", uri, parse_uri)?,
        audience: read.optional("TOKEN_AUDIENCE", uri, parse_uri)?,
        audiences: read.or(
            "AUDIENCES",
            Vec::new(),
            "a comma-separated list of names or URIs such as orders,https://billing.example.com, without spaces in them",
            |value| value.split(',').map(|name| audience_of(name.trim())).collect(),
        )?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<Config, String> {
        let home = ("HOME", "/home/somebody");
        Config::from_lookup(&|name| {
            variables.iter().chain([&home]).find(|(set, _)| *set == name).map(|(_, value)| OsString::from(value))
        })
        .map_err(|error| error.to_string())
    }

    const SECRET: &str = "an example of a secret of fifty bytes or a few more";

    #[test]
    fn an_empty_environment_gives_the_documented_defaults() {
        let config = config(&[]).expect("defaults");
        assert_eq!(config.bind_address.to_string(), "127.0.0.1:8080");
        assert_eq!(config.session.idle, Duration::from_mins(30));
        assert_eq!(config.token.access, Duration::from_mins(15));
        assert_eq!(config.token.algorithm, Algorithm::ES256);
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
    fn a_given_database_wants_secrets_and_neither_is_ever_printed() {
        let url = ("DATABASE_URL", "postgres://app:hunter2hunter2@db/doors");
        let error = config(&[url]).expect_err("no secrets");
        assert!(error.starts_with("SECRETS"), "{error}");
        let error = config(&[url, ("SECRETS", "tooshort-unique")]).expect_err("short");
        assert!(!error.contains("tooshort-unique"), "{error}");
        let printed = format!("{:?}", config(&[url, ("SECRETS", SECRET)]).expect("complete"));
        assert!(!printed.contains("hunter2") && !printed.contains(SECRET), "{printed}");
    }

    #[test]
    fn two_hosts_are_two_and_the_site_s_is_the_public_one() {
        let hosts = |site, api, url| config(&[("SITE_HOST", site), ("API_HOST", api), ("PUBLIC_URL", url)]);
        let refused = |site, api, url| hosts(site, api, url).expect_err("refused");
        assert!(refused("app.example.com", "", "https://app.example.com").starts_with("API_HOST is not set"));
        assert!(refused("", "api.example.com", "https://app.example.com").starts_with("SITE_HOST is not set"));
        assert!(refused("a.example.com", "A.example.com", "https://a.example.com").contains("another host name"));
        assert!(refused("app.example.com", "api.example.com", "https://example.com").contains("the site's address"));
        assert!(refused("app.example.com", "api.example.com", "").contains("without https"));
        assert!(refused("app.localhost", "api.example.com", "").starts_with("API_HOST"));
        assert!(hosts("app.two-doors.localhost", "api.two-doors.localhost", "").is_ok());
        let both = hosts("app.example.com", "api.example.com", "https://app.example.com:8443").expect("two hosts");
        assert_eq!(both.hosts.map(|hosts| hosts.api).as_deref(), Some("api.example.com"));
    }

    #[test]
    fn a_redis_is_named_by_a_url_that_is_never_printed() {
        for url in ["redis://:hunter2hunter2@redis:6379/1", "redis+unix:///run/redis.sock?db=1&pass=hunter2hunter2"] {
            let config = config(&[("SESSION_STORE", url)]).expect("a Redis");
            assert!(matches!(&config.session_store, SessionStore::Redis(kept) if kept == url));
            assert!(!format!("{config:?}").contains("hunter2"));
        }
        for url in ["rediss://:hunter2hunter2@redis", "redis://hunter2hunter2@", "memcached://hunter2hunter2", "redis"]
        {
            let error = config(&[("SESSION_STORE", url)]).expect_err(url);
            assert!(error.starts_with("SESSION_STORE") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn services_are_refused_without_their_secrets_being_shown() {
        let error = config(&[("SERVICES", "orders:tooshort-unique")]).expect_err("short");
        assert!(error.starts_with("SERVICES") && error.contains("accepted") && !error.contains("unique"), "{error}");
        let printed = format!("{:?}", config(&[("SERVICES", &format!("orders:{SECRET}"))]).err());
        assert!(!printed.contains("fifty"), "spaces are none of a secret's: {printed}");
    }

    #[test]
    fn a_public_bind_wants_a_public_url() {
        assert!(config(&[("BIND_ADDRESS", "0.0.0.0:80")]).expect_err("no url").starts_with("PUBLIC_URL"));
        assert!(config(&[("BIND_ADDRESS", "0.0.0.0:80"), ("PUBLIC_URL", "https://doors.example.com")]).is_ok());
    }
}
