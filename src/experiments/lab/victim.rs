//! Somebody for the real doors to defend: a throwaway user whose browser holds a cookie of each.

use reqwest::header;
use serde_json::json;

use super::{Run, Stopped, attacks, post};
use crate::experiments::{
    client::Client,
    exchange::Door,
    message::{Answered, Body, Request, Shown},
    specimens::report::Arrival,
};

/// A user of both doors, in a browser.
#[derive(Debug)]
pub struct Victim {
    /// The browser as it is at the site: with the session’s cookie.
    pub site: Client,
    /// The same at the API: with the refresh token’s.
    pub api: Client,
    /// What the cookies are called, and what they were set with.
    pub cookies: Vec<(String, String)>,
}

impl Run {
    /// Logs a throwaway user in at both doors, as a browser does.
    pub async fn victim(&mut self) -> Result<Victim, Stopped> {
        let (target, account) = (self.target(), self.account().await?);
        let (site, session) = self.log_in_at_the_site(&target, &account, "two-doors experiment").await?;
        let mut api = Client::new(&target, "two-doors experiment")?;
        let body = Body::Json(json!({ "email": account.email, "password": account.password }));
        let token = self.ask(&mut api, Door::Token, &post("/api/auth/login", Shown::Nothing, body)).await?;
        token.must_be(200)?;
        let cookies = [&session.answer, &token.answer].into_iter().flat_map(attributes).collect();
        self.show_pair(
            session.saying("At the real door: a session, by a cookie."),
            token.saying("A token to hold, and the refresh token in a cookie."),
        );
        Ok(Victim { site, api, cookies })
    }
}

/// A form as another host’s page sent it, to a real door: the headers are that browser’s, the cookies the victim’s.
#[must_use]
pub fn forged(attack: &Arrival, path: &'static str, fields: &[(&'static str, &str)]) -> Request {
    let fields = fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Request { headers: attacks::origin_headers(attack), ..post(path, Shown::Cookies, Body::Form(fields)) }
}

/// The names and the attributes of the cookies that an answer sets; the values are nobody’s affair.
fn attributes(answer: &Answered) -> Vec<(String, String)> {
    let lines = answer.headers.get_all(header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
    let kept = lines.filter(|line| !line.contains("Max-Age=0"));
    let parts = kept.filter_map(|line| {
        let (name, rest) = line.split_once('=')?;
        Some((name.to_owned(), rest.split_once("; ").map_or("", |(_, attributes)| attributes).to_owned()))
    });
    parts.collect()
}
