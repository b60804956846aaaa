//! Which rounds of the copies are shown, and what there is to say of each.
//!
//! Some twenty rounds give the same answers; shown are those in which something changes. What is said is read off the answers.

use super::evidence::{Evidence, Round};
use crate::experiments::{exchange::Exchange, finding::Row};

/// The first round after log-out, the last that let the access token in, and the first that found it dead.
pub fn worth_showing(evidence: &Evidence) -> Vec<Row> {
    let Some(first) = evidence.after.first() else { return Vec::new() };
    let mut rows = first_round(first, evidence.expires_at - first.claims.answered.0);
    let last = evidence.after.iter().rposition(|round| round.claims.accepted);
    if let Some(last) = last.filter(|last| *last > 0) {
        rows.push(later(evidence, last, ""));
    }
    if let Some(last) = last.filter(|last| last + 1 < evidence.after.len()) {
        rows.push(match evidence.after[last + 1].claims.answered.0 >= evidence.expires_at {
            true => later(evidence, last + 1, "It died of age, not of the log-out. "),
            false => later(evidence, last + 1, "It is refused before it expires. "),
        });
    }
    rows
}

/// All four copies; `left` is what the access token has to live, in seconds.
fn first_round(round: &Round, left: f64) -> Vec<Row> {
    let said = |exchange: &Exchange, let_in: &str, refused: &str| {
        exchange.clone().saying(if exchange.accepted { let_in } else { refused })
    };
    let asked = if round.claims.statements == Some(0) { "Nobody was asked: the" } else { "The" };
    let mut rows = vec![
        Row::pair(
            said(&round.session, "The copy is still let in.", "The row that it names lets nobody in any more."),
            said(
                &round.claims,
                &format!("{asked} signature is good, and the token has {left:.1} s to live."),
                &format!("It is refused, {left:.1} s before it expires."),
            ),
        ),
        Row::token(said(
            &round.live,
            "Even this route, which asks whether the login is alive, lets it in.",
            "The same token, where the server also asks whether the login is alive.",
        )),
    ];
    rows.extend(round.refresh.iter().map(|refresh| {
        Row::token(said(
            refresh,
            "It still buys new tokens.",
            "It buys no new tokens. (Nobody tried the copy before: to redeem it is to use it up.)",
        ))
    }));
    rows
}

fn later(evidence: &Evidence, round: usize, says: &str) -> Row {
    let so_far = &evidence.after[..=round];
    let count = |accepted: fn(&Round) -> bool| {
        let let_in = so_far.iter().filter(|round| accepted(round)).count();
        format!("Tried {} times since log-out, let in {let_in} times.", so_far.len())
    };
    let Round { session, claims, .. } = &evidence.after[round];
    Row::pair(
        session.clone().saying(count(|round| round.session.accepted)),
        claims.clone().saying(says.to_owned() + &count(|round| round.claims.accepted)),
    )
}
