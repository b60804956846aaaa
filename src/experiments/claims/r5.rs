//! R5: a blocklist revokes at once, at one look-up a request.
//!
//! The same token at a route that reads only its claims and at one that looks, beside a session, whose look-up is of the
//! same kind.

use crate::{
    excerpt,
    experiments::{
        account::Account,
        client::{Client, Target},
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        figure::{Bar, Figure, amount},
        finding::Stamp,
        lab::{
            Logins, Run, Seen, Stopped,
            parts::claims,
            post,
            requests::{api_log_out_everywhere, claims_me, live_account, session_me},
        },
        message::{Body, Request, Shown},
    },
};

/// How often each is measured, after a tenth as many that don't count.
const TIMES: usize = 60;

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "r5",
    title: "A blocklist, and its price",
    claim: "A blocklist revokes access tokens at once, at the price of one look-up a request.",
    section: Section::Revocation,
    needs: &[Need::Quiet],
    steps: &[
        "Log in at both doors, and measure the same question with a cookie, with a token by its claims, and with a token checked live.",
        "Put the token on the denylist (RFC 7009), and show it at both routes of the API.",
        "Log out everywhere, log in again, and show the old token and the new one.",
    ],
    test: Test::Run { seconds: 4, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Token, "token/authenticate.rs", "authenticate", "tokens.verify("),
        excerpt!(Token, "token/standing.rs", "live", "if self.is_denied {"),
    ],
    references: &[
        Reference {
            title: "OWASP ASVS 5.0, 7.4.1: after log-out no further use, by a denylist or the like for self-contained tokens",
            url: "https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/0x16-V7-Session-Management.md",
        },
        Reference { title: "RFC 7009: OAuth 2.0 token revocation", url: "https://www.rfc-editor.org/rfc/rfc7009" },
    ],
    expected: Some(Stamp::HoldsBut),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let (target, account) = (run.target(), run.account().await?);
    let mut logins = run.log_in_at_both(&target, &account).await?;
    let costs = measure(run, &mut logins).await?;
    let [session, claims_only, live] = costs.each_ref();
    run.figure(Figure {
        title: format!(
            "A look costs the token {} statement{}, as it costs the session {}",
            live.statements,
            if live.statements == 1 { "" } else { "s" },
            session.statements
        ),
        unit: "ms",
        bars: costs.iter().map(Cost::bar).collect(),
        n: TIMES,
        note: "answers of this server as its client saw them, in turn".to_owned(),
    });

    let revoke = post("/api/revoke", Shown::Nothing, Body::Form(vec![("token", logins.access_token.clone())]));
    let revoked = run.ask(&mut logins.program, Door::Token, &revoke).await?;
    revoked.must_be(200)?;
    run.show(revoked.saying("The access token is put on the denylist."));
    let denied = run.ask(&mut logins.program, Door::Token, &live_account(&logins.access_token)).await?;
    let passed = run.ask(&mut logins.program, Door::Token, &claims_me(&logins.access_token)).await?;
    let (is_denied, is_passed) = (!denied.accepted(), passed.accepted());
    run.show(denied.saying("Whoever looks refuses it at once."));
    run.show(passed.saying("Whoever doesn’t look doesn’t know."));
    let before_t = issued_before(run, &target, &account).await?;

    for cost in &costs {
        run.number(format!("{}: statements a request", cost.name), cost.statements, "");
        run.number(format!("{}: median", cost.name), amount(cost.at(50)), "ms");
    }
    Ok(match (is_denied, is_passed) {
        (true, true) => Outcome::holds_but(format!(
            "The route that looks refused the token at the next request, for {} statement{} a request: a session’s look-up is {}. \
             The route that reads only the claims went on, at {}: after log-out that is not what ASVS 7.4.1 asks for. {before_t}",
            live.statements,
            if live.statements == 1 { "" } else { "s" },
            session.statements,
            claims_only.statements,
        )),
        (true, false) => Outcome::holds(format!(
            "Every route refused the token at the next request; this server looks everywhere (TOKEN_CHECK=live). {before_t}"
        )),
        (false, _) => Outcome::is_false("The route that looks let the token in although it is on the denylist."),
    })
}

