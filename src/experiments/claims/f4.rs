//! F4: for sensitive changes, invalidate the refresh token.

use serde_json::json;

use crate::{
    excerpt,
    experiments::{
        client::Client,
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Section, Test},
        finding::Stamp,
        lab::{
            Run, Stopped,
            copies::figure,
            parts::{claims, expires_at},
            requests::refresh,
        },
    },
};

/// What the access token is asked to live, in seconds.
const EXPIRES_IN: u64 = 6;
const AFTERWARDS: f64 = 0.8;

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "f4",
    title: "Demoted, and still an admin",
    claim: "After a sensitive change, invalidating the refresh token forces a new log-in, and with it the new role.",
    section: Section::Choosing,
    needs: &[Need::Instance],
    steps: &[
        "Make somebody an admin at a private instance, and log in at both doors.",
        "Demote them from the command line: that ends their token logins.",
        "Redeem the refresh token, and ask who the access token says they are until it expires.",
        "Log in again, and look at the new token.",
    ],
    test: Test::Run { seconds: 13, observe: |run| Box::pin(observe(run)) },
    code: &[excerpt!(Token, "everywhere.rs", "change_role", "token::log_out::log_out_everywhere(")],
    references: &[],
    expected: Some(Stamp::HoldsBut),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let instance = run.instance(&[]).await?;
    run.another_admin(&instance).await?;
    let target = instance.target().clone();
    let account = run.account_at(&target).await?;
    instance.command(&["user", "role", &account.email, "admin"]).await?;
    run.moment("two-doors user role … admin");
    let mut logins = run.log_in_at_both_for(&target, &account, &json!({ "expires_in": EXPIRES_IN })).await?;
    let expires_at = expires_at(&logins.access_token)? - run.started_at();
    let mut copies = logins.copies()?;
    run.try_good_copies(&mut copies, "An admin.").await?;

    instance.command(&["user", "role", &account.email, "user"]).await?;
    let demoted = run.now();
    run.moment("two-doors user role … user");
    let renewed = run.ask(&mut logins.program, Door::Token, &refresh(&logins.refresh_token)).await?;
    let is_refreshed = renewed.accepted();
    run.show(renewed.saying("The refresh token, right after the demotion."));
    run.watch(&mut copies, expires_at + AFTERWARDS).await?;
    let [session, of_claims, live] = &copies;
    let (still, stale_session) = (of_claims.told("admin", demoted), session.told("admin", demoted));
    run.figure(figure(
        format!("The demoted admin’s token was good for {:.1} s more, claims only", of_claims.outlived(demoted)),
        &copies[1..],
        demoted,
    ));

    let mut program = Client::new(&target, "two-doors experiment")?;
    let (access, _, seen) = run.log_in_at_the_api(&mut program, &account, &json!({})).await?;
    let role = claims(&access)?["role"].as_str().unwrap_or_default().to_owned();
    run.show(seen.saying(format!("A new log-in. Its token says {role}.")));
    run.number("refreshes after the demotion that were let in", usize::from(is_refreshed), "");
    run.number("answers after it that said admin, by the token’s claims", still, "");
    run.number("answers after it that said admin, by the session", stale_session, "");
    run.number("requests after it that were let in, checked live", live.let_in_after(demoted), "");
    run.number("the role in the next log-in’s token", &role, "");
    Ok(match (is_refreshed || role != "user", still) {
        (true, _) => Outcome::is_false(format!(
            "The refresh token was {} after the demotion, and the next log-in’s token says {role}.",
            if is_refreshed { "redeemed" } else { "refused" }
        )),
        (false, 0) => {
            Outcome::holds("The refresh token was refused at once, and so was the access token wherever it was shown.")
        }
        (false, _) => Outcome::holds_but(format!(
            "The refresh token was refused at once and the next log-in’s token says {role}; but the access token said admin for {:.1} s \
             more, until it expired, {still} times where only its claims are read. Checked live it was let in {} times. The \
             session, whose role is read from the user’s row, said admin {stale_session} times.",
            of_claims.outlived(demoted),
            live.let_in_after(demoted),
        )),
    })
}
