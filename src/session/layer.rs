//! The layer around actix-session: what that can't do or can't know.
//!
//! It gives each request a [`Visit`], through which the store (which never sees the request) and the handlers tell one another
//! what they learned; makes the cookie persistent for remembered sessions; takes back a cookie that names a dead key, as a
//! late answer would set it again after log-out; and turns the store's failures into an error that pages can dress.
//!
//! No clone of the request is kept across `next.call`: Actix's routing needs to be its only owner.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
};

use actix_web::{
    Error, HttpMessage as _, HttpRequest, HttpResponse, ResponseError,
    body::MessageBody,
    cookie::time::Duration,
    dev::{ServiceRequest, ServiceResponse},
    http::StatusCode,
    middleware::Next,
};

use super::{Sessions, cookie::SessionCookie, record::Loaded};
use crate::{
    accounts::{ending::EndReason, standing::Ban},
    db::{self, Absence},
};

tokio::task_local! {
    static VISIT: Rc<Visit>;
}

/// What is known of the session of one request.
#[derive(Debug, Default)]
pub struct Visit {
    loaded: RefCell<Option<Arc<Loaded>>>,
    ended: Cell<Option<EndReason>>,
    ban: RefCell<Option<Ban>>,
    adopted: Cell<Option<Adopted>>,
    ended_by_handler: Cell<bool>,
    late: Cell<bool>,
    failure: Cell<Option<Failure>>,
}

/// What the answer's cookie must know of a session that this request started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Adopted {
    /// Seconds, if it is to outlive the browser.
    pub max_age: Option<i64>,
}

/// Why the session of a request could not be read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Nobody knows who is asking. To be tried again; never to be taken for a log-out.
    #[error("the session store is unavailable")]
    Unavailable(Absence),
    /// A fault of ours.
    #[error("the session could not be read or written")]
    Failed,
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// An empty answer: pages dress it.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

impl Visit {
    /// The visit of a request that came through the layer.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Option<Rc<Self>> {
        request.extensions().get::<Rc<Self>>().cloned()
    }

    /// The visit of the request that is being answered; for the store.
    pub(super) fn present() -> Rc<Self> {
        VISIT.try_with(Rc::clone).unwrap_or_default()
    }

    /// The live session that the request showed.
    #[must_use]
    pub fn session(&self) -> Option<Arc<Loaded>> {
        self.loaded.borrow().clone()
    }

    /// Why the session that the request showed lets nobody in any more.
    #[must_use]
    pub fn ended(&self) -> Option<EndReason> {
        self.ended.get()
    }

    /// Whether the session could not be read or written: nobody knows who is asking.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.failure.get().is_some()
    }

    pub(super) fn found(&self, loaded: Arc<Loaded>) {
        crate::telemetry::record_who(loaded.user.id);
        self.loaded.replace(Some(loaded));
    }

    /// The ban of whoever the request's session belongs to.
    #[must_use]
    pub fn ban(&self) -> Option<Ban> {
        self.ban.borrow().clone()
    }

    pub(super) fn found_ended(&self, reason: EndReason, ban: Option<Ban>) {
        self.ended.set(Some(reason));
        self.ban.replace(ban);
    }

    pub(super) fn adopt(&self, adopted: Adopted) {
        self.adopted.set(Some(adopted));
    }

    pub(super) fn is_adopting(&self) -> bool {
        self.adopted.get().is_some()
    }

    /// The handler's transaction has ended the row already.
    pub(super) fn handler_ended_it(&self) {
        self.ended_by_handler.set(true);
    }

    pub(super) fn is_ended_by_handler(&self) -> bool {
        self.ended_by_handler.get()
    }

    /// A write found the row ended: this answer is late.
    pub(super) fn is_late(&self) {
        self.late.set(true);
    }

    pub(super) fn fail(&self, error: &db::Error) {
        self.failure.set(Some(match error.absence() {
            // The breaker tells of an outage, once.
            Some(absence) => Failure::Unavailable(absence),
            None => {
                tracing::error!(%error, "the session could not be read or written");
                Failure::Failed
            }
        }));
    }
}

/// The layer.
pub(super) async fn around<B: MessageBody + 'static>(
    sessions: Rc<Sessions>,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let resigned = sessions.cookie.normalize(request.headers_mut());
    let visit = Rc::new(Visit::default());
    request.extensions_mut().insert(Rc::clone(&visit));
    let answered = VISIT.scope(Rc::clone(&visit), next.call(request)).await;
    let mut response = match (answered, visit.failure.get()) {
        (_, Some(failure)) => return Err(failure.into()),
        (answered, None) => answered?,
    };
    let headers = response.headers_mut();
    if visit.late.get() {
        sessions.cookie.withdraw(headers);
        return Ok(response);
    }
    if let (Some(cookie), Some(loaded)) = (resigned, visit.session())
        && !sessions.cookie.is_set_in(headers)
        && is_still_alive(&sessions, &loaded).await
    {
        SessionCookie::set(headers, &cookie);
    }
    let max_age = match visit.adopted.get() {
        Some(adopted) => adopted.max_age.map(Duration::seconds),
        None => visit.session().filter(|loaded| loaded.record.remembered).map(|loaded| {
            let left = loaded.record.absolute_expires_at - loaded.now;
            Duration::seconds(left.whole_seconds())
        }),
    };
    if let Some(max_age) = max_age {
        sessions.cookie.remember(headers, max_age);
    }
    Ok(response)
}

/// Whether a session that was alive when the request came is alive at its answer: a log-out may have overtaken it. Without
/// an answer the old cookie stays, which is as good.
async fn is_still_alive(sessions: &Sessions, loaded: &Loaded) -> bool {
    sessions.backend.is_live(loaded.key).await.unwrap_or(false)
}
