//! What there is before the event: instances if need be, an account, its logins, and a thief with copies.

use serde_json::{Value, json};

use super::{
    clock,
    event::Event,
    follower::{Claims, Follower},
    life::Life,
};
use crate::experiments::{
    account::Account,
    client::{Client, Target},
    exchange::Door,
    lab::{Instance, Logins, Run, Stopped, get, post},
    message::{Body, Request, Shown},
};

/// Who issues and who is meant, the same for two instances whatever their addresses.
const NAMES: [(&str, &str); 2] =
    [("TOKEN_ISSUER", "https://doors.example.com"), ("TOKEN_AUDIENCE", "https://doors.example.com/api")];

/// How a copy is tried.
#[derive(Debug)]
pub(super) enum How {
    /// By a request.
    Ask(Box<(Client, Request)>),
    /// The same, but only once the event is over: to redeem a refresh token is to use it up.
    AskAfter(Box<(Client, Request)>),
    /// By a service that looks into what it has heard.
    Follow(Box<(Follower, Claims)>),
}

/// One copy, how it is tried, and what came of it.
#[derive(Debug)]
pub(super) struct Copied {
    pub life: Life,
    pub how: How,
}

/// Everything that an event needs.
#[derive(Debug)]
pub(super) struct Stage {
    pub event: Event,
    /// Private ones: the first is where it happens.
    pub instances: Vec<Instance>,
    pub account: Account,
    pub owner: Logins,
    /// The session first, then what reads claims, asks, follows, renews.
    pub copies: Vec<Copied>,
    /// When the access token expires by its own account.
    pub expires_at: f64,
    /// When the event was over at the last door.
    pub over_at: Option<f64>,
}

impl Stage {
    /// Sets it.
    pub async fn set(run: &mut Run, event: Event) -> Result<Self, Stopped> {
        let (instances, signer) = instances(run, event).await?;
        let (here, there) = targets(run, &instances);
        let account = match instances.is_empty() {
            true => run.account().await?,
            false => run.account_at(&here).await?,
        };
        if event == Event::RoleChange {
            // The last admin stays one: there have to be two.
            let another = run.account_at(&here).await?;
            for email in [&account.email, &another.email] {
                instances[0].command(&["user", "role", email, "admin"]).await?;
            }
        }
        let owner = run.log_in_at_both_for(&here, &account, &json!({ "expires_in": event.token_seconds() })).await?;
        let expires_at = expires_at(&owner.access_token)? - run.started_at();
        let mut stage = Self { event, instances, account, owner, copies: Vec::new(), expires_at, over_at: None };
        stage.be_known(run).await?;
        run.moment("Someone copies the cookie and both tokens");
        match signer {
            Some(signer) => clock::copy(run, &mut stage, &there, &signer)?,
            None => stage.copy(run, &there).await?,
        }
        Ok(stage)
    }

    /// Both doors know who it is.
    async fn be_known(&mut self, run: &mut Run) -> Result<(), Stopped> {
        let bearer = self.owner.bearer();
        let session = run.ask(&mut self.owner.browser, Door::Session, &get("/account/me", Shown::Cookies)).await?;
        let token = run.ask(&mut self.owner.program, Door::Token, &get("/api/me", bearer)).await?;
        session.must_be(200)?;
        token.must_be(200)?;
        run.show_pair(
            session.saying("The row was read, and says who it is."),
            token.saying("The signature was checked, and the token says who it is."),
        );
        Ok(())
    }

    /// What a thief takes; after a theft that was used, what they made of it.
    async fn copy(&mut self, run: &mut Run, there: &Target) -> Result<(), Stopped> {
        let mut thief = self.owner.browser.copied_to(there, "two-doors with a copy")?;
        let (mut access, mut refresh) = (self.owner.access_token.clone(), self.owner.refresh_token.clone());
        if self.event == Event::Theft {
            let body = json!({ "refresh_token": refresh, "expires_in": self.event.token_seconds() });
            let body = Body::Json(body);
            let seen = run.ask(&mut thief, Door::Token, &post("/api/auth/refresh", Shown::Nothing, body)).await?;
            seen.must_be(200)?;
            run.show(
                seen.saying("The thief redeems the refresh token, and now holds tokens that its owner never saw."),
            );
            let lacking = || Stopped::because("POST /api/auth/refresh gave no two tokens");
            access = seen.answer.text("access_token").ok_or_else(lacking)?;
            refresh = seen.answer.text("refresh_token").ok_or_else(lacking)?;
            self.expires_at = expires_at(&access)? - run.started_at();
        }
        let since = run.now();
        let bearer = || Shown::Bearer(access.clone());
        let ask = |request| How::Ask(Box::new((thief.clone(), request)));

        self.add(Door::Session, "session cookie", since, ask(get("/account/me", Shown::Cookies)));
        self.add(Door::Token, "access token, claims only", since, ask(get("/api/me", bearer())));
        self.add(Door::Token, "access token, live check", since, ask(get("/api/account", bearer())));
        let feed = self.instances.first().map_or_else(|| run.target(), |first| first.target().clone());
        match Follower::follow(&feed).await {
            Ok(follower) => {
                let how = How::Follow(Box::new((follower, Claims::of(&access)?)));
                self.add(Door::Token, "access token, at a service that follows the feed", since, how);
            }
            Err(why) => run.moment(format!("No service can follow the feed of endings here: {why}")),
        }
        let body = Body::Json(json!({ "refresh_token": refresh }));
        let redeem = post("/api/auth/refresh", Shown::Nothing, body);
        self.add(Door::Token, "refresh token", since, How::AskAfter(Box::new((thief.clone(), redeem))));
        Ok(())
    }

    pub(super) fn add(&mut self, door: Door, name: &'static str, since: f64, how: How) {
        self.copies.push(Copied { life: Life::new(door, name, since), how });
    }

    pub(super) fn life(&self, name: &str) -> Option<&Life> {
        self.copies.iter().map(|copy| &copy.life).find(|life| life.name == name)
    }
}

async fn instances(run: &mut Run, event: Event) -> Result<(Vec<Instance>, Option<clock::Signer>), Stopped> {
    match event {
        Event::SecondInstance => {
            let first = run.instance(&NAMES).await?;
            let second = first.beside(&NAMES).await?;
            Ok((vec![first, second], None))
        }
        Event::ClockSkew => {
            let signer = clock::Signer::new(&run.lab().surroundings.temporary)?;
            let instance = run.instance(&[("TOKEN_KEY_FILES", signer.file())]).await?;
            Ok((vec![instance], Some(signer)))
        }
        event if event.is_private() => Ok((vec![run.instance(&[]).await?], None)),
        _ => Ok((Vec::new(), None)),
    }
}

/// Where it happens, and where the copies are tried.
fn targets(run: &Run, instances: &[Instance]) -> (Target, Target) {
    let of = |instance: Option<&Instance>| instance.map_or_else(|| run.target(), |instance| instance.target().clone());
    (of(instances.first()), of(instances.last()))
}

/// When a token ends, in seconds since 1970.
pub(super) fn expires_at(token: &str) -> Result<f64, Stopped> {
    let claims: Value = super::follower::claims(token)?;
    claims["exp"].as_f64().ok_or_else(|| Stopped::because("the access token does not say when it ends"))
}
