//! An answer that is given before the request's body has come ends the connection.
//!
//! Actix does that for a body of known length. One in chunks it goes on to read, however slowly it comes and without any
//! limit, so that the connection can be used again: whoever sends a byte a minute would keep theirs for ever. As long as somebody
//! holds the body it closes instead, and so this layer holds it until the answer is written.
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
    Error, HttpMessage as _,
    body::{BodySize, BoxBody, EitherBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::PayloadError,
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

/// The layer.
pub async fn close<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, Holding>>, Error> {
    // Anything else than chunks is refused while it is parsed.
    if !request.chunked().unwrap_or(false) {
        let wants_another = request.head().upgrade();
        let mut response = next.call(request).await?.map_into_left_body();
        if wants_another {
            response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
        }
        return Ok(response);
    }
    let shared = Shared(Rc::new(RefCell::new(request.take_payload())));
    request.set_payload(Payload::Stream { payload: Box::pin(shared.clone()) });
    let response = next.call(request).await?;
    Ok(response.map_body(|_, body| EitherBody::right(Holding { answer: body.boxed(), _request: shared })))
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
