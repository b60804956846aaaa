//! The rounds: every copy is tried once in each, and its life is drawn as far as it has come.
//!
//! Some twenty rounds give the same answers. Shown are the first ones, and those in which a copy dies.

use std::time::Duration;

use super::{
    event::Event,
    life::{Life, Try, draw},
    stage::{How, Stage},
};
use crate::experiments::{
    exchange::{Door, Exchange},
    lab::{Run, Seen, Stopped},
};

/// From one round to the next.
const BETWEEN_ROUNDS: Duration = Duration::from_millis(250);
/// Rounds before the event, which show that the copies are good.
const ROUNDS_BEFORE: usize = 4;
/// Rounds that find the last copy dead, to see that it stays so.
const ROUNDS_OF_THE_DEAD: usize = 4;
/// How long after the end that it names a token is still waited for.
const PATIENCE_SECONDS: f64 = 3.0;
/// How long clocks are watched, in seconds.
const CLOCKS_SECONDS: f64 = 7.0;

/// Tries the copies while they are good.
pub(super) async fn before(run: &mut Run, stage: &mut Stage) -> Result<(), Stopped> {
    if stage.event == Event::ClockSkew {
        return Ok(());
    }
    for round in 0..ROUNDS_BEFORE {
        if round > 0 {
            tokio::time::sleep(BETWEEN_ROUNDS).await;
        }
        let seen = try_all(run, stage).await?;
        let dead = stage.copies.iter().any(|copy| copy.life.tries.last().is_some_and(|last| !last.accepted));
        if dead {
            return Err(Stopped::because("a copy was refused before anything had happened"));
        }
        if round == 0 {
            show(run, seen.into_iter().take(2), |_| "A copy is as good as the original.".to_owned());
        }
        redraw(run, stage);
    }
    Ok(())
}

/// Tries them until the last is dead.
pub(super) async fn after(run: &mut Run, stage: &mut Stage) -> Result<(), Stopped> {
    let end = match stage.event {
        Event::ClockSkew => run.now() + CLOCKS_SECONDS,
        _ => stage.expires_at + PATIENCE_SECONDS,
    };
    let mut ticks = tokio::time::interval(BETWEEN_ROUNDS);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut first, mut rounds_of_the_dead) = (true, 0);
    while rounds_of_the_dead < ROUNDS_OF_THE_DEAD && run.now() < end {
        ticks.tick().await;
        let were_good: Vec<bool> = stage.copies.iter().map(|copy| is_good(&copy.life)).collect();
        let seen = try_all(run, stage).await?;
        let died = |index: usize| were_good[index] && !is_good(&stage.copies[index].life);
        let (event, expires_at) = (stage.event, stage.expires_at);
        let lives: Vec<&Life> = stage.copies.iter().map(|copy| &copy.life).collect();
        let shown = seen.into_iter().filter(|(index, _)| first || died(*index));
        show(run, shown.collect::<Vec<_>>().into_iter(), |index| said(event, lives[index], first, expires_at));
        first = false;
        let all_dead = stage.copies.iter().all(|copy| !is_good(&copy.life));
        rounds_of_the_dead = if all_dead { rounds_of_the_dead + 1 } else { 0 };
        redraw(run, stage);
    }
    Ok(())
}

/// Whether it was let in at its last try; one that was not tried yet is thought good.
fn is_good(life: &Life) -> bool {
    life.tries.last().is_none_or(|last| last.accepted)
}

/// Tries every copy once; gives what can be shown, with the copy's place.
async fn try_all(run: &mut Run, stage: &mut Stage) -> Result<Vec<(usize, Seen)>, Stopped> {
    let (event, is_over) = (stage.event, stage.over_at.is_some());
    let mut all = Vec::new();
    for (index, copy) in stage.copies.iter_mut().enumerate() {
        let life = &mut copy.life;
        let pair = match &mut copy.how {
            How::Ask(pair) => pair,
            How::AskAfter(pair) if is_over => pair,
            How::AskAfter(_) => continue,
            How::Follow(pair) => {
                let at = run.now();
                let accepted = pair.0.accepts(&pair.1);
                life.price = Some(0);
                life.tries.push(Try { at, answered: run.now(), accepted });
                continue;
            }
        };
        let (client, request) = &mut **pair;
        let mut seen = run.ask(client, life.door, request).await?;
        let accepted = event.lets_in(&seen.answer).ok_or_else(|| {
            let Exchange { method, path, status, .. } = &seen.exchange;
            Stopped::because(format!(
                "{method} {path} was answered {status}, which neither lets the copy in nor refuses it"
            ))
        })?;
        seen.exchange.accepted = accepted;
        if accepted {
            life.price = seen.answer.statements();
        }
        life.tries.push(Try { at: seen.exchange.at.0, answered: seen.exchange.answered.0, accepted });
        all.push((index, seen));
    }
    Ok(all)
}

/// Session and first token side by side, the others below.
fn show(run: &mut Run, seen: impl Iterator<Item = (usize, Seen)>, says: impl Fn(usize) -> String) {
    let mut session = None;
    for (index, seen) in seen {
        let exchange = seen.saying(says(index));
        match (exchange.door, session.take()) {
            (Door::Session, _) => session = Some(exchange),
            (Door::Token, Some(session)) => run.show_pair(session, exchange),
            (Door::Token, None) => run.show(exchange),
        }
    }
    if let Some(session) = session {
        run.show(session);
    }
}

/// What there is to say of a copy's last try.
fn said(event: Event, life: &Life, is_first: bool, expires_at: f64) -> String {
    let Some(last) = life.tries.last() else { return String::new() };
    let left = expires_at - last.answered;
    if is_first {
        return match (life.door, last.accepted) {
            (Door::Session, true) => "The copy is still let in.".to_owned(),
            (Door::Session, false) => format!("After {} the row lets nobody in.", event.name()),
            (Door::Token, true) if left > 0.0 => format!("It is let in. It has {left:.1} s to live."),
            (Door::Token, true) => "It is let in.".to_owned(),
            (Door::Token, false) if left > 0.0 => format!("It is refused, {left:.1} s before it expires."),
            (Door::Token, false) => "It is refused.".to_owned(),
        };
    }
    let age = if left <= 0.0 && life.door == Door::Token { "It died of age. " } else { "" };
    format!("{age}Tried {} times since {}, let in {} times.", life.probes(), event.name(), life.let_in())
}

fn redraw(run: &mut Run, stage: &Stage) {
    let lives: Vec<&Life> = stage.copies.iter().map(|copy| &copy.life).collect();
    let drawn = draw(&lives, stage.over_at, stage.event.name(), run.now());
    run.draw(drawn);
}
