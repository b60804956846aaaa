//! R4: a short access token and a refresh token: whoever is revoked is out within the access token's life.
//!
//! Two logins of one user, of which one is ended: what "fully logged out" means is part of the question.

use serde_json::json;

use crate::experiments::{
    account::Account,
    client::{Client, Target},
    excerpt::LOG_OUT,
    exchange::Door,
    experiment::{Experiment, Outcome, Reference, Section, Test},
    finding::Stamp,
    lab::{
        Run, Stopped,
        copies::{Copy, figure},
        parts::expires_at,
        requests::{api_log_out, api_log_out_everywhere, claims_me, live_account, refresh},
    },
};

/// What the access tokens are asked to live, in seconds: the shortest that the API gives.
const EXPIRES_IN: u64 = 5;
const AFTERWARDS: f64 = 0.8;

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "r4",
    title: "Out within the access token’s life",
    claim: "With a short access token and a refresh token, ending the refresh token logs somebody out for good within the access \
            token’s life.",
    section: Section::Revocation,
    needs: &[],
    steps: &[
        "Log in twice at the API, with access tokens that live five seconds.",
        "End the first login, and try its refresh token and its access token until both are dead.",
        "Refresh the second login; then log out everywhere, and try it again.",
    ],
    test: Test::Run { seconds: 8, observe: |run| Box::pin(observe(run)) },
    code: &LOG_OUT,
    references: &[Reference {
        title: "RFC 6819, 5.1.5.3: short expiration time",
        url: "https://www.rfc-editor.org/rfc/rfc6819#section-5.1.5.3",
    }],
    expected: Some(Stamp::Holds),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let (target, account) = (run.target(), run.account().await?);
    let (mut program, access, first) = log_in(run, &target, &account, "The first login.").await?;
    let (mut other, _, second) = log_in(run, &target, &account, "The second one, on another device.").await?;
    let expires_at = expires_at(&access)? - run.started_at();
    let thief = program.copied("two-doors with a copy")?;
    let mut copies = [
        Copy::new("access token, claims only", Door::Token, thief.clone(), claims_me(&access)),
        Copy::new("access token, live check", Door::Token, thief.clone(), live_account(&access)),
    ];
    run.try_good_copies(&mut copies, "A copy is as good as the original.").await?;

    let ended = run.ask(&mut program, Door::Token, &api_log_out(&first)).await?;
    ended.must_be(200)?;
    let log_out = ended.exchange.answered.0;
    run.show(ended.saying("The first login is ended."));
    let [claims_only, live] = copies;
    let mut copies = [claims_only, live, Copy::new("refresh token", Door::Token, thief, refresh(&first))];
    run.watch(&mut copies, expires_at + AFTERWARDS).await?;
    let [of_claims, _, of_refresh] = copies.each_ref().map(|copy| copy.outlived(log_out));
    let refreshed = copies[2].let_in_after(log_out);
    let late = copies[0].let_in_after(expires_at);
    run.figure(figure(
        format!(
            "Once its login had ended, the access token lived {of_claims:.1} s, the refresh token {of_refresh:.1} s"
        ),
        &copies,
        log_out,
    ));

    let renewed = run.ask(&mut other, Door::Token, &refresh(&second)).await?;
    let lives_on = renewed.accepted();
    run.show(renewed.saying("The other login of the same user."));
    let (access, second) = (renewed.answer.text("access_token"), renewed.answer.text("refresh_token"));
    let everywhere = api_log_out_everywhere(&access.unwrap_or_default());
    let everywhere = run.ask(&mut other, Door::Token, &everywhere).await?;
    run.show(everywhere.saying("Log-out everywhere."));
    let renewed = run.ask(&mut other, Door::Token, &refresh(&second.unwrap_or_default())).await?;
    let ended_too = lives_on && !renewed.accepted();
    run.show(renewed.saying("The other login after that."));

    run.number("refreshes after the end that were let in", refreshed, "");
    run.number("what the access token had left to live", format!("{:.1}", expires_at - log_out), "s");
    run.number("how long it was let in after the end, claims only", format!("{of_claims:.1}"), "s");
    run.number("requests after it expired that were let in", late, "");
    Ok(match (refreshed, late) {
        (0, 0) => Outcome::holds(format!(
            "The refresh token was dead at once, and the access token {of_claims:.1} s later, when it expired. “Fully logged out” \
             means this login: the user’s other one {}.",
            match ended_too {
                true => "went on until log-out everywhere ended it too",
                false if lives_on => "went on even after log-out everywhere",
                false => "ended with it",
            }
        )),
        _ => Outcome::is_false(format!(
            "{refreshed} refreshes were let in after the login had ended, and {late} requests after the access token had expired."
        )),
    })
}

async fn log_in(
    run: &mut Run,
    target: &Target,
    account: &Account,
    says: &str,
) -> Result<(Client, String, String), Stopped> {
    let mut program = Client::new(target, "two-doors experiment")?;
    let besides = json!({ "expires_in": EXPIRES_IN });
    let (access, refresh, seen) = run.log_in_at_the_api(&mut program, account, &besides).await?;
    run.show(seen.saying(says));
    Ok((program, access, refresh))
}
