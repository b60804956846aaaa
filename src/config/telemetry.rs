//! What is logged, and what answers tell of their making.

use tracing_subscriber::filter::{LevelFilter, Targets};

use super::reader::{Error, Reader};

/// Logs and `Server-Timing`.
#[derive(Debug, Clone)]
pub struct Telemetry {
    /// `LOG`: a `tracing` filter such as `info` or `two_doors=debug`.
    pub log: String,
    /// `LOG_FORMAT=json`.
    pub json: bool,
    /// `SERVER_TIMING`; `None` means: on in demo mode, or on a loopback address that is not another host's `PUBLIC_URL`.
    pub server_timing: Option<bool>,
}

impl Telemetry {
    pub(super) fn read(read: &Reader<'_>) -> Result<Self, Error> {
        Ok(Self {
            log: read.or(
                "LOG",
                "info".to_owned(),
                "a level (error, warn, info, debug, trace) or a filter such as two_doors=debug,warn",
                |value| is_filter(value).then(|| value.to_owned()),
            )?,
            json: read.switch("LOG_FORMAT", "json", "text")?.unwrap_or(false),
            server_timing: read.switch("SERVER_TIMING", "full", "off")?,
        })
    }
}

/// A mistyped level would be taken for the name of a crate, and nothing be logged at all.
fn is_filter(value: &str) -> bool {
    let is_level = |part: &str| part.contains('=') || part.parse::<LevelFilter>().is_ok();
    value.split(',').all(is_level) && value.parse::<Targets>().is_ok()
}
