//! What R1 and R2 share: one log-out at both doors, and copies of everything, tried until the last is dead.

use serde_json::json;

use crate::experiments::{
    exchange::Door,
    lab::{
        Run, Stopped,
        copies::{Copy, figure},
        parts::expires_at,
        requests::{api_log_out, form},
    },
};

/// What the access token is asked to live, in seconds.
const EXPIRES_IN: u64 = 6;
/// How long the dead are still tried, in seconds.
const AFTERWARDS: f64 = 0.8;

/// How a story of both doors went.
pub struct Watched {
    /// When both doors had answered the log-out, in seconds since the run began.
    pub log_out: f64,
    /// When the access token expires by its own account.
    pub expires_at: f64,
    /// The cookie; the token where only its claims are read; the token where it is checked live.
    pub copies: [Copy; 3],
}

/// Logs somebody in and out at both doors, and tries copies of what they held.
pub async fn watch(run: &mut Run) -> Result<Watched, Stopped> {
    let (target, account) = (run.target(), run.account().await?);
    let mut logins = run.log_in_at_both_for(&target, &account, &json!({ "expires_in": EXPIRES_IN })).await?;
    let expires_at = expires_at(&logins.access_token)? - run.started_at();
    let mut copies = logins.copies()?;
    run.moment("Someone copies the cookie and the access token");
    run.try_good_copies(&mut copies, "A copy is as good as the original.").await?;

    let session = run.ask(&mut logins.browser, Door::Session, &form("/logout", &logins.form_token, &[])).await?;
    session.must_be(303)?;
    let api = run.ask(&mut logins.program, Door::Token, &api_log_out(&logins.refresh_token)).await?;
    api.must_be(200)?;
    let log_out = api.exchange.answered.0;
    run.show_pair(
        session.saying("The row is ended, and the browser is told to drop its cookie."),
        api.saying("The login is ended, and the answer says itself what that can’t reach."),
    );
    run.watch(&mut copies, expires_at + AFTERWARDS).await?;
    report(run, &copies, log_out, expires_at);
    Ok(Watched { log_out, expires_at, copies })
}

fn report(run: &mut Run, copies: &[Copy; 3], log_out: f64, expires_at: f64) {
    for copy in copies {
        let label = format!("{}: tries after log-out, and how many were let in", copy.name);
        run.number(label, format!("{}, {}", copy.tries_after(log_out), copy.let_in_after(log_out)), "");
    }
    run.number("what the access token had left to live at log-out", format!("{:.1}", expires_at - log_out), "s");
    let [session, claims, _] = copies.each_ref().map(|copy| copy.outlived(log_out));
    let title =
        format!("After log-out the copied cookie was let in for {session:.1} s, the copied token for {claims:.1} s");
    run.figure(figure(title, copies, log_out));
}
