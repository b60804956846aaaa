//! An answer that is given before the request's body has come ends the connection.
//!
//! Actix does that for a body of known length. One in chunks it goes on to read, however slowly it comes and without any
//! limit, so that the connection can be used again: whoever sends a byte a minute would keep theirs for ever. As long as somebody
//! holds the body it closes instead, and so the answer holds it until it is written.
//!
//! So does an answer to who asks for another protocol, of which there is none here. Actix closes then, too, but says `upgrade`
//! instead: a proxy that shares its connections would send the next visitor's request into one that is gone.

use std::{
    cell::RefCell,
    fmt,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    Error, HttpMessage as _, HttpResponse,
    body::{BodySize, BoxBody, EitherBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::{InternalError, PayloadError},
    http::ConnectionType,
    middleware::Next,
    web::Bytes,
};
use futures_core::Stream;

/// A request's body, in two hands.
#[derive(Clone)]
struct Shared(Rc<RefCell<Payload>>);

/// An answer's body that holds the request's.
pub struct Holding {
    answer: BoxBody,
    _request: Shared,
}

/// What an answer has to do for the sake of what may not have been read.
pub struct Unread {
    body: Option<Shared>,
    ends_connection: bool,
}

impl Unread {
    /// Looks at a request before anybody reads its body.
    #[must_use]
    pub fn of(request: &mut ServiceRequest) -> Self {
        let ends_connection = request.head().upgrade();
        // Anything else than chunks is refused while it is parsed.
        if !request.chunked().unwrap_or(false) {
            return Self { body: None, ends_connection };
        }
        let shared = Shared(Rc::new(RefCell::new(request.take_payload())));
        request.set_payload(Payload::Stream { payload: Box::pin(shared.clone()) });
        Self { body: Some(shared), ends_connection }
    }

    /// Has the answer do it.
    pub fn close<B: MessageBody + 'static>(
        self,
        mut response: HttpResponse<B>,
    ) -> HttpResponse<EitherBody<B, Holding>> {
        if self.ends_connection {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        match self.body {
            Some(request) => {
                response.map_body(|_, body| EitherBody::right(Holding { answer: body.boxed(), _request: request }))
            }
            None => response.map_into_left_body(),
        }
    }

    /// The same for the answer that a layer's failure carries.
    pub fn close_failure(self, error: Error, response: HttpResponse) -> Error {
        InternalError::from_response(error, self.close(response).map_into_boxed_body()).into()
    }
}

/// The layer that does this and nothing else, for listeners that do not need the rest of what the doors do.
///
/// # Errors
///
/// What the layers further in fail with, with the same done to its answer.
pub async fn layer<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, Holding>>, Error> {
    let unread = Unread::of(&mut request);
    match next.call(request).await {
        Ok(response) => {
            let (request, response) = response.into_parts();
            Ok(ServiceResponse::new(request, unread.close(response)))
        }
        Err(error) => {
            let response = error.error_response();
            Err(unread.close_failure(error, response))
        }
    }
}

impl Stream for Shared {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}

impl MessageBody for Holding {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().answer).poll_next(context)
    }
}

impl fmt::Debug for Holding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Holding")
    }
}
