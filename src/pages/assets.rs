//! Static files: embedded, and served under names that contain a hash of what is in them.
//!
//! A name with another hash is another file, so browsers may keep each for ever. Hashes and compressed forms are made when the
//! program is built (`build.rs`): an answer is the choice of one of three texts.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, AcceptEncoding, Encoding, Header as _},
    web,
};

use super::Error;

/// A file in every form in which it is sent.
struct Asset {
    name: &'static str,
    url: &'static str,
    media_type: &'static str,
    plain: &'static [u8],
    brotli: &'static [u8],
    gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The address of a static file; for templates.
#[must_use]
pub fn url(name: &str) -> &'static str {
    FILES.iter().find(|asset| asset.name == name).map_or("/static/missing", |asset| asset.url)
}

/// `GET /static/{name}`
pub async fn serve(request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse, Error> {
    let asset = FILES.iter().find(|asset| asset.url.strip_prefix("/static/") == Some(&name));
    let asset = asset.ok_or(Error::NotFound)?;
    let (encoding, content) = asset.as_accepted(&request);
    let mut response = HttpResponse::Ok();
    response
        .content_type(asset.media_type)
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((header::VARY, "accept-encoding"));
    if let Some(encoding) = encoding {
        response.insert_header((header::CONTENT_ENCODING, encoding));
    }
    Ok(response.body(content))
}

impl Asset {
    /// The form that a client likes best; who says nothing gets it plain.
    fn as_accepted(&self, request: &HttpRequest) -> (Option<&'static str>, &'static [u8]) {
        let ours = [Encoding::brotli(), Encoding::gzip(), Encoding::identity()];
        let accepted = AcceptEncoding::parse(request).ok().filter(|accepted| !accepted.is_empty());
        match accepted.and_then(|accepted| accepted.negotiate(ours.iter())) {
            Some(chosen) if chosen == Encoding::brotli() => (Some("br"), self.brotli),
            Some(chosen) if chosen == Encoding::gzip() => (Some("gzip"), self.gzip),
            _ => (None, self.plain),
        }
    }
}
