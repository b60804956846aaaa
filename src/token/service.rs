//! Which other program is asking: a configured service, by HTTP Basic authentication (RFC 7617).
//!
//! Services log nobody in and own nothing: they may ask about tokens and follow what ends. Their secrets are configured and long,
//! so that nothing slows guessing but their length.

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{config::Services, telemetry};

/// A configured service. How a refusal looks is the API's affair, so the extractor stands in `api/service.rs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// As it is configured.
    pub name: String,
}

impl Service {
    /// The service that a request comes from; `None` for anybody else.
    #[must_use]
    pub fn of(headers: &HeaderMap, services: &Services) -> Option<Self> {
        let mut headers = headers.get_all(AUTHORIZATION);
        let header = headers.next()?.to_str().ok()?;
        if headers.next().is_some() {
            return None;
        }
        let (scheme, pair) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let name = services.find(&STANDARD.decode(pair.trim_matches(' ')).ok()?)?.to_owned();
        telemetry::record_service(&name);
        Some(Self { name })
    }
}
