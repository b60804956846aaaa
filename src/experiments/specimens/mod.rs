//! Everything here that is weak on purpose, kept where it can harm nobody: on a listener of its own, under names of its own.
//!
//! Some claims can only be shown where something is missing: a page with a hole, cookies without defence, a verifier that
//! believes what it is told. Each is labelled, in its page and in its code. A [`Story`] is a walk of a real browser through
//! top-level pages of several hosts; it ends in a typed [`Report`]. A frame would prove nothing: in one of another site, browsers
//! withhold cookies and storage anyway.
//!
//! Promise: no setting brings any of this to the real doors, and none of it answers under a name that shares cookies with them.
//! Limit: whoever can reach the listener and knows a run's random id can play with that run, which is worth nothing.

mod api;
mod attacker;
mod cookies;
mod finish;
pub mod hosts;
mod jar;
mod page;
pub mod report;
mod routes;
mod run;
mod steps;
pub mod story;
mod victim;
mod visit;
mod weak;
mod witness;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    time::Duration,
};

use actix_web::{HttpServer, cookie::Key, dev::ServerHandle, rt, web::Data};
use tokio::sync::mpsc::Receiver;

use self::{
    hosts::{Hosts, NAMES, Role, Unfit},
    run::Runs,
};
pub use self::{report::Report, run::Full, story::Story, weak::memory_store, witness::Witnessed};

/// Where the specimens are to be.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen; port 0 asks the system for a free one.
    pub address: SocketAddr,
    /// `SPECIMEN_HOSTS`, else names below `localhost`.
    pub names: Option<[String; NAMES]>,
    /// Whether the configured names are reached over https.
    pub https: bool,
    /// The host names of the real doors, which no specimen may have.
    pub doors: Vec<String>,
}

/// Why there are no specimens.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port can't be had.
    #[error("SPECIMEN_ADDRESS={0} can't be listened on: {1}")]
    Bind(SocketAddr, #[source] io::Error),
    /// The names can't be used.
    #[error(
        "SPECIMEN_HOSTS can't be used: {0}; accepted are five host names, four of one domain that is none of the doors' and \
         one of another site"
    )]
    Hosts(#[from] Unfit),
    /// The system refused something else.
    #[error("the specimens can't be served: {0}")]
    Io(#[from] io::Error),
}

/// What the handlers share.
#[derive(Debug)]
struct Shared {
    hosts: Hosts,
    /// Where this listener is reached from this machine.
    address: SocketAddr,
    runs: Runs,
}

/// The specimens, being served; dropping this ends that.
#[derive(Debug)]
pub struct Specimens {
    shared: Data<Shared>,
    handle: ServerHandle,
}

/// A story that waits for its browser.
#[derive(Debug)]
pub struct Opened {
    /// The page to open: top-level, in a tab of its own. For [`Story::Services`] what the paths of the services follow.
    pub url: String,
    /// The address to connect to, for a client that does not resolve the name.
    pub address: SocketAddr,
    /// What the browser's walk brings, until the last page.
    pub reports: Receiver<Report>,
    shared: Data<Shared>,
    run: String,
}

impl Opened {
    /// Ends the run before its time, and makes room for another.
    pub fn close(&self) {
        self.shared.runs.end(&self.run);
    }
}

/// Why a story came to no end.
#[derive(Debug, thiserror::Error)]
pub enum Unfinished {
    /// No browser came, or it stopped on the way; the last page that was opened said this.
    #[error("{}", too_slow(*.within, .last.as_deref()))]
    TooSlow {
        /// What was waited for.
        within: Duration,
        /// The last page.
        last: Option<String>,
    },
    /// A page's script failed.
    #[error("the browser could not do what page {step} asks of it: {why}")]
    Broken {
        /// Which page.
        step: usize,
        /// What it said.
        why: String,
    },
}

fn too_slow(within: Duration, last: Option<&str>) -> String {
    let seconds = within.as_secs();
    match last {
        Some(says) => format!("the browser did not come to the end within {seconds} s; the last page said: {says}"),
        None => {
            format!("no browser opened the page within {seconds} s: not asked to, or it does not find that host name")
        }
    }
}

impl Opened {
    /// Waits for the end of the story, and tells what comes before: what each page says as it is opened, and each exchange.
    pub async fn finished(&mut self, within: Duration, mut told: impl FnMut(&Report)) -> Result<Report, Unfinished> {
        let mut last = None;
        let reports = &mut self.reports;
        let end = async {
            loop {
                match reports.recv().await {
                    Some(report @ (Report::Progress { .. } | Report::Exchange(_))) => {
                        told(&report);
                        if let Report::Progress { says, .. } = report {
                            last = Some(says);
                        }
                    }
                    Some(Report::Broken { step, why }) => return Some(Err(Unfinished::Broken { step, why })),
                    Some(report) => return Some(Ok(report)),
                    None => return None,
                }
            }
        };
        let ended = tokio::time::timeout(within, end).await;
        ended.ok().flatten().unwrap_or(Err(Unfinished::TooSlow { within, last }))
    }
}

impl Specimens {
    /// Serves them, on one thread. Must be called inside of an Actix system.
    pub fn open(settings: &Settings) -> Result<Self, Error> {
        let listener = TcpListener::bind(settings.address).map_err(|error| Error::Bind(settings.address, error))?;
        let bound = listener.local_addr()?;
        // For stories about ports. Nobody has to find it by himself, so any will do.
        let other = TcpListener::bind((bound.ip(), 0))?;
        let hosts =
            Hosts::new(settings.names.as_ref(), settings.https, bound, other.local_addr().ok(), &settings.doors)?;
        let shared = Data::new(Shared { hosts, address: reached(bound), runs: Runs::default() });
        let (state, key) = (shared.clone(), Key::generate());
        let server = HttpServer::new(move || routes::app(state.clone(), key.clone()));
        let server = server
            .workers(1)
            .disable_signals()
            .client_request_timeout(Duration::from_secs(5))
            .listen(listener)?
            .listen(other)?
            .run();
        let handle = server.handle();
        rt::spawn(server);
        Ok(Self { shared, handle })
    }

    /// Where this machine reaches them.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// Begins a run, whose pages are there for a quarter of an hour.
    pub fn begin(&self, story: Story) -> Result<Opened, Full> {
        let (run, reports) = self.shared.runs.begin(story, &self.shared.hosts)?;
        let url = match run.steps.is_empty() {
            true => format!("{}/{}", self.shared.hosts.origin(Role::Victim), run.id),
            false => run.url(&self.shared.hosts, 0),
        };
        Ok(Opened { url, address: self.shared.address, reports, shared: self.shared.clone(), run: run.id.clone() })
    }
}

impl Drop for Specimens {
    fn drop(&mut self) {
        // The command is sent when the future is made.
        drop(self.handle.stop(false));
    }
}

/// A wildcard is no address to connect to: then it is this machine's own.
fn reached(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    (ip, bound.port()).into()
}
