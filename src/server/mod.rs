//! Puts the house together: opens the port, the database and the doors, and closes them again in order.
//!
//! [`Server::build`] does everything that can fail and says what is wrong in one line; [`Server::run`] serves until Ctrl-C or
//! SIGTERM, finishes the requests in flight, and stops the private database last.

mod app;
mod listen;
mod metrics;
mod open;
mod settle;
mod signals;
mod specimens;
mod sweep;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use actix_web::{dev::ServerHandle, rt, web::Data};
use url::Url;

pub use self::open::{known_secrets, migrate_only, open_for_a_command};
use self::{
    app::{State, serve},
    listen::listen,
    signals::Signals,
};
use crate::{
    accounts::{Accounts, own_client},
    api,
    config::{self, Config, Database, SessionStore, Surroundings},
    db::{
        self, Pool,
        private_postgres::{self, PrivatePostgres},
    },
    everywhere,
    experiments::{
        board::Board,
        client::Target,
        lab::{Browsing, Lab},
        measure::report::Store,
        specimens::Specimens,
    },
    http::{client::TrustedProxies, drain::Drain, origin::Site},
    pages,
    secrets::Secrets,
    session::Sessions,
    telemetry::ServerTiming,
    token::{
        Tokens,
        endings::{Endings, Hub},
        keys::{self, Keys},
    },
};

