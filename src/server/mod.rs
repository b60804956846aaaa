//! Puts the house together: opens the port, the database and the doors, and closes them again in order.
//!
//! [`Server::build`] does everything that can fail and says what is wrong in one line; [`Server::run`] serves until Ctrl-C or
//! SIGTERM, finishes the requests in flight, and stops the private database last.

mod app;
mod build;
mod edge;
mod error;
mod limits;
mod listen;
mod metrics;
mod open;
mod settle;
mod signals;
mod specimens;
mod sweep;

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use actix_web::{dev::ServerHandle, rt, web::Data};
use url::Url;

use self::signals::Signals;
pub use self::{
    error::Error,
    open::{known_secrets, migrate_only, open_for_a_command},
};
use crate::{
    accounts::Accounts,
    db::{Pool, private_postgres::PrivatePostgres},
    everywhere,
    experiments::specimens::Specimens,
    http::drain::Drain,
    token::{
        endings::{Endings, Hub},
        keys::Keys,
    },
};

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
        let Self { inner, pool, accounts, keys, keep, postgres, signals, drain, metrics, endings, specimens, .. } =
            self;
        let (endings, hub) = endings;
        let metrics = metrics.map(|listener| metrics::serve(listener, pool.clone())).transpose()?;
        let metrics_handle = metrics.as_ref().map(actix_web::dev::Server::handle);
        let metrics = metrics.map(rt::spawn);
        rt::spawn(signals.stop(inner.handle(), endings, drain.0, drain.1));
        let hub = rt::spawn(hub.run());
        let follower = rt::spawn(keys.follow(pool.clone()));
        let sweeper = rt::spawn(sweep::for_ever(pool.clone(), keep));
        let settler = rt::spawn(settle::for_ever(accounts.clone()));
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
        // What requests had begun whose clients went away is brought to its end: a thread that outlives the process's other parts
        // finds them gone, and aborts.
        let most = pool.deadline().min(Duration::from_secs(app::SHUTDOWN_SECONDS));
        let idle = async { (accounts.gate.until_idle().await, pool.until_idle().await) };
        let _ = tokio::time::timeout(most, idle).await;
        // Last: requests in flight need it to the end.
        drop(postgres);
        Ok(result?)
    }
}

/// `two-doors health`: whether a server answers at this address.
pub async fn is_healthy(url: &str) -> bool {
    // A proxy of the environment would answer for another machine.
    match reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(3)).build() {
        Ok(client) => client.get(url).send().await.is_ok_and(|response| response.status().is_success()),
        Err(_) => false,
    }
}
