//! A visitor of the site: keeps cookies as a browser does, and finds the token in the forms it fills in.

use std::{collections::BTreeMap, net::SocketAddr};

use actix_web::rt::task::JoinHandle;

use super::{Answer, http};

/// A visitor with a cookie jar. Cloning it copies the jar, as a thief would.
#[derive(Debug, Clone)]
pub struct Browser {
    address: SocketAddr,
    pub jar: BTreeMap<String, String>,
    /// Sent with every request.
    pub headers: Vec<(String, String)>,
}

impl Browser {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, jar: BTreeMap::new(), headers: Vec::new() }
    }

    /// Takes everything along to another server.
    pub fn move_to(&mut self, address: SocketAddr) {
        self.address = address;
    }

    /// The `Cookie` header that the jar makes.
    pub fn cookies(&self) -> String {
        self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    async fn send(&mut self, method: &str, path: &str, body: String) -> Answer {
        let cookies = self.cookies();
        let mut headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if !cookies.is_empty() {
            headers.push(("cookie", &cookies));
        }
        if method == "POST" {
            headers.push(("content-type", "application/x-www-form-urlencoded"));
        }
        let answer = http::send(self.address, method, path, &headers, body).await;
        self.keep(&answer);
        answer
    }

    /// Does to the jar what an answer says.
    pub fn keep(&mut self, answer: &Answer) {
        for line in answer.set_cookies() {
            let (name, value) = line.split(';').next().and_then(|pair| pair.split_once('=')).expect("a pair");
            if line.contains("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, String::new()).await
    }

    /// Sends a form as it is, without a token of its own.
    pub async fn post_raw(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send("POST", path, body).await
    }

    /// The token of the forms on a page.
    pub async fn form_token(&mut self, page: &str) -> String {
        let answer = self.get(page).await;
        let token = answer.body.split("name=\"form_token\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        token.unwrap_or_else(|| panic!("no form on {page}: {answer:?}")).to_owned()
    }

    /// Opens a page, fills in its form and sends it to `path`.
    pub async fn post_from(&mut self, page: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.form_token(page).await;
        let mut fields = fields.to_vec();
        fields.push(("form_token", &token));
        self.post_raw(path, &fields).await
    }

    /// Opens a page and fills in its form, to be sent at the right moment.
    pub async fn filled_in(mut self, page: &str, path: &str, fields: &[(&str, &str)]) -> FilledIn {
        let token = self.form_token(page).await;
        let mut fields: Vec<(String, String)> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        fields.push(("form_token".to_owned(), token));
        FilledIn { browser: self, path: path.to_owned(), fields }
    }

    pub async fn sign_up(&mut self, email: &str, display_name: &str, password: &str) -> Answer {
        let fields = [("email", email), ("display_name", display_name), ("password", password)];
        self.post_from("/signup", "/signup", &fields).await
    }

    pub async fn log_in(&mut self, email: &str, password: &str) -> Answer {
        self.post_from("/login", "/login", &[("email", email), ("password", password)]).await
    }

    pub async fn log_out(&mut self) -> Answer {
        self.post_from("/account", "/logout", &[]).await
    }

    pub async fn change_password(&mut self, present: &str, new: &str) -> Answer {
        let fields = [("current_password", present), ("new_password", new)];
        self.post_from("/account", "/account/password", &fields).await
    }

    /// Whether the site knows who this is.
    pub async fn is_logged_in(&mut self) -> bool {
        let answer = self.get("/account/me").await;
        match answer.status {
            200 => true,
            303 => false,
            403 if answer.body.contains("Your account is banned") => false,
            other => panic!("neither known nor anonymous: {other}"),
        }
    }
}

/// A form that only has to be sent.
pub struct FilledIn {
    pub browser: Browser,
    path: String,
    fields: Vec<(String, String)>,
}

impl FilledIn {
    /// Sends it without waiting for the answer.
    pub fn send(self) -> JoinHandle<(Answer, Browser)> {
        let Self { mut browser, path, fields } = self;
        actix_web::rt::spawn(async move {
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let answer = browser.post_raw(&path, &fields).await;
            (answer, browser)
        })
    }
}
