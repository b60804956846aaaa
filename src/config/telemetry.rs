//! What is logged, and what answers tell of their making.

use super::reader::{Error, Reader};

/// Logs and `Server-Timing`.
#[derive(Debug, Clone)]
pub struct Telemetry {
    /// `LOG`: a `tracing` filter such as `info` or `two_doors=debug`.
    pub log: String,
    /// `LOG_FORMAT=json`.
    pub json: bool,
    /// `SERVER_TIMING`; `None` means: on in demo mode or on a loopback address.
    pub server_timing: Option<bool>,
}

impl Telemetry {
    pub(super) fn read(read: &Reader<'_>) -> Result<Self, Error> {
        Ok(Self {
            log: read.or(
                "LOG",
                "info".to_owned(),
                "a level (error, warn, info, debug, trace) or a filter such as two_doors=debug,warn",
                |value| {
                    let known = value.parse::<tracing_subscriber::filter::Targets>().is_ok();
                    known.then(|| value.to_owned())
                },
            )?,
            json: read.switch("LOG_FORMAT", "json", "text")?.unwrap_or(false),
            server_timing: read.switch("SERVER_TIMING", "full", "off")?,
        })
    }
}
