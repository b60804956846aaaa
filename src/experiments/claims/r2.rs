//! R2: a session can be destroyed at once.

use super::after_log_out::{self, Watched};
use crate::experiments::{
    excerpt::LOG_OUT,
    experiment::{Experiment, Outcome, Section, Test},
    finding::Stamp,
    lab::{Run, Stopped},
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "r2",
    title: "A copied cookie dies at log-out",
    claim: "A session can be destroyed at once.",
    section: Section::Revocation,
    needs: &[],
    steps: &[
        "Log in at both doors, with an access token that lives six seconds, and copy everything.",
        "Log out at both doors.",
        "Try the copies four times a second until the last is dead.",
    ],
    test: Test::Run { seconds: 9, observe: |run| Box::pin(observe(run)) },
    code: &LOG_OUT,
    references: &[],
    expected: Some(Stamp::Holds),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let Watched { log_out, copies: [session, claims, _], .. } = after_log_out::watch(run).await?;
    let (let_in, tries) = (session.let_in_after(log_out), session.tries_after(log_out));
    Ok(match let_in {
        0 => Outcome::holds(format!(
            "None of {tries} requests with the copied cookie that were sent after log-out’s answer was let in. (The copied token, \
             claims only: {} of {}.)",
            claims.let_in_after(log_out),
            claims.tries_after(log_out)
        )),
        _ => Outcome::is_false(format!(
            "{let_in} of {tries} requests with the copied cookie were let in after log-out, for {:.1} s.",
            session.outlived(log_out)
        )),
    })
}
