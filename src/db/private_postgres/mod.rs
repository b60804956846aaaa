//! The embedded default: a PostgreSQL cluster of our own, for a machine where nobody has set one up.
//!
//! Promise: the cluster listens on a Unix socket in a 0700 folder and on nothing else, never touches
//! another cluster, keeps its data between runs and stops with the app. After a kill -9 of the app the
//! next start adopts what still runs, or clears the lock that it left. Two instances never share data.
//! As root everything here that is PostgreSQL runs as the system user `postgres`.
//!
//! Limit: whoever is root, or the same user, can reach it (`trust` on the socket). A cluster that dies
//! under the running app is not started again, and one of another major version is not upgraded.

mod cluster;
mod error;
mod folders;
mod lock;
mod log;
mod pid_file;
mod postmaster;
mod programs;
mod runner;

use std::{
    ffi::{OsStr, OsString},
    fmt::Write as _,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use diesel::{
    Connection as _, PgConnection, RunQueryDsl as _, connection::SimpleConnection as _, dsl::sql, sql_types::Bool,
};

pub use error::Error;
use folders::Folders;
use postmaster::Postmaster;
use programs::Programs;
use runner::Runner;

/// The name of the superuser, and of the database that the app lives in.
const NAME: &str = "two_doors";

/// What the cluster depends on; nothing in this module reads the environment.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The app's data folder.
    pub data: PathBuf,
    /// The value of `PATH`: where the programs are looked for first.
    pub path: Option<OsString>,
    /// `XDG_RUNTIME_DIR`: takes the socket when the data folder's path is too long for it.
    pub runtime_dir: Option<PathBuf>,
    /// Server settings on top of the cluster's own, as for `postgres -c`.
    pub extra: Vec<(String, String)>,
}

/// A PostgreSQL cluster of our own. Dropping it stops the cluster.
#[derive(Debug)]
pub struct PrivatePostgres {
    postmaster: Option<Postmaster>,
    socket: PathBuf,
    // Holds the instance lock, so it has to go after the postmaster has stopped.
    folders: Folders,
}

impl PrivatePostgres {
    /// Takes the data folder, then starts the cluster in it or adopts the one that still runs. The first
    /// start also makes the cluster. Blocks until it answers and the app's database is there.
    ///
    /// # Errors
    /// Whatever stands in the way, in one line that says what to do about it.
    pub fn start(settings: &Settings) -> Result<Self, Error> {
        let runner = Runner::find()?;
        // Programs come first, so that a machine without them is left without an empty data folder too.
        let programs = Programs::find(settings.path.as_deref(), &runner, cluster::version(&settings.data))?;
        let folders = Folders::open(&settings.data, &runner)?;

        let postmaster = if let Some(running) = Postmaster::adopt(&folders)? {
            tracing::info!(data = %folders.data.display(), "adopted the private PostgreSQL that still ran");
            running
        } else {
            let socket = folders.socket(settings.runtime_dir.as_deref(), &runner)?;
            cluster::make_if_missing(&folders, &programs, &runner, settings)?;
            Postmaster::launch(&folders, &socket, &programs, &runner, settings)?
        };

        let postgres = Self { socket: postmaster.socket().to_path_buf(), postmaster: Some(postmaster), folders };
        postgres.create_database_if_missing()?;
        Ok(postgres)
    }

    /// The address of the app's database while another Two Doors runs on this data folder; `None` if its cluster does not
    /// answer, also not in a while, as it may only just be starting.
    #[must_use]
    pub fn beside(data: &Path) -> Option<String> {
        let cluster = data.canonicalize().ok()?.join("postgres/cluster");
        Postmaster::of_another(&cluster).map(|socket| url(&socket, NAME))
    }

    /// The address of the app's database, for libpq and everything built on it.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_for(NAME)
    }

    /// The address of another database of this cluster.
    #[must_use]
    pub fn url_for(&self, database: &str) -> String {
        url(&self.socket, database)
    }

    /// The data folder: absolute, made, ours alone as long as this value lives.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.folders.data
    }

    /// Stops the cluster: open connections are cut, transactions under way roll back. Waits for the end;
    /// a second call does nothing.
    pub fn stop(&mut self) {
        let Some(postmaster) = self.postmaster.take() else {
            return;
        };
        postmaster.stop(&self.folders);
        self.folders.remove_socket(&self.socket);
    }

    fn create_database_if_missing(&self) -> Result<(), Error> {
        let refused = |cause: String| Error::Database { log: self.folders.log.clone(), cause: error::one_line(&cause) };
        let mut conn = PgConnection::establish(&self.url_for("postgres")).map_err(|e| refused(e.to_string()))?;
        let exists = diesel::select(sql::<Bool>("EXISTS (SELECT FROM pg_database WHERE datname = 'two_doors')"))
            .get_result::<bool>(&mut conn)
            .map_err(|e| refused(e.to_string()))?;
        if exists {
            return Ok(());
        }
        conn.batch_execute("CREATE DATABASE two_doors").map_err(|e| refused(e.to_string()))
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        self.stop();
    }
}

// The port is spelled out because libpq would otherwise take PGPORT.
fn url(socket: &Path, database: &str) -> String {
    let host = percent_encoded(socket.as_os_str());
    let database = percent_encoded(OsStr::new(database));
    format!("postgresql://{NAME}@/{database}?host={host}&port={}", postmaster::PORT)
}

fn percent_encoded(text: &OsStr) -> String {
    let mut encoded = String::new();
    for &byte in text.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
