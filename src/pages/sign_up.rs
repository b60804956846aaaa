//! `/signup`: makes an account and logs it in.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use askama::Template;

use super::{
    Error,
    error::beyond_the_form,
    flash,
    form::{Fields, SafeForm},
    frame::{self, Frame},
    log_in::{self, Field, Query},
};
use crate::{
    accounts::{
        Accounts,
        credentials::{self, Asker},
        events::Door,
        sign_up,
    },
    session::Sessions,
};

#[derive(Template)]
#[template(path = "sign_up.html")]
struct SignUpPage {
    frame: Frame,
    email: Field,
    display_name: Field,
    password_error: Option<String>,
    problem: Option<String>,
    password_min: usize,
    next: Option<String>,
}

impl SignUpPage {
    fn new(request: &HttpRequest, accounts: &Accounts, next: Option<&str>) -> Self {
        Self {
            frame: Frame::with_form(request),
            email: Field::default(),
            display_name: Field::default(),
            password_error: None,
            problem: None,
            password_min: accounts.password_min,
            next: next.filter(|next| log_in::is_local(next)).map(str::to_owned),
        }
    }
}

/// `GET /signup`
pub async fn show(
    request: HttpRequest,
    accounts: web::Data<Accounts>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Error> {
    let page = SignUpPage::new(&request, &accounts, query.next());
    frame::password_page(&request, StatusCode::OK, &page)
}

/// `POST /signup`
pub async fn submit(
    request: HttpRequest,
    accounts: web::Data<Accounts>,
    sessions: web::Data<Sessions>,
    asker: Asker,
    form: SafeForm,
) -> Result<HttpResponse, Error> {
    let SafeForm(fields) = form;
    let typed = (fields.get("email"), fields.get("display_name"), fields.get("password"));
    match sign_up::sign_up(&accounts, Door::Session, typed, &asker).await {
        Ok(user) => {
            log_in::start(&request, &accounts, &sessions, &asker, user, false).await?;
            flash::leave(&request, false, "Welcome. Your account is made, and you are logged in at the session door.");
            Ok(frame::redirect(&request, log_in::next(&fields)))
        }
        Err(error) => refuse(&request, &accounts, &fields, &beyond_the_form(error)?),
    }
}

fn refuse(
    request: &HttpRequest,
    accounts: &Accounts,
    fields: &Fields,
    error: &credentials::Error,
) -> Result<HttpResponse, Error> {
    let mut page = SignUpPage::new(request, accounts, Some(fields.get("next")));
    page.email.value = fields.get("email").to_owned();
    page.display_name.value = fields.get("display_name").to_owned();
    let status = match error {
        credentials::Error::Refused(refused) => {
            for refused in refused {
                let advice = Some(refused.advice.clone());
                match refused.field {
                    "email" => page.email.error = advice,
                    "display_name" => page.display_name.error = advice,
                    _ => page.password_error = advice,
                }
            }
            StatusCode::UNPROCESSABLE_ENTITY
        }
        credentials::Error::Throttled(_) | credentials::Error::Busy(_) => {
            let (status, problem) = log_in::later(error);
            page.problem = Some(problem);
            status
        }
        _ => {
            page.email.error =
                Some("This e-mail address has an account already. Log in, or use another address.".to_owned());
            StatusCode::CONFLICT
        }
    };
    let response = frame::password_page(request, status, &page)?;
    Ok(log_in::with_retry_after(response, error))
}
