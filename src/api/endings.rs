//! `GET /api/endings`: what ended, told as it happens, to configured services (the format: `docs/endings.md`).
//!
//! An answer that goes on for ever: no compressor stands around it, as that waits for more before it lets anything out, and a
//! proxy is asked not to buffer it either.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse,
    body::{BodySize, MessageBody},
    web::{self, Bytes},
};

use super::Error;
use crate::{
    http::{problem, routes::AskedByHead},
    token::{
        endings::{Endings, Feed, NotNow},
        service::Service,
    },
};

/// `GET /api/endings`
#[utoipa::path(
    get,
    path = "/api/endings",
    summary = "A feed of server-sent events: which access tokens count no more before they expire.",
    responses((
        status = 200,
        body = String,
        content_type = "text/event-stream",
        description = "It goes on until one side ends it. First comes what had ended before, then `snapshot-complete`, then the news."
    )),
    security(("service" = [])),
    extensions(("x-problems" = json!(["not-a-service", "too-many-followers", "unavailable"])))
)]
pub async fn follow(request: HttpRequest, _: Service, endings: web::Data<Endings>) -> Result<HttpResponse, Error> {
    let mut response = HttpResponse::Ok();
    response.content_type("text/event-stream").insert_header(("x-accel-buffering", "no"));
    // The body would be left out, but waited for.
    if request.extensions().contains::<AskedByHead>() {
        return Ok(response.finish());
    }
    Ok(response.body(Body(endings.follow().await?)))
}

struct Body(Feed);

impl MessageBody for Body {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.get_mut().0.poll_recv(context).map(|piece| piece.map(Ok))
    }
}

impl From<NotNow> for Error {
    fn from(not_now: NotNow) -> Self {
        match not_now {
            NotNow::TooMany => Self::later(&problem::TOO_MANY_FOLLOWERS, 5),
            NotNow::Database(error) => error.into(),
        }
    }
}
