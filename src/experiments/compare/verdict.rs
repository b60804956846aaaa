//! The verdict, computed from the lives and from nothing else.

use super::{
    event::Event,
    life::{Life, seconds},
    stage::Stage,
};
use crate::experiments::{experiment::Outcome, lab::Stopped};

/// What the lives say of the claim.
pub(super) fn judge(stage: &Stage) -> Result<Outcome, Stopped> {
    match stage.event {
        Event::ClockSkew => clocks(stage),
        Event::DatabaseDown => outage(stage),
        event => {
            let of = |name: &str| stage.life(name).ok_or_else(|| Stopped::because("a copy was never made"));
            let claims = of("access token, claims only")?;
            let others = stage.copies.iter().map(|copy| &copy.life).filter(|life| life.name != claims.name);
            ended(event, stage.expires_at, of("session cookie")?, claims, &others.collect::<Vec<_>>())
        }
    }
}

/// After what should end everything at once.
fn ended(event: Event, expires_at: f64, session: &Life, claims: &Life, others: &[&Life]) -> Result<Outcome, Stopped> {
    if session.probes() == 0 || claims.probes() == 0 {
        return Err(Stopped::because(format!("no copy was tried after {}", event.name())));
    }
    // A feed takes a moment: it is let in for less than the second that it promises.
    let late: Vec<&&Life> = others.iter().filter(|life| life.residual() > 1.0).collect();
    if let Some(life) = late.first() {
        let text = format!("The {} was let in for {} s after {}.", life.name, seconds(life.residual()), event.name());
        return Ok(Outcome::is_false(text));
    }
    let at_once = format!(
        "Of {} requests with the copied cookie that were sent after {}, {} got in{}.",
        session.probes(),
        event.name(),
        session.let_in(),
        price(session),
    );
    if claims.was_revoked(expires_at) {
        return Ok(Outcome::holds(format!("{at_once} The access token was refused before it expired, too.")));
    }
    let live = others.iter().find(|life| life.name.ends_with("live check"));
    let feed = others.iter().find(|life| life.name.ends_with("feed"));
    let live = live.map_or_else(String::new, |life| {
        format!(
            " A route that asks whether the login is alive let the same token in {} times of {}{}.",
            life.let_in(),
            life.probes(),
            price(life)
        )
    });
    let feed = feed.map_or_else(String::new, |life| {
        format!(
            " A service that follows the feed of endings let it in for {} s, and asks nobody.",
            seconds(life.residual())
        )
    });
    Ok(Outcome::holds_but(format!(
        "{at_once} Where only its claims are read, the access token went on for {} s, until it expired: {} of {} requests got in.{live}{feed}",
        seconds(claims.residual()),
        claims.let_in(),
        claims.probes(),
    )))
}

fn price(life: &Life) -> String {
    match life.price {
        Some(1) => ", at the price of 1 SQL statement each".to_owned(),
        Some(count) => format!(", at the price of {count} SQL statements each"),
        None => String::new(),
    }
}

/// Without its database.
fn outage(stage: &Stage) -> Result<Outcome, Stopped> {
    let of = |name: &str| stage.life(name).ok_or_else(|| Stopped::because("a copy was never made"));
    let (session, claims) = (of("session cookie")?, of("access token, claims only")?);
    let (live, refresh) = (of("access token, live check")?, of("refresh token")?);
    if session.let_in() + live.let_in() + refresh.let_in() > 0 {
        return Ok(Outcome::is_false("Somebody was let in by what needs the database, although it was gone."));
    }
    if claims.let_in() == 0 {
        return Ok(Outcome::holds("Nobody was known any more: 503 for the session, and for the token everywhere."));
    }
    Ok(Outcome::holds_but(format!(
        "The session, the live-checked route and the refresh were answered 503, {} times of {}: not refused, but not known. Where \
         only its claims are read the access token went on, {} times of {}, until it expired.",
        session.probes() + live.probes() + refresh.probes(),
        session.probes() + live.probes() + refresh.probes(),
        claims.let_in(),
        claims.probes(),
    )))
}

/// With three clocks.
fn clocks(stage: &Stage) -> Result<Outcome, Stopped> {
    let of = |name: &str| stage.life(name).ok_or_else(|| Stopped::because("a copy was never made"));
    let (session, own) = (of("session cookie")?, of("access token of this clock")?);
    let (ahead, behind) = (of("access token of a clock 40 s ahead")?, of("access token of a clock 40 s behind")?);
    if ahead.let_in() == 0 {
        return Ok(Outcome::is_false(
            "A token from a clock that is 40 s ahead was refused at first, as not valid yet.",
        ));
    }
    if !session.outlived_the_run() || !own.outlived_the_run() {
        return Ok(Outcome::is_false("The session or the token of this clock died while it was watched."));
    }
    if behind.outlived_the_run() {
        return Ok(Outcome::holds("All three tokens were accepted to the end of the run."));
    }
    Ok(Outcome::holds_but(format!(
        "A session’s instants are set and compared by one clock, the database’s: it does not notice. A token names its end by the clock \
         that signed it: the one from behind was refused {} s after the first request, forty seconds before the token of this \
         clock; the one from ahead was taken at once, as `nbf` and `iat` may be a minute ahead, and will live forty seconds longer.",
        seconds(behind.residual()),
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiments::{compare::life::Try, exchange::Door, finding::Stamp};

    const EXPIRES_AT: f64 = 6.0;

    /// Tries of a copy after an event at second 1: when, and whether it was let in.
    fn life(name: &'static str, tries: &[(f64, bool)]) -> Life {
        let mut life = Life::new(Door::Token, name, 0.0);
        life.event = Some(1.0);
        life.tries = tries.iter().map(|(at, accepted)| Try { at: *at, answered: *at, accepted: *accepted }).collect();
        life
    }

    fn stamp(session: &[(f64, bool)], claims: &[(f64, bool)], live: &[(f64, bool)]) -> Option<Stamp> {
        let (session, claims) = (life("session cookie", session), life("access token, claims only", claims));
        let live = life("access token, live check", live);
        ended(Event::LogOut, EXPIRES_AT, &session, &claims, &[&session, &live]).ok().map(|outcome| outcome.stamp)
    }

    const REFUSED: &[(f64, bool)] = &[(1.1, false), (5.9, false), (6.1, false)];
    const UNTIL_IT_EXPIRED: &[(f64, bool)] = &[(1.1, true), (5.9, true), (6.1, false)];

    #[test]
    fn what_is_expected_holds_but_for_where_nobody_is_asked() {
        assert_eq!(stamp(REFUSED, UNTIL_IT_EXPIRED, REFUSED), Some(Stamp::HoldsBut));
    }

    #[test]
    fn a_session_or_a_live_check_that_goes_on_contradicts_the_claim() {
        let late = &[(1.1, true), (5.9, true), (6.1, false)];
        assert_eq!(stamp(late, UNTIL_IT_EXPIRED, REFUSED), Some(Stamp::FalseAsWritten));
        assert_eq!(stamp(REFUSED, UNTIL_IT_EXPIRED, late), Some(Stamp::FalseAsWritten));
    }

    #[test]
    fn a_token_refused_before_it_expires_was_revoked() {
        assert_eq!(stamp(REFUSED, REFUSED, REFUSED), Some(Stamp::Holds));
    }

    #[test]
    fn without_evidence_there_is_no_verdict() {
        assert_eq!(stamp(&[], &[], &[]), None);
    }
}
