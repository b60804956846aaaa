//! Reads a request's body: whole, limited in size, and within ten seconds, so that a slow sender holds nobody up.

use std::time::Duration;

use actix_web::{FromRequest as _, HttpRequest, dev, web};

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

/// Takes the body of a request, to be read later.
pub fn take(request: &HttpRequest, payload: &mut dev::Payload) -> Option<web::Payload> {
    web::Payload::from_request(request, payload).into_inner().ok()
}

/// Reads at most `most` bytes.
pub async fn read(payload: Option<web::Payload>, most: usize) -> Result<web::Bytes, Unread> {
    let payload = payload.ok_or(Unread::Broken)?;
    match tokio::time::timeout(WITHIN, payload.to_bytes_limited(most)).await {
        Err(_) => Err(Unread::TooSlow),
        Ok(Err(_)) => Err(Unread::TooLarge),
        Ok(Ok(Err(_))) => Err(Unread::Broken),
        Ok(Ok(Ok(bytes))) => Ok(bytes),
    }
}
