//! The story up to the theft: an account is made, logged in, and known at both doors.

use serde_json::json;

use super::story::Story;
use crate::experiments::{
    account::Account,
    client::Client,
    exchange::Door,
    finding::Row,
    lab::{Stopped, get, post},
    message::{Body, Shown},
};

/// What the access token is asked to live, in seconds.
const EXPIRES_IN: u64 = 6;

impl Story<'_> {
    /// The account, for both doors, and the form to log in with.
    pub(super) async fn sign_up(&mut self, owner: &mut Client) -> Result<String, Stopped> {
        let (form, page) = self.step(owner, Door::Session, &get("/login", Shown::Cookies), 200).await?;
        let form_token = self.form_token(&page, "/login")?;
        let request = post("/api/users", Shown::Nothing, Body::Json(self.account.sign_up()));
        let (made, _) = self.step(owner, Door::Token, &request, 201).await?;
        self.evidence.rows.push(Row::pair(
            form.saying("The log-in form, and a cookie that ties the form to this browser."),
            made.saying("The account is made, for both doors. Nobody is logged in by that."),
        ));
        Ok(form_token)
    }

    pub(super) async fn log_in(&mut self, owner: &mut Client, form_token: String) -> Result<(), Stopped> {
        let Account { email, password } = self.account;
        let fields = vec![("email", email.clone()), ("password", password.clone()), ("form_token", form_token)];
        let request = post("/login", Shown::Cookies, Body::Form(fields));
        let (session, _) = self.step(owner, Door::Session, &request, 303).await?;
        let body =
            json!({ "email": email, "password": password, "refresh_token_in": "body", "expires_in": EXPIRES_IN });
        let request = post("/api/auth/login", Shown::Nothing, Body::Json(body));
        let (token, issued) = self.step(owner, Door::Token, &request, 200).await?;
        let (access_token, refresh_token) = (issued.text("access_token"), issued.text("refresh_token"));
        let lacking = || Stopped::because("POST /api/auth/login gave no two tokens".to_owned());
        self.access_token = access_token.ok_or_else(lacking)?;
        self.refresh_token = refresh_token.ok_or_else(lacking)?;
        (self.evidence.session_since, self.evidence.token_since) = (session.answered.0, token.answered.0);
        self.evidence.rows.push(Row::pair(
            session.saying("A row was made. The cookie only names it."),
            token.saying(format!("The access token itself says who it is for. It was asked to live {EXPIRES_IN} s.")),
        ));
        Ok(())
    }

    /// Both doors know who it is: first the twins, then a page with more on it and a route that asks for more.
    pub(super) async fn be_known(&mut self, owner: &mut Client) -> Result<String, Stopped> {
        let (session, _) = self.step(owner, Door::Session, &get("/account/me", Shown::Cookies), 200).await?;
        let (token, me) = self.step(owner, Door::Token, &get("/api/me", self.bearer()), 200).await?;
        let exp = me.json()["exp"].as_f64();
        let exp = exp.ok_or_else(|| Stopped::because("GET /api/me did not say when its token ends".to_owned()))?;
        self.evidence.expires_at = exp - self.started_at;
        self.evidence.rows.push(Row::pair(
            session.saying("The row was read, and says who it is."),
            token.saying("The signature was checked, and the token says who it is."),
        ));
        let (session, page) = self.step(owner, Door::Session, &get("/account", Shown::Cookies), 200).await?;
        let (token, _) = self.step(owner, Door::Token, &get("/api/account", self.bearer()), 200).await?;
        self.evidence.rows.push(Row::pair(
            session.saying("A page, with the form that logs out."),
            token.saying("This route checks the token, and then asks whether its login is still alive."),
        ));
        self.form_token(&page, "/account")
    }
}
