//! Reads a request's body: whole, limited in size, and within ten seconds, so that a slow sender holds nobody up.

use std::time::Duration;

use actix_web::{FromRequest as _, HttpRequest, dev, rt, web};

const WITHIN: Duration = Duration::from_secs(10);
const UNTIL_ANSWERED: Duration = Duration::from_secs(5);

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
    let mut reading = Box::pin(payload.to_bytes_limited(most));
    match tokio::time::timeout(WITHIN, reading.as_mut()).await {
        Err(_) => {
            // Actix waits for the end of a body in chunks that nobody wants any more, however long it takes; while somebody
            // still holds it, the answer closes the connection.
            rt::spawn(async move {
                tokio::time::sleep(UNTIL_ANSWERED).await;
                drop(reading);
            });
            Err(Unread::TooSlow)
        }
        Ok(Err(_)) => Err(Unread::TooLarge),
        Ok(Ok(Err(_))) => Err(Unread::Broken),
        Ok(Ok(Ok(bytes))) => Ok(bytes),
    }
}