/// Why the server did not start: one line for whoever starts it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port can't be had.
    #[error("BIND_ADDRESS={0} can't be listened on: {1}")]
    Bind(SocketAddr, #[source] io::Error),
    /// The port for `/metrics` can't be had.
    #[error("METRICS_ADDRESS={0} can't be listened on: {1}")]
    BindMetrics(SocketAddr, #[source] io::Error),
    /// The private cluster did not start.
    #[error(transparent)]
    PrivatePostgres(#[from] private_postgres::Error),
    /// The secrets can't be kept.
    #[error("the secrets in {0} can't be read or made: {1}")]
    Secrets(String, String),
    /// The database can't be used.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// The schema is older than this program.
    #[error(
        "{0} migrations are pending and MIGRATE is off: run `two-doors migrate` with a role that may change the schema"
    )]
    Pending(usize),
    /// There is no signing key.
    #[error(transparent)]
    Keys(#[from] keys::Error),
    /// The specimens can't be served.
    #[error(transparent)]
    Specimens(#[from] crate::experiments::specimens::Error),
    /// The system refused something else.
    #[error("the server can't start: {0}")]
    Io(#[from] io::Error),
}

/// A server that listens and waits for [`Server::run`].
pub struct Server {
    address: SocketAddr,
    public_url: Url,
    inner: actix_web::dev::Server,
    pool: Pool,
    accounts: Data<Accounts>,
    keys: Keys,
    keep: everywhere::Keep,
    postgres: Option<PrivatePostgres>,
    signals: Signals,
    drain: (Drain, Duration),
    metrics: Option<TcpListener>,
    endings: (Endings, Hub),
    specimens: Option<Arc<Specimens>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Server {
    /// Opens everything.
    pub fn build(config: &Config) -> Result<Self, Error> {
        // Caught before the private database starts, which a signal would otherwise leave running alone. With another
        // server's database a signal may end a start that hangs.
        let is_private = matches!(config.database, Database::Private(_));
        let early_signals = is_private.then(Signals::listen).transpose()?;
        let listener = listen(config.bind_address).map_err(|error| Error::Bind(config.bind_address, error))?;
        let address = listener.local_addr()?;
        let metrics = metrics::bind(config.metrics_address)?;
        let public_url = match (&config.public_url, &config.hosts) {
            (Some(url), _) => url.clone(),
            (None, Some(hosts)) => http_url(&format!("{}:{}", hosts.site, address.port()))?,
            (None, None) => http_url(&address.to_string())?,
        };
        let (postgres, url, secrets) = open::open_database(config)?;
        open::migrate(config, &url)?;
        let demo_mode = config.demo_mode.unwrap_or(is_private && address.ip().is_loopback());
        let demo_warning = demo_mode && !(is_private && address.ip().is_loopback());
        let site = Site::new(
            public_url.clone(),
            config.hosts.as_ref().map(|hosts| hosts.api.as_str()),
            &config.api_allowed_origins,
        );
        warn(&site, demo_warning);
        let specimens = specimens::open(config, address, &site, demo_mode)?;

        let (pool, copies) = open::session_store(config, Pool::new(&url, config.pool_size, config.database_timeout)?)?;
        let accounts = Accounts::new(pool.clone(), &config.accounts, &secrets, demo_mode).copied_by(copies);
        let keyring = open::prepare(&url, &secrets, &accounts, config)?;
        let runs_experiments = config.experiments.unwrap_or(demo_mode);
        let tokens =
            Tokens::new(pool.clone(), keyring, &token_settings(config, &secrets, runs_experiments), site.api_address());
        let sessions = Sessions::new(pool.clone(), config.session, &secrets, site.is_https());
        let server_timing = config.telemetry.server_timing.unwrap_or(demo_mode || address.ip().is_loopback());

        let endings = Endings::new(pool.clone());
        let keys = tokens.keys.clone();
        let description = api::description::Description::new(&site, &tokens, config.accounts.password_min);
        let target = Target::new(address, &site, Some(&secrets));
        let store = match config.session_store {
            SessionStore::Postgres => Store::Postgres,
            SessionStore::Redis(_) => Store::Redis,
        };
        let data = State {
            endings: Data::new(endings.0.clone()),
            accounts: Data::new(accounts),
            tokens: Data::new(tokens),
            sessions: Data::new(sessions),
            settings: Data::new(pages::frame::Settings::new(&secrets, demo_warning)),
            proxies: Data::new(TrustedProxies(config.trusted_proxies.clone())),
            timing: Data::new(ServerTiming(server_timing)),
            docs: Data::new(pages::docs::Docs::new(description.document())),
            description: Data::new(description),
            measurements: Data::new(pages::Measurements::new(target.clone(), store)),
            board: Data::new(Board::new(
                Lab {
                    target,
                    surroundings: Surroundings::here(),
                    specimens: specimens.clone(),
                    browser: Browsing::Visitor,
                },
                runs_experiments,
            )),
            csrf_keys: Data::new(api::CsrfKeys::new(&secrets)),
            site: Data::new(site),
            pool: Data::new(pool.clone()),
            drain: Data::new(Drain::default()),
        };
        let keep = everywhere::Keep {
            grace_seconds: config.token.grace.as_secs_f64(),
            events_seconds: i64::try_from(config.events_ttl.as_secs()).unwrap_or(i64::MAX),
        };
        let accounts = data.accounts.clone();
        let drain = (Drain::clone(&data.drain), config.drain);
        let inner = serve(listener, data)?;
        let signals = early_signals.map_or_else(Signals::listen, Ok)?;
        Ok(Self {
            address,
            public_url,
            inner,
            pool,
            accounts,
            keys,
            keep,
            postgres,
            signals,
            drain,
            metrics,
            endings,
            specimens,
        })
    }

    /// The address that is listened on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address that people use.
    #[must_use]
    pub fn public_url(&self) -> &Url {
        &self.public_url
    }

    /// What is weak on purpose, in demo mode, on a listener of its own.
    #[must_use]
    pub fn specimens(&self) -> Option<&Arc<Specimens>> {
        self.specimens.as_ref()
    }

    /// What stops the server, gracefully if told so.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.inner.handle()
    }

    /// Serves until a signal comes or [`Server::handle`] is told to stop.
    pub async fn run(self) -> Result<(), Error> {
        let Self {
            inner, pool, accounts, keys, keep, postgres, signals, drain, metrics, endings, specimens, ..
        } = self;
        let (endings, hub) = endings;
        let metrics = metrics.map(|listener| metrics::serve(listener, pool.clone())).transpose()?;
        let metrics_handle = metrics.as_ref().map(actix_web::dev::Server::handle);
        let metrics = metrics.map(rt::spawn);
        rt::spawn(signals.stop(inner.handle(), endings, drain.0, drain.1));
        let hub = rt::spawn(hub.run());
        let follower = rt::spawn(keys.follow(pool.clone()));
        let sweeper = rt::spawn(sweep::for_ever(pool, keep));
        let settler = rt::spawn(settle::for_ever(accounts));
        let result = inner.await;
        sweeper.abort();
        settler.abort();
        follower.abort();
        hub.abort();
        drop(specimens);
        if let (Some(handle), Some(metrics)) = (metrics_handle, metrics) {
            handle.stop(false).await;
            metrics.abort();
        }
        // Last: requests in flight need it to the end.
        drop(postgres);
        Ok(result?)
    }
}

/// Where visitors may start experiments, these may follow the feed of endings.
fn token_settings(config: &Config, secrets: &Secrets, runs_experiments: bool) -> config::Token {
    let mut token = config.token.clone();
    if runs_experiments {
        let (name, secret) = own_client::service(secrets);
        token.services = token.services.with(name, &secret);
    }
    token
}

fn http_url(host: &str) -> Result<Url, Error> {
    Url::parse(&format!("http://{host}")).map_err(|error| Error::Io(io::Error::other(error)))
}

fn warn(site: &Site, demo_warning: bool) {
    if !site.may_be_one_site() {
        tracing::warn!(
            "SITE_HOST and API_HOST have no registrable domain in common: browsers take them for two sites and withhold the \
             API's refresh cookie from the site's pages"
        );
    }
    if !site.is_https() {
        tracing::warn!("cookies are not Secure: {} is plain http, which is for this machine only", site.address());
    }
    if demo_warning {
        tracing::warn!("demo mode is on: whoever can reach this server can read the passwords of its demo accounts");
    }
}

/// `two-doors health`: whether a server answers at this address.
pub async fn is_healthy(url: &str) -> bool {
    match reqwest::Client::builder().timeout(Duration::from_secs(3)).build() {
        Ok(client) => client.get(url).send().await.is_ok_and(|response| response.status().is_success()),
        Err(_) => false,
    }
}
