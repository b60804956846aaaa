//! Reads a request's body: whole, limited in size, and within ten seconds, so that a slow sender holds nobody up.

use std::time::Duration;

use actix_web::{
    FromRequest as _, HttpMessage as _, HttpRequest,
    body::{BodyStream, SizedStream, to_bytes_limited},
    dev,
    http::header::CONTENT_LENGTH,
    web,
};

const WITHIN: Duration = Duration::from_secs(10);

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It is larger than allowed.
    TooLarge,
    /// It came too slowly.
    TooSlow,
    /// The connection broke, or the transfer coding is wrong.
    Broken,
}

/// A body that is still to be read.
pub struct Body {
    payload: web::Payload,
    /// As announced; `None` of one in chunks.
    length: Option<u64>,
}

/// Takes the body of a request, to be read later.
pub fn take(request: &HttpRequest, payload: &mut dev::Payload) -> Option<Body> {
    let is_chunked = request.chunked().unwrap_or(true);
    let length = match request.headers().get(CONTENT_LENGTH) {
        _ if is_chunked => None,
        None => Some(0),
        Some(length) => length.to_str().ok().and_then(|length| length.parse().ok()),
    };
    Some(Body { payload: web::Payload::from_request(request, payload).into_inner().ok()?, length })
}

/// Reads at most `most` bytes.
pub async fn read(body: Option<Body>, most: usize) -> Result<web::Bytes, Unread> {
    let Body { payload, length } = body.ok_or(Unread::Broken)?;
    let whole = async {
        match length {
            // Of unknown length, room for 32 KiB would be made, for each of a storm of log-ins.
            Some(length) => to_bytes_limited(SizedStream::new(length, payload), most).await,
            None => to_bytes_limited(BodyStream::new(payload), most).await,
        }
    };
    match tokio::time::timeout(WITHIN, whole).await {
        Err(_) => Err(Unread::TooSlow),
        Ok(Err(_)) => Err(Unread::TooLarge),
        Ok(Ok(Err(_))) => Err(Unread::Broken),
        Ok(Ok(Ok(bytes))) => Ok(bytes),
    }
}
