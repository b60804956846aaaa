//! F1: both can live in one application, kept apart.
//!
//! Each credential is shown at the other door, in every place where that door might look.

use crate::{
    excerpt,
    experiments::{
        exchange::Door,
        experiment::{Experiment, Outcome, Section, Test},
        finding::Stamp,
        lab::{
            Logins, Run, Stopped, get,
            requests::{claims_me, refresh, session_me},
        },
        message::{Request, Shown},
    },
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "f1",
    title: "Two doors in one house",
    claim: "Sessions and tokens can live in one application and stay apart.",
    section: Section::Choosing,
    needs: &[],
    steps: &[
        "Log in at both doors.",
        "Show the session’s cookie at the API: as a cookie, as a bearer token, and as a refresh token.",
        "Show both tokens at the site: as a bearer token, and in the session’s cookie.",
        "See that each still works at its own door.",
    ],
    test: Test::Run { seconds: 2, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Session, "session/authenticate.rs", "of", "request.get_identity()"),
        excerpt!(Token, "token/authenticate.rs", "bearer", "headers.get_all(AUTHORIZATION)"),
    ],
    references: &[],
    expected: Some(Stamp::Holds),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let (target, account) = (run.target(), run.account().await?);
    let mut logins = run.log_in_at_both(&target, &account).await?;
    at_home(run, &mut logins, "At its own door.").await?;
    run.moment("Each is shown at the other door");
    let crossed = crossings(&logins)?;
    // Neither's jar: what is shown is what is in the request.
    let mut stranger = logins.program.copied("two-doors at the wrong door")?;
    let (mut let_in, mut refused) = (Vec::new(), 0);
    for (door, says, request) in &crossed {
        let seen = run.ask(&mut stranger, *door, request).await?;
        if ![303, 401].contains(&seen.status()) && !seen.accepted() {
            return Err(Stopped::because(format!("{} was answered {}", request.path, seen.status())));
        }
        match seen.accepted() {
            true => let_in.push(*says),
            false => refused += 1,
        }
        run.show(seen.saying(*says));
    }
    at_home(run, &mut logins, "It still works at its own.").await?;
    let renewed = run.ask(&mut logins.program, Door::Token, &refresh(&logins.refresh_token)).await?;
    renewed.must_be(200)?;
    run.show(renewed.saying("So does the refresh token."));
    run.number("credentials shown at the wrong door", crossed.len(), "");
    run.number("of these let in", let_in.len(), "");
    Ok(match let_in.is_empty() {
        true => Outcome::holds(format!(
            "All {refused} were refused, both ways, and each went on working at its own door: the site looks only at its cookie, the \
             API only at the Authorization header and, to refresh, at the refresh token."
        )),
        false => Outcome::is_false(format!("Let in at the wrong door: {}", let_in.join(" "))),
    })
}

/// Both twins, each with its own credential.
async fn at_home(run: &mut Run, logins: &mut Logins, says: &str) -> Result<(), Stopped> {
    let session = run.ask(&mut logins.browser, Door::Session, &session_me()).await?;
    let token = run.ask(&mut logins.program, Door::Token, &claims_me(&logins.access_token)).await?;
    session.must_be(200)?;
    token.must_be(200)?;
    run.show_pair(session.saying(says), token.saying(says));
    Ok(())
}

/// Every credential at the door that it is not for.
fn crossings(logins: &Logins) -> Result<Vec<(Door, &'static str, Request)>, Stopped> {
    let no_cookie = || Stopped::because("the log-in set no session cookie");
    let (name, cookie) = logins.browser.named_cookie("session").ok_or_else(no_cookie)?;
    let (access, refresh_token) = (&logins.access_token, &logins.refresh_token);
    let bearer = |value: &str| Shown::Bearer(value.to_owned());
    let in_cookie = |value: &str| Shown::Cookie(format!("{name}={value}"));
    Ok(vec![
        (Door::Token, "The session’s cookie, as a browser would send it along.", get("/api/me", in_cookie(cookie))),
        (Door::Token, "The same where the login is checked.", get("/api/account", in_cookie(cookie))),
        (Door::Token, "The same where an access token in a cookie counts.", get("/api/browser/me", in_cookie(cookie))),
        (Door::Token, "The cookie’s value as a bearer token.", get("/api/me", bearer(cookie))),
        (Door::Token, "The cookie’s value as a refresh token.", refresh(cookie)),
        (Door::Session, "The access token as a bearer token.", get("/account/me", bearer(access))),
        (Door::Session, "The access token in the session’s cookie.", get("/account/me", in_cookie(access))),
        (Door::Session, "The refresh token in the session’s cookie.", get("/account/me", in_cookie(refresh_token))),
    ])
}
