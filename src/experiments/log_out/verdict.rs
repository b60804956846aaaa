//! The verdicts, computed from the evidence and from nothing else.

use super::life::Life;
use crate::experiments::finding::{Stamp, Verdict};

const SESSION: &str = "A session can be ended at once.";
const TOKEN: &str = "A JWT can’t be revoked before it expires.";

/// What the evidence says of both claims.
pub fn of(expires_at: f64, session: &Life<'_>, claims: &Life<'_>, live: &Life<'_>) -> Vec<Verdict> {
    [(SESSION, judge_session(session)), (TOKEN, judge_token(expires_at, claims, live, session))]
        .map(|(claim, (stamp, condition))| Verdict { stamp, claim, condition })
        .into()
}

/// Of a run that broke off.
pub fn none(why: &str) -> Vec<Verdict> {
    [SESSION, TOKEN]
        .map(|claim| Verdict { stamp: Stamp::CouldNotRun, claim, condition: format!("The run broke off: {why}.") })
        .into()
}

fn judge_session(session: &Life<'_>) -> (Stamp, String) {
    let (let_in, probes) = (session.let_in(), session.after.len());
    if probes == 0 {
        return (Stamp::CouldNotRun, "The copied cookie was not tried after log-out.".to_owned());
    }
    if let_in == 0 {
        let price = session.price().map(|price| format!(", at the price of {price}")).unwrap_or_default();
        let condition = format!(
            "Of {probes} requests with the copied cookie that were sent after log-out’s answer, none was let in. Each one asked \
             the server about its row{price}."
        );
        return (Stamp::Holds, condition);
    }
    let condition = format!("The copied cookie was let in {let_in} times of {probes} after log-out had been answered.");
    (Stamp::FalseAsWritten, condition)
}

fn judge_token(expires_at: f64, claims: &Life<'_>, live: &Life<'_>, session: &Life<'_>) -> (Stamp, String) {
    // A refusal that had arrived before the token's end is a revocation; a later one may be its age.
    let early = claims.after.iter().filter(|probe| !probe.accepted && probe.answered.0 < expires_at).count();
    let (let_in, probes) = (claims.let_in(), claims.after.len());
    if probes == 0 || live.after.is_empty() {
        return (Stamp::CouldNotRun, "The copied token was not tried after log-out.".to_owned());
    }
    if early > 0 {
        let condition = format!(
            "Even the route that reads only its claims refused the copied token {early} times while it had not expired."
        );
        return (Stamp::FalseAsWritten, condition);
    }
    if let_in == 0 {
        return (Stamp::CouldNotRun, "The token had expired before its copy could be tried.".to_owned());
    }
    if live.let_in() > 0 {
        let condition = format!(
            "The copied token was let in {let_in} times after log-out where only its claims are read, and {} times even \
             where the server asks whether its login is alive.",
            live.let_in()
        );
        return (Stamp::Holds, condition);
    }
    let price = match (live.price(), session.price()) {
        (Some(price), Some(of_session)) if price == of_session => {
            format!("That look costs {price}: what a session costs at every request")
        }
        (Some(price), _) => format!("That look costs {price}"),
        (None, _) => "What that look costs, this server does not tell (SERVER_TIMING=off)".to_owned(),
    };
    let beyond = claims.after.iter().filter(|probe| probe.accepted && probe.at.0 > expires_at).count();
    let until = match beyond {
        0 => "until the token expired".to_owned(),
        _ => format!("{beyond} times of these although the token had expired"),
    };
    let condition = format!(
        "True of a route that reads only the claims: it let the copy in {let_in} times after log-out, {until}. \
         A route that also asks whether the login is alive refused the same token at once, {refused} times of {refused}. \
         {price}.",
        refused = live.after.len()
    );
    (Stamp::HoldsBut, condition)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiments::exchange::{Door, Exchange, Seconds};

    const EXPIRES_AT: f64 = 6.0;

    /// Tries of a copy after a log-out at second 1: when, and whether it was let in.
    fn probes(tries: &[(f64, bool)]) -> Vec<Exchange> {
        tries.iter().map(|(at, accepted)| Exchange::sample(Seconds(*at), *accepted)).collect()
    }

    fn life(probes: &[Exchange]) -> Life<'_> {
        let (before, after) = (Vec::new(), probes.iter().collect());
        Life { door: Door::Token, name: "", since: 0.0, used_at: 1.0, log_out: 1.0, before, after }
    }

    fn stamps(session: &[(f64, bool)], claims: &[(f64, bool)], live: &[(f64, bool)]) -> Vec<Stamp> {
        let [session, claims, live] = [session, claims, live].map(probes);
        let verdicts = of(EXPIRES_AT, &life(&session), &life(&claims), &life(&live));
        verdicts.into_iter().map(|verdict| verdict.stamp).collect()
    }

    const REFUSED: &[(f64, bool)] = &[(1.1, false), (5.9, false), (6.1, false)];
    const UNTIL_IT_EXPIRED: &[(f64, bool)] = &[(1.1, true), (5.9, true), (6.1, false)];

    #[test]
    fn what_is_expected_holds_and_the_token_only_where_nobody_is_asked() {
        assert_eq!(stamps(REFUSED, UNTIL_IT_EXPIRED, REFUSED), [Stamp::Holds, Stamp::HoldsBut]);
    }

    #[test]
    fn one_request_let_in_after_log_out_contradicts_the_session() {
        let late = &[(1.1, true), (5.9, false), (6.1, false)];
        assert_eq!(stamps(late, UNTIL_IT_EXPIRED, REFUSED)[0], Stamp::FalseAsWritten);
    }

    #[test]
    fn a_token_refused_before_it_expires_was_revoked() {
        let revoked = &[(1.1, true), (5.9, false), (6.1, false)];
        assert_eq!(stamps(REFUSED, revoked, REFUSED)[1], Stamp::FalseAsWritten);
        assert_eq!(stamps(REFUSED, REFUSED, REFUSED)[1], Stamp::FalseAsWritten);
    }

    #[test]
    fn without_a_live_check_that_refuses_it_simply_holds() {
        assert_eq!(stamps(REFUSED, UNTIL_IT_EXPIRED, UNTIL_IT_EXPIRED)[1], Stamp::Holds);
    }

    #[test]
    fn without_evidence_there_is_no_verdict() {
        assert_eq!(stamps(&[], &[], &[]), [Stamp::CouldNotRun; 2]);
        assert_eq!(stamps(REFUSED, &[(6.1, false)], REFUSED)[1], Stamp::CouldNotRun, "it may have died of age");
        assert!(none("why").iter().all(|verdict| verdict.stamp == Stamp::CouldNotRun));
    }
}
