//! The end of a story: what was seen becomes its report, once.

use super::{
    hosts::Hosts,
    jar::Seen,
    report::{CrossOriginReport, CrossSiteReport, NamesReport, Report, ScriptReport, SecureReport, TokenReport, Wait},
    run::{Run, State},
    story::{Act, Age, Story},
};

/// Tells what the run found. A page that was left out makes it *broken*, not wrong.
pub(super) fn finish(run: &Run, hosts: &Hosts) {
    let mut state = run.state();
    if std::mem::replace(&mut state.is_over, true) {
        return;
    }
    let report = report(run, hosts, &mut state);
    drop(state);
    let why = || "the last page was opened before the others".to_owned();
    run.tell(report.unwrap_or_else(|| Report::Broken { step: run.steps.len().saturating_sub(1), why: why() }));
}

fn report(run: &Run, hosts: &Hosts, state: &mut State) -> Option<Report> {
    let user_agent = state.user_agent.clone();
    let seen = |state: &State, index: usize| state.cookies.get(&index).cloned();
    Some(match &run.story {
        Story::Script => Report::Script(script(state)?),
        Story::CrossSite { wait, .. } => Report::CrossSite(cross_site(run, state, *wait)?),
        Story::Delivery => Report::Delivery { script: script(state)?, cross_site: cross_site(run, state, Wait::No)? },
        Story::Secure { plain } => Report::Secure(SecureReport {
            user_agent,
            https: hosts.is_https(),
            own: seen(state, 1)?,
            planted: seen(state, 3)?,
            plain: if *plain { Some(seen(state, 5)?) } else { None },
        }),
        Story::CrossOrigin => Report::CrossOrigin(CrossOriginReport {
            user_agent,
            same_site: state.calls.remove(&0)?,
            cross_site: state.calls.remove(&1)?,
        }),
        Story::Names => Report::Names(names(run, state, user_agent)?),
        Story::Token { .. } => Report::Token(Box::new(TokenReport { user_agent, ..state.token.take()? })),
        Story::Services => return None,
    })
}

fn names(run: &Run, state: &State, user_agent: String) -> Option<NamesReport> {
    let seen = |index: usize| state.cookies.get(&index).cloned();
    let other_port = run.steps.iter().position(|step| step.other_port);
    let other_port: Option<Option<Seen>> = other_port.map(seen);
    Some(NamesReport {
        user_agent,
        at_app: seen(1)?,
        at_api: seen(2)?,
        planted: seen(3)?,
        other_port: match other_port {
            Some(seen) => Some(seen?),
            None => None,
        },
    })
}

/// What came of the script; none if its loot never arrived.
fn script(state: &mut State) -> Option<Box<ScriptReport>> {
    let user_agent = state.user_agent.clone();
    let script = std::mem::take(&mut state.script);
    (!script.replays.is_empty()).then(|| Box::new(ScriptReport { user_agent, ..script }))
}

fn cross_site(run: &Run, state: &mut State, wait: Wait) -> Option<CrossSiteReport> {
    let count = |age| run.steps.iter().filter(|step| matches!(step.act, Act::Send(_, of) if of == age)).count();
    let arrivals: Vec<_> = std::mem::take(&mut state.arrivals).into_values().collect();
    let old = arrivals.iter().filter(|arrival| arrival.old).count();
    // Whoever did not wait left out the second half, all of it.
    let wait = if old == 0 { Wait::No } else { wait };
    let is_whole = arrivals.len() - old == count(Age::Young) && (old == 0 || old == count(Age::Old));
    let knocks = std::mem::take(&mut state.knocks).into_values().flatten().collect();
    let user_agent = state.user_agent.clone();
    is_whole.then_some(CrossSiteReport { user_agent, wait, arrivals, knocks })
}
