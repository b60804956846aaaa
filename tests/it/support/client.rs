//! A program that uses the API: keeps its two tokens itself, the refresh token in the body.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{Answer, http};

/// A program with its tokens. Cloning it copies them, as a thief would.
#[derive(Debug, Clone)]
pub struct Client {
    address: SocketAddr,
    pub access_token: String,
    pub refresh_token: String,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, access_token: String::new(), refresh_token: String::new() }
    }

    /// Takes everything along to another server.
    pub fn move_to(&mut self, address: SocketAddr) {
        self.address = address;
    }

    /// Sends JSON, with the access token if there is one.
    pub async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let bearer = format!("Bearer {}", self.access_token);
        let mut headers = Vec::new();
        if !self.access_token.is_empty() {
            headers.push(("authorization", bearer.as_str()));
        }
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        http::send(self.address, method, path, &headers, body.map(Value::to_string).unwrap_or_default()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, Some(body)).await
    }

    /// Takes over the tokens of an answer.
    pub fn keep(&mut self, answer: &Answer) {
        if answer.status == 200 {
            let body = answer.json();
            self.access_token = body["access_token"].as_str().expect("an access token").to_owned();
            if let Some(refresh_token) = body["refresh_token"].as_str() {
                self.refresh_token = refresh_token.to_owned();
            }
        }
    }

    pub async fn log_in(&mut self, email: &str, password: &str) -> Answer {
        self.access_token.clear();
        let body = json!({ "email": email, "password": password, "refresh_token_in": "body" });
        let answer = self.post("/api/auth/login", &body).await;
        self.keep(&answer);
        answer
    }

    /// The same client with another refresh token.
    pub fn with_refresh_token(&self, refresh_token: &str) -> Self {
        Self { refresh_token: refresh_token.to_owned(), ..self.clone() }
    }

    /// Redeems the refresh token without keeping what comes of it.
    pub async fn redeem(&self) -> Answer {
        let anonymous = Self::new(self.address);
        anonymous.post("/api/auth/refresh", &json!({ "refresh_token": self.refresh_token })).await
    }

    pub async fn renew(&mut self) -> Answer {
        let answer = self.redeem().await;
        self.keep(&answer);
        answer
    }

    pub async fn log_out(&self) -> Answer {
        let anonymous = Self::new(self.address);
        anonymous.post("/api/auth/logout", &json!({ "refresh_token": self.refresh_token })).await
    }

    pub async fn change_password(&mut self, present: &str, new: &str) -> Answer {
        let body = json!({ "current_password": present, "new_password": new, "refresh_token_in": "body" });
        let answer = self.post("/api/account/password", &body).await;
        self.keep(&answer);
        answer
    }
}
