//! S2: every request looks its session up.
//!
//! The server counts its own statements by instrumentation and says so in `Server-Timing`.

use crate::{
    excerpt,
    experiments::{
        exchange::Door,
        experiment::{Experiment, Outcome, Section, Test},
        finding::Stamp,
        lab::{Run, Seen, Stopped, get},
        message::Shown,
    },
};

/// How many requests, in each way.
const REQUESTS: usize = 20;

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "s2",
    title: "A look-up a request",
    claim: "With every request the server looks the session up in its store.",
    section: Section::Sessions,
    needs: &[],
    steps: &[
        "Log in with the form.",
        "Ask GET /account/me twenty times, one after the other, and add up the statements that the server counts.",
        "Ask it twenty times at once, and add up again.",
    ],
    test: Test::Run { seconds: 2, observe: |run| Box::pin(observe(run)) },
    code: &[excerpt!(Session, "session/store.rs", "authenticate", "Found::Ended(reason, ban)")],
    references: &[],
    expected: Some(Stamp::HoldsBut),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let mut browser = run.browser("A row was made. The cookie only names it.").await?;
    let me = get("/account/me", Shown::Cookies);

    run.moment(format!("{REQUESTS} requests, one after the other"));
    let mut in_turn = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        in_turn.push(statements(&run.ask(&mut browser, Door::Session, &me).await?)?);
    }
    let last = run.ask(&mut browser, Door::Session, &me).await?;
    run.show(last.saying(format!("The last of them. All {REQUESTS}: {}", list(&in_turn))));

    run.moment(format!("{REQUESTS} requests at once"));
    let at_once = run.at_once(&browser, Door::Session, &me, REQUESTS).await?;
    let mut together = Vec::with_capacity(REQUESTS);
    for seen in &at_once {
        together.push(statements(seen)?);
    }
    let shared = at_once.iter().filter(|seen| seen.answer.shares_statements()).count();
    if let Some(seen) = at_once.last() {
        run.show(seen.saying(format!("The last of them. All {REQUESTS}: {}", list(&together))));
    }

    let (each, all): (u32, u32) = (in_turn.iter().sum(), together.iter().sum());
    run.number("statements of 20 requests in turn", each, "");
    run.number("statements of 20 requests at once, as each counts them", all, "");
    run.number("of these requests, sharing a statement with others", shared, "");
    let asked = in_turn.iter().all(|count| *count >= 1) && together.iter().all(|count| *count >= 1);
    Ok(match asked {
        false => Outcome::is_false("Some requests were answered without a look-up."),
        true if shared > 0 => Outcome::holds_but(format!(
            "Each request in turn asked the store ({each} statements for {REQUESTS}); of {REQUESTS} at once, {shared} shared \
             their statement with others that waited with them: every request waits for a look-up that began after it \
             arrived, but not for one of its own."
        )),
        true => {
            Outcome::holds(format!("{REQUESTS} requests in turn took {each} statements, and {REQUESTS} at once {all}."))
        }
    })
}

fn statements(seen: &Seen) -> Result<u32, Stopped> {
    seen.must_be(200)?;
    seen.answer
        .statements()
        .ok_or_else(|| Stopped::because("the server does not say what it counted: SERVER_TIMING is off"))
}

fn list(counts: &[u32]) -> String {
    counts.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
}
