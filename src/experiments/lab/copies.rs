//! Copies of credentials, tried from a second client again and again until they are dead.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::{
    Logins, Run, Stopped,
    requests::{claims_me, live_account, session_me},
};
use crate::experiments::{
    client::Client,
    exchange::{Door, Exchange},
    figure::{Bar, Figure},
    message::Request,
};

/// From one round to the next.
const BETWEEN_ROUNDS: Duration = Duration::from_millis(250);
/// How often a round is shown although it says nothing new, in seconds.
const SHOWN_EVERY: f64 = 1.0;

/// A copy, and what became of each try of it.
#[derive(Debug)]
pub struct Copy {
    /// What it is, and where it is shown.
    pub name: &'static str,
    /// Whose credential it is.
    pub door: Door,
    client: Client,
    request: Request,
    tries: Vec<Try>,
}

#[derive(Debug)]
struct Try {
    sent: f64,
    answered: f64,
    accepted: bool,
    role: Option<String>,
}

impl Copy {
    /// A copy that nobody has tried yet.
    #[must_use]
    pub fn new(name: &'static str, door: Door, client: Client, request: Request) -> Self {
        Self { name, door, client, request, tries: Vec::new() }
    }

    /// How many requests were sent after an instant, in seconds since the run began.
    #[must_use]
    pub fn tries_after(&self, instant: f64) -> usize {
        self.tries.iter().filter(|tried| tried.sent >= instant).count()
    }

    /// How many of those were let in.
    #[must_use]
    pub fn let_in_after(&self, instant: f64) -> usize {
        self.tries.iter().filter(|tried| tried.sent >= instant && tried.accepted).count()
    }

    /// How many were refused, with the refusal there before an instant.
    #[must_use]
    pub fn refused_before(&self, instant: f64) -> usize {
        self.tries.iter().filter(|tried| tried.answered < instant && !tried.accepted).count()
    }

    /// How long after an instant the last request was sent that was let in, in seconds.
    #[must_use]
    pub fn outlived(&self, instant: f64) -> f64 {
        let last = self.tries.iter().rfind(|tried| tried.accepted).map_or(instant, |tried| tried.sent);
        (last - instant).max(0.0)
    }

    /// How many of the requests that were let in after an instant were told this role.
    #[must_use]
    pub fn told(&self, role: &str, instant: f64) -> usize {
        let told = |tried: &&Try| tried.sent >= instant && tried.accepted && tried.role.as_deref() == Some(role);
        self.tries.iter().filter(told).count()
    }

    fn count(&self) -> String {
        let let_in = self.tries.iter().filter(|tried| tried.accepted).count();
        format!("Tried {} times so far, let in {let_in} times.", self.tries.len())
    }
}

impl Logins {
    /// What a thief copies: the cookie; the access token where only its claims are read; the same where its login is looked up.
    pub fn copies(&self) -> Result<[Copy; 3], Stopped> {
        let thief = |client: &Client| client.copied("two-doors with a copy");
        let (cookie, bearer, token) = (thief(&self.browser)?, thief(&self.program)?, &self.access_token);
        Ok([
            Copy::new("session cookie", Door::Session, cookie, session_me()),
            Copy::new("access token, claims only", Door::Token, bearer.clone(), claims_me(token)),
            Copy::new("access token, live check", Door::Token, bearer, live_account(token)),
        ])
    }
}

impl Run {
    /// Tries each of them once; they must all be let in.
    pub async fn try_good_copies(&mut self, copies: &mut [Copy], says: &str) -> Result<(), Stopped> {
        let round = self.round(copies).await?;
        if !round.iter().all(|exchange| exchange.accepted) {
            return Err(Stopped::because("a copy was refused before anything had happened"));
        }
        self.show_round(round.into_iter().map(|exchange| exchange.saying(says)).collect());
        Ok(())
    }

    /// Tries all of them four times a second until an instant; shows one round a second, and those in which something changes.
    pub async fn watch(&mut self, copies: &mut [Copy], until: f64) -> Result<(), Stopped> {
        let mut ticks = tokio::time::interval(BETWEEN_ROUNDS);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut shown_at, mut last) = (f64::MIN, Vec::new());
        while self.now() < until {
            ticks.tick().await;
            let round = self.round(copies).await?;
            let accepted: Vec<bool> = round.iter().map(|exchange| exchange.accepted).collect();
            if accepted != last || self.now() - shown_at >= SHOWN_EVERY {
                shown_at = self.now();
                let said = |(exchange, copy): (Exchange, &Copy)| exchange.saying(copy.count());
                self.show_round(round.into_iter().zip(&*copies).map(said).collect());
            }
            last = accepted;
        }
        Ok(())
    }

    async fn round(&mut self, copies: &mut [Copy]) -> Result<Vec<Exchange>, Stopped> {
        let mut round = Vec::with_capacity(copies.len());
        for copy in copies {
            let seen = self.ask(&mut copy.client, copy.door, &copy.request).await?;
            // Anything else, such as an outage, says nothing of the copy.
            if !seen.accepted() && ![303, 401, 403].contains(&seen.status()) {
                return Err(Stopped::because(format!("the {} was answered {}", copy.name, seen.status())));
            }
            let Exchange { at, answered, accepted, .. } = seen.exchange;
            copy.tries.push(Try { sent: at.0, answered: answered.0, accepted, role: seen.answer.text("role") });
            round.push(seen.exchange);
        }
        Ok(round)
    }

    /// The first of each door side by side, the others below.
    fn show_round(&mut self, round: Vec<Exchange>) {
        let (sessions, tokens): (Vec<_>, Vec<_>) =
            round.into_iter().partition(|exchange| exchange.door == Door::Session);
        let (mut sessions, mut tokens) = (sessions.into_iter(), tokens.into_iter());
        match (sessions.next(), tokens.next()) {
            (Some(session), Some(token)) => self.show_pair(session, token),
            (session, token) => session.into_iter().chain(token).for_each(|exchange| self.show(exchange)),
        }
        sessions.chain(tokens).for_each(|exchange| self.show(exchange));
    }
}

/// How long each of them outlived what happened at an instant.
#[must_use]
pub fn figure(title: String, copies: &[Copy], instant: f64) -> Figure {
    let bar = |copy: &Copy| Bar::exact(copy.name, Some(copy.door), (copy.outlived(instant) * 100.0).round() / 100.0);
    Figure {
        title,
        unit: "s",
        bars: copies.iter().map(bar).collect(),
        n: 1,
        note: "from the event’s answer to the last request that was let in; each copy was tried four times a second"
            .to_owned(),
    }
}
