//! Why the server did not start.

use std::{io, net::SocketAddr};

use crate::{
    db::{self, private_postgres},
    experiments::specimens,
    token::keys,
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
    Specimens(#[from] specimens::Error),
    /// The system refused something else.
    #[error("the server can't start: {0}")]
    Io(#[from] io::Error),
}
