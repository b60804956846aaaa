//! What must be there before the first request: the database with its schema, the secrets, a signing key, and in demo mode
//! the demo accounts.
//!
//! Ten instances may start at once on one database: what is made once is made under the migration lock.

use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path, sync::Arc};

use diesel::Connection as _;

use super::Error;
use crate::{
    accounts::{self, Accounts, change::Copies, demo, ending::EndReason},
    config::{Config, Database, SessionStore},
    db::{
        self, Pool,
        private_postgres::{self, PrivatePostgres},
    },
    everywhere,
    secrets::Secrets,
    session::redis,
    token::keys,
};

/// Data that are thrown away need not survive a crash.
const THROWAWAY: [(&str, &str); 3] = [("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off")];

/// The database's URL and the secrets; with the private cluster, both come from its folder.
pub(super) fn open_database(config: &Config) -> Result<(Option<PrivatePostgres>, String, Secrets), Error> {
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
                extra: if config.throwaway {
                    THROWAWAY.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
                } else {
                    Vec::new()
                },
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

/// The same for a command: beside a server that runs on the private cluster, in that server's. The schema is brought up to date.
pub fn open_for_a_command(config: &Config) -> Result<(Option<PrivatePostgres>, String, Secrets), Error> {
    let (postgres, url, secrets) = match (open_database(config), &config.database) {
        (Err(Error::PrivatePostgres(taken @ private_postgres::Error::Taken { .. })), Database::Private(private)) => {
            let url = PrivatePostgres::beside(&private.data).ok_or(taken)?;
            let secrets = match &config.secrets {
                Some(secrets) => secrets.clone(),
                None => read_secrets(&private.data.join("secrets"))?,
            };
            (None, url, secrets)
        }
        (opened, _) => opened?,
    };
    migrate(config, &url)?;
    Ok((postgres, url, secrets))
}

/// The secrets of a server that runs with this configuration, if this user may read them.
#[must_use]
pub fn known_secrets(config: &Config) -> Option<Secrets> {
    match (&config.secrets, &config.database) {
        (Some(secrets), _) => Some(secrets.clone()),
        (None, Database::Private(private)) => read_secrets(&private.data.join("secrets")).ok(),
        (None, Database::Given { .. }) => None,
    }
}

/// Reads the secrets that a first start made.
fn read_secrets(file: &Path) -> Result<Secrets, Error> {
    let failed = |reason: &dyn ToString| Error::Secrets(file.display().to_string(), reason.to_string());
    let text = fs::read_to_string(file).map_err(|error| failed(&error))?;
    Secrets::parse(text.trim()).ok_or_else(|| failed(&"it holds no list of secrets"))
}

/// Reads the secrets that the first start made. The instance lock on the folder is held, so nobody else makes them too.
fn kept_secrets(file: &Path) -> Result<Secrets, Error> {
    if !file.exists() {
        // Written aside and renamed: a crash must not leave half a secret, which would be another one next time.
        let aside = file.with_extension("new");
        let _ = fs::remove_file(&aside);
        let written =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside).and_then(|mut file| {
                file.write_all(Secrets::generate().as_bytes())?;
                file.sync_all()
            });
        written
            .and_then(|()| fs::rename(&aside, file))
            .map_err(|error| Error::Secrets(file.display().to_string(), error.to_string()))?;
    }
    read_secrets(file)
}

/// The pool with the sessions beside it, if they are kept elsewhere; and who then keeps copies of users' rows.
pub(super) fn session_store(config: &Config, pool: Pool) -> Result<(Pool, Option<Arc<dyn Copies>>), Error> {
    match &config.session_store {
        SessionStore::Postgres => Ok((pool, None)),
        SessionStore::Redis(url) => {
            let store = Arc::new(redis::Store::open(url, pool.clone())?);
            Ok((pool.beside(Arc::clone(&store)), Some(store)))
        }
    }
}

pub(super) fn migrate(config: &Config, url: &str) -> Result<(), Error> {
    let migration_url = match &config.database {
        Database::Given { migration_url, .. } => migration_url,
        Database::Private(_) => url,
    };
    if config.migrate {
        db::migrate(migration_url)?;
        return Ok(db::grant(migration_url, url)?);
    }
    match db::pending(url)? {
        0 => Ok(()),
        pending => Err(Error::Pending(pending)),
    }
}

/// `two-doors migrate`: brings the schema up to date, lets the server's role use it, and does nothing else.
pub fn migrate_only(config: &Config) -> Result<(), Error> {
    match &config.database {
        Database::Given { url, migration_url } => {
            db::migrate(migration_url)?;
            Ok(db::grant(migration_url, url)?)
        }
        Database::Private(_) => {
            let (postgres, url, _) = open_database(config)?;
            db::migrate(&url)?;
            drop(postgres);
            Ok(())
        }
    }
}

/// What must be in the database before the first request: a signing key, and in demo mode the demo accounts.
pub(super) fn prepare(
    url: &str,
    secrets: &Secrets,
    accounts: &Accounts,
    config: &Config,
) -> Result<keys::Keyring, Error> {
    let mut conn = db::connect(url)?;
    if !db::speaks_english(&mut conn)? {
        tracing::warn!("PostgreSQL does not speak English (lc_messages): its outages will be taken for faults of ours");
    }
    db::exclusively(&mut conn, |conn| {
        let keyring = keys::Keyring::open(conn, secrets, &config.token)?;
        // Both or neither: with the password back, the next start would not end what was made with another one.
        conn.transaction::<_, db::Error, _>(|conn| {
            for user in demo::restore(conn, &accounts.demo)? {
                everywhere::end_all(conn, user, EndReason::PasswordChanged)?;
            }
            let left = if accounts.demo.is_empty() { demo::left_over(conn)? } else { Vec::new() };
            for user in left {
                accounts::raise_version(conn, user)?;
                everywhere::end_all(conn, user, EndReason::EndedElsewhere)?;
            }
            Ok(())
        })?;
        Ok(keyring)
    })
}
