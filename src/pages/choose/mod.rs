//! `/choose`: eight questions, an answer with its reasons and its price, and a checklist for either choice.
//!
//! The form is sent with `GET`: it changes nothing, and the answer has an address that can be shared.

pub mod advice;
pub mod checklist;
pub mod questions;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use askama::Template;

use self::{
    advice::{Advice, reasons, weigh},
    checklist::CHECKLISTS,
    questions::{For, QUESTIONS, Reason},
};
use super::{
    Error,
    frame::{self, Frame},
};
use crate::http::origin::Site;

/// What was answered, if everything was.
struct Answer {
    advice: Advice,
    reasons: Vec<&'static Reason>,
    address: String,
}

#[derive(Template)]
#[template(path = "choose.html")]
struct ChoosePage {
    frame: Frame,
    /// The answer to each question, as far as it was given.
    given: Vec<Option<&'static str>>,
    /// Whether the form was sent: then what is missing is said.
    sent: bool,
    answer: Option<Answer>,
}

impl ChoosePage {
    fn is_missing(&self, question: usize) -> bool {
        self.sent && self.given.get(question).is_none_or(Option::is_none)
    }

    fn is_given(&self, question: usize, choice: &str) -> bool {
        self.given.get(question).is_some_and(|given| *given == Some(choice))
    }
}

impl For {
    fn class(self) -> &'static str {
        match self {
            Self::Session(_) => "ses",
            Self::Token(_) => "tok",
            Self::Both | Self::Neither => "none",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Session(3) => "strongly for sessions",
            Self::Session(_) => "for sessions",
            Self::Token(3) => "strongly for tokens",
            Self::Token(_) => "for tokens",
            Self::Both => "for both",
            Self::Neither => "for neither",
        }
    }
}

/// `GET /choose`
pub async fn show(request: HttpRequest, site: web::Data<Site>) -> Result<HttpResponse, Error> {
    let query: Vec<(String, String)> =
        web::Query::from_query(request.query_string()).map_or_else(|_| Vec::new(), web::Query::into_inner);
    let given: Vec<Option<&'static str>> = QUESTIONS
        .iter()
        .map(|question| {
            let (_, said) = query.iter().find(|(name, _)| name == question.id)?;
            question.choices.iter().map(|choice| choice.id).find(|id| id == said)
        })
        .collect();
    let sent = query.iter().any(|(name, _)| QUESTIONS.iter().any(|question| question.id == name));
    let answer = given.iter().all(Option::is_some).then(|| {
        let reasons = reasons(&given);
        let pairs = QUESTIONS.iter().zip(&given).map(|(question, given)| (question.id, given.unwrap_or_default()));
        let query: Vec<String> = pairs.map(|(question, given)| format!("{question}={given}")).collect();
        let address = format!("{}/choose?{}", site.address(), query.join("&"));
        Answer { advice: weigh(&reasons), reasons, address }
    });
    let status = if sent && answer.is_none() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    frame::page(&request, status, &ChoosePage { frame: Frame::of(&request), given, sent, answer })
}
