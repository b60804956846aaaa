//! What a newcomer reads beside the doors: other frameworks' names for it all, what is left out, and in which order to read the
//! source.
//!
//! The texts are data, and tests hold the part of them that can go stale: the files and names that they point at.

pub mod concepts;
pub mod left_out;
pub mod reading;
pub mod recipe;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use askama::Template;

use self::{
    concepts::{CONCEPTS, Concept, FRAMEWORKS, OURS},
    left_out::LEFT_OUT,
    reading::{BEGINNING, END, Stage, TWINS},
    recipe::{RECIPES, Recipe},
};
use super::{
    Error,
    frame::{self, Frame},
};

#[derive(Template)]
#[template(path = "concepts.html")]
struct ConceptsPage {
    frame: Frame,
    /// The framework that is looked at alone, by its place among [`FRAMEWORKS`].
    from: Option<usize>,
}

impl ConceptsPage {
    /// A concept's names that are shown, ours first.
    fn names(&self, concept: &'static Concept) -> Vec<(&'static str, &'static str)> {
        let names = FRAMEWORKS.iter().zip(concept.names).enumerate();
        let theirs = names.filter(|(place, _)| self.from.is_none_or(|from| from == *place));
        std::iter::once((OURS, concept.ours))
            .chain(theirs.map(|(_, (framework, name))| (framework.name, name)))
            .collect()
    }
}

/// What the address of `/concepts` may say.
#[derive(Debug, serde::Deserialize)]
pub struct From {
    from: Option<String>,
}

/// `GET /concepts`
pub async fn concepts(request: HttpRequest, query: web::Query<From>) -> Result<HttpResponse, Error> {
    let from = FRAMEWORKS.iter().position(|framework| Some(framework.id) == query.from.as_deref());
    frame::page(&request, StatusCode::OK, &ConceptsPage { frame: Frame::of(&request), from })
}

#[derive(Template)]
#[template(path = "left_out.html")]
struct LeftOutPage {
    frame: Frame,
}

/// `GET /left-out`
pub async fn left_out(request: HttpRequest) -> Result<HttpResponse, Error> {
    frame::page(&request, StatusCode::OK, &LeftOutPage { frame: Frame::of(&request) })
}

#[derive(Template)]
#[template(path = "read.html")]
struct ReadPage {
    frame: Frame,
    stages: [&'static Stage; 2],
    recipes: Vec<(&'static Recipe, String)>,
}

/// `GET /read`
pub async fn read(request: HttpRequest) -> Result<HttpResponse, Error> {
    let recipes = RECIPES.iter().map(|recipe| (recipe, recipe.lines())).collect();
    let page = ReadPage { frame: Frame::of(&request), stages: [&BEGINNING, &END], recipes };
    frame::page(&request, StatusCode::OK, &page)
}
