//! `/api/docs`: the API's own description, as a page.
//!
//! It is made from the very document that programs read at `/api/openapi.json`, which the server hands over: this room does not
//! see the API's code. It stands among the API's addresses because people look for it there.

mod operation;
mod schema;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use askama::Template;
use serde_json::Value;

use self::operation::Operation;
use super::{
    Error,
    frame::{self, Frame},
};

/// Routes that belong together.
#[derive(Debug)]
pub struct Section {
    name: String,
    about: String,
    operations: Vec<Operation>,
}

/// What the page says, read from the document once.
#[derive(Debug)]
pub struct Docs(Vec<Section>);

impl Docs {
    /// Reads the document.
    #[must_use]
    pub fn new(document: &Value) -> Self {
        let operations = Operation::all(document);
        let sections = document["tags"].as_array().into_iter().flatten().map(|tag| {
            let name = text(&tag["name"]);
            let of_it = operations.iter().filter(|(section, _)| *section == name);
            Section {
                about: text(&tag["description"]),
                operations: of_it.map(|(_, operation)| operation.clone()).collect(),
                name,
            }
        });
        Self(sections.collect())
    }
}

/// A text of the document; nothing where there is none.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[derive(Template)]
#[template(path = "docs.html")]
struct DocsPage<'a> {
    frame: Frame,
    sections: &'a [Section],
}

/// `GET /api/docs`
pub async fn show(request: HttpRequest, docs: web::Data<Docs>) -> Result<HttpResponse, Error> {
    frame::page(&request, StatusCode::OK, &DocsPage { frame: Frame::of(&request), sections: &docs.0 })
}
