//! Puts the house together: opens the port, the database and the doors, and closes them again in order.
//!
//! [`Server::build`] does everything that can fail and says what is wrong in one line; [`Server::run`] serves until Ctrl-C or
//! SIGTERM, finishes the requests in flight, and stops the private database last.

use std::{
    fs,
    io::{self, Write as _},
    net::{SocketAddr, TcpListener},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    time::Duration,
};

use actix_web::{
    App, HttpResponse, HttpServer,
    dev::ServerHandle,
    http::Method,
    middleware::{Compress, from_fn},
    rt,
    web::{self, Data},
};
use diesel::Connection as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use url::Url;

use crate::{
    accounts::{Accounts, demo, ending::EndReason},
    api,
    config::{Config, Database},
    db::{
        self, Pool,
        private_postgres::{self, PrivatePostgres},
    },
    everywhere,
    http::{client::TrustedProxies, headers, host, origin::Site, routes},
    pages,
    secrets::Secrets,
    session::Sessions,
    telemetry::{self, ServerTiming},
    token::{Tokens, keys},
};

/// Between two rounds of the sweeper.
const SWEEP_EVERY: Duration = Duration::from_mins(1);
/// How long requests in flight may go on after a signal.
const SHUTDOWN_SECONDS: u64 = 10;

/// Why the server did not start: one line for whoever starts it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port can't be had.
    #[error("BIND_ADDRESS={0} can't be listened on: {1}")]
    Bind(SocketAddr, #[source] io::Error),
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
    grace_seconds: f64,
    stop_signals: [Signal; 2],
    postgres: Option<PrivatePostgres>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Server {
    /// Opens everything.
    pub fn build(config: &Config) -> Result<Self, Error> {
        let listener =
            TcpListener::bind(config.bind_address).map_err(|error| Error::Bind(config.bind_address, error))?;
        let address = listener.local_addr()?;
        let public_url = match &config.public_url {
            Some(url) => url.clone(),
            None => Url::parse(&format!("http://{address}")).map_err(|error| Error::Io(io::Error::other(error)))?,
        };
        // A private database must not be left behind: with one, even a signal in the middle of the start is waited for.
        let caught_early = matches!(config.database, Database::Private(_)).then(catch_stop_signals).transpose()?;
        let (postgres, url, secrets) = open_database(config)?;
        migrate(config, &url)?;
        let is_private = postgres.is_some();
        let demo_mode = config.demo_mode.unwrap_or(is_private && address.ip().is_loopback());
        let demo_warning = demo_mode && !(is_private && address.ip().is_loopback());
        let site = Site::new(public_url.clone(), &config.api_allowed_origins);
        warn(&site, demo_warning);

        let pool = Pool::new(&url, config.pool_size)?;
        let accounts = Accounts::new(pool.clone(), &config.accounts, &secrets, demo_mode);
        let keyring = prepare(&url, &secrets, &accounts, config)?;
        let tokens = Tokens::new(pool.clone(), keyring, &config.token, site.address());
        let sessions = Sessions::new(pool.clone(), config.session, &secrets, site.is_https());
        let server_timing = config.telemetry.server_timing.unwrap_or(demo_mode || address.ip().is_loopback());

        let data = State {
            accounts: Data::new(accounts),
            tokens: Data::new(tokens),
            sessions: Data::new(sessions),
            settings: Data::new(pages::frame::Settings::new(&secrets, demo_warning)),
            proxies: Data::new(TrustedProxies(config.trusted_proxies.clone())),
            timing: Data::new(ServerTiming(server_timing)),
            site: Data::new(site),
            pool: Data::new(pool.clone()),
        };
        let grace_seconds = config.token.grace.as_secs_f64();
        let inner = serve(listener, data)?;
        // Whoever is told that the server is open may stop it; until then a signal ends a start that hangs.
        let stop_signals = match caught_early {
            Some(signals) => signals,
            None => catch_stop_signals()?,
        };
        Ok(Self { address, public_url, inner, pool, grace_seconds, stop_signals, postgres })
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

    /// What stops the server, gracefully if told so.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.inner.handle()
    }

    /// Serves until a signal comes or [`Server::handle`] is told to stop.
    pub async fn run(self) -> Result<(), Error> {
        let Self { inner, pool, grace_seconds, stop_signals, postgres, .. } = self;
        rt::spawn(stop_at_signal(inner.handle(), stop_signals));
        let sweeper = rt::spawn(sweep_for_ever(pool, grace_seconds));
        let result = inner.await;
        sweeper.abort();
        // Last: requests in flight need it to the end.
        drop(postgres);
        Ok(result?)
    }
}

/// What the workers share.
#[derive(Clone)]
struct State {
    accounts: Data<Accounts>,
    tokens: Data<Tokens>,
    sessions: Data<Sessions>,
    settings: Data<pages::frame::Settings>,
    proxies: Data<TrustedProxies>,
    timing: Data<ServerTiming>,
    site: Data<Site>,
    pool: Data<Pool>,
}

fn serve(listener: TcpListener, state: State) -> io::Result<actix_web::dev::Server> {
    let factory = move || {
        let state = state.clone();
        let sessions = state.sessions.clone();
        App::new()
            .app_data(state.accounts)
            .app_data(state.tokens)
            .app_data(state.sessions)
            .app_data(state.settings)
            .app_data(state.proxies)
            .app_data(state.timing)
            .app_data(state.site)
            .app_data(state.pool)
            .service(routes::resource("/healthz", [(Method::GET, web::get().to(alive))], only_get))
            .service(routes::resource("/readyz", [(Method::GET, web::get().to(ready))], only_get))
            .configure(api::mount)
            .configure(|config| pages::mount(config, &sessions))
            .wrap(from_fn(routes::head_as_get))
            .wrap(Compress::default())
            .wrap(from_fn(host::only_ours))
            .wrap(from_fn(headers::protect))
            .wrap(from_fn(telemetry::measure))
    };
    Ok(HttpServer::new(factory)
        .disable_signals()
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .client_request_timeout(Duration::from_secs(5))
        .keep_alive(Duration::from_secs(15))
        .listen(listener)?
        .run())
}

/// `GET /healthz`: the process is alive.
async fn alive() -> &'static str {
    "alive\n"
}

