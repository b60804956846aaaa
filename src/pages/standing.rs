//! What an admin does about somebody: another role, a ban, its end, the end of every login.
//!
//! Each takes a fresh password. What is refused is said on the page of the person, with what had been typed.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use time::{OffsetDateTime, PrimitiveDateTime, macros::format_description};
use uuid::Uuid;

use super::{
    Error,
    admin::{Typed, answer},
    flash, frame,
    fresh::AdminFreshForm,
    log_in::Field,
};
use crate::{
    accounts::{
        Accounts, Role,
        credentials::Asker,
        events::Door,
        standing::{self, Author, Ban, Change, Refusal},
    },
    everywhere,
    session::SessionAdmin,
};

fn author(admin: &SessionAdmin, asker: Asker) -> Author {
    Author::Admin { id: admin.user().id, door: Door::Session, client: asker.client }
}

fn parse(id: &str) -> Result<Uuid, Error> {
    Uuid::try_parse(id).map_err(|_| Error::NotFound)
}

/// Says what was done, or what was refused and why.
async fn said(
    request: &HttpRequest,
    accounts: &Accounts,
    admin: &SessionAdmin,
    id: Uuid,
    done: Result<String, Refusal>,
    typed: Typed,
) -> Result<HttpResponse, Error> {
    let refusal = match done {
        Ok(text) => {
            flash::leave(request, false, &text);
            return Ok(frame::redirect(request, &format!("/admin/users/{id}")));
        }
        Err(refusal) => refusal,
    };
    let text = |refusal: &Refusal| {
        let text = refusal.to_string();
        let mut letters = text.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
        format!("{first}{}.", letters.as_str())
    };
    let (status, typed) = match &refusal {
        Refusal::Gone => return Err(Error::NotFound),
        Refusal::NotAdmin => return Err(Error::Forbidden),
        Refusal::Database(_) => return Err(refusal.into()),
        Refusal::Past => {
            let until = Field { error: Some("Choose an end in the future, or none.".to_owned()), ..typed.until };
            (StatusCode::UNPROCESSABLE_ENTITY, Typed { until, ..typed })
        }
        Refusal::LastAdmin => (StatusCode::CONFLICT, Typed { problem: Some(text(&refusal)), ..typed }),
        Refusal::Demo | Refusal::DemoAdmin => (StatusCode::FORBIDDEN, Typed { problem: Some(text(&refusal)), ..typed }),
    };
    answer(request, accounts, admin, id, (status, typed)).await
}

/// `POST /admin/users/{id}/role`
pub async fn change_role(
    request: HttpRequest,
    accounts: web::Data<Accounts>,
    asker: Asker,
    id: web::Path<String>,
    form: AdminFreshForm,
) -> Result<HttpResponse, Error> {
    let id = parse(&id)?;
    let role = match form.fields.get("role") {
        "admin" => Role::Admin,
        "user" => Role::User,
        _ => {
            let typed = Typed { problem: Some("Choose one of the roles.".to_owned()), ..Typed::default() };
            return answer(&request, &accounts, &form.admin, id, (StatusCode::UNPROCESSABLE_ENTITY, typed)).await;
        }
    };
    let author = author(&form.admin, asker);
    let done = accounts.change(move |conn| everywhere::change_role(conn, id, role, &author)).await;
    let done = done.map(|change| match change {
        Change::None => format!("The role was {} already.", role.as_str()),
        Change::Promotion => {
            "The role is admin now. Sessions see it at their next request; access tokens say user until they are renewed."
                .to_owned()
        }
        Change::Demotion => {
            "The role is user now, and every token login has ended. Access tokens that are out say admin until they expire, to whoever reads only that."
                .to_owned()
        }
    });
    said(&request, &accounts, &form.admin, id, done, Typed::default()).await
}

/// `POST /admin/users/{id}/ban`
pub async fn ban(
    request: HttpRequest,
    accounts: web::Data<Accounts>,
    asker: Asker,
    id: web::Path<String>,
    form: AdminFreshForm,
) -> Result<HttpResponse, Error> {
    let id = parse(&id)?;
    let field = |name: &str| Field { value: form.fields.get(name).to_owned(), error: None };
    let mut typed = Typed { problem: None, reason: field("reason"), until: field("until") };
    let until = instant(form.fields.get("until"));
    if until.is_err() {
        typed.until.error = Some("Enter a day and a time such as 2030-01-31T12:00, or nothing.".to_owned());
    }
    let ban = Ban::parse(form.fields.get("reason"), until.unwrap_or_default());
    if let Err(refused) = &ban {
        typed.reason.error = Some(refused.advice.clone());
    }
    let (Ok(_), Ok(ban)) = (until, ban) else {
        return answer(&request, &accounts, &form.admin, id, (StatusCode::UNPROCESSABLE_ENTITY, typed)).await;
    };
    let (author, span) = (author(&form.admin, asker), ban.span());
    let done = accounts.change(move |conn| everywhere::ban(conn, id, &ban, &author)).await;
    let done = done.map(|ended| format!("Banned {span}. Ended: {ended}."));
    said(&request, &accounts, &form.admin, id, done, typed).await
}

/// What a `datetime-local` field says, taken as UTC; nothing is no instant.
fn instant(text: &str) -> Result<Option<OffsetDateTime>, ()> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let short = format_description!("[year]-[month]-[day]T[hour]:[minute]");
    let long = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let parsed = PrimitiveDateTime::parse(text, short).or_else(|_| PrimitiveDateTime::parse(text, long));
    parsed.map(|at| Some(at.assume_utc())).map_err(drop)
}

/// `POST /admin/users/{id}/unban`
pub async fn unban(
    request: HttpRequest,
    accounts: web::Data<Accounts>,
    asker: Asker,
    id: web::Path<String>,
    form: AdminFreshForm,
) -> Result<HttpResponse, Error> {
    let id = parse(&id)?;
    let author = author(&form.admin, asker);
    let done = accounts.change(move |conn| standing::unban(conn, id, &author)).await;
    let done = done.map(|was_banned| match was_banned {
        true => "The ban is taken back. What it ended stays ended: they may log in again.".to_owned(),
        false => "There was no ban in force.".to_owned(),
    });
    said(&request, &accounts, &form.admin, id, done, Typed::default()).await
}

/// `POST /admin/users/{id}/end-logins`
pub async fn end_logins(
    request: HttpRequest,
    accounts: web::Data<Accounts>,
    asker: Asker,
    id: web::Path<String>,
    form: AdminFreshForm,
) -> Result<HttpResponse, Error> {
    let id = parse(&id)?;
    let author = author(&form.admin, asker);
    let done = accounts.change(move |conn| everywhere::log_out_user(conn, id, &author)).await;
    let done = done.map(|ended| format!("Ended: {ended}."));
    said(&request, &accounts, &form.admin, id, done, Typed::default()).await
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::instant;

    #[test]
    fn instants_are_typed_as_browsers_send_them_and_taken_as_utc() {
        assert_eq!(instant(" "), Ok(None));
        assert_eq!(instant("2030-01-31T12:00"), Ok(Some(datetime!(2030-01-31 12:00 UTC))));
        assert_eq!(instant("2030-01-31T12:00:05"), Ok(Some(datetime!(2030-01-31 12:00:05 UTC))));
        for text in ["tomorrow", "2030-02-31T12:00", "2030-01-31", "2030-01-31T12:00Z", "+999999-01-01T00:00"] {
            assert_eq!(instant(text), Err(()), "{text}");
        }
    }
}
