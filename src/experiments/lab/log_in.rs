//! How the people of an experiment come in: a browser at the site, a program at the API, or both.

use serde_json::json;

use super::{Run, Seen, Stopped, get, post};
use crate::experiments::{
    account::Account,
    client::{Client, Target},
    exchange::Door,
    message::{Body, Shown},
};

/// One person, logged in at both doors.
#[derive(Debug)]
pub struct Logins {
    /// Their browser, with the session's cookie in its jar.
    pub browser: Client,
    /// The token of the site's log-out form, and of every other form for ten minutes or more.
    pub form_token: String,
    /// Their program.
    pub program: Client,
    /// Its access token.
    pub access_token: String,
    /// Its refresh token.
    pub refresh_token: String,
}

impl Logins {
    /// The access token as it is shown to the API.
    #[must_use]
    pub fn bearer(&self) -> Shown {
        Shown::Bearer(self.access_token.clone())
    }
}

impl Run {
    /// Logs in with the site's form; the browser holds the cookie afterwards. Both requests can be shown.
    pub async fn log_in_at_the_site(
        &mut self,
        target: &Target,
        account: &Account,
        name: &str,
    ) -> Result<(Client, Seen), Stopped> {
        let mut browser = Client::new(target, name)?;
        let form_token = self.form_token(&mut browser, "/login").await?;
        let fields =
            vec![("email", account.email.clone()), ("password", account.password.clone()), ("form_token", form_token)];
        let seen = self.ask(&mut browser, Door::Session, &post("/login", Shown::Cookies, Body::Form(fields))).await?;
        seen.must_be(303)?;
        Ok((browser, seen))
    }

    /// Logs in at the API, with these members of the request besides. Gives the access and the refresh token.
    pub async fn log_in_at_the_api(
        &mut self,
        client: &mut Client,
        account: &Account,
        besides: &serde_json::Value,
    ) -> Result<(String, String, Seen), Stopped> {
        let mut body = json!({ "email": account.email, "password": account.password, "refresh_token_in": "body" });
        for (name, value) in besides.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let seen = self.ask(client, Door::Token, &post("/api/auth/login", Shown::Nothing, Body::Json(body))).await?;
        seen.must_be(200)?;
        let lacking = || Stopped::because("POST /api/auth/login gave no two tokens");
        let access = seen.answer.text("access_token").ok_or_else(lacking)?;
        let refresh = seen.answer.text("refresh_token").ok_or_else(lacking)?;
        Ok((access, refresh, seen))
    }

    /// The browser of somebody who has an account for it, logged in at the site that is asked; that is shown, and `says`
    /// what there is to say of it.
    pub async fn browser(&mut self, says: impl Into<String>) -> Result<Client, Stopped> {
        let (target, account) = (self.target(), self.account().await?);
        self.browser_of(&target, &account, says).await
    }

    /// The same for an account that there is, at any server.
    pub async fn browser_of(
        &mut self,
        target: &Target,
        account: &Account,
        says: impl Into<String>,
    ) -> Result<Client, Stopped> {
        let (browser, seen) = self.log_in_at_the_site(target, account, "two-doors experiment").await?;
        self.show(seen.saying(says));
        Ok(browser)
    }

    /// Its twin: a program, logged in at the API. Gives its access token, too.
    pub async fn program(&mut self, says: impl Into<String>) -> Result<(Client, String), Stopped> {
        let (target, account) = (self.target(), self.account().await?);
        self.program_of(&target, &account, says).await
    }

    /// The same for an account that there is, at any server.
    pub async fn program_of(
        &mut self,
        target: &Target,
        account: &Account,
        says: impl Into<String>,
    ) -> Result<(Client, String), Stopped> {
        let mut program = Client::new(target, "two-doors experiment")?;
        let (token, _, seen) = self.log_in_at_the_api(&mut program, account, &json!({})).await?;
        self.show(seen.saying(says));
        Ok((program, token))
    }

    /// Logs the account in at both doors and shows that as one line.
    pub async fn log_in_at_both(&mut self, target: &Target, account: &Account) -> Result<Logins, Stopped> {
        self.log_in_at_both_for(target, account, &json!({})).await
    }

    /// The same with an account that is made for it, at an instance that is thrown away anyway.
    pub async fn log_in_somebody(&mut self, target: &Target) -> Result<Logins, Stopped> {
        let account = self.account_at(target).await?;
        self.log_in_at_both(target, &account).await
    }

    /// The same, with these members of the API's request besides.
    pub async fn log_in_at_both_for(
        &mut self,
        target: &Target,
        account: &Account,
        besides: &serde_json::Value,
    ) -> Result<Logins, Stopped> {
        let (mut browser, session) = self.log_in_at_the_site(target, account, "two-doors experiment").await?;
        let mut program = Client::new(target, "two-doors experiment")?;
        let (access_token, refresh_token, token) = self.log_in_at_the_api(&mut program, account, besides).await?;
        self.show_pair(
            session.saying("A row was made. The cookie only names it."),
            token.saying("The access token itself says who it is for."),
        );
        let form_token = self.form_token(&mut browser, "/account").await?;
        Ok(Logins { browser, form_token, program, access_token, refresh_token })
    }

    /// Fetches a page and takes the token of its forms; not shown.
    pub async fn form_token(&mut self, browser: &mut Client, path: &'static str) -> Result<String, Stopped> {
        let seen = self.ask(browser, Door::Session, &get(path, Shown::Cookies)).await?;
        seen.must_be(200)?;
        let body = &seen.answer.body;
        let token = body.split("name=\"form_token\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let token = token.ok_or_else(|| Stopped::because(format!("GET {path} showed no form")))?.to_owned();
        self.learn(&token);
        Ok(token)
    }
}