/// `GET /readyz`: the database answers.
async fn ready(pool: Data<Pool>) -> HttpResponse {
    let asked =
        db::run(&pool, |conn| Ok::<_, db::Error>(diesel::RunQueryDsl::execute(diesel::sql_query("SELECT 1"), conn)?));
    match asked.await {
        Ok(_) => HttpResponse::Ok().body("ready\n"),
        Err(_) => HttpResponse::ServiceUnavailable()
            .insert_header(("retry-after", "2"))
            .body("the database does not answer\n"),
    }
}

fn only_get(_: &actix_web::HttpRequest, _: &str) -> HttpResponse {
    HttpResponse::MethodNotAllowed().finish()
}

/// The database's URL and the secrets; with the private cluster, both come from its folder.
fn open_database(config: &Config) -> Result<(Option<PrivatePostgres>, String, Secrets), Error> {
    match &config.database {
        Database::Given { url, .. } => {
            let secrets = config.secrets.clone();
            let secrets = secrets.ok_or_else(|| Error::Secrets("SECRETS".to_owned(), "it is not set".to_owned()))?;
            Ok((None, url.clone(), secrets))
        }
        Database::Private(private) => {
            let postgres = PrivatePostgres::start(&private_postgres::Settings {
                data: private.data.clone(),
                path: private.path.clone(),
                runtime_dir: private.runtime_dir.clone(),
                extra: Vec::new(),
            })?;
            let secrets = match &config.secrets {
                Some(secrets) => secrets.clone(),
                None => kept_secrets(&private.data.join("secrets"))?,
            };
            let url = postgres.url();
            Ok((Some(postgres), url, secrets))
        }
    }
}

