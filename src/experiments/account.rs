//! The account of a run: invented, made through the API's sign-up, and removed through the API as its owner would.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    experiments::{
        client::{Client, Target, Unanswered},
        lab::Stopped,
        message::{Body, Request, Shown},
    },
    secrets::{hex, random},
};

/// An e-mail address that nobody has, and a password that nobody knows.
#[derive(Clone)]
pub struct Account {
    /// Its e-mail address.
    pub email: String,
    /// Its password.
    pub password: String,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("email", &self.email).finish_non_exhaustive()
    }
}

/// How the removal went.
#[derive(Debug)]
pub enum Removed {
    /// It is gone, or it was never made.
    Gone {
        /// How long an access token of this server lives if nobody asks for a shorter one, in seconds.
        usual_lifetime: Option<u64>,
    },
    /// It is still there, for the sweeper.
    Left(String),
}

impl Account {
    /// Another one at each call.
    #[must_use]
    pub fn invent() -> Self {
        Self {
            email: format!("run-{}@throwaway.invalid", hex(&random::<8>())),
            // An alphabet that forms and JSON leave as it is, so that it is recognised in both.
            password: URL_SAFE_NO_PAD.encode(random::<24>()),
        }
    }

    /// The body that makes it at `POST /api/users`.
    #[must_use]
    pub fn sign_up(&self) -> Value {
        json!({ "email": self.email, "display_name": "Throwaway", "password": self.password })
    }

    /// Makes it at a server.
    pub async fn make(&self, target: &Target) -> Result<(), Stopped> {
        let mut client = Client::new(target, "two-doors experiment")?;
        let request = Request {
            method: Method::POST,
            path: "/api/users".into(),
            body: Body::Json(self.sign_up()),
            ..<_>::default()
        };
        match client.send(&request).await?.status {
            201 => Ok(()),
            429 if !target.is_exempt() => Err(Stopped::because(
                "this server takes no more sign-ups from here for a while; a shell that has its SECRETS is not counted",
            )),
            status => Err(Stopped::because(format!("POST /api/users was answered {status}"))),
        }
    }

    /// Deletes it, as its owner would.
    pub async fn remove(&self, target: &Target) -> Removed {
        match self.try_to_remove(target).await {
            Ok(removed) => removed,
            Err(unanswered) => Removed::Left(unanswered.to_string()),
        }
    }

    /// Logs in once more, as the logins of the story have ended. An account that was never made is refused there.
    async fn try_to_remove(&self, target: &Target) -> Result<Removed, Unanswered> {
        let mut client = Client::new(target, "two-doors cleaning up")?;
        let body = json!({ "email": self.email, "password": self.password, "refresh_token_in": "body" });
        let log_in =
            Request { method: Method::POST, path: "/api/auth/login".into(), body: Body::Json(body), ..<_>::default() };
        let answer = client.send(&log_in).await?;
        let issued = answer.json();
        let token = match (answer.status, issued["access_token"].as_str()) {
            (200, Some(token)) => token.to_owned(),
            (401, _) => return Ok(Removed::Gone { usual_lifetime: None }),
            (status, _) => return Ok(Removed::Left(format!("POST /api/auth/login was answered {status}"))),
        };
        let delete = Request {
            method: Method::DELETE,
            path: "/api/account".into(),
            shown: Shown::Bearer(token),
            body: Body::Json(json!({ "current_password": self.password })),
            ..Request::default()
        };
        Ok(match client.send(&delete).await?.status {
            204 => Removed::Gone { usual_lifetime: issued["expires_in"].as_u64() },
            status => Removed::Left(format!("DELETE /api/account was answered {status}")),
        })
    }
}
