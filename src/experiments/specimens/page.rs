//! How a specimen's page looks: it says what it is, in which story, and what its script is about to do.

use actix_web::{HttpResponse, HttpResponseBuilder, http::header, web};
use askama::Template;
use serde_json::Value;

use super::visit::{Lost, Visit};

const FILES: [(&str, &str, &str); 6] = [
    ("specimen.css", "text/css; charset=utf-8", include_str!("pages/specimen.css")),
    ("specimen.js", "text/javascript; charset=utf-8", include_str!("pages/specimen.js")),
    ("cross_origin.js", "text/javascript; charset=utf-8", include_str!("pages/cross_origin.js")),
    ("token.js", "text/javascript; charset=utf-8", include_str!("pages/token.js")),
    ("victim.js", "text/javascript; charset=utf-8", include_str!("pages/victim.js")),
    ("storage.js", "text/javascript; charset=utf-8", include_str!("pages/storage.js")),
];

/// A page of a story.
#[derive(Template)]
#[template(path = "specimen.html")]
pub(super) struct Page<'a> {
    /// What the story is.
    pub story: &'a str,
    /// What this page does.
    pub says: &'a str,
    /// Whose page it is.
    pub host: String,
    /// What the script is told.
    pub plan: String,
}

impl<'a> Page<'a> {
    /// A page of this visit's story.
    pub(super) fn new(visit: &'a Visit, says: &'a str, plan: &Value) -> Self {
        let host = visit.shared.hosts.origin(visit.role);
        let host = host.split_once("://").map_or("", |(_, host)| host).to_owned();
        Self { story: visit.run.story.says(), says, host, plan: plan.to_string() }
    }

    /// The answer, to which cookies can be added.
    pub(super) fn answer(&self, visit: &Visit) -> Result<HttpResponse, Lost> {
        let html = self.render().map_err(|_| Lost::Unreadable)?;
        Ok(shown().insert_header((header::CONTENT_SECURITY_POLICY, policy(visit))).body(html))
    }
}

/// An answer that is HTML and is kept nowhere.
pub(super) fn shown() -> HttpResponseBuilder {
    let mut answer = HttpResponse::Ok();
    answer.content_type("text/html; charset=utf-8").insert_header((header::CACHE_CONTROL, "no-store"));
    answer
}

/// Own files only; forms and calls go to the hosts of the stories, and to the real door where it is knocked at.
fn policy(visit: &Visit) -> String {
    let mut origins: Vec<String> = visit.shared.hosts.origins().collect();
    if let super::Story::CrossSite { door: Some(door), .. } = &visit.run.story {
        origins.push(door.clone());
    }
    let origins = origins.join(" ");
    format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; \
         form-action {origins}; connect-src {origins}"
    )
}

/// `GET /files/{name}`
pub(super) async fn file(name: web::Path<String>) -> Result<HttpResponse, Lost> {
    let found = FILES.iter().find(|(file, ..)| *file == name.as_str());
    let (_, media_type, content) = found.ok_or(Lost::Nowhere)?;
    Ok(HttpResponse::Ok().content_type(*media_type).insert_header((header::CACHE_CONTROL, "no-cache")).body(*content))
}
