//! `/login`: e-mail address and password, and a session in exchange.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use askama::Template;
use serde::Deserialize;

use super::{
    Error,
    cookies::Cookies,
    error::beyond_the_form,
    form::{Fields, SafeForm},
    frame::{self, Frame},
    same_origin,
};
use crate::{
    accounts::{
        Accounts, User,
        credentials::{self, Asker},
        demo::DemoAccount,
        devices,
        ending::EndReason,
        events::{self, Door, Event, Kind},
    },
    db,
    http::origin::Site,
    session::{self, SessionUser, Sessions},
};

/// One input of a form: what was typed, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Field {
    pub value: String,
    pub error: Option<String>,
}

struct Demo {
    display_name: &'static str,
    email: &'static str,
    password: String,
    role: &'static str,
}

impl From<&DemoAccount> for Demo {
    fn from(account: &DemoAccount) -> Self {
        Self {
            display_name: account.display_name,
            email: account.email,
            password: account.password.clone(),
            role: account.role.as_str(),
        }
    }
}

#[derive(Template)]
#[template(path = "log_in.html")]
struct LogInPage {
    frame: Frame,
    api_address: String,
    email: Field,
    password_error: Option<String>,
    problem: Option<String>,
    remember: bool,
    next: Option<String>,
    demo: Vec<Demo>,
}

impl LogInPage {
    fn new(request: &HttpRequest, accounts: &Accounts, next: Option<String>) -> Self {
        let site = request.app_data::<web::Data<Site>>();
        Self {
            frame: Frame::with_form(request),
            api_address: site.map(|site| site.api_address().to_owned()).unwrap_or_default(),
            email: Field::default(),
            password_error: None,
            problem: None,
            remember: false,
            next: next.filter(|next| is_local(next)),
            demo: accounts.demo.iter().map(Demo::from).collect(),
        }
    }
}

/// Where to go after the log-in.
#[derive(Debug, Deserialize)]
pub struct Query {
    next: Option<String>,
}

impl Query {
    pub(super) fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }
}

