//! The events of R6: what happens, how it is made to happen, and which credentials this software promises to let in after it.

use serde_json::json;

use crate::experiments::{
    account::Account,
    exchange::Door,
    lab::{
        Instance, Logins, Run, Stopped, post,
        requests::{api_log_out, api_log_out_everywhere, form},
    },
    message::{Body, Request},
};

/// An event in a login's life.
#[derive(Debug)]
pub struct Event {
    /// In words, after "after"; those of `/what-still-works`.
    pub what: &'static str,
    /// How it happens.
    pub act: Act,
    /// Whether the account is an admin's before it.
    pub begins_as_admin: bool,
    /// What is promised to be let in: cookie; access token by its claims; access token, live; refresh token.
    pub expected: [bool; 4],
}

/// How an event is made to happen.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    /// The site's log-out.
    LogOutOfTheSite,
    /// The API's.
    LogOutOfTheApi,
    /// The site's log-out everywhere.
    EverywhereFromTheSite,
    /// The API's.
    EverywhereFromTheApi,
    /// A new password, by the site's form.
    PasswordAtTheSite,
    /// The same at the API.
    PasswordAtTheApi,
    /// `two-doors user ban`.
    Ban,
    /// `two-doors user role`, to this one.
    Role(&'static str),
    /// The account's end, by the site's form.
    Deletion,
}

const fn event(what: &'static str, act: Act, expected: [bool; 4]) -> Event {
    Event { what, act, begins_as_admin: false, expected }
}

/// All of them.
pub static EVENTS: &[Event] = &[
    event("log-out at the session door", Act::LogOutOfTheSite, [false, true, true, true]),
    event("log-out at the token door", Act::LogOutOfTheApi, [true, true, false, false]),
    event("log out everywhere, from the site", Act::EverywhereFromTheSite, [false, true, false, false]),
    event("log out everywhere, from the API", Act::EverywhereFromTheApi, [true, true, false, false]),
    event("change of password at the session door", Act::PasswordAtTheSite, [false, true, false, false]),
    event("change of password at the token door", Act::PasswordAtTheApi, [false, true, false, false]),
    event("a ban", Act::Ban, [false, true, false, false]),
    event("a promotion", Act::Role("admin"), [true, true, true, true]),
    Event { begins_as_admin: true, ..event("a demotion", Act::Role("user"), [true, true, false, false]) },
    event("deletion of the account", Act::Deletion, [false, true, false, false]),
];

/// Makes it happen.
pub async fn happen(
    run: &mut Run,
    instance: &Instance,
    account: &Account,
    (logins, act): (&mut Logins, Act),
) -> Result<(), Stopped> {
    let Account { email, password } = account;
    let new_password = Account::invent().password;
    run.hide(&new_password);
    let form = |path, fields: &[_]| form(path, &logins.form_token, fields);
    let (door, request, status) = match act {
        Act::LogOutOfTheSite => (Door::Session, form("/logout", &[]), 303),
        Act::LogOutOfTheApi => (Door::Token, api_log_out(&logins.refresh_token), 200),
        Act::EverywhereFromTheSite => (Door::Session, form("/account/devices/end-all", &[]), 303),
        Act::EverywhereFromTheApi => (Door::Token, api_log_out_everywhere(&logins.access_token), 200),
        Act::PasswordAtTheSite => {
            let fields = [("current_password", password.as_str()), ("new_password", &new_password)];
            (Door::Session, form("/account/password", &fields), 303)
        }
        Act::PasswordAtTheApi => (Door::Token, change_password(logins, password, &new_password), 200),
        Act::Deletion => (Door::Session, form("/account/delete", &[("current_password", password)]), 303),
        Act::Ban => return operate(run, instance, &["user", "ban", email, "--reason", "an experiment"]).await,
        Act::Role(role) => return operate(run, instance, &["user", "role", email, role]).await,
    };
    let client = if door == Door::Session { &mut logins.browser } else { &mut logins.program };
    let seen = run.ask(client, door, &request).await?;
    seen.must_be(status)?;
    run.show(seen.saying("The event."));
    Ok(())
}

fn change_password(logins: &Logins, present: &str, new: &str) -> Request {
    let body = json!({ "current_password": present, "new_password": new, "refresh_token_in": "body" });
    post("/api/account/password", logins.bearer(), Body::Json(body))
}

async fn operate(run: &mut Run, instance: &Instance, arguments: &[&str]) -> Result<(), Stopped> {
    instance.command(arguments).await?;
    run.moment(format!("two-doors {}", arguments.join(" ")));
    Ok(())
}
