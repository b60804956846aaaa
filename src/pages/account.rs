//! `/account`: who am I, and what I can change about it.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use askama::Template;
use time::macros::format_description;

use super::{
    Error,
    error::beyond_the_form,
    flash,
    form::{FreshForm, UserForm},
    frame::{self, Frame},
    log_in::{Field, later, with_retry_after},
};
use crate::{
    accounts::{
        self, Accounts, Me,
        credentials::{self, Asker},
        demo, email,
        ending::EndReason,
        events::{self, Door, Event, Kind},
        fields::DisplayName,
        standing,
    },
    everywhere,
    session::{self, SessionUser, Sessions, authenticate::NotLoggedIn},
};

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    email: String,
    display_name: String,
    role: String,
    member_since: String,
    name_field: Field,
    email_field: Field,
    current_password_error: Option<String>,
    new_password_error: Option<String>,
    delete_error: Option<String>,
    password_min: usize,
    locked: Option<String>,
}

impl AccountPage {
    fn new(request: &HttpRequest, accounts: &Accounts, user: &SessionUser) -> Self {
        let user = user.user();
        let date = format_description!("[day padding:none] [month repr:long] [year]");
        Self {
            frame: Frame::of(request),
            email: user.email.clone(),
            display_name: user.display_name.clone(),
            role: user.role().as_str().to_owned(),
            member_since: user.created_at.format(date).unwrap_or_default(),
            name_field: Field { value: user.display_name.clone(), error: None },
            email_field: Field::default(),
            current_password_error: None,
            new_password_error: None,
            delete_error: None,
            password_min: accounts.password_min,
            locked: user.demo.then(|| demo::LOCKED.to_owned()),
        }
    }
}

/// `GET /account`
pub async fn show(
    request: HttpRequest,
    user: SessionUser,
    accounts: web::Data<Accounts>,
) -> Result<HttpResponse, Error> {
    let page = AccountPage::new(&request, &accounts, &user);
    frame::page(&request, StatusCode::OK, &page)
}

/// `GET /account/me`: the twin of `GET /api/me`.
pub async fn me(user: SessionUser) -> Result<web::Json<Me>, Error> {
    Ok(web::Json(user.me()))
}