/// What a question costs.
struct Cost {
    name: &'static str,
    door: Door,
    statements: u32,
    /// In milliseconds, in order.
    times: Vec<f64>,
}

impl Cost {
    /// The time that so many of a hundred took no longer than.
    fn at(&self, percent: usize) -> f64 {
        let last = self.times.len().saturating_sub(1);
        self.times.get((last * percent + 50) / 100).copied().unwrap_or_default()
    }

    fn bar(&self) -> Bar {
        Bar { low: self.at(10), high: self.at(90), ..Bar::exact(self.name, Some(self.door), self.at(50)) }
    }
}

/// Asks the three in turn, so that whatever else the machine does meets all of them.
async fn measure(run: &mut Run, logins: &mut Logins) -> Result<[Cost; 3], Stopped> {
    let cost = |name, door| Cost { name, door, statements: 0, times: Vec::with_capacity(TIMES) };
    let mut costs = [
        cost("session cookie", Door::Session),
        cost("access token, claims only", Door::Token),
        cost("access token, live check", Door::Token),
    ];
    let token = logins.access_token.clone();
    let requests: [Request; 3] = [session_me(), claims_me(&token), live_account(&token)];
    for turn in 0..TIMES + TIMES / 10 {
        let mut round = Vec::with_capacity(3);
        for (cost, request) in costs.iter_mut().zip(&requests) {
            let client = if cost.door == Door::Session { &mut logins.browser } else { &mut logins.program };
            let seen = run.ask(client, cost.door, request).await?;
            seen.must_be(200)?;
            if turn >= TIMES / 10 {
                cost.statements = statements(&seen)?;
                cost.times.push(seen.exchange.took.milliseconds());
            }
            round.push(seen);
        }
        if turn + 1 == TIMES + TIMES / 10 {
            show(run, &round);
        }
    }
    for cost in &mut costs {
        cost.times.sort_by(f64::total_cmp);
    }
    Ok(costs)
}

fn show(run: &mut Run, round: &[Seen]) {
    if let [session, claims, live] = round {
        run.show_pair(session.saying("The row is read."), claims.saying("Nobody is asked."));
        run.show(live.saying("Login, token and user are looked up, in one statement."));
    }
}

fn statements(seen: &Seen) -> Result<u32, Stopped> {
    let told = seen.answer.statements();
    told.ok_or_else(|| Stopped::because("the server does not say what it counted: SERVER_TIMING is off"))
}

/// Logs out everywhere and in again: a blocklist of users would keep them out for good, one of "issued before" does not.
async fn issued_before(run: &mut Run, target: &Target, account: &Account) -> Result<String, Stopped> {
    let mut program = Client::new(target, "two-doors experiment")?;
    let (old, _, _) = run.log_in_at_the_api(&mut program, account, &serde_json::Value::Null).await?;
    let ended = run.ask(&mut program, Door::Token, &api_log_out_everywhere(&old)).await?;
    ended.must_be(200)?;
    run.show(ended.saying("Log-out everywhere counts the user’s version up: every token issued before is blocked."));
    let refused = run.ask(&mut program, Door::Token, &live_account(&old)).await?;
    let (new, _, seen) = run.log_in_at_the_api(&mut program, account, &serde_json::Value::Null).await?;
    let accepted = run.ask(&mut program, Door::Token, &live_account(&new)).await?;
    let versions = [&claims(&old)?["ver"], &claims(&new)?["ver"]].map(ToString::to_string);
    let (old, new) = (refused.status(), accepted.status());
    run.show(refused.saying(format!("A token of version {}.", versions[0])));
    run.show(seen.saying("The same user logs in again."));
    run.show(
        accepted
            .saying(format!("A token of version {}. A blocklist of user ids would refuse this one, too.", versions[1])),
    );
    run.number("a token from before log-out everywhere, checked live", old, "");
    run.number("one from after it", new, "");
    Ok(match (old, new) {
        (401, 200) => "What is blocked must be “issued before”, as here by a version: the user’s next token was let in, which a list of \
                       user ids would refuse for good."
            .to_owned(),
        _ => format!("After log-out everywhere the old token was answered {old}, and the user’s next one {new}."),
    })
}
