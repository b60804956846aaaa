//! C2: several instances need a store that they share, and with it the secret that signs cookies.

use crate::{
    excerpt,
    experiments::{
        client::Client,
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Section, Test},
        finding::Stamp,
        lab::{
            Instance, Run, Stopped,
            requests::{form, session_me},
        },
    },
    secrets::Secrets,
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "c2",
    title: "Two instances, one store",
    claim: "Several instances need one store of sessions that they share.",
    section: Section::Scale,
    needs: &[Need::Instance],
    steps: &[
        "Start two instances on one database. Log in at the first, and show the cookie to the second.",
        "Log out at the second, and show the cookie to the first.",
        "Start one with a database of its own and the same secret, and show it a cookie of the first.",
        "Start one on the first’s database with another secret.",
    ],
    test: Test::Run { seconds: 9, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Session, "session/record.rs", "load", "sessions::key_hash.eq(any(keys))"),
        excerpt!(Session, "session/cookie.rs", "secret", "secrets.all::<64>(Purpose::SessionCookie)"),
    ],
    references: &[],
    expected: Some(Stamp::Holds),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let first = run.instance(&[]).await?;
    let second = first.beside(&[]).await?;
    run.moment(format!(
        "Two instances, at {} and {}, share a database and a secret",
        first.address(),
        second.address()
    ));
    let account = run.account_at(first.target()).await?;
    let (shared, log_out) = at_both(run, &first, &second, &account).await?;

    let alone = run.instance(&[("SECRETS", first.secret())]).await?;
    run.moment("A third has the same secret, and a database of its own");
    let (browser, _) = run.log_in_at_the_site(first.target(), &account, "two-doors experiment").await?;
    let mut elsewhere = browser.at(alone.target())?;
    let apart = run.ask(&mut elsewhere, Door::Session, &session_me()).await?;
    run.show(apart.saying("A cookie of the first instance at the third: well signed, and no row answers to it."));
    let apart = apart.status();
    let other_secret = another_secret(run, &first, &browser).await?;

    run.number("a cookie of the first instance at the second, on the same store", shared, "");
    run.number("the cookie at the first, after log-out at the second", log_out, "");
    run.number("a cookie of the first at one with another store", apart, "");
    Ok(match (shared, log_out, apart) {
        (200, 303, 303) => Outcome::holds(format!(
            "On one store the second instance knew the session at once, and its log-out counted at the first at once. With a store of its \
             own an instance knew nobody. The store is not all that they share: {other_secret}"
        )),
        (_, _, 200) => Outcome::is_false("An instance with a store of its own knew another’s session."),
        _ => Outcome::is_false(format!(
            "On one store the second instance answered {shared}, and after its log-out the first answered {log_out}."
        )),
    })
}

/// Logs in at one and out at the other. What the other answers, and then the first.
async fn at_both(
    run: &mut Run,
    first: &Instance,
    second: &Instance,
    account: &crate::experiments::account::Account,
) -> Result<(u16, u16), Stopped> {
    let (mut browser, seen) = run.log_in_at_the_site(first.target(), account, "two-doors experiment").await?;
    run.show(seen.saying("Logged in at the first instance."));
    let mut moved = browser.at(second.target())?;
    let seen = run.ask(&mut moved, Door::Session, &session_me()).await?;
    let shared = seen.status();
    run.show(seen.saying("The cookie at the second instance."));
    let form_token = run.form_token(&mut moved, "/account").await?;
    let seen = run.ask(&mut moved, Door::Session, &form("/logout", &form_token, &[])).await?;
    run.show(seen.saying("Log-out at the second instance."));
    let seen = run.ask(&mut browser, Door::Session, &session_me()).await?;
    run.show(seen.saying("The cookie at the first instance, after that."));
    Ok((shared, seen.status()))
}

/// What becomes of an instance on the same store that signs cookies with another secret.
async fn another_secret(run: &mut Run, first: &Instance, browser: &Client) -> Result<String, Stopped> {
    let secret = Secrets::generate();
    match first.beside(&[("SECRETS", &secret)]).await {
        Err(refused) => {
            run.moment(format!("One on the first’s database with another secret: {refused}"));
            Ok("one that was to serve the same store with another secret did not even start, as it could not have opened the \
                signing keys, nor known the others’ cookies."
                .to_owned())
        }
        Ok(other) => {
            let mut moved = browser.at(other.target())?;
            let seen = run.ask(&mut moved, Door::Session, &session_me()).await?;
            run.show(seen.saying("The cookie at an instance with the same store and another secret."));
            Ok(format!(
                "one that served the same store with another secret answered the cookie with {}.",
                seen.status()
            ))
        }
    }
}
