//! S4: the store is the source of truth.
//!
//! Somebody changes and deletes rows behind the server's back, in the database of a private instance.

use diesel::RunQueryDsl as _;

use crate::{
    excerpt,
    experiments::{
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Section, Test},
        finding::Stamp,
        lab::{
            Logins, Run, Seen, Stopped,
            requests::{claims_me, live_account, session_me},
        },
    },
};

/// Requests after the deletion.
const REQUESTS: usize = 10;

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "s4",
    title: "The row decides",
    claim: "What the session store says is what counts: change it, and the next request sees the change.",
    section: Section::Sessions,
    needs: &[Need::Instance],
    steps: &[
        "Log in at both doors of a private instance.",
        "Change the user’s role in the database, behind the server’s back, and ask both doors who that is.",
        "Delete the session’s row and the token login’s, and ask both again.",
    ],
    test: Test::Run { seconds: 7, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Session, "session/record.rs", "load", "sessions::key_hash.eq(any(keys))"),
        excerpt!(Token, "token/authenticate.rs", "authenticate", "tokens.verify("),
    ],
    references: &[],
    expected: Some(Stamp::Holds),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let instance = run.instance(&[]).await?;
    let mut conn = instance.connect()?;
    let mut logins = run.log_in_somebody(instance.target()).await?;
    let (session, token) = both(run, &mut logins).await?;
    run.show_pair(session.saying("The row says who it is."), token.saying("The token says who it is."));

    diesel::sql_query("UPDATE users SET role = 'admin'").execute(&mut conn)?;
    run.moment("UPDATE users SET role = 'admin'");
    let (session, token) = both(run, &mut logins).await?;
    let roles = [&session, &token].map(|seen| seen.answer.text("role").unwrap_or_default());
    run.show_pair(
        session.saying(format!("The very next request: {}.", roles[0])),
        token.saying(format!("The token was not changed: {}.", roles[1])),
    );

    diesel::sql_query("DELETE FROM sessions").execute(&mut conn)?;
    diesel::sql_query("DELETE FROM token_families").execute(&mut conn)?;
    run.moment("DELETE FROM sessions; DELETE FROM token_families");
    let (mut sessions_in, mut tokens_in) = (0, 0);
    for request in 0..REQUESTS {
        let (session, token) = both(run, &mut logins).await?;
        sessions_in += usize::from(session.accepted());
        tokens_in += usize::from(token.accepted());
        if request == 0 {
            run.show_pair(
                session.saying("The cookie names nothing any more: whoever sends it is a stranger."),
                token.saying("Nobody was asked, so nobody could say that the login is gone."),
            );
        }
    }
    let live = live_account(&logins.access_token);
    let live = run.ask(&mut logins.program, Door::Token, &live).await?;
    run.show(live.saying("The same token, where the server asks its store as well."));

    run.number("role that the session had at the next request", &roles[0], "");
    run.number("role that the token had", &roles[1], "");
    run.number(format!("of {REQUESTS} requests with the cookie after the deletion, let in"), sessions_in, "");
    run.number(format!("of {REQUESTS} requests with the token, claims only, let in"), tokens_in, "");
    run.number("with the token, checked live, let in", usize::from(live.accepted()), "");
    Ok(match (roles[0].as_str(), sessions_in) {
        ("admin", 0) => Outcome::holds(format!(
            "The next request saw the new role, and after the deletion none of {REQUESTS} got in. The token is its own truth: \
             where only its claims are read it was let in {tokens_in} times of {REQUESTS} after its login was deleted."
        )),
        (role, let_in) => Outcome::is_false(format!(
            "After the change the session’s role was {role}, and after the deletion {let_in} of {REQUESTS} requests got in."
        )),
    })
}

/// The twins.
async fn both(run: &mut Run, logins: &mut Logins) -> Result<(Seen, Seen), Stopped> {
    let session = run.ask(&mut logins.browser.copied("two-doors with a copy")?, Door::Session, &session_me()).await?;
    let token = run.ask(&mut logins.program, Door::Token, &claims_me(&logins.access_token)).await?;
    Ok((session, token))
}
