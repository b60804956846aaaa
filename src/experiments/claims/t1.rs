//! T1: a token is verified without a database.
//!
//! First by the server's own count of its statements, then with a database that is really gone.

use crate::{
    excerpt,
    experiments::{
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Section, Test},
        finding::Stamp,
        lab::{
            Instance, Logins, Run, Seen, Stopped,
            requests::{claims_me, live_account, session_me},
        },
    },
};

/// How many requests, in each way.
const REQUESTS: usize = 20;

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "t1",
    title: "Nobody is asked",
    claim: "To verify a token the server asks no database: the signature suffices.",
    section: Section::Tokens,
    needs: &[Need::Instance],
    steps: &[
        "Log in at both doors, send twenty requests to each, and add up the statements that the server counts.",
        "Do the same at a private instance, stop its database, and send twenty more to each.",
        "Start another instance on that database, to see where it would have its keys from.",
    ],
    test: Test::Run { seconds: 8, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Session, "session/record.rs", "load", "sessions::key_hash.eq(any(keys))"),
        excerpt!(Token, "token/access.rs", "verify", "decode(token, &key.verifying, validation)"),
    ],
    references: &[],
    expected: Some(Stamp::Holds),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let (target, account) = (run.target(), run.account().await?);
    let mut logins = run.log_in_at_both(&target, &account).await?;
    let (session, token) = rounds(run, &mut logins).await?;
    let [of_session, of_token] = [statements(&session)?, statements(&token)?];
    show_last(run, &session, &token, ["The row was read.", "The signature was checked, and that is all."]);
    run.number(format!("statements of {REQUESTS} requests with the token"), of_token, "");
    run.number(format!("statements of {REQUESTS} requests with the cookie"), of_session, "");

    let instance = run.instance(&[]).await?;
    let mut logins = run.log_in_somebody(instance.target()).await?;
    instance.stop_database().await?;
    run.moment("The instance’s database is stopped");
    let (session, token) = rounds(run, &mut logins).await?;
    show_last(run, &session, &token, ["No row can be read: neither yes nor no.", "It was not asked before either."]);
    let live = run.ask(&mut logins.program, Door::Token, &live_account(&logins.access_token)).await?;
    run.show(live.saying("The same token at a route that asks its store."));
    let let_in = |all: &[Seen]| all.iter().filter(|seen| seen.accepted()).count();
    let (token, session) = (let_in(&token), let_in(&session));
    run.number(format!("of {REQUESTS} with the token while the database is down, let in"), token, "");
    run.number(format!("of {REQUESTS} with the cookie, let in"), session, "");
    let cold = cold_start(run, &instance).await;

    Ok(match (of_token, token) {
        (0, REQUESTS) => Outcome::holds(format!(
            "{REQUESTS} requests took no statement, and all {REQUESTS} were let in while there was no database at all (with the \
             cookie: {session}). {cold}"
        )),
        (statements, let_in) => Outcome::is_false(format!(
            "{REQUESTS} requests took {statements} statements, and without a database {let_in} of {REQUESTS} were let in."
        )),
    })
}

/// Asks each door who that is, many times.
async fn rounds(run: &mut Run, logins: &mut Logins) -> Result<(Vec<Seen>, Vec<Seen>), Stopped> {
    let (mut session, mut token) = (Vec::new(), Vec::new());
    let mut browser = logins.browser.copied("two-doors experiment")?;
    for _ in 0..REQUESTS {
        session.push(run.ask(&mut browser, Door::Session, &session_me()).await?);
        token.push(run.ask(&mut logins.program, Door::Token, &claims_me(&logins.access_token)).await?);
    }
    Ok((session, token))
}

fn show_last(run: &mut Run, session: &[Seen], token: &[Seen], says: [&str; 2]) {
    if let (Some(session), Some(token)) = (session.last(), token.last()) {
        run.show_pair(session.saying(says[0]), token.saying(says[1]));
    }
}

fn statements(all: &[Seen]) -> Result<u32, Stopped> {
    let mut sum = 0;
    for seen in all {
        seen.must_be(200)?;
        sum += seen
            .answer
            .statements()
            .ok_or_else(|| Stopped::because("the server does not say what it counted: SERVER_TIMING is off"))?;
    }
    Ok(sum)
}

/// Tries to start another instance on the stopped database.
async fn cold_start(run: &mut Run, instance: &Instance) -> &'static str {
    match instance.beside(&[]).await {
        Ok(_) => "Another instance came up all the same.",
        Err(stopped) => {
            run.moment(format!("Another instance does not come up now: {stopped}"));
            "But a process must have its keys: another instance, started now, did not come up, as it would get them from the \
             database (TOKEN_KEY_FILES is the way around that)."
        }
    }
}
