//! `/what-still-works`: after each event in a login's life, which copies of its credentials still open a door.
//!
//! Each row leads to the test that proves it, whose source is taken into the program when it is built.

pub mod table;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use askama::Template;

use self::table::{Cell, Ending, Fate, TABLE};
use super::{
    Error,
    frame::{self, Frame},
};
use crate::experiments::claims;

/// The tests that prove the table.
const PROOFS: &str = include_str!("../../../tests/it/what_still_works.rs");
const PROOFS_FILE: &str = "tests/it/what_still_works.rs";

/// The columns: what is copied, and whose door's ink it is written in.
const COLUMNS: [(&str, &str); 4] = [
    ("Session cookie", "ses"),
    ("Access token, claims only", "tok"),
    ("Access token, live check", "tok"),
    ("Refresh token", "tok"),
];

#[derive(Template)]
#[template(path = "what_still_works.html")]
struct TablePage {
    frame: Frame,
}

#[derive(Template)]
#[template(path = "ending.html")]
struct EndingPage {
    frame: Frame,
    ending: &'static Ending,
    proof: Vec<(usize, &'static str)>,
}

impl Ending {
    /// The experiment behind a cell, if this program has it.
    fn watched_in(&self, cell: usize) -> Option<&'static str> {
        self.experiment(cell).filter(|id| claims::find(id).is_some())
    }

    /// The cells, each with where it leads and what is there.
    fn links(&self) -> Vec<(String, String, Cell)> {
        let links = self.cells.iter().enumerate().map(|(place, cell)| match self.watched_in(place) {
            Some(id) => (format!("/experiments/{id}"), format!("experiment {}", id.to_uppercase()), *cell),
            None => (format!("/what-still-works/{}#proof", self.slug()), "its test".to_owned(), *cell),
        });
        links.collect()
    }
}

/// `GET /what-still-works`
pub async fn show(request: HttpRequest) -> Result<HttpResponse, Error> {
    frame::page(&request, StatusCode::OK, &TablePage { frame: Frame::of(&request) })
}

/// `GET /what-still-works/{ending}`: one row, and the test that proves it.
pub async fn show_one(request: HttpRequest, slug: web::Path<String>) -> Result<HttpResponse, Error> {
    let ending = table::rows().find(|ending| ending.slug() == *slug).ok_or(Error::NotFound)?;
    let page = EndingPage { frame: Frame::of(&request), ending, proof: proof(ending.test) };
    frame::page(&request, StatusCode::OK, &page)
}

/// The lines of a test, from its name to its end, with their numbers.
fn proof(test: &str) -> Vec<(usize, &'static str)> {
    let opening = format!("async fn {test}(");
    let from_its_name = (1..).zip(PROOFS.lines()).skip_while(|(_, line)| !line.starts_with(&opening));
    let mut closed = false;
    from_its_name
        .take_while(|(_, line)| {
            let goes_on = !closed;
            closed = *line == "}";
            goes_on
        })
        .collect()
}

impl Cell {
    fn class(self) -> &'static str {
        match self.fate() {
            Fate::Accepted => "works",
            Fate::Refused => "dead",
            Fate::Unavailable => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{proof, table};

    #[test]
    fn experiments_are_named_for_rows_that_exist() {
        let watched = table::rows().filter(|row| (0..4).any(|cell| row.experiment(cell).is_some())).count();
        assert_eq!(watched, table::EXPERIMENTS.len());
    }

    #[test]
    fn every_row_has_its_test() {
        for ending in table::rows() {
            let proof = proof(ending.test);
            assert!(proof.len() > 3, "{} is no test in what_still_works.rs", ending.test);
            assert!(
                proof.iter().any(|(_, line)| line.contains(&format!("promised(\"{}\")", ending.test))),
                "{}",
                ending.test
            );
        }
    }
}
