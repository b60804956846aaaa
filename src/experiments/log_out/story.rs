//! The story, and how its steps are taken.
//!
//! Requests go out one after the other, so that none waits for another's work and each one's time is its own. A step that is
//! answered otherwise than the story needs stops it: from then on nothing would follow from what is seen.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::evidence::Evidence;
use crate::experiments::{
    account::Account,
    client::{Client, Target},
    credentials::Credentials,
    exchange::{Door, Exchange, Seconds},
    finding::Row,
    lab::Stopped,
    message::{Answered, Request, Shown},
};

/// A story that is being told.
pub struct Story<'a> {
    pub(super) account: &'a Account,
    start: Instant,
    /// The same instant in seconds since 1970: tokens name their end that way.
    pub(super) started_at: f64,
    known: Credentials,
    pub(super) access_token: String,
    pub(super) refresh_token: String,
    pub(super) evidence: Evidence,
}

impl<'a> Story<'a> {
    pub fn begin(account: &'a Account) -> Self {
        let mut known = Credentials::default();
        known.hide(&account.password);
        Self {
            account,
            start: Instant::now(),
            started_at: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
            known,
            access_token: String::new(),
            refresh_token: String::new(),
            evidence: Evidence::default(),
        }
    }

    /// What was seen, also by a story that broke off.
    pub fn into_evidence(mut self) -> Evidence {
        self.evidence.over_at = self.now();
        self.evidence
    }

    pub async fn tell(&mut self, target: &Target) -> Result<(), Stopped> {
        let mut owner = Client::new(target, "two-doors comparing")?;
        let form_token = self.sign_up(&mut owner).await?;
        self.log_in(&mut owner, form_token).await?;
        let form_token = self.be_known(&mut owner).await?;
        let mut thief = owner.copied("two-doors with a copy")?;
        self.moment("Someone copies the cookie and both tokens");
        self.try_the_copies(&mut thief).await?;
        self.log_out(&mut owner, form_token).await?;
        self.wait_for_the_last(&mut thief).await
    }

    /// Sends what the story needs answered with `status`.
    pub(super) async fn step(
        &mut self,
        owner: &mut Client,
        door: Door,
        request: &Request,
        status: u16,
    ) -> Result<(Exchange, Answered), Stopped> {
        let answer = owner.send(request).await?;
        if answer.status != status {
            let Request { method, path, .. } = request;
            return Err(Stopped::because(format!("{method} {path} was answered {}, not {status}", answer.status)));
        }
        self.learn(&answer);
        Ok((self.write(request, &answer, (door, false), true), answer))
    }

    pub(super) fn write(&self, request: &Request, answer: &Answered, by: (Door, bool), accepted: bool) -> Exchange {
        Exchange::new(by, self.start, request, answer, accepted, &self.known)
    }

    /// Recognises the credentials of an answer from now on.
    pub(super) fn learn(&mut self, answer: &Answered) {
        for (_, value, _) in answer.cookies() {
            self.known.learn(value);
        }
        for token in [answer.text("access_token"), answer.text("refresh_token")].into_iter().flatten() {
            self.known.learn(&token);
        }
    }

    /// The token of the forms on a page.
    pub(super) fn form_token(&mut self, page: &Answered, path: &str) -> Result<String, Stopped> {
        let token = page.body.split("name=\"form_token\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let token = token.ok_or_else(|| Stopped::because(format!("GET {path} showed no form")))?;
        self.known.learn(token);
        Ok(token.to_owned())
    }

    pub(super) fn moment(&mut self, text: &str) {
        let at = Seconds(self.now());
        self.evidence.rows.push(Row::Moment { at, text: text.to_owned() });
    }

    pub(super) fn now(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    pub(super) fn bearer(&self) -> Shown {
        Shown::Bearer(self.access_token.clone())
    }
}
