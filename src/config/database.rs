//! Where the rows live, and what is secret about it.

use std::{ffi::OsString, path::PathBuf};

use super::{
    parse::is_postgres,
    reader::{Error, Reader},
};
use crate::secrets::{SECRET_MIN_BYTES, Secrets};

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
    pub path: Option<OsString>,
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

impl Database {
    pub(super) fn read(read: &Reader<'_>) -> Result<Self, Error> {
        let given = |name: &str| match read.text(name)? {
            // The value is not quoted: it may hold a password.
            Some(url) if !is_postgres(&url) => Err(Error(format!(
                "{name} can't be used: accepted is postgres://USER:PASSWORD@HOST/DATABASE, with %40 for an @ and %2F for a / in the \
                 password (its value is not shown here)"
            ))),
            given => Ok(given),
        };
        if let Some(url) = given("DATABASE_URL")? {
            let migration_url = given("MIGRATION_DATABASE_URL")?.unwrap_or_else(|| url.clone());
            return Ok(Self::Given { url, migration_url });
        }
        let path = (read.0)("PATH");
        let runtime_dir = (read.0)("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute());
        let data = match read.text("TWO_DOORS_DATA")? {
            Some(folder) => std::path::absolute(&folder)
                .map_err(|error| Error(format!("TWO_DOORS_DATA={folder:?} can't be used: {error}")))?,
            None => default_data(read)?,
        };
        Ok(Self::Private(Private { data, path, runtime_dir }))
    }

    /// `SECRETS`: somebody else's server gives no folder to keep new ones in.
    pub(super) fn secrets(&self, read: &Reader<'_>) -> Result<Option<Secrets>, Error> {
        let accepted = format!(
            "a comma-separated list, newest first, of random texts of at least {SECRET_MIN_BYTES} bytes each, \
             such as `openssl rand -base64 48` prints"
        );
        match (read.text("SECRETS")?, self) {
            (Some(list), _) => match Secrets::parse(&list) {
                Some(secrets) => Ok(Some(secrets)),
                None => {
                    Err(Error(format!("SECRETS can't be used (its value is not shown here): accepted is {accepted}")))
                }
            },
            (None, Self::Private(_)) => Ok(None),
            (None, Self::Given { .. }) => {
                Err(Error(format!("SECRETS is not set: it must be where DATABASE_URL is; accepted is {accepted}")))
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use crate::config::tests::{SECRET, config};

    #[test]
    fn a_given_database_wants_secrets_and_neither_is_ever_printed() {
        let url = ("DATABASE_URL", "postgres://app:hunter2hunter2@db/doors");
        let error = config(&[url]).expect_err("no secrets");
        assert!(error.starts_with("SECRETS"), "{error}");
        let error = config(&[url, ("SECRETS", "tooshort-unique")]).expect_err("short");
        assert!(!error.contains("tooshort-unique"), "{error}");
        for url in ["postgres://app:hunter2/hunter2@db/doors", "hunter2hunter2"] {
            for name in ["DATABASE_URL", "MIGRATION_DATABASE_URL"] {
                let error = config(&[(name, url), ("DATABASE_URL", "postgres://db"), ("SECRETS", SECRET)]);
                let error = error.expect_err("no URL");
                assert!(error.starts_with(name) && !error.contains("hunter2"), "{error}");
            }
        }
        let printed = format!("{:?}", config(&[url, ("SECRETS", SECRET)]).expect("complete"));
        assert!(!printed.contains("hunter2") && !printed.contains(SECRET), "{printed}");
    }
}