/// Reads the secrets that the first start made. The instance lock on the folder is held, so nobody else makes them too.
fn kept_secrets(file: &Path) -> Result<Secrets, Error> {
    let failed = |reason: &dyn ToString| Error::Secrets(file.display().to_string(), reason.to_string());
    match fs::read_to_string(file) {
        Ok(text) => Secrets::parse(text.trim()).ok_or_else(|| failed(&"it holds no list of secrets")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = Secrets::generate();
            // Written aside and renamed: a crash must not leave half a secret, which would be another one next time.
            let aside = file.with_extension("new");
            let _ = fs::remove_file(&aside);
            let written =
                fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside).and_then(|mut file| {
                    file.write_all(text.as_bytes())?;
                    file.sync_all()
                });
            written.and_then(|()| fs::rename(&aside, file)).map_err(|error| failed(&error))?;
            Secrets::parse(&text).ok_or_else(|| failed(&"none could be made"))
        }
        Err(error) => Err(failed(&error)),
    }
}

fn migrate(config: &Config, url: &str) -> Result<(), Error> {
    let migration_url = match &config.database {
        Database::Given { migration_url, .. } => migration_url,
        Database::Private(_) => url,
    };
    if config.migrate {
        return Ok(db::migrate(migration_url)?);
    }
    match db::pending(url)? {
        0 => Ok(()),
        pending => Err(Error::Pending(pending)),
    }
}

/// `two-doors migrate`: brings the schema up to date and does nothing else.
pub fn migrate_only(config: &Config) -> Result<(), Error> {
    match &config.database {
        Database::Given { migration_url, .. } => Ok(db::migrate(migration_url)?),
        Database::Private(_) => {
            let (postgres, url, _) = open_database(config)?;
            db::migrate(&url)?;
            drop(postgres);
            Ok(())
        }
    }
}

/// What must be in the database before the first request: a signing key, and in demo mode the demo accounts.
fn prepare(url: &str, secrets: &Secrets, accounts: &Accounts, config: &Config) -> Result<keys::Keyring, Error> {
    let mut conn = diesel::PgConnection::establish(url).map_err(|error| db::Error::no_connection(&error))?;
    let mut keyring = None;
    db::exclusively(&mut conn, |conn| {
        keyring = Some(keys::Keyring::load(conn, secrets, config.token.algorithm));
        let ended = demo::restore(conn, &accounts.demo)?;
        for user in ended {
            everywhere::end_all(conn, user, EndReason::PasswordChanged)?;
        }
        Ok(())
    })?;
    Ok(keyring.unwrap_or_else(|| Err(keys::Error::Unusable("none was loaded".to_owned())))?)
}

fn warn(site: &Site, demo_warning: bool) {
    if !site.is_https() {
        tracing::warn!("cookies are not Secure: {} is plain http, which is for this machine only", site.address());
    }
    if demo_warning {
        tracing::warn!("demo mode is on: whoever can reach this server can read the passwords of its demo accounts");
    }
}

/// From then on Ctrl-C and SIGTERM end nothing by themselves.
fn catch_stop_signals() -> io::Result<[Signal; 2]> {
    Ok([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?])
}

/// The first signal lets requests finish, the second does not.
async fn stop_at_signal(handle: ServerHandle, [mut interrupt, mut terminate]: [Signal; 2]) {
    for graceful in [true, false] {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!(graceful, "stopping");
        rt::spawn(handle.stop(graceful));
    }
}

/// Deletes what ended a day ago. An outage of the database only makes it wait.
async fn sweep_for_ever(pool: Pool, grace_seconds: f64) {
    let mut rounds = tokio::time::interval(SWEEP_EVERY);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        match db::run(&pool, move |conn| everywhere::sweep(conn, grace_seconds)).await {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "swept"),
            Err(error) => tracing::warn!(%error, "the sweeper waits for the database"),
        }
    }
}

/// `two-doors health`: whether a server answers at this address.
pub async fn is_healthy(url: &str) -> bool {
    match reqwest::Client::builder().timeout(Duration::from_secs(3)).build() {
        Ok(client) => client.get(url).send().await.is_ok_and(|response| response.status().is_success()),
        Err(_) => false,
    }
}