/// `POST /account/name`
pub async fn rename(
    request: HttpRequest,
    accounts: web::Data<Accounts>,
    form: UserForm,
) -> Result<HttpResponse, Error> {
    let typed = form.fields.get("display_name");
    let display_name = match DisplayName::parse(typed) {
        Ok(display_name) => display_name,
        Err(refused) => {
            let mut page = AccountPage::new(&request, &accounts, &form.user);
            page.name_field = Field { value: typed.to_owned(), error: Some(refused.advice) };
            return frame::page(&request, StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
    };
    let id = form.user.user().id;
    accounts.change(move |conn| accounts::rename(conn, id, &display_name)).await?;
    flash::leave(&request, false, "Your name is changed.");
    Ok(frame::redirect(&request, "/account"))
}

/// `POST /account/email`: no login ends by it, and the next one is asked for the new address.
pub async fn change_email(
    request: HttpRequest,
    accounts: web::Data<Accounts>,
    asker: Asker,
    form: FreshForm,
) -> Result<HttpResponse, Error> {
    let FreshForm { user: session, fields } = form;
    if session.user().demo {
        return locked(&request, &accounts, &session);
    }
    let typed = fields.get("email");
    let changed = match email::parse(typed, &asker) {
        Ok(email) => {
            let change = email::Change { email: Some(email), display_name: None };
            email::change(&accounts, (Door::Session, session.record().id), session.user(), change, &asker).await
        }
        Err(refused) => Err(credentials::Error::Refused(vec![refused])),
    };
    let error = match changed {
        Ok(Some(_)) => {
            flash::leave(&request, false, "Your e-mail address is changed. Log in with the new one from now on.");
            return Ok(frame::redirect(&request, "/account"));
        }
        Ok(None) => return Err(Error::Conflict),
        Err(error) => beyond_the_form(error)?,
    };
    let (status, problem) = match &error {
        credentials::Error::Refused(refused) => {
            let advice = refused.first().map(|refused| refused.advice.clone());
            (StatusCode::UNPROCESSABLE_ENTITY, advice.unwrap_or_default())
        }
        credentials::Error::Throttled(_) | credentials::Error::Busy(_) => later(&error),
        _ => (StatusCode::CONFLICT, "This e-mail address has an account already. Use another one.".to_owned()),
    };
    let mut page = AccountPage::new(&request, &accounts, &session);
    page.email_field = Field { value: typed.to_owned(), error: Some(problem) };
    let response = frame::page(&request, status, &page)?;
    Ok(with_retry_after(response, &error))
}

/// `POST /account/password`: ends every login at both doors, and gives this browser a new one.
pub async fn change_password(
    request: HttpRequest,
    accounts: web::Data<Accounts>,
    sessions: web::Data<Sessions>,
    asker: Asker,
    form: UserForm,
) -> Result<HttpResponse, Error> {
    let UserForm { user: session, fields } = form;
    if session.user().demo {
        return locked(&request, &accounts, &session);
    }
    let checked = async {
        let user = session.user();
        let user =
            credentials::check_present(&accounts, Door::Session, user, fields.get("current_password"), &asker).await?;
        let about = vec![user.email.clone(), user.display_name.clone()];
        let hash = credentials::hash_new(&accounts, "new_password", fields.get("new_password"), about).await?;
        Ok((user, hash))
    };
    let (user, hash) = match checked.await {
        Ok(checked) => checked,
        Err(error) => {
            let error = beyond_the_form(error)?;
            let mut page = AccountPage::new(&request, &accounts, &session);
            let (status, said) = advice(&error);
            match &error {
                credentials::Error::Refused(refused) => {
                    page.new_password_error = refused.first().map(|refused| refused.advice.clone());
                }
                _ => page.current_password_error = Some(said),
            }
            let response = frame::page(&request, status, &page)?;
            return Ok(with_retry_after(response, &error));
        }
    };
    let (terms, client) = (sessions.terms(session.record().remembered), asker.client);
    let new = accounts.change(move |conn| {
        let user = accounts::set_password(conn, &user, &hash)?.ok_or(Error::Conflict)?;
        // Logged out while the password was being hashed: then there is nobody to give a new session to.
        if !session::log_out::log_out(conn, &session, EndReason::PasswordChanged)? {
            return Err(Error::NotLoggedIn(NotLoggedIn(Some(EndReason::LoggedOut))));
        }
        everywhere::end_all(conn, user.id, EndReason::PasswordChanged)?;
        let new = session::log_in::log_in(conn, &user, &terms, &client)?.ok_or(Error::Conflict)?;
        let event = Event::new(Door::Session, Kind::PasswordChanged).user(user.id).login(new.id);
        events::record(conn, &client, &event)?;
        Ok(new)
    });
    session::log_in::enter(&request, new.await?)?;
    flash::leave(
        &request,
        false,
        "Your password is changed. Every other login of yours has ended, at both doors; this browser has a new one.",
    );
    Ok(frame::redirect(&request, "/account"))
}

/// `POST /account/delete`: the account goes, and with it every login at both doors.
pub async fn delete(
    request: HttpRequest,
    accounts: web::Data<Accounts>,
    asker: Asker,
    form: UserForm,
) -> Result<HttpResponse, Error> {
    let UserForm { user: session, fields } = form;
    if session.user().demo {
        return locked(&request, &accounts, &session);
    }
    let password = fields.get("current_password");
    let user = match credentials::check_present(&accounts, Door::Session, session.user(), password, &asker).await {
        Ok(user) => user,
        Err(error) => {
            let error = beyond_the_form(error)?;
            let mut page = AccountPage::new(&request, &accounts, &session);
            let (status, said) = advice(&error);
            page.delete_error = Some(said);
            let response = frame::page(&request, status, &page)?;
            return Ok(with_retry_after(response, &error));
        }
    };
    let deleting = accounts.change(move |conn| {
        standing::keep_an_admin(conn, &user)?;
        let deleted = accounts::delete(conn, &user, &asker.client, (Door::Session, session.record().id))?;
        if deleted { Ok(()) } else { Err(Error::Conflict) }
    });
    deleting.await?;
    session::log_out::leave(&request);
    flash::leave(&request, false, "Your account is deleted, with every login at both doors.");
    Ok(frame::redirect(&request, "/"))
}

/// Refuses to change a demo account; the page says why.
fn locked(request: &HttpRequest, accounts: &Accounts, session: &SessionUser) -> Result<HttpResponse, Error> {
    let page = AccountPage::new(request, accounts, session);
    frame::page(request, StatusCode::FORBIDDEN, &page)
}

/// What is said of the present password that was typed.
pub(super) fn advice(error: &credentials::Error) -> (StatusCode, String) {
    match error {
        credentials::Error::Throttled(_) | credentials::Error::Busy(_) => later(error),
        _ => (StatusCode::UNPROCESSABLE_ENTITY, "This is not your present password.".to_owned()),
    }
}
