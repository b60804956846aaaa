//! Why the private cluster is not there. Every message is one line for the person at the terminal: it
//! names the folder or the program, and what to do. Causes are part of the line, not a chain below it.

use std::{io, path::PathBuf};

/// Why [`PrivatePostgres::start`](super::PrivatePostgres::start) gave up.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what its variant means")]
pub enum Error {
    #[error(
        "no PostgreSQL server programs (initdb and postgres, version {least} or newer) in PATH or the usual folders: \
         run script/bootstrap to install them, or set DATABASE_URL to a server you have, or start everything \
         with docker compose up",
        least = super::programs::LEAST_MAJOR
    )]
    NoPrograms,

    #[error(
        "the cluster in {cluster} was made by PostgreSQL {wanted}, and only version {found} is installed here: install \
         PostgreSQL {wanted}, or set TWO_DOORS_DATA to another folder, or DATABASE_URL to a server you have"
    )]
    NoProgramsOfVersion { cluster: PathBuf, wanted: u32, found: String },

    #[error(
        "PostgreSQL refuses to run as root, and there is no system user `postgres` to run it as: make one, \
         or start Two Doors as another user"
    )]
    NoPostgresUser,

    #[error(
        "the user `postgres`, who runs the database when Two Doors runs as root, cannot enter {folder}, so it cannot \
         reach {data}: set TWO_DOORS_DATA to a folder below others that everybody may enter, such as /var/lib/two-doors"
    )]
    Unreachable { folder: PathBuf, data: PathBuf },

    #[error("{folder} {why}: Two Doors leaves it alone; set TWO_DOORS_DATA to a new or an empty folder")]
    NotOurs { folder: PathBuf, why: String },

    #[error("another Two Doors is running on {data} ({pid}): stop it, or set TWO_DOORS_DATA to another folder")]
    Taken { data: PathBuf, pid: String },

    #[error("cannot {action} {path}: {cause}; make it possible, or set TWO_DOORS_DATA to another folder")]
    File { action: &'static str, path: PathBuf, cause: io::Error },

    #[error(
        "cannot run {program}: {cause}; repair the PostgreSQL installation, or set DATABASE_URL to a server you have"
    )]
    Run { program: PathBuf, cause: io::Error },

    #[error("{program} could not make a cluster in {folder}: {last_line}; mend that and start again")]
    Initdb { program: PathBuf, folder: PathBuf, last_line: String },

    #[error("the database did not start: {last_line}; the whole story is in {log}")]
    Start { log: PathBuf, last_line: String },

    #[error("the database in {cluster} runs but does not answer: end process {pid} and see {log}")]
    Silent { cluster: PathBuf, pid: i32, log: PathBuf },

    #[error("the private database refused its own app: {cause}; its side of it is in {log}")]
    Database { log: PathBuf, cause: String },
}

impl Error {
    /// For `map_err`: what was tried on which path.
    pub(super) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |cause| Self::File { action, path, cause }
    }
}

/// Joins the lines of other people's messages.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
