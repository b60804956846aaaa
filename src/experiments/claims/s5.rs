//! S5: log-out destroys the session.
//!
//! The copy of the cookie is what counts: that the browser drops its own proves nothing.

use crate::experiments::{
    exchange::Door,
    experiment::{Experiment, Outcome, Reference, Section, Test},
    finding::Stamp,
    lab::{Run, Stopped, get, post},
    message::{Body, Shown},
};

/// Requests with the copy after log-out, and on the way when it happens.
const REPLAYS: usize = 20;

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "s5",
    title: "Log-out ends the session",
    claim: "Log-out destroys the session: its cookie is worth nothing any more.",
    section: Section::Sessions,
    needs: &[],
    steps: &[
        "Log in, and copy the cookie to a second client.",
        "Send twenty requests with the copy, and the log-out while they are on their way.",
        "When log-out is answered, send twenty more with the copy.",
    ],
    test: Test::Run { seconds: 2, observe: |run| Box::pin(observe(run)) },
    code: &crate::experiments::excerpt::LOG_OUT,
    references: &[Reference {
        title: "OWASP ASVS 5.0, 7.4.1: log-out disallows any further use of the session",
        url: "https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/0x16-V7-Session-Management.md",
    }],
    expected: Some(Stamp::Holds),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let mut browser = run.browser("A row was made. The cookie only names it.").await?;
    let form_token = run.form_token(&mut browser, "/account").await?;
    let mut thief = browser.copied("two-doors with a copy")?;
    let me = get("/account/me", Shown::Cookies);
    let seen = run.ask(&mut thief, Door::Session, &me).await?;
    seen.must_be(200)?;
    run.show(seen.saying("A copy is as good as the original."));

    let log_out = post("/logout", Shown::Cookies, Body::Form(vec![("form_token", form_token)]));
    let (under_way, ended) = run.while_at_once(&thief, Door::Session, &me, REPLAYS, (&mut browser, &log_out)).await?;
    ended.must_be(303)?;
    run.show(ended.saying("The row is ended."));
    let finished = under_way.iter().filter(|seen| seen.accepted()).count();

    let mut let_in = 0;
    for replay in 0..REPLAYS {
        let seen = run.ask(&mut thief, Door::Session, &me).await?;
        let_in += usize::from(seen.accepted());
        if replay == 0 {
            run.show(seen.saying("The copy, sent after log-out was answered."));
        }
    }
    run.number("requests under way during log-out that were let in", finished, "");
    run.number("requests that arrived after its answer", REPLAYS, "");
    run.number("of those, let in", let_in, "");
    Ok(match let_in {
        0 => Outcome::holds(format!(
            "None of {REPLAYS} requests with the copy that were sent after log-out’s answer got in. Of {REPLAYS} that were under \
             way during it, {finished} did: a request that is already known finishes."
        )),
        let_in => Outcome::is_false(format!("{let_in} of {REPLAYS} requests with the copy got in after log-out.")),
    })
}
