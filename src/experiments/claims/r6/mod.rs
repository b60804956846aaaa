//! R6: log-out elsewhere, a change of password and a ban end access.
//!
//! Each event meets a login of its own at both doors; then copies of all four credentials are replayed. It is the table of
//! `/what-still-works`, measured again from the outside.

mod events;

use self::events::{EVENTS, Event};
use crate::{
    excerpt,
    experiments::{
        client::Client,
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        finding::Stamp,
        lab::{
            Instance, Logins, Run, Seen, Stopped,
            requests::{claims_me, live_account, refresh, session_me},
        },
    },
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "r6",
    title: "What ends access",
    claim: "Log-out elsewhere, a change of password and a ban end access at once.",
    section: Section::Revocation,
    needs: &[Need::Instance],
    steps: &[
        "For each event: make an account at a private instance, log in at both doors, and copy all four credentials.",
        "Let the event happen: by form, by request, or from the command line as an operator would.",
        "Replay the copies: the cookie, the access token by its claims and checked live, the refresh token.",
    ],
    test: Test::Run { seconds: 15, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(
            Session,
            "session/log_out.rs",
            "log_out_everywhere",
            "sessions::ended_at.eq(clock_timestamp().nullable())"
        ),
        excerpt!(Token, "token/log_out.rs", "log_out_everywhere", "token_families::ended_at.eq("),
    ],
    references: &[Reference {
        title: "OWASP ASVS 5.0, 7.4.2 and 7.4.3: what ends when an account is disabled or a factor changes",
        url: "https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/0x16-V7-Session-Management.md",
    }],
    expected: Some(Stamp::HoldsBut),
};

const CREDENTIALS: [&str; 4] = ["cookie", "access token, claims only", "access token, live", "refresh token"];

/// Whether each of [`CREDENTIALS`] was let in.
type Fates = [bool; 4];

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let instance = run.instance(&[]).await?;
    run.another_admin(&instance).await?;
    let (mut otherwise, mut outlived) = (Vec::new(), 0);
    for event in EVENTS {
        let fates = after(run, &instance, event).await?;
        let told: Vec<String> = CREDENTIALS
            .iter()
            .zip(fates)
            .map(|(name, yes)| format!("{name}: {}", if yes { "yes" } else { "no" }))
            .collect();
        run.number(format!("after {}", event.what), told.join("; "), "");
        outlived += usize::from(fates[1] && !fates[2]);
        if fates != event.expected {
            otherwise.push(event.what);
        }
    }
    Ok(match (otherwise.is_empty(), outlived) {
        (true, 0) => Outcome::holds("Every credential that an event is about was refused at its first replay."),
        (true, outlived) => Outcome::holds_but(format!(
            "The cookie, the refresh token and whatever asks whether the login is alive were refused at the first replay, after each \
             event that concerns them. But after {outlived} of {} events the access token went on where only its claims are read, \
             until it expires; and a log-out at one door is another login’s affair at the other.",
            EVENTS.len()
        )),
        (false, _) => Outcome::is_false(format!("Not as this server promises: after {}.", otherwise.join(", after "))),
    })
}

/// Lets an event happen to a login of its own, and replays the copies.
async fn after(run: &mut Run, instance: &Instance, event: &Event) -> Result<Fates, Stopped> {
    let account = run.account_at(instance.target()).await?;
    if event.begins_as_admin {
        instance.command(&["user", "role", &account.email, "admin"]).await?;
    }
    run.moment(format!("Another account, and then {}", event.what));
    let mut logins = run.log_in_at_both(instance.target(), &account).await?;
    let copies = (logins.browser.copied("two-doors with a copy")?, logins.program.copied("two-doors with a copy")?);
    events::happen(run, instance, &account, (&mut logins, event.act)).await?;
    replay(run, &logins, copies).await
}

async fn replay(
    run: &mut Run,
    logins: &Logins,
    (mut browser, mut program): (Client, Client),
) -> Result<Fates, Stopped> {
    let session = run.ask(&mut browser, Door::Session, &session_me()).await?;
    let claims = run.ask(&mut program, Door::Token, &claims_me(&logins.access_token)).await?;
    let live = run.ask(&mut program, Door::Token, &live_account(&logins.access_token)).await?;
    // The last, as it works once.
    let renewed = run.ask(&mut program, Door::Token, &refresh(&logins.refresh_token)).await?;
    let all: [&Seen; 4] = [&session, &claims, &live, &renewed];
    let fates = all.map(Seen::accepted);
    for (seen, name) in all.into_iter().zip(CREDENTIALS) {
        if !seen.accepted() && ![303, 401, 403].contains(&seen.status()) {
            return Err(Stopped::because(format!("the {name} was answered {}", seen.status())));
        }
    }
    let says = |name: &str| format!("A copy, replayed: {name}.");
    run.show_pair(session.saying(says(CREDENTIALS[0])), claims.saying(says(CREDENTIALS[1])));
    run.show(live.saying(says(CREDENTIALS[2])));
    run.show(renewed.saying(says(CREDENTIALS[3])));
    Ok(fates)
}
