//! What a request costs at either door, over HTTP against this very server, with an account made for it and deleted after it.
//!
//! Four routes take turns, so that a moment in which the machine is busy hits all alike: one that asks for no credential,
//! and three that ask who is there. Of each the round trip is measured here, and the server itself says, in
//! `Server-Timing`, how much of it went into finding out who asks: the only way to tell a look-up from everything else
//! without seeing the server's inside.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Unmeasured,
    sample::{Sample, Unit},
};
use crate::experiments::{
    account::Account,
    client::{Client, Target},
    message::{Answered, Body, Request, Shown},
};

/// What a request to one route costs.
#[derive(Debug)]
pub struct Route {
    /// Until the whole answer was there.
    pub round_trip: Sample,
    /// What finding out who asks took, as the server says; nothing if it does not say.
    pub authentication: Option<Sample>,
    /// How many SQL statements the answer took, as the server says.
    pub statements: Option<u32>,
}

/// What both doors cost.
#[derive(Debug)]
pub struct Doors {
    /// A route that asks nobody who they are.
    pub nobody: Route,
    /// The session is looked up.
    pub session: Route,
    /// The token's claims are checked.
    pub claims: Route,
    /// And its login is looked up.
    pub live: Route,
    /// The header line that carries the session's cookie.
    pub cookie_line: usize,
    /// The header line that carries the access token.
    pub bearer_line: usize,
    /// What the token says, to be signed in other ways.
    pub claims_of_the_token: Value,
}

/// Nobody else may measure meanwhile.
const PATIENCE: Duration = Duration::from_mins(1);
/// For a machine that is busy with something else for a moment.
const TRIES: usize = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

#[derive(Default)]
struct Seen {
    round_trips: Vec<Duration>,
    authentications: Vec<Duration>,
    statements: Option<u32>,
}

/// Makes an account, measures `n` requests to each route, and deletes the account, whatever happens.
pub async fn measure(target: &Target, n: usize) -> Result<Doors, Unmeasured> {
    let account = Account::invent();
    let measured = tokio::time::timeout(PATIENCE, with(&account, target, n)).await;
    account.remove(target).await;
    measured.map_err(|_| Unmeasured("it was not over within a minute".to_owned()))?
}

async fn with(account: &Account, target: &Target, n: usize) -> Result<Doors, Unmeasured> {
    let mut client = Client::new(target, "two-doors measuring")?;
    log_in_with_the_form(&mut client, account).await?;
    let token = log_in_with_a_request(&mut client, account).await?;
    let bearer = Shown::Bearer(token.clone());
    let routes = [
        get("/healthz", Shown::Nothing),
        get("/account/me", Shown::Cookies),
        get("/api/me", bearer.clone()),
        get("/api/account", bearer),
    ];
    let mut seen: [Seen; 4] = Default::default();
    let mut lines = [0; 4];
    for turn in 0..n + n / 10 {
        for (at, request) in routes.iter().enumerate() {
            let answer = once_there_is_time(&mut client, request).await?;
            lines[at] = answer.sent.iter().map(|(name, value)| format!("{name}: {value}\r\n").len()).sum();
            if turn >= n / 10 {
                seen[at].add(&answer);
            }
        }
    }
    let [nobody, session, claims, live] = seen.map(Seen::route);
    Ok(Doors {
        nobody: nobody?,
        session: session?,
        claims: claims?,
        live: live?,
        cookie_line: lines[1],
        bearer_line: lines[2],
        claims_of_the_token: claims_of(&token),
    })
}

/// Asks again while the server says that it has too much to do: what took no look-up says nothing of what one takes.
async fn once_there_is_time(client: &mut Client, request: &Request) -> Result<Answered, Unmeasured> {
    for _ in 0..TRIES {
        let answer = client.send(request).await?;
        if answer.status == 200 {
            return Ok(answer);
        }
        if answer.status != 503 {
            break;
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    answered(client, request, 200).await
}

async fn log_in_with_the_form(client: &mut Client, account: &Account) -> Result<(), Unmeasured> {
    answered(client, &post("/api/users", Body::Json(account.sign_up())), 201).await?;
    let page = answered(client, &get("/login", Shown::Cookies), 200).await?;
    let token = page.body.split("name=\"form_token\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let token = token.ok_or_else(|| Unmeasured("GET /login showed no form".to_owned()))?.to_owned();
    let fields = vec![("email", account.email.clone()), ("password", account.password.clone()), ("form_token", token)];
    let form = Request { shown: Shown::Cookies, ..post("/login", Body::Form(fields)) };
    answered(client, &form, 303).await.map(drop)
}

async fn log_in_with_a_request(client: &mut Client, account: &Account) -> Result<String, Unmeasured> {
    let body = json!({ "email": account.email, "password": account.password, "refresh_token_in": "body" });
    let issued = answered(client, &post("/api/auth/login", Body::Json(body)), 200).await?;
    issued.text("access_token").ok_or_else(|| Unmeasured("POST /api/auth/login gave no access token".to_owned()))
}

async fn answered(client: &mut Client, request: &Request, status: u16) -> Result<Answered, Unmeasured> {
    let answer = client.send(request).await?;
    if answer.status == status {
        return Ok(answer);
    }
    Err(Unmeasured(format!("{} {} was answered {}, not {status}", request.method, request.path, answer.status)))
}

fn get(path: &'static str, shown: Shown) -> Request {
    Request { path: path.into(), shown, ..Request::default() }
}

fn post(path: &'static str, body: Body) -> Request {
    Request { method: Method::POST, path: path.into(), body, ..Request::default() }
}

/// What a token says; it is only signed, so anybody may read it.
fn claims_of(token: &str) -> Value {
    let payload = token.split('.').nth(1).and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    payload.and_then(|payload| serde_json::from_slice(&payload).ok()).unwrap_or_default()
}

impl Seen {
    fn add(&mut self, answer: &Answered) {
        self.round_trips.push(answer.answered_at.duration_since(answer.sent_at));
        self.authentications.extend(authentication(answer));
        self.statements = answer.statements();
    }

    fn route(self) -> Result<Route, Unmeasured> {
        let round_trip = Sample::of(&self.round_trips, Unit::Microseconds);
        Ok(Route {
            round_trip: round_trip.ok_or_else(|| Unmeasured("nothing was to be measured".to_owned()))?,
            authentication: Sample::of(&self.authentications, Unit::Microseconds),
            statements: self.statements,
        })
    }
}

/// How long the server says that finding out who asks took.
#[must_use]
pub fn authentication(answer: &Answered) -> Option<Duration> {
    let entry = answer.header("server-timing")?.split(',').find_map(|entry| entry.trim().strip_prefix("auth;dur="))?;
    let milliseconds: f64 = entry.split(';').next()?.parse().ok()?;
    Duration::try_from_secs_f64(milliseconds / 1e3).ok()
}
