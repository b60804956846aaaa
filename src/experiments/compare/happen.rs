//! The event itself.

use serde_json::json;

use super::{event::Event, stage::Stage};
use crate::experiments::{
    account::Account,
    exchange::Door,
    lab::{Run, Stopped, post},
    message::{Body, Shown},
};

/// Makes it happen, and notes when it was over at each door.
pub(super) async fn happen(run: &mut Run, stage: &mut Stage) -> Result<(), Stopped> {
    let (session, token) = match stage.event {
        Event::LogOut | Event::Theft | Event::SecondInstance => log_out(run, stage).await?,
        Event::PasswordChange => change_password(run, stage).await?,
        Event::Ban => {
            let account = stage.account.email.clone();
            operator(run, stage, &["user", "ban", &account, "--reason", "An experiment."]).await?
        }
        Event::RoleChange => {
            let account = stage.account.email.clone();
            operator(run, stage, &["user", "role", &account, "user"]).await?
        }
        Event::DatabaseDown => {
            stage.instances[0].stop_database().await?;
            run.moment("The database is killed");
            (run.now(), run.now())
        }
        Event::ClockSkew => (run.now(), run.now()),
    };
    for copy in &mut stage.copies {
        copy.life.event = Some(match copy.life.door {
            Door::Session => session,
            Door::Token => token,
        });
    }
    stage.over_at = Some(session.max(token));
    if run.now() >= stage.expires_at {
        return Err(Stopped::because("the access token had expired before the event was over: too slow"));
    }
    Ok(())
}

async fn log_out(run: &mut Run, stage: &mut Stage) -> Result<(f64, f64), Stopped> {
    run.moment("The owner logs out at both doors");
    let bearer = stage.owner.bearer();
    let owner = &mut stage.owner;
    let form = Body::Form(vec![("form_token", owner.form_token.clone())]);
    let session = run.ask(&mut owner.browser, Door::Session, &post("/logout", Shown::Cookies, form)).await?;
    session.must_be(303)?;
    let body = Body::Json(json!({ "refresh_token": owner.refresh_token }));
    let token = run.ask(&mut owner.program, Door::Token, &post("/api/auth/logout", bearer, body)).await?;
    token.must_be(200)?;
    run.show_pair(
        session.saying("The row is ended, and the browser is told to drop its cookie."),
        token.saying("The login is ended, and the answer says itself what that can’t reach."),
    );
    Ok((session.exchange.answered.0, token.exchange.answered.0))
}

async fn change_password(run: &mut Run, stage: &mut Stage) -> Result<(f64, f64), Stopped> {
    run.moment("The owner changes the password on the site");
    let new = Account::invent().password;
    run.hide(&new);
    let fields = vec![
        ("form_token", stage.owner.form_token.clone()),
        ("current_password", stage.account.password.clone()),
        ("new_password", new.clone()),
    ];
    let request = post("/account/password", Shown::Cookies, Body::Form(fields));
    let seen = run.ask(&mut stage.owner.browser, Door::Session, &request).await?;
    seen.must_be(303)?;
    run.has_password(&stage.account, &new);
    stage.account.password = new;
    run.show(seen.saying("Every login of both kinds is ended in one transaction, and this browser gets a new key."));
    let answered = seen.exchange.answered.0;
    Ok((answered, answered))
}

async fn operator(run: &mut Run, stage: &Stage, arguments: &[&str]) -> Result<(f64, f64), Stopped> {
    stage.instances[0].command(arguments).await?;
    run.moment(format!("two-doors {}", arguments.join(" ")));
    Ok((run.now(), run.now()))
}
