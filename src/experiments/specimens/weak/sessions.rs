//! Sessions in a map, as the services here have them: ids in a cookie, state in memory.

use std::collections::HashMap;

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite},
};

use crate::secrets::{hex, random};

/// Nobody needs more of them.
const MOST: usize = 1000;

/// What a session says.
#[derive(Debug, Clone, Default)]
pub(super) struct Session {
    pub user: Option<String>,
    pub role: Option<String>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Sessions(HashMap<String, Session>);

impl Sessions {
    pub(super) fn find(&self, id: &str) -> Option<&Session> {
        self.0.get(id)
    }

    /// The session of this id, which is made if need be.
    pub(super) fn adopt(&mut self, id: &str) -> &mut Session {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.entry(id.to_owned()).or_default()
    }

    /// Under a new id.
    pub(super) fn insert(&mut self, session: Session) -> String {
        let id = hex(&random::<16>());
        *self.adopt(&id) = session;
        id
    }
}

/// The cookie with this id.
pub(super) fn cookie(id: &str) -> Cookie<'static> {
    Cookie::build("sp-sid", id.to_owned()).path("/").http_only(true).same_site(SameSite::Lax).finish()
}

/// The id that came, if it is one.
pub(super) fn shown(request: &HttpRequest) -> Option<String> {
    let id = request.cookie("sp-sid")?.value().to_owned();
    (1..=64).contains(&id.len()).then_some(id)
}
