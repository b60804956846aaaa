//! Scheme 1, sessions: a cookie that names a row, and everything else on our side.
//!
//! Life story: `log_in` inserts a row and hands the browser a random key; each request shows the key and `authenticate` reads
//! the row with its user; `renew` slides the idle timeout by itself; `reauthenticate` checks the password again and exchanges the
//! key; `log_out` ends the row.
//!
//! Promise: a request that arrives after a log-out's answer finds the row ended, whoever sends it and from wherever.
//! Price: every request asks the database, and without it nobody is known: that is a 503, never a log-out.
//! Limit: a copied cookie works until the row ends; nothing ties it to one browser.
//!
//! Rows are made and ended only in a handler's own transaction. actix-session calls its store after the handler, so our store
//! may touch a live row and never make one: a slow request that began before log-out can't bring the session back.

pub mod authenticate;
mod backend;
mod cookie;
pub mod key;
mod layer;
pub mod log_in;
pub mod log_out;
pub mod reauthenticate;
pub mod record;
pub mod redis;
pub mod renew;
mod store;

use std::rc::Rc;

use self::backend::Backend;
use actix_identity::IdentityMiddleware;
use actix_session::{
    SessionMiddleware,
    config::{CookieContentSecurity, SessionLifecycle, TtlExtensionPolicy},
};
use actix_web::{
    Error, Scope,
    body::MessageBody,
    cookie::SameSite,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::from_fn,
};

pub use self::{
    authenticate::{MaybeSessionUser, SessionAdmin, SessionUser},
    layer::{Failure, Visit},
};
use crate::{config::SessionTtls, db::Pool, secrets::Secrets};

/// What the scheme needs to know.
#[derive(Debug, Clone)]
pub struct Sessions {
    backend: Backend,
    ttls: SessionTtls,
    cookie: cookie::SessionCookie,
}

impl Sessions {
    /// `https`: whether people reach us over https, which decides the cookie's name and `Secure`.
    #[must_use]
    pub fn new(pool: Pool, ttls: SessionTtls, secrets: &Secrets, https: bool) -> Self {
        Self { backend: Backend::beside(pool), ttls, cookie: cookie::SessionCookie::new(secrets, https) }
    }

    /// The cookie's name: `__Host-session` over https, which no sibling host can plant (RFC 6265bis, section 4.1.3.2).
    #[must_use]
    pub fn cookie_name(&self) -> &'static str {
        self.cookie.name
    }

    /// Whether the cookie is `Secure`.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.cookie.secure
    }
}

/// Wraps the site's routes in sessions: our outer layer, actix-session, actix-identity, from outside in.
pub fn wrap<T, B>(
    scope: Scope<T>,
    sessions: &Sessions,
) -> Scope<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<T, B>>,
        Error = Error,
        InitError = (),
    > + use<T, B>,
>
where
    T: ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<B>, Error = Error, InitError = ()>
        + 'static,
    B: MessageBody + 'static,
{
    let middleware = SessionMiddleware::builder(store::Store::new(sessions), sessions.cookie.key.clone())
        // excerpt: cookie
        .cookie_name(sessions.cookie.name.to_owned())
        .cookie_secure(sessions.cookie.secure)
        .cookie_http_only(true)
        .cookie_same_site(SameSite::Lax)
        .cookie_content_security(CookieContentSecurity::Signed)
        // end excerpt
        // A cookie that dies with the browser; the outer layer adds `Max-Age` for remembered sessions. The ttl given here is
        // ignored by our store: lifetimes are columns.
        .session_lifecycle(SessionLifecycle::BrowserSession(
            actix_session::config::BrowserSession::default()
                .state_ttl_extension_policy(TtlExtensionPolicy::OnStateChanges),
        ))
        .build();
    let shared = Rc::new(sessions.clone());
    scope
        // Neither deadline of actix-identity is used: its `visit_deadline` makes a write of every request.
        .wrap(IdentityMiddleware::builder().id_key(store::IDENTITY).build())
        .wrap(middleware)
        .wrap(from_fn(move |request, next| layer::around(Rc::clone(&shared), request, next)))
}
