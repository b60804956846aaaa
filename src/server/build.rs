//! How the house is put together: everything that can fail before the first request.

use std::{io, net::SocketAddr, sync::Arc};

use actix_web::web::Data;
use url::Url;

use super::{
    Error, Server,
    app::{State, serve},
    limits,
    listen::listen,
    metrics, open,
    signals::Signals,
    specimens,
};
use crate::{
    accounts::{Accounts, own_client},
    api,
    config::{self, Config, Database, SessionStore, Surroundings},
    db::Pool,
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
    },
};

/// What was opened first, and decides about the rest.
struct Opened<'a> {
    config: &'a Config,
    address: SocketAddr,
    url: String,
    secrets: Secrets,
    site: Site,
    demo_mode: bool,
    /// Whether demo mode is on where others than this machine's users may come.
    demo_warning: bool,
    is_timed: bool,
    specimens: Option<Arc<Specimens>>,
}

impl Server {
    /// Opens everything.
    pub fn build(config: &Config) -> Result<Self, Error> {
        limits::raise_open_files();
        // Caught before the private database starts, which a signal would otherwise leave running alone. With another
        // server's database a signal may end a start that hangs.
        let is_private = matches!(config.database, Database::Private(_));
        let early_signals = is_private.then(Signals::listen).transpose()?;
        let listener = listen(config.bind_address).map_err(|error| Error::Bind(config.bind_address, error))?;
        let address = listener.local_addr()?;
        let metrics = metrics::bind(config.metrics_address)?;
        let public_url = public_url(config, address)?;
        let (postgres, url, secrets) = open::open_database(config)?;
        open::migrate(config, &url)?;
        let is_reached_from_here = address.ip().is_loopback() && is_of_this_machine(&public_url);
        let is_for_this_machine = is_private && is_reached_from_here;
        let demo_mode = config.demo_mode.unwrap_or(is_for_this_machine);
        let demo_warning = demo_mode && !is_for_this_machine;
        let api_host = config.hosts.as_ref().map(|hosts| hosts.api.as_str());
        let site = Site::new(public_url.clone(), api_host, &config.api_allowed_origins);
        warn(&site, demo_warning);
        let specimens = specimens::open(config, address, &site, demo_mode)?;

        let is_timed = config.telemetry.server_timing.unwrap_or(demo_mode || is_reached_from_here);
        let opened = Opened { config, address, url, secrets, site, demo_mode, demo_warning, is_timed, specimens };
        let (state, hub) = opened.state()?;
        let (pool, accounts, keys) = (Pool::clone(&state.pool), state.accounts.clone(), state.tokens.keys.clone());
        let (drain, endings) = (Drain::clone(&state.drain), Endings::clone(&state.endings));
        let specimens = opened.specimens;
        let keep = everywhere::Keep {
            grace_seconds: config.token.grace.as_secs_f64(),
            events_seconds: i64::try_from(config.events_ttl.as_secs()).unwrap_or(i64::MAX),
        };
        let inner = serve(listener, state)?;
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
            drain: (drain, config.drain),
            metrics,
            endings: (endings, hub),
            specimens,
        })
    }
}

impl Opened<'_> {
    /// What the workers share, and what feeds the feed of endings.
    fn state(&self) -> Result<(State, Hub), Error> {
        let Self { config, secrets, site, .. } = self;
        let pool = Pool::new(&self.url, config.pool_size, config.database_timeout)?;
        let (pool, copies) = open::session_store(config, pool)?;
        let accounts = Accounts::new(pool.clone(), &config.accounts, secrets, self.demo_mode).copied_by(copies);
        let keyring = open::prepare(&self.url, secrets, &accounts, config)?;
        let runs_experiments = config.experiments.unwrap_or(self.demo_mode);
        let settings = token_settings(config, secrets, runs_experiments);
        let tokens = Tokens::new(pool.clone(), keyring, &settings, site.api_address());
        let sessions = Sessions::new(pool.clone(), config.session, secrets, site.is_https());
        let (endings, hub) = Endings::new(pool.clone());
        let description = api::description::Description::new(site, &tokens, config.accounts.password_min);
        let target = Target::new(self.address, site, Some(secrets));
        let state = State {
            endings: Data::new(endings),
            token_logins: Data::new(everywhere::TokenLogins::new(&pool)),
            accounts: Data::new(accounts),
            tokens: Data::new(tokens),
            sessions: Data::new(sessions),
            settings: Data::new(pages::frame::Settings::new(secrets, self.demo_warning)),
            proxies: Data::new(TrustedProxies(config.trusted_proxies.clone())),
            timing: ServerTiming(self.is_timed),
            docs: Data::new(pages::docs::Docs::new(description.document())),
            description: Data::new(description),
            measurements: Data::new(pages::Measurements::new(target.clone(), kind_of_store(config))),
            board: Data::new(Board::new(self.lab(target), runs_experiments)),
            csrf_keys: Data::new(api::CsrfKeys::new(secrets)),
            site: Data::new(site.clone()),
            pool: Data::new(pool),
            drain: Data::new(Drain::default()),
        };
        Ok((state, hub))
    }

    fn lab(&self, target: Target) -> Lab {
        let specimens = self.specimens.clone();
        Lab { target, surroundings: Surroundings::here(), specimens, browser: Browsing::Visitor }
    }
}

fn kind_of_store(config: &Config) -> Store {
    match config.session_store {
        SessionStore::Postgres => Store::Postgres,
        SessionStore::Redis(_) => Store::Redis,
    }
}

fn public_url(config: &Config, address: SocketAddr) -> Result<Url, Error> {
    match (&config.public_url, &config.hosts) {
        (Some(url), _) => Ok(url.clone()),
        (None, Some(hosts)) => http_url(&format!("{}:{}", hosts.site, address.port())),
        (None, None) => http_url(&address.to_string()),
    }
}

/// Whether nobody from elsewhere gets here by this address: behind a proxy on the same machine the listener alone says nothing.
fn is_of_this_machine(public_url: &Url) -> bool {
    public_url.host().is_some_and(config::is_loopback)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_of_this_machine_is_for_it_alone() {
        let is = |url: &str| is_of_this_machine(&Url::parse(url).expect("a URL"));
        for here in [
            "http://127.0.0.1:8080",
            "http://localhost",
            "https://app.localhost:1",
            "http://[::1]:8080",
            "http://127.9.9.9",
        ] {
            assert!(is(here), "{here}");
        }
        for elsewhere in
            ["https://doors.example.com", "http://localhost.example.com", "http://10.0.0.1", "http://notlocalhost"]
        {
            assert!(!is(elsewhere), "{elsewhere}");
        }
    }
}
