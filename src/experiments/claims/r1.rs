//! R1: a JWT can't be revoked before it expires.

use super::after_log_out::{self, Watched};
use crate::experiments::{
    excerpt::LOG_OUT,
    experiment::{Experiment, Outcome, Reference, Section, Test},
    finding::Stamp,
    lab::{Run, Stopped},
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "r1",
    title: "A copied token outlives log-out",
    claim: "A JWT can’t be revoked before it expires: the server has no record of it.",
    section: Section::Revocation,
    needs: &[],
    steps: &[
        "Log in at both doors, with an access token that lives six seconds, and copy everything.",
        "Log out at both doors.",
        "Try the copies four times a second until the last is dead.",
    ],
    test: Test::Run { seconds: 9, observe: |run| Box::pin(observe(run)) },
    code: &LOG_OUT,
    references: &[
        Reference {
            title: "OWASP ASVS 5.0, 7.4.1: after log-out no further use; self-contained tokens need a way to that",
            url: "https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/0x16-V7-Session-Management.md",
        },
        Reference { title: "RFC 7009: OAuth 2.0 token revocation", url: "https://www.rfc-editor.org/rfc/rfc7009" },
    ],
    expected: Some(Stamp::HoldsBut),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let Watched { log_out, expires_at, copies: [_, claims, live] } = after_log_out::watch(run).await?;
    let (let_in, tries) = (claims.let_in_after(log_out), claims.tries_after(log_out));
    let early = claims.refused_before(expires_at);
    let live_in = live.let_in_after(log_out);
    if early > 0 {
        return Ok(Outcome::is_false(format!(
            "Even the route that reads only the claims refused the copy {early} times while it had not expired."
        )));
    }
    if let_in == 0 {
        return Err(Stopped::because("the token had expired before its copy could be tried"));
    }
    let lived = format!(
        "Where only its claims are read the copy was let in {let_in} times of {tries} after log-out, for {:.1} s: what it had left \
         to live was {:.1} s.",
        claims.outlived(log_out),
        expires_at - log_out
    );
    Ok(match live_in {
        0 => Outcome::holds_but(format!(
            "{lived} A route that also asks whether the login is alive refused the same token at once, {refused} times of \
             {refused}: it can be revoked by whoever looks.",
            refused = live.tries_after(log_out)
        )),
        _ => Outcome::holds(format!("{lived} Where the server looks it was let in {live_in} times as well.")),
    })
}
