//! F11: frameworks keep sessions on the server by default.
//!
//! Rails does not: its default store is the cookie itself. The specimen is the same thing as the library that this site's
//! sessions rest on has it, `CookieSessionStore`.

use crate::experiments::{
    client::Client,
    excerpt::LOG_OUT,
    exchange::Door,
    experiment::{Experiment, Need, Outcome, Reference, Section, Test},
    finding::Stamp,
    lab::{
        Run, Stopped, get, post,
        requests::{form, session_me},
    },
    message::{Body, Shown},
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "f11",
    title: "What frameworks do by default",
    claim: "Express, Django, Laravel and Rails keep sessions on the server by default; the cookie holds only an id.",
    section: Section::Choosing,
    needs: &[Need::Specimens],
    steps: &[
        "Log in at a specimen that keeps the session in the cookie, encrypted, as Rails does by default. Copy the cookie.",
        "Log out there, and show the copy.",
        "Do the same at the real door, whose sessions are rows.",
    ],
    test: Test::Run { seconds: 2, observe: |run| Box::pin(observe(run)) },
    code: &LOG_OUT,
    references: &[
        Reference {
            title: "Rails API: ActionDispatch::Session::CookieStore, “the Rails default”",
            url: "https://api.rubyonrails.org/classes/ActionDispatch/Session/CookieStore.html",
        },
        Reference {
            title: "Rails guides, Securing Rails Applications: replay attacks on CookieStore sessions",
            url: "https://guides.rubyonrails.org/security.html#replay-attacks-for-cookiestore-sessions",
        },
        Reference {
            title: "Express: express-session is a module of its own, and its default store is for development only",
            url: "https://expressjs.com/en/resources/middleware/session.html",
        },
    ],
    expected: Some(Stamp::FalseAsWritten),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let sealed = in_the_cookie(run).await?;
    let row = in_a_row(run).await?;
    run.number("the copy after log-out, session in the cookie (Rails’ default)", sealed, "");
    run.number("the copy after log-out, session in a row", row, "");
    Ok(match (sealed, row) {
        (200, 303) => Outcome::is_false(
            "False for Rails, whose default store is the cookie itself, encrypted: nothing is kept on the server, so log-out can only ask \
             the browser to forget it, and the copy went on working, as a token’s does. Where the session is a row the copy was \
             refused. Express has no sessions built in; Django and Laravel do keep them on the server. /concepts has the \
             names.",
        ),
        (200, row) => Outcome::is_false(format!(
            "False for Rails: the copy went on working. At the real door it was answered {row}, which should have been a refusal."
        )),
        (sealed, _) => Outcome::holds(format!(
            "Even where the session is all in its cookie, the copy was refused after log-out ({sealed})."
        )),
    })
}

async fn in_the_cookie(run: &mut Run) -> Result<u16, Stopped> {
    let weak = run.weak_services()?;
    run.moment("A specimen that keeps the session in the cookie: weak on purpose, on a listener of its own");
    let mut browser = Client::new(weak.target(), "two-doors experiment")?;
    let seen =
        run.ask(&mut browser, Door::Session, &post(weak.at("/sealed/login"), Shown::Cookies, Body::Empty)).await?;
    seen.must_be(200)?;
    run.show(seen.saying("Specimen: the cookie is the session, encrypted. The server keeps nothing."));
    let mut thief = browser.copied("two-doors with a copy")?;
    let me = get(weak.at("/sealed/me"), Shown::Cookies);
    run.ask(&mut thief, Door::Session, &me).await?.must_be(200)?;
    let seen =
        run.ask(&mut browser, Door::Session, &post(weak.at("/sealed/logout"), Shown::Cookies, Body::Empty)).await?;
    run.show(seen.saying("Specimen: log-out. The browser drops its cookie."));
    let own = run.ask(&mut browser, Door::Session, &me).await?;
    run.show(own.saying("Specimen: the browser is logged out."));
    let seen = run.ask(&mut thief, Door::Session, &me).await?;
    run.show(seen.saying("Specimen: the copy, after log-out."));
    Ok(seen.status())
}

async fn in_a_row(run: &mut Run) -> Result<u16, Stopped> {
    let mut browser = run.browser("The real door: a row was made. The cookie only names it.").await?;
    let form_token = run.form_token(&mut browser, "/account").await?;
    let mut thief = browser.copied("two-doors with a copy")?;
    run.ask(&mut thief, Door::Session, &session_me()).await?.must_be(200)?;
    let seen = run.ask(&mut browser, Door::Session, &form("/logout", &form_token, &[])).await?;
    seen.must_be(303)?;
    run.show(seen.saying("Log-out ends the row."));
    let seen = run.ask(&mut thief, Door::Session, &session_me()).await?;
    run.show(seen.saying("The copy, after log-out."));
    Ok(seen.status())
}
