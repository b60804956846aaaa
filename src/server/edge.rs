//! What is done for every request, whichever door it is for: the outermost layer.
//!
//! Each of these things has its own module in `http`, or is `telemetry`'s; here they stand in their order. They are one layer and
//! not five, as each layer puts what is left of a request's way into a box of its own.

use std::rc::Rc;

use actix_web::{
    Error, HttpResponse,
    body::{BodySize, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{ConnectionType, Version},
    middleware::Next,
    web::Data,
};

use crate::{
    http::{
        cookies,
        drain::Drain,
        encoding, headers, host,
        origin::Site,
        routes,
        unread::{Holding, Unread},
    },
    telemetry::{Measuring, ServerTiming},
};

/// What it needs to know.
pub(super) struct Edge {
    pub(super) site: Data<Site>,
    pub(super) drain: Data<Drain>,
    pub(super) timing: ServerTiming,
}

/// The layer.
pub(super) async fn around<B: MessageBody + 'static>(
    edge: Rc<Edge>,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<EitherBody<B>, Holding>>, Error> {
    let measuring = Measuring::begin(&request);
    routes::head_as_get(&mut request);
    cookies::keep_plain(request.headers_mut());
    encoding::allow_plain(request.headers_mut());
    let unread = Unread::of(&mut request);
    let knows_chunks = request.version() >= Version::HTTP_11;
    let answered = match host::refusal(&edge.site, &request) {
        Some(refusal) => Ok(request.into_response(refusal).map_into_right_body()),
        None => measuring.scope(next.call(request)).await.map(ServiceResponse::map_into_left_body),
    };
    match answered {
        Ok(response) => {
            let (request, mut response) = response.into_parts();
            dress(&edge, &measuring, &mut response);
            // Whoever speaks HTTP/1.0 knows no chunks: what has no length ends with the connection (RFC 9112, section 6.3).
            if !knows_chunks && response.body().size() == BodySize::Stream {
                let head = response.head_mut();
                head.no_chunking(true);
                head.set_connection_type(ConnectionType::Close);
            }
            Ok(ServiceResponse::new(request, unread.close(response)))
        }
        // A layer's failure carries an answer of its own, which is made of it further out.
        Err(error) => {
            let mut response = error.error_response();
            dress(&edge, &measuring, &mut response);
            Err(unread.close_failure(error, response))
        }
    }
}

/// What every answer is given, whoever gave it.
fn dress<B>(edge: &Edge, measuring: &Measuring, response: &mut HttpResponse<B>) {
    let head = response.head_mut();
    headers::protect(&edge.site, head);
    if edge.drain.has_begun() {
        head.set_connection_type(ConnectionType::Close);
    }
    measuring.end(response, edge.timing);
}
