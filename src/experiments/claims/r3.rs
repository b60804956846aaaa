//! R3: a stolen token of 24 hours is good for 24 hours.
//!
//! At a specimen, as this door gives none by default; and at a private instance that was told to (`ACCESS_TTL`), to see
//! what helps.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    excerpt,
    experiments::{
        client::Client,
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        finding::Stamp,
        lab::{
            Run, Stopped, get,
            parts::header,
            post,
            requests::{claims_me, live_account},
        },
        message::{Body, Shown},
    },
};

const DAY: u64 = 24 * 60 * 60;
/// Every instance knows of a retired key within five seconds.
const RETIRED_WITHIN: Duration = Duration::from_secs(6);
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "r3",
    title: "A stolen day",
    claim: "Who steals a token that lives for 24 hours has access for 24 hours.",
    section: Section::Revocation,
    needs: &[Need::Instance, Need::Specimens],
    steps: &[
        "Ask the real door for a token of 24 hours.",
        "Have a specimen issue one, copy it, change the password, ban the user, and show the copy.",
        "Do the same at a private instance with ACCESS_TTL=24h: by the token’s claims, and where the login is checked.",
        "Retire the key that signed it, and show it again.",
    ],
    test: Test::Run { seconds: 12, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Token, "token/access.rs", "times", "now >= self.exp"),
        excerpt!(Token, "token/standing.rs", "live", "if self.is_denied {"),
    ],
    references: &[
        Reference {
            title: "RFC 9449: tokens that are bound to their sender (DPoP)",
            url: "https://www.rfc-editor.org/rfc/rfc9449",
        },
        Reference {
            title: "RFC 9700, 4.10: what limits the use of a stolen access token",
            url: "https://www.rfc-editor.org/rfc/rfc9700#section-4.10",
        },
    ],
    expected: Some(Stamp::HoldsBut),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let granted = ask_for_a_day(run).await?;
    let stolen = at_the_specimen(run).await?;
    let Helped { claims, live, retired } = what_helps(run).await?;
    run.number("what the real door gives who asks for 24 hours", granted, "s");
    run.number("the stolen token at the specimen, after password change and ban", stolen.status, "");
    run.number("what it has left to live", stolen.seconds_left, "s");
    run.number("a 24-hour token of this software after a ban, claims only", claims, "");
    run.number("the same where the login is checked", live, "");
    run.number("the same, claims only, after its key was retired", retired.status, "");
    run.number("how long that took", format!("{:.1}", retired.seconds), "s");
    Ok(match (stolen.status, claims, live, retired.status) {
        (200, 200, 401 | 403, 401) => Outcome::holds_but(format!(
            "Neither a new password nor a ban stopped it: {:.1} hours to go. But it is not a law of nature: a route that looks (see \
             R5) refused such a token at once, and after its signing key was retired nobody took it any more, {:.1} s later (that ends \
             everybody’s tokens). One that is bound to its sender (RFC 9449) would be worth nothing to a thief; this software has no such.",
            stolen.seconds_left as f64 / 3600.0,
            retired.seconds,
        )),
        (200, ..) => Outcome::holds(format!(
            "Neither a new password nor a ban stopped it: {:.1} hours to go.",
            stolen.seconds_left as f64 / 3600.0
        )),
        (status, ..) => Outcome::is_false(format!("The stolen token was answered {status}.")),
    })
}

async fn ask_for_a_day(run: &mut Run) -> Result<u64, Stopped> {
    let (target, account) = (run.target(), run.account().await?);
    let mut program = Client::new(&target, "two-doors experiment")?;
    let (_, _, seen) = run.log_in_at_the_api(&mut program, &account, &json!({ "expires_in": DAY })).await?;
    let granted = seen.answer.json()["expires_in"].as_u64().unwrap_or_default();
    run.show(seen.saying(format!("The real door was asked for {DAY} s, and gives {granted} s.")));
    Ok(granted)
}

struct Stolen {
    status: u16,
    seconds_left: u64,
}

async fn at_the_specimen(run: &mut Run) -> Result<Stolen, Stopped> {
    let weak = run.weak_services()?;
    run.moment("A specimen that issues tokens for 24 hours: weak on purpose, on a listener of its own");
    let mut owner = Client::new(weak.target(), "two-doors experiment")?;
    let issued = run.ask(&mut owner, Door::Token, &post(weak.at("/day/token"), Shown::Nothing, Body::Empty)).await?;
    issued.must_be(200)?;
    let token = issued.answer.text("access_token").ok_or_else(|| Stopped::because("the specimen gave no token"))?;
    run.show(issued.saying("Specimen: a token that lives for a day. Somebody copies it."));
    let mut thief = owner.copied("two-doors with a copy")?;
    for (path, says) in
        [("/day/password", "Specimen: the password is changed."), ("/day/ban", "Specimen: the user is banned.")]
    {
        let changed = run.ask(&mut owner, Door::Token, &post(weak.at(path), Shown::Nothing, Body::Empty)).await?;
        changed.must_be(204)?;
        run.show(changed.saying(says));
    }
    let row = run.ask(&mut owner, Door::Token, &get(weak.at("/day/account"), Shown::Nothing)).await?;
    run.show(row.saying("Specimen: what the user’s row says, which nobody asks."));
    let seen = run.ask(&mut thief, Door::Token, &get(weak.at("/day/me"), Shown::Bearer(token))).await?;
    let stolen =
        Stolen { status: seen.status(), seconds_left: seen.answer.json()["seconds_left"].as_u64().unwrap_or_default() };
    run.show(seen.saying("Specimen: the stolen token."));
    Ok(stolen)
}

/// What became of a 24-hour token of this software.
struct Helped {
    claims: u16,
    live: u16,
    retired: Retired,
}

struct Retired {
    status: u16,
    seconds: f64,
}

async fn what_helps(run: &mut Run) -> Result<Helped, Stopped> {
    let instance = run.instance(&[("ACCESS_TTL", "24h")]).await?;
    let account = run.account_at(instance.target()).await?;
    let (program, token) = run.program_of(instance.target(), &account, "An instance with ACCESS_TTL=24h.").await?;
    instance.command(&["user", "ban", &account.email, "--reason", "an experiment"]).await?;
    run.moment("two-doors user ban …");
    let mut thief = program.copied("two-doors with a copy")?;
    let claims = run.ask(&mut thief, Door::Token, &claims_me(&token)).await?;
    let live = run.ask(&mut thief, Door::Token, &live_account(&token)).await?;
    let statuses = (claims.status(), live.status());
    run.show(claims.saying("After the ban, claims only."));
    run.show(live.saying("After the ban, where the login is checked."));

    let kid = header(&token)?["kid"].as_str().unwrap_or_default().to_owned();
    instance.command(&["keys", "rotate", "--in", "0s"]).await?;
    instance.command(&["keys", "retire", &kid]).await?;
    run.moment("two-doors keys rotate; two-doors keys retire …");
    let began = Instant::now();
    let last = loop {
        let seen = run.ask(&mut thief, Door::Token, &claims_me(&token)).await?;
        if !seen.accepted() || began.elapsed() > RETIRED_WITHIN {
            break seen;
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    };
    let retired = Retired { status: last.status(), seconds: began.elapsed().as_secs_f64() };
    run.show(last.saying("After its key was retired, claims only."));
    Ok(Helped { claims: statuses.0, live: statuses.1, retired })
}