/// `GET /login`
pub async fn show(
    request: HttpRequest,
    accounts: web::Data<Accounts>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Error> {
    let page = LogInPage::new(&request, &accounts, query.into_inner().next);
    frame::password_page(&request, StatusCode::OK, &page)
}

/// `POST /login`
pub async fn submit(
    request: HttpRequest,
    accounts: web::Data<Accounts>,
    sessions: web::Data<Sessions>,
    asker: Asker,
    form: SafeForm,
) -> Result<HttpResponse, Error> {
    let SafeForm(fields) = form;
    let (email, password) = (fields.get("email"), fields.get("password"));
    match credentials::check(&accounts, Door::Session, email, password, &asker).await {
        Ok(user) => {
            let remember = !fields.get("remember").is_empty();
            start(&request, &accounts, &sessions, &asker, user, remember).await?;
            Ok(frame::redirect(&request, next(&fields)))
        }
        // The form says so itself: whoever typed the password is there to read it.
        Err(banned @ credentials::Error::Banned(_)) => refuse(&request, &accounts, &fields, &banned),
        Err(error) => refuse(&request, &accounts, &fields, &beyond_the_form(error)?),
    }
}

fn refuse(
    request: &HttpRequest,
    accounts: &Accounts,
    fields: &Fields,
    error: &credentials::Error,
) -> Result<HttpResponse, Error> {
    let email = fields.get("email");
    let (status, problem) = match error {
        credentials::Error::Throttled(_) | credentials::Error::Busy(_) => later(error),
        credentials::Error::Banned(ban) => (StatusCode::FORBIDDEN, ban.sentence()),
        _ if email.trim().is_empty() => (StatusCode::UNPROCESSABLE_ENTITY, "Enter your e-mail address.".to_owned()),
        _ => {
            (StatusCode::UNPROCESSABLE_ENTITY, "Wrong e-mail address or password. Check both and try again.".to_owned())
        }
    };
    let mut page = LogInPage::new(request, accounts, Some(fields.get("next").to_owned()));
    page.email.value = email.to_owned();
    page.problem = Some(problem);
    page.remember = !fields.get("remember").is_empty();
    let response = frame::password_page(request, status, &page)?;
    Ok(with_retry_after(response, error))
}

/// What a person is told whose password was not checked: on the form itself, which keeps what was typed.
pub(super) fn later(error: &credentials::Error) -> (StatusCode, String) {
    let credentials::Error::Throttled(throttled) = error else {
        let many = "Many people are logging in just now, and checking a password takes the server some effort on purpose. \
            Try again in a few seconds.";
        return (StatusCode::SERVICE_UNAVAILABLE, many.to_owned());
    };
    let minutes = throttled.seconds().div_ceil(60);
    let unit = if minutes == 1 { "minute" } else { "minutes" };
    (StatusCode::TOO_MANY_REQUESTS, format!("Too many attempts. The next one is possible in {minutes} {unit}."))
}

/// Says to programs as well how long to wait.
pub(super) fn with_retry_after(mut response: HttpResponse, error: &credentials::Error) -> HttpResponse {
    let seconds = match error {
        credentials::Error::Throttled(throttled) => throttled.seconds(),
        credentials::Error::Busy(_) => 2,
        _ => return response,
    };
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    response
}

/// Starts a session for a user whose password was just checked, in place of the one this browser had.
pub(super) async fn start(
    request: &HttpRequest,
    accounts: &Accounts,
    sessions: &Sessions,
    asker: &Asker,
    user: User,
    remember: bool,
) -> Result<(), Error> {
    let (terms, client) = (sessions.terms(remember), asker.client.clone());
    let device = accounts.devices.entry_of(&asker.devices, &user).filter(|_| !asker.is_own);
    let before = SessionUser::of(request).ok().map(|before| before.loaded().clone());
    let new = db::transaction(&accounts.pool, move |conn| {
        let new = session::log_in::log_in(conn, &user, &terms, &client)?.ok_or(Error::Conflict)?;
        if let Some(before) = before {
            session::log_out::log_out_one(conn, before.user.id, before.record.id, EndReason::Replaced)?;
        }
        session::log_in::keep_newest(conn, &new, &terms, &client)?;
        let event = Event::new(Door::Session, Kind::LoggedIn).user(user.id).login(new.id);
        events::record(conn, &client, &event)?;
        if let Some(device) = device {
            devices::note(conn, user.id, (Door::Session, new.id), device, &client)?;
        }
        Ok::<_, Error>(new)
    });
    session::log_in::enter(request, new.await?)?;
    if let Some(device) = device {
        Cookies::add(request, asker.devices.cookie(request, device));
    }
    same_origin::forget_visitor(request);
    Ok(())
}

/// Where the form wants to go on, if that is a path of ours.
pub(super) fn next(fields: &Fields) -> &str {
    let next = fields.get("next");
    if is_local(next) { next } else { "/account" }
}

/// Whether `next` is a path on our own site. What a browser might take for another site's address (`//evil.example`,
/// `/\evil.example`, control characters that it drops), or what lies between might make one of (`/..//evil.example`), is not
/// (OWASP Unvalidated Redirects). Anything but ASCII a browser writes with percent signs.
pub(super) fn is_local(next: &str) -> bool {
    let path = next.split(['?', '#']).next().unwrap_or_default();
    next.starts_with('/')
        && next.is_ascii()
        && !path.contains("//")
        && !next.contains('\\')
        && !next.chars().any(|letter| letter.is_control() || letter.is_whitespace())
        && next.len() <= 2048
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_paths_of_our_own_site_are_gone_on_to() {
        for next in ["/", "/account", "/account/session?a=b#c", "/account?at=http://x"] {
            assert!(is_local(next), "{next}");
        }
        for next in [
            "",
            "account",
            "//evil.example",
            "/..//evil.example",
            "/é",
            "/\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "javascript:alert(1)",
            "/a\r\nSet-Cookie: x=y",
        ] {
            assert!(!is_local(next), "{next}");
        }
    }
}
