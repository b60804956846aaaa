//! Tokens that the server has never seen: it may remember those that it has checked, and then the second time says nothing
//! of the first.

use super::{Cost, TIMES};
use crate::experiments::{
    exchange::Door,
    lab::{
        Instance, Run, Stopped,
        requests::{claims_me, refresh},
    },
    measure::{Sample, doors::authentication, sample::Unit},
};

/// Shows so many tokens, each for the first time and then once more: what either takes.
pub(super) async fn measure(run: &mut Run, instance: &Instance, algorithm: &str) -> Result<[Cost; 2], Stopped> {
    let mut logins = run.log_in_somebody(instance.target()).await?;
    let mut times = [const { Vec::new() }; 2];
    for _ in 0..TIMES {
        let renewed = run.ask(&mut logins.program, Door::Token, &refresh(&logins.refresh_token)).await?;
        if renewed.status() == 503 {
            continue;
        }
        renewed.must_be(200)?;
        let [token, next] = ["access_token", "refresh_token"].map(|name| renewed.answer.text(name).unwrap_or_default());
        logins.refresh_token = next;
        for turn in &mut times {
            let seen = run.ask(&mut logins.program, Door::Token, &claims_me(&token)).await?;
            seen.must_be(200)?;
            turn.extend(authentication(&seen.answer));
        }
    }
    let [first, again] = times.map(|times| Sample::of(&times, Unit::Microseconds));
    Ok([
        Cost::timed(format!("new token, {algorithm}"), Door::Token, first)?,
        Cost::timed(format!("{algorithm}, shown again"), Door::Token, again)?,
    ])
}
