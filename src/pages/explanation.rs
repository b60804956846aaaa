//! What a refusal or failure says to a person: its name, what happened and what can be done, and where to go from there.

use super::Error;

/// The title, the explanation, and a link with its text. `api` is where the API stands.
pub(super) fn of(error: &Error, api: &str) -> (&'static str, &'static str, (String, String)) {
    let link = |href: &str, text: &str| (href.to_owned(), text.to_owned());
    match error {
        Error::AnotherOrigin => (
            "This did not come from one of our pages",
            "The form was sent by another site, or without the token that our own forms carry, so nothing was done. If you sent it yourself, go back to the page, load it again and send it from there.",
            link("/", "Go to the start page"),
        ),
        Error::Unconfirmable => (
            "This was not waiting for a password",
            "What the page kept for you can be finished once, within ten minutes, and in the login that it was made in. This was done before, is older, or comes from another login, so nothing was done now. Go back to where you began, look how things stand, and send the form again if need be.",
            link("/account", "Go to your account"),
        ),
        Error::NotAForm => (
            "This is not a form",
            "The page expects what an HTML form sends (application/x-www-form-urlencoded). Programs are welcome at the API.",
            link(api, "See the API"),
        ),
        Error::Undecodable => (
            "This can't be read",
            "What was sent is not well-formed text: it must be UTF-8, without NUL characters, and each of at most 64 fields may come once.",
            link("/", "Go to the start page"),
        ),
        Error::TooLarge => (
            "This is too large",
            "A form may have 64 KiB, and 45 if it is kept while you give your password. Go back, shorten what you typed, and send it again.",
            link("/", "Go to the start page"),
        ),
        Error::TooSlow => (
            "This came too slowly",
            "The form had not arrived after ten seconds, so nothing was done. Go back and send it again.",
            link("/", "Go to the start page"),
        ),
        Error::NotFound => (
            "There is no such page",
            "The address may be mistyped, or the page was taken down.",
            link("/", "Go to the start page"),
        ),
        Error::MethodNotAllowed => (
            "This page can't be asked that way",
            "The address exists, but not for this kind of request. Forms are sent from their own pages.",
            link("/", "Go to the start page"),
        ),
        Error::Conflict => (
            "Your account changed meanwhile",
            "The password or the standing of your account was changed while this was under way, so nothing was done.",
            link("/login", "Log in again"),
        ),
        Error::Forbidden => (
            "This is for admins",
            "You are logged in, but your role is not enough for this page. It is read from your account at every request.",
            link("/account", "Go to your account"),
        ),
        Error::LastAdmin => (
            "You are the last admin",
            "Without you nobody could administer, so your account can't be deleted. Make somebody else an admin first.",
            link("/account", "Go to your account"),
        ),
        Error::Banned(_) => (
            "Your account is banned",
            "Every login of yours has ended, at both doors, and none begins while the ban lasts.",
            link("/", "Go to the start page"),
        ),
        Error::Crowded => (
            "Many people follow a run just now",
            "What it does can be followed by a hundred at a time. The page of the run shows how far it is whenever it is opened.",
            link("/experiments", "Go to the experiments"),
        ),
        Error::Unavailable(absence) => (absence.title(), absence.explanation(), link("/", "Go to the start page")),
        Error::NotLoggedIn(_) | Error::Outlived(_) | Error::Stale(_) | Error::Internal(_) => (
            "Something broke on our side",
            "It is in our log, under the number below. Try again; if it happens again, tell us that number.",
            link("/", "Go to the start page"),
        ),
    }
}
