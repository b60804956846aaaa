//! Where the specimens listen, and under which names.

use std::net::SocketAddr;

use super::{
    parse::host_name,
    reader::{Error, Reader},
};

/// Where what is weak on purpose is served in demo mode.
#[derive(Debug, Clone)]
pub struct Specimens {
    /// `SPECIMEN_ADDRESS`: where to listen; `None` means the next port after `BIND_ADDRESS`.
    pub address: Option<SocketAddr>,
    /// `SPECIMEN_HOSTS`: the names of victim, sibling, app, api and attacker; `None` means names below `localhost`.
    pub hosts: Option<[String; 5]>,
}

impl Specimens {
    pub(super) fn read(read: &Reader<'_>) -> Result<Self, Error> {
        let hosts = |value: &str| {
            let names: Option<Vec<String>> = value.split(',').map(|name| host_name(name.trim())).collect();
            names?.try_into().ok()
        };
        Ok(Self {
            address: read.optional(
                "SPECIMEN_ADDRESS",
                "an IP address and a port, such as 127.0.0.1:8081 or [::1]:0",
                |value| value.replace("localhost:", "127.0.0.1:").parse().ok(),
            )?,
            hosts: read.optional(
                "SPECIMEN_HOSTS",
                "five host names separated by commas: victim, sibling, app and api of one domain, attacker of another site",
                hosts,
            )?,
        })
    }
}
