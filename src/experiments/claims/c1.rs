//! C1: with sessions, the store is something that every instance depends on.

use std::time::Duration;

use serde_json::json;

use crate::{
    excerpt,
    experiments::{
        client::Client,
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Section, Test},
        finding::Stamp,
        lab::{
            Logins, Run, Seen, Stopped,
            parts::expires_at,
            post,
            requests::{claims_me, form, live_account, refresh, session_me},
        },
        message::{Body, Shown},
    },
};

/// What the access token is asked to live, in seconds: longer than the store takes to be stopped and asked for.
const EXPIRES_IN: u64 = 8;
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "c1",
    title: "The store is down",
    claim: "Every request with a session needs the store, so the store is a dependency that all instances share.",
    section: Section::Scale,
    needs: &[Need::Instance],
    steps: &[
        "Log in at both doors of a private instance, with an access token of eight seconds.",
        "Stop the instance’s database, which holds its sessions.",
        "Show the cookie; show the access token where only its claims are read, and where its login is looked up.",
        "Log in at both doors, and redeem the refresh token.",
        "Go on showing the access token until it expires.",
    ],
    test: Test::Run { seconds: 14, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Session, "session/store.rs", "unavailable", "visit.fail(&error)"),
        excerpt!(Token, "token/authenticate.rs", "authenticate", "tokens.verify("),
    ],
    references: &[],
    expected: Some(Stamp::Holds),
};

/// What each request was answered without the store.
struct Without {
    session: u16,
    keeps_cookie: bool,
    claims: u16,
    live: u16,
    fresh: [u16; 2],
    refresh: u16,
}

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let instance = run.instance(&[]).await?;
    let account = run.account_at(instance.target()).await?;
    let mut visitor = Client::new(instance.target(), "two-doors experiment")?;
    let form_token = run.form_token(&mut visitor, "/login").await?;
    let mut logins = run.log_in_at_both_for(instance.target(), &account, &json!({ "expires_in": EXPIRES_IN })).await?;
    instance.stop_database().await?;
    run.moment("The instance’s database is stopped");

    let (session, claims, live) = show_all(run, &mut logins).await?;
    let credentials = [("email", account.email.as_str()), ("password", account.password.as_str())];
    let at_site = run.ask(&mut visitor, Door::Session, &form("/login", &form_token, &credentials)).await?;
    let body = json!({ "email": account.email, "password": account.password, "refresh_token_in": "body" });
    let log_in = post("/api/auth/login", Shown::Nothing, Body::Json(body));
    let at_api = run.ask(&mut logins.program, Door::Token, &log_in).await?;
    let fresh = [at_site.status(), at_api.status()];
    run.show_pair(at_site.saying("Nobody can log in."), at_api.saying("Nor here: the password is in the database."));
    let renewed = run.ask(&mut logins.program, Door::Token, &refresh(&logins.refresh_token)).await?;
    run.show(renewed.saying("A refresh token is a row, as a session is."));
    let without = Without {
        session: session.status(),
        keeps_cookie: session.answer.cookies().next().is_none(),
        claims: claims.status(),
        live: live.status(),
        fresh,
        refresh: renewed.status(),
    };
    let died = until_it_expires(run, &mut logins).await?;
    Ok(conclude(run, &without, died))
}

/// The cookie and the token, without the store.
async fn show_all(run: &mut Run, logins: &mut Logins) -> Result<(Seen, Seen, Seen), Stopped> {
    let session = run.ask(&mut logins.browser, Door::Session, &session_me()).await?;
    let claims = run.ask(&mut logins.program, Door::Token, &claims_me(&logins.access_token)).await?;
    run.show_pair(
        session.saying("Nobody can tell who that is: neither let in nor logged out."),
        claims.saying("The claims need no store."),
    );
    let live = run.ask(&mut logins.program, Door::Token, &live_account(&logins.access_token)).await?;
    run.show(live.saying("Where the login is looked up, a token is no better off."));
    Ok((session, claims, live))
}

/// Shows the token until it is refused; whether that was by its own expiry.
async fn until_it_expires(run: &mut Run, logins: &mut Logins) -> Result<bool, Stopped> {
    let exp = expires_at(&logins.access_token)? - run.started_at();
    loop {
        let seen = run.ask(&mut logins.program, Door::Token, &claims_me(&logins.access_token)).await?;
        if !seen.accepted() {
            let died_by_itself = seen.status() == 401 && seen.exchange.answered.0 >= exp;
            run.show(seen.saying("Its time is over, and there is nobody to renew it."));
            return Ok(died_by_itself);
        }
        if run.now() > exp + 2.0 {
            return Ok(false);
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
}

fn conclude(run: &mut Run, without: &Without, died: bool) -> Outcome {
    let Without { session, keeps_cookie, claims, live, fresh, refresh } = *without;
    run.number("without the store: a session", session, "");
    run.number("a token’s claims", claims, "");
    run.number("a token whose login is looked up", live, "");
    run.number("log-in at the site, at the API", format!("{}, {}", fresh[0], fresh[1]), "");
    run.number("a refresh token", refresh, "");
    match (session, keeps_cookie, claims, live, fresh, refresh, died) {
        (503, true, 200, 503, [503, 503], 503, true) => Outcome::holds(
            "Without the store every session was answered 503: nobody was let in, and nobody was taken for a visitor or lost their \
             cookie. A token’s claims went on being read until it expired. That is all that a token door has ahead: its \
             log-in, its refresh and its live routes depend on a store as well, and were 503.",
        ),
        (200, ..) => Outcome::is_false("A session was let in without its store."),
        _ => Outcome::holds_but(format!(
            "Without the store a session was answered {session} (its cookie kept: {keeps_cookie}), a token’s claims {claims}, a live route \
             {live}, log-ins {fresh:?}, a refresh {refresh}."
        )),
    }
}
