//! `/api/admin`: what admins see and decide, for programs of theirs.
//!
//! Reads take a `LiveTokenAdmin`, changes a `FreshTokenAdmin`: the role is the one in the user's row, read at every
//! request, so that a token from before a demotion or a ban opens nothing here. What is decided is decided by
//! `accounts::standing`, which asks about the role once more, under its locks.
//!
//! Promise: a demo admin, whose password everybody knows, changes nothing and is shown nobody's address but the demo accounts'.

pub mod decisions;
pub mod events;
pub mod users;

use uuid::Uuid;

use super::Error;
use crate::{
    accounts::{credentials, fields::Refused, standing::Refusal},
    http::problem,
};

/// How many a page has, if it was not said.
const PAGE: i64 = 50;
const LIMIT_ADVICE: &str = "Ask for 1 to 200 at once.";

fn unknown_account() -> Error {
    Error::with(&problem::NOT_FOUND, "No account has this id.")
}

/// An id in a path: one that is none is nobody's.
fn account(id: &str) -> Result<Uuid, Error> {
    Uuid::try_parse(id).map_err(|_| unknown_account())
}

fn refused_fields(fields: Vec<Refused>) -> Error {
    credentials::Error::Refused(fields).into()
}

fn refused_field(field: &'static str, advice: &str) -> Error {
    refused_fields(vec![Refused { field, advice: advice.to_owned() }])
}

/// How this world says that a decision is not carried out.
fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Gone => unknown_account(),
        Refusal::LastAdmin => Error::of(&problem::LAST_ADMIN),
        Refusal::Demo => Error::with(&problem::DEMO_ACCOUNT, "Everybody shares this account, so it stays as it is."),
        Refusal::DemoAdmin => Error::with(
            &problem::DEMO_ACCOUNT,
            "You use a demo account, whose password everybody knows: it may look, but change nothing.",
        ),
        Refusal::NotAdmin => Error::of(&problem::FORBIDDEN),
        Refusal::Past => refused_field("until", "Choose an instant in the future, or leave it away."),
        Refusal::Database(error) => error.into(),
    }
}
