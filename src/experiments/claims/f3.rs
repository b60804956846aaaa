//! F3: a role inside the token is stale until it is renewed.
//!
//! And so is a role in a session, if it was copied there at log-in, as the article's own code does: a specimen.

use serde_json::json;

use crate::{
    excerpt,
    experiments::{
        client::Client,
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Section, Test},
        finding::Stamp,
        lab::{
            Instance, Logins, Run, Stopped, get,
            parts::claims,
            post,
            requests::{claims_me, refresh, session_me},
        },
        message::{Body, Shown},
    },
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "f3",
    title: "A role on the wristband",
    claim: "A role inside the token is out of date until the token is renewed; a session’s is not.",
    section: Section::Choosing,
    needs: &[Need::Instance, Need::Specimens],
    steps: &[
        "Log in at both doors of a private instance, promote the user, and ask both at once; then refresh, and ask again.",
        "Demote them, and do the same.",
        "Log in at a specimen that copies the role into the session, promote the user, and ask.",
    ],
    test: Test::Run { seconds: 8, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Session, "session/authenticate.rs", "me", "role: self.user().role(),"),
        excerpt!(Token, "token/access.rs", "me", "role: self.role"),
    ],
    references: &[],
    expected: Some(Stamp::HoldsBut),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let instance = run.instance(&[]).await?;
    run.another_admin(&instance).await?;
    let account = run.account_at(instance.target()).await?;
    let mut logins = run.log_in_at_both(instance.target(), &account).await?;
    let up = change(run, &instance, &account.email, (&mut logins, "admin")).await?;
    let down = change(run, &instance, &account.email, (&mut logins, "user")).await?;
    let mut program = Client::new(instance.target(), "two-doors experiment")?;
    let (token, _, seen) = run.log_in_at_the_api(&mut program, &account, &json!({})).await?;
    let anew = role_in(&token)?;
    run.show(seen.saying(format!("A new log-in after the demotion: its token says {anew}.")));
    let copied = at_the_specimen(run).await?;

    for (name, changed) in [("promotion", &up), ("demotion", &down)] {
        run.number(format!("after the {name}: the session says"), &changed.session, "");
        run.number(format!("after the {name}: the token says"), &changed.token, "");
        run.number(format!("after the {name}: refreshed, the token says"), &changed.refreshed, "");
    }
    run.number("after the demotion: a new log-in’s token says", &anew, "");
    run.number("after a promotion at the specimen: the user’s row says", &copied.row, "");
    run.number("after a promotion at the specimen: the session says", &copied.session, "");
    let is_stale = (up.token.as_str(), down.token.as_str()) == ("user", "admin");
    let is_current = (up.session.as_str(), down.session.as_str()) == ("admin", "user");
    Ok(match (is_stale, is_current, copied.session == copied.row) {
        (true, true, false) => Outcome::holds_but(format!(
            "The session, whose role is read from the user’s row, was right at the next request both times; the token was not. After \
             the promotion a refresh brought it up to date ({}); after the demotion there was none ({}), and it took a new log-in. \
             But that is not the session’s merit: where the role is copied into it at log-in, it says {} while the row says {}.",
            up.refreshed, down.refreshed, copied.session, copied.row
        )),
        (true, true, true) => {
            Outcome::holds("The token’s role was out of date until renewal, the session’s never, not even copied.")
        }
        _ => Outcome::is_false(format!(
            "After the promotion the token said {} and the session {}, after the demotion {} and {}.",
            up.token, up.session, down.token, down.session
        )),
    })
}

/// What each credential says after a change of role.
struct Changed {
    session: String,
    token: String,
    refreshed: String,
}

async fn change(
    run: &mut Run,
    instance: &Instance,
    email: &str,
    (logins, role): (&mut Logins, &str),
) -> Result<Changed, Stopped> {
    instance.command(&["user", "role", email, role]).await?;
    run.moment(format!("two-doors user role … {role}"));
    let session = run.ask(&mut logins.browser, Door::Session, &session_me()).await?;
    let token = run.ask(&mut logins.program, Door::Token, &claims_me(&logins.access_token)).await?;
    session.must_be(200)?;
    token.must_be(200)?;
    let says = [&session, &token].map(|seen| seen.answer.text("role").unwrap_or_default());
    run.show_pair(
        session.saying(format!("The next request says {}.", says[0])),
        token.saying(format!("The token says {}.", says[1])),
    );
    let renewed = run.ask(&mut logins.program, Door::Token, &refresh(&logins.refresh_token)).await?;
    let refreshed = match renewed.answer.text("access_token") {
        Some(token) => {
            logins.access_token = token;
            role_in(&logins.access_token)?
        }
        None => format!("refused, {}", renewed.status()),
    };
    if let Some(token) = renewed.answer.text("refresh_token") {
        logins.refresh_token = token;
    }
    run.show(renewed.saying(format!("A refresh: {refreshed}.")));
    let [session, token] = says;
    Ok(Changed { session, token, refreshed })
}

fn role_in(token: &str) -> Result<String, Stopped> {
    Ok(claims(token)?["role"].as_str().unwrap_or_default().to_owned())
}

/// What the specimen's session and the user's row say after a promotion.
struct Copied {
    session: String,
    row: String,
}

async fn at_the_specimen(run: &mut Run) -> Result<Copied, Stopped> {
    let weak = run.weak_services()?;
    run.moment("A specimen that copies the role into the session: weak on purpose, on a listener of its own");
    let mut browser = Client::new(weak.target(), "two-doors experiment")?;
    for (path, says) in [
        ("/copied/login", "Specimen: a log-in, which copies the role."),
        ("/copied/role/admin", "Specimen: a promotion."),
    ] {
        let seen = run.ask(&mut browser, Door::Session, &post(weak.at(path), Shown::Cookies, Body::Empty)).await?;
        if !seen.accepted() {
            return Err(Stopped::because(format!("the specimen answered {}", seen.status())));
        }
        run.show(seen.saying(says));
    }
    let seen = run.ask(&mut browser, Door::Session, &get(weak.at("/copied/me"), Shown::Cookies)).await?;
    seen.must_be(200)?;
    let [session, row] = ["role", "row"].map(|name| seen.answer.text(name).unwrap_or_default());
    run.show(seen.saying(format!("Specimen: the session says {session}, the user’s row {row}.")));
    Ok(Copied { session, row })
}
