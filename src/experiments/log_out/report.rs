//! Makes a page's worth of the evidence: the lives of the copies, and the sentences above them.

use time::{OffsetDateTime, macros::format_description};

use super::{
    evidence::{Evidence, LogOut, Round},
    life::{Life, seconds},
    rounds, verdict,
};
use crate::experiments::{
    account::Removed,
    excerpt,
    exchange::{Door, Exchange, Seconds},
    finding::{Comparison, Row},
    lab::Stopped,
};

/// The finished run.
pub fn write(mut evidence: Evidence, stopped: Option<Stopped>, removed: &Removed) -> Comparison {
    let mut rows = std::mem::take(&mut evidence.rows);
    rows.extend(rounds::worth_showing(&evidence));
    rows.push(Row::Moment { at: Seconds(evidence.over_at), text: farewell(removed) });
    let clock = format_description!("[hour]:[minute]:[second] UTC, [day padding:none] [month repr:long] [year]");
    let mut run = Comparison {
        measured_at: OffsetDateTime::now_utc().format(clock).unwrap_or_default(),
        rows,
        ..Comparison::default()
    };
    match (stopped, evidence.log_out) {
        (None, Some(log_out)) => measure(&mut run, &evidence, log_out, removed),
        (stopped, _) => {
            let why = stopped.map_or_else(|| "nobody was logged out".to_owned(), |stopped| stopped.why);
            run.verdicts = verdict::none(&why);
            run.stopped = Some(why);
        }
    }
    run
}

fn measure(run: &mut Comparison, evidence: &Evidence, log_out: LogOut, removed: &Removed) {
    let lane = |door: Door, name: &'static str, shown_by_owner: bool, pick: fn(&Round) -> Option<&Exchange>| {
        let (since, sent, answered) = match door {
            Door::Session => (evidence.session_since, log_out.session_sent, log_out.session_answered),
            Door::Token => (evidence.token_since, log_out.token_sent, log_out.token_answered),
        };
        Life {
            door,
            name,
            since,
            used_at: if shown_by_owner { sent } else { since },
            log_out: answered,
            before: evidence.before.iter().filter_map(pick).collect(),
            after: evidence.after.iter().filter_map(pick).collect(),
        }
    };
    let session = lane(Door::Session, "session cookie", true, |round| Some(&round.session));
    let live = lane(Door::Token, "access token, live check", true, |round| Some(&round.live));
    let claims = lane(Door::Token, "access token, claims only", true, |round| Some(&round.claims));
    let refresh = lane(Door::Token, "refresh token", false, |round| round.refresh.as_ref());

    let last = evidence.after.last().map_or(log_out.token_answered, |round| round.claims.answered.0);
    let axis = last.ceil();
    let event = log_out.token_answered;
    let ticks = (0..=100).step_by(2).map(f64::from).take_while(|second| *second <= axis);
    run.ticks = ticks.map(|second| (second / axis * 1000.0, format!("{second:.0} s"))).collect();
    run.event_at = event / axis * 1000.0;
    run.event_text = format!("log-out, {event:.1} s");
    run.lanes = [&session, &live, &claims, &refresh].map(|copy| copy.lane(axis)).into();
    run.session_residual = seconds(session.residual());
    run.session_text = session_text(&session);
    run.token_residual = seconds([&live, &claims, &refresh].map(Life::residual).into_iter().fold(0.0, f64::max));
    run.token_text = token_text(&claims, evidence.expires_at, removed);
    run.excerpts = excerpt::log_out();
    run.verdicts = verdict::of(evidence.expires_at, &session, &claims, &live);
}

fn session_text(session: &Life<'_>) -> String {
    let (let_in, probes) = (session.let_in(), session.after.len());
    match let_in {
        0 => format!("The copied cookie was refused at the first try, and ever after: 0 of {probes} requests got in."),
        _ => format!("The copied cookie went on working: {let_in} of {probes} requests got in."),
    }
}

fn token_text(claims: &Life<'_>, expires_at: f64, removed: &Removed) -> String {
    let (let_in, probes) = (claims.let_in(), claims.after.len());
    if let_in == 0 {
        return format!("The copied access token was refused at the first try: 0 of {probes} requests got in.");
    }
    let expired = claims.after.iter().any(|probe| !probe.accepted && probe.answered.0 >= expires_at);
    let until = if expired { ", until it expired" } else { "" };
    let usual = match removed {
        Removed::Gone { usual_lifetime: Some(seconds) } => {
            format!(" It was asked to be short-lived: this server’s usual tokens live {}.", span(*seconds))
        }
        _ => String::new(),
    };
    format!(
        "The copied access token went on working where only its claims are read{until}: {let_in} of {probes} requests got in.{usual}"
    )
}

fn span(seconds: u64) -> String {
    match seconds {
        60 => "1 minute".to_owned(),
        seconds if seconds % 60 == 0 => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

fn farewell(removed: &Removed) -> String {
    match removed {
        Removed::Gone { .. } => "The account is deleted".to_owned(),
        Removed::Left(why) => {
            format!("The account could not be deleted ({why}): the server sweeps it away within 16 minutes")
        }
    }
}
