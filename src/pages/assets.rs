//! Static files: embedded, and served under names that contain a hash of what is in them.
//!
//! A name with another hash is another file, so browsers may keep each for ever.

use std::{collections::HashMap, sync::LazyLock};

use actix_web::{HttpResponse, http::header, web};

use super::Error;
use crate::secrets::{hex, sha256};

const FILES: &[(&str, &str, &[u8])] = &[
    ("style.css", "text/css; charset=utf-8", include_bytes!("../../static/style.css")),
    ("experiment.js", "text/javascript; charset=utf-8", include_bytes!("../../static/experiment.js")),
    ("home.js", "text/javascript; charset=utf-8", include_bytes!("../../static/home.js")),
    ("spa.js", "text/javascript; charset=utf-8", include_bytes!("../../static/spa.js")),
    ("inspect.js", "text/javascript; charset=utf-8", include_bytes!("../../static/inspect.js")),
    ("token_client.js", "text/javascript; charset=utf-8", include_bytes!("../../static/token_client.js")),
    ("favicon.svg", "image/svg+xml", include_bytes!("../../static/favicon.svg")),
];

struct Asset {
    url: String,
    media_type: &'static str,
    content: &'static [u8],
}

static ASSETS: LazyLock<HashMap<&'static str, Asset>> = LazyLock::new(|| {
    let hashed = |(name, media_type, content): &(&'static str, &'static str, &'static [u8])| {
        let hash = hex(&sha256(content)[..8]);
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        (*name, Asset { url: format!("/static/{stem}.{hash}.{extension}"), media_type, content })
    };
    FILES.iter().map(hashed).collect()
});

/// The address of a static file; for templates.
#[must_use]
pub fn url(name: &str) -> &'static str {
    ASSETS.get(name).map_or("/static/missing", |asset| &asset.url)
}

/// `GET /static/{name}`
pub async fn serve(name: web::Path<String>) -> Result<HttpResponse, Error> {
    let asset = ASSETS.values().find(|asset| asset.url.strip_prefix("/static/") == Some(&name));
    let asset = asset.ok_or(Error::NotFound)?;
    Ok(HttpResponse::Ok()
        .content_type(asset.media_type)
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(asset.content))
}
