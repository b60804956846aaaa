//! The specimens' own listener: in demo mode, beside the doors and never among them.

use std::{net::SocketAddr, sync::Arc};

use crate::{
    config::Config,
    experiments::specimens::{self, Settings, Specimens},
    http::origin::Site,
};

/// Opens it in demo mode. A port that nobody asked for may be taken: then there are no specimens, and a warning.
pub(super) fn open(
    config: &Config,
    bound: SocketAddr,
    site: &Site,
    demo_mode: bool,
) -> Result<Option<Arc<Specimens>>, specimens::Error> {
    if !demo_mode {
        return Ok(None);
    }
    let wanted = &config.specimens;
    let address = wanted.address.unwrap_or_else(|| next(config.bind_address, bound));
    let settings = Settings { address, names: wanted.hosts.clone(), https: site.is_https(), doors: site.names() };
    match Specimens::open(&settings) {
        Ok(specimens) => Ok(Some(Arc::new(specimens))),
        Err(specimens::Error::Bind(address, error)) if wanted.address.is_none() => {
            tracing::warn!(%address, %error, "there are no specimens: their port is taken, SPECIMEN_ADDRESS can name another");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The next port; any port, where any will do for the doors as well.
fn next(asked: SocketAddr, bound: SocketAddr) -> SocketAddr {
    let port = if asked.port() == 0 { 0 } else { bound.port().checked_add(1).unwrap_or(0) };
    (bound.ip(), port).into()
}
