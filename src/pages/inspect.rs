//! `/inspect`: the visitor's own credentials taken apart, for both schemes.
//!
//! The session's half is this page's; the token's is a frame for `static/inspect.js`, as the page knows no token: the
//! script asks the API whether this browser is in before it refreshes. Until there is a token the frame holds an example of
//! the same size, so that nothing moves when one comes. What is pasted is read by the script alone. Without script the page
//! says how it is done with curl.

mod example;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use askama::Template;

use self::example::Example;
use super::{
    Error,
    frame::{self, Frame},
    moment::Moment,
    sessions::Held,
};
use crate::{
    http::origin::Site,
    session::{MaybeSessionUser, Sessions},
};

/// What each part of a token of ours means.
const CLAIMS: [(&str, &str); 19] = [
    ("alg", "How it is signed. A careful reader goes by the key’s own algorithm and only compares this one."),
    ("typ", "What kind of token it is, so that no other kind passes for an access token (RFC 9068)."),
    ("kid", "Which of the issuer’s keys signed it."),
    ("iss", "Who issued it. A reader takes tokens of issuers it knows, and no others."),
    ("aud", "Which services it is for. Any other must refuse it."),
    ("sub", "Who it is about: the user’s id."),
    ("client_id", "The program that it was issued to."),
    ("role", "What you may do, as it was when the token was issued. A change is noticed at the next refresh."),
    ("sid", "The login that it belongs to: the row that a live check reads."),
    (
        "ver",
        "Which version of your credentials it was issued under. A new password raises it, and a live check compares.",
    ),
    ("auth_time", "When your password was last checked."),
    ("jti", "This very token’s name, to take it back by."),
    ("iat", "When it was issued."),
    ("nbf", "From when on it counts."),
    ("exp", "When it dies. Until then whoever reads only the claims lets it in, log-out or not."),
    ("scope", "What the client may do on your behalf."),
    ("nonce", "Ties it to the request that asked for it."),
    ("azp", "The client that it was issued to, where that is not its audience."),
    ("email", "Personal data, readable by whoever sees the token."),
];

#[derive(Template)]
#[template(path = "inspect.html")]
struct InspectPage {
    frame: Frame,
    api_address: String,
    session: Option<Session>,
    example: Example,
}

struct Session {
    held: Held,
    idle_expires: Moment,
    absolute_expires: Moment,
}

/// `GET /inspect`
pub async fn show(
    request: HttpRequest,
    visitor: MaybeSessionUser,
    sessions: web::Data<Sessions>,
    site: web::Data<Site>,
) -> Result<HttpResponse, Error> {
    let session = visitor.0.map(|user| {
        let (record, now) = (user.record(), user.loaded().now);
        Session {
            held: Held::of(&request, &sessions, &user),
            idle_expires: Moment::new(record.idle_expires_at().min(record.absolute_expires_at), now),
            absolute_expires: Moment::new(record.absolute_expires_at, now),
        }
    });
    let (api_address, example) = (site.api_address().to_owned(), Example::of(&site));
    let page = InspectPage { frame: Frame::of(&request), api_address, session, example };
    frame::page(&request, StatusCode::OK, &page)
}
