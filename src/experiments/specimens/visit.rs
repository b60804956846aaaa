//! Who is being visited: the run that the path names, and the role of the host that the browser named.
//!
//! Whoever comes by another name is sent away, so that a name which somebody makes resolve to this machine leads nowhere.

use std::{
    fmt,
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, ResponseError,
    dev::Payload,
    http::{StatusCode, header},
    web::Data,
};

use super::{Shared, hosts::Role, run::Run};

/// A request that belongs to a run.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    pub run: Arc<Run>,
    pub role: Role,
    pub shared: Data<Shared>,
}

/// Why there is nothing here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// No host of ours.
    Host,
    /// No run, or one that is over; or no such page at this host.
    Nowhere,
    /// What was sent can't be read.
    Unreadable,
}

impl Visit {
    /// Refuses what is not for this host.
    pub(super) fn only_at(&self, role: Role) -> Result<(), Lost> {
        if self.role == role { Ok(()) } else { Err(Lost::Nowhere) }
    }
}

impl FromRequest for Visit {
    type Error = Lost;
    type Future = Ready<Result<Self, Lost>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(find(request))
    }
}

fn find(request: &HttpRequest) -> Result<Visit, Lost> {
    let shared = request.app_data::<Data<Shared>>().ok_or(Lost::Nowhere)?;
    let role = role(request, shared).ok_or(Lost::Host)?;
    let run = shared.runs.find(request.match_info().get("run").unwrap_or_default()).ok_or(Lost::Nowhere)?;
    Ok(Visit { run, role, shared: shared.clone() })
}

/// Whose name the request was sent to; several `Host` headers are as good as none.
pub(super) fn role(request: &HttpRequest, shared: &Shared) -> Option<Role> {
    let mut named = request.headers().get_all(header::HOST);
    let host = match (request.uri().authority(), named.next(), named.next()) {
        (Some(authority), ..) => authority.as_str(),
        (None, Some(host), None) => host.to_str().ok()?,
        _ => return None,
    };
    shared.hosts.role(host)
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "No specimen answers to that name.\n",
            Self::Nowhere => "There is no such specimen, or it was closed: each is kept for a quarter of an hour.\n",
            Self::Unreadable => "That can't be read.\n",
        })
    }
}

impl ResponseError for Lost {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::Nowhere => StatusCode::NOT_FOUND,
            Self::Unreadable => StatusCode::BAD_REQUEST,
        }
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).content_type("text/plain; charset=utf-8").body(self.to_string())
    }
}
