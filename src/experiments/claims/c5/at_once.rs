//! Many at once: what waits together may share a look-up.

use crate::experiments::{
    client::Client,
    exchange::Door,
    figure::{Bar, Figure, amount},
    lab::{
        Instance, Run, Seen, Stopped,
        requests::{claims_me, live_account, session_me},
    },
    message::Request,
};

const AT_ONCE: usize = 100;
const ROUNDS: usize = 5;

/// What was seen of many at once.
pub(super) struct Crowd {
    /// How many were answered in a second, the best of some rounds: session, token, token whose login is looked up.
    rates: [f64; 3],
    /// Of how many with a session the server says that others were answered by the same statement.
    sharing: usize,
    /// How many of all were turned away, as too much waited already.
    turned_away: usize,
}

impl Crowd {
    pub(super) fn text(&self) -> String {
        let [session, claims, live] = self.rates.map(amount);
        let shared = match self.sharing {
            0 => String::new(),
            sharing => format!(
                " {sharing} of {} sessions shared a statement with others that waited at the same time.",
                AT_ONCE * (ROUNDS + 1)
            ),
        };
        let away = match self.turned_away {
            0 => String::new(),
            away => format!(" {away} of all were answered 503, as too much waited at once."),
        };
        format!(
            "Of {AT_ONCE} at once, sessions were answered at {session} a second, the same token a hundred times at {claims}, \
             and at {live} where its login is looked up.{shared}{away}"
        )
    }
}

/// Measures, and draws.
pub(super) async fn measure(run: &mut Run, instance: &Instance) -> Result<Crowd, Stopped> {
    let logins = run.log_in_somebody(instance.target()).await?;
    let token = &logins.access_token;
    let (session, sharing, away) = rate(run, &logins.browser, Door::Session, &session_me()).await?;
    let (claims, _, _) = rate(run, &logins.program, Door::Token, &claims_me(token)).await?;
    let (live, _, live_away) = rate(run, &logins.program, Door::Token, &live_account(token)).await?;
    let bars = vec![
        Bar::exact("session in Postgres", Some(Door::Session), session.round()),
        Bar::exact("the same token, ES256", Some(Door::Token), claims.round()),
        Bar::exact("token, login looked up", Some(Door::Token), live.round()),
    ];
    let fastest = if session > claims { "sessions were" } else { "tokens were" };
    run.figure(Figure {
        title: format!("{AT_ONCE} at once: {fastest} answered faster"),
        unit: "requests/s",
        bars,
        n: ROUNDS,
        note: "the best round; client and server share this machine, so this compares and promises nothing".to_owned(),
    });
    Ok(Crowd { rates: [session, claims, live], sharing, turned_away: away + live_away })
}

/// The best rate, how many answers shared a statement, and how many were none.
async fn rate(run: &mut Run, client: &Client, door: Door, request: &Request) -> Result<(f64, usize, usize), Stopped> {
    let (mut best, mut sharing, mut away) = (0.0_f64, 0, 0);
    for _ in 0..=ROUNDS {
        let all = run.at_once(client, door, request, AT_ONCE).await?;
        let (served, refused): (Vec<&Seen>, Vec<&Seen>) = all.iter().partition(|seen| seen.status() != 503);
        away += refused.len();
        for seen in &served {
            seen.must_be(200)?;
            sharing += usize::from(seen.answer.shares_statements());
        }
        let began = all.iter().map(|seen| seen.answer.sent_at).min();
        let ended = all.iter().map(|seen| seen.answer.answered_at).max();
        if let (Some(began), Some(ended)) = (began, ended) {
            best = best.max(served.len() as f64 / (ended - began).as_secs_f64());
        }
    }
    Ok((best, sharing, away))
}
