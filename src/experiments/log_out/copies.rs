//! The story from the theft on: the copies are tried, their owner logs out, and they are tried again until the last is dead.
//!
//! The refresh token's copy is tried only after log-out: before it, redeeming it would replace it.

use std::time::Duration;

use serde_json::json;

use super::{
    evidence::{LogOut, Round},
    story::Story,
};
use crate::experiments::{
    client::Client,
    exchange::{Door, Exchange},
    finding::Row,
    lab::{Stopped, get, post},
    message::{Body, Request, Shown},
};

/// From one round to the next.
const BETWEEN_ROUNDS: Duration = Duration::from_millis(250);
/// Rounds before log-out, which show that the copies are good.
const ROUNDS_BEFORE: usize = 4;
/// Rounds that find the last copy dead, to see that it stays so.
const ROUNDS_OF_THE_DEAD: usize = 4;
/// How long after the end that it names a token is still waited for.
const PATIENCE_SECONDS: f64 = 3.0;

impl Story<'_> {
    pub(super) async fn try_the_copies(&mut self, thief: &mut Client) -> Result<(), Stopped> {
        for round in 0..ROUNDS_BEFORE {
            if round > 0 {
                tokio::time::sleep(BETWEEN_ROUNDS).await;
            }
            let round = self.round(thief, false).await?;
            if ![&round.session, &round.claims, &round.live].iter().all(|probe| probe.accepted) {
                return Err(Stopped::because("a copy was refused before its owner had logged out".to_owned()));
            }
            if self.evidence.before.is_empty() {
                let good = "A copy is as good as the original.";
                self.evidence
                    .rows
                    .push(Row::pair(round.session.clone().saying(good), round.claims.clone().saying(good)));
            }
            self.evidence.before.push(round);
        }
        Ok(())
    }

    pub(super) async fn log_out(&mut self, owner: &mut Client, form_token: String) -> Result<(), Stopped> {
        self.moment("The owner logs out at both doors");
        let request = post("/logout", Shown::Cookies, Body::Form(vec![("form_token", form_token)]));
        let (session, _) = self.step(owner, Door::Session, &request, 303).await?;
        let body = Body::Json(json!({ "refresh_token": self.refresh_token }));
        let request = post("/api/auth/logout", self.bearer(), body);
        let (token, _) = self.step(owner, Door::Token, &request, 200).await?;
        let log_out = LogOut {
            session_sent: session.at.0,
            session_answered: session.answered.0,
            token_sent: token.at.0,
            token_answered: token.answered.0,
        };
        self.evidence.rows.push(Row::pair(
            session.saying("The row is ended, and the browser is told to drop its cookie."),
            token.saying("The login is ended, and the answer says itself what that can’t reach."),
        ));
        self.evidence.log_out = Some(log_out);
        if log_out.token_answered >= self.evidence.expires_at {
            return Err(Stopped::because(
                "the access token had expired before its owner was logged out: too slow".to_owned(),
            ));
        }
        Ok(())
    }

    pub(super) async fn wait_for_the_last(&mut self, thief: &mut Client) -> Result<(), Stopped> {
        let mut ticks = tokio::time::interval(BETWEEN_ROUNDS);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut rounds_of_the_dead = 0;
        while rounds_of_the_dead < ROUNDS_OF_THE_DEAD && self.now() < self.evidence.expires_at + PATIENCE_SECONDS {
            ticks.tick().await;
            let round = self.round(thief, true).await?;
            let probes = [Some(&round.session), Some(&round.claims), Some(&round.live), round.refresh.as_ref()];
            if probes.into_iter().flatten().all(|probe| !probe.accepted) {
                rounds_of_the_dead += 1;
            }
            self.evidence.after.push(round);
        }
        Ok(())
    }

    /// Tries every copy once.
    async fn round(&mut self, thief: &mut Client, with_refresh: bool) -> Result<Round, Stopped> {
        let session = self.probe(thief, Door::Session, &get("/account/me", Shown::Cookies)).await?;
        let claims = self.probe(thief, Door::Token, &get("/api/me", self.bearer())).await?;
        let live = self.probe(thief, Door::Token, &get("/api/account", self.bearer())).await?;
        let refresh = match with_refresh {
            true => {
                let body = Body::Json(json!({ "refresh_token": self.refresh_token }));
                Some(self.probe(thief, Door::Token, &post("/api/auth/refresh", Shown::Nothing, body)).await?)
            }
            false => None,
        };
        Ok(Round { session, claims, live, refresh })
    }

    /// Tries one copy. An answer that neither lets it in nor refuses it, such as an outage, says nothing of the copy.
    async fn probe(&mut self, thief: &mut Client, door: Door, request: &Request) -> Result<Exchange, Stopped> {
        let answer = thief.send(request).await?;
        let to_log_in = answer.header("location").is_some_and(|location| location.starts_with("/login"));
        let accepted = match (door, answer.status) {
            (_, 200) => true,
            (Door::Session, 303) if to_log_in => false,
            (Door::Token, 401) => false,
            (_, status) => {
                let Request { method, path, .. } = request;
                return Err(Stopped::because(format!(
                    "{method} {path} was answered {status}, which neither lets the copy in nor refuses it"
                )));
            }
        };
        self.learn(&answer);
        Ok(self.write(request, &answer, (door, true), accepted))
    }
}
