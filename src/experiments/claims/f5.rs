//! F5: who may do what can be read from the token, without a look-up.
//!
//! No route of the real doors lets anybody administer by the claims alone, so a service of the experiment's own does: it
//! knows the issuer's public keys and nothing else.

use crate::{
    excerpt,
    experiments::{
        client::Client,
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Section, Test},
        finding::Stamp,
        lab::{
            Instance, Run, Seen, Service, Stopped, get,
            parts::claims,
            requests::{claims_me, live_account},
        },
        message::Shown,
    },
};

/// How many requests, with each token.
const REQUESTS: usize = 20;

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "f5",
    title: "The role is read off the token",
    claim: "With the role in the token, authorisation needs no look-up.",
    section: Section::Choosing,
    needs: &[Need::Instance],
    steps: &[
        "Make an admin and a user at a private instance, and take a token of each.",
        "Ask the API which role each token says, and add up the statements that the server counts.",
        "Start a service that knows the instance’s public keys only; stop the instance’s database.",
        "Ask the service’s route for admins with both tokens.",
    ],
    test: Test::Run { seconds: 7, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Session, "session/authenticate.rs", "me", "role: self.user().role(),"),
        excerpt!(Token, "token/access.rs", "me", "role: self.role"),
    ],
    references: &[],
    expected: Some(Stamp::Holds),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let instance = run.instance(&[]).await?;
    let admin = token_of(run, &instance, "admin").await?;
    let user = token_of(run, &instance, "user").await?;
    let mut program = Client::new(instance.target(), "two-doors experiment")?;
    let statements = by_the_claims(run, &mut program, &admin).await?;
    let live = run.ask(&mut program, Door::Token, &live_account(&admin)).await?;
    let of_live = live.answer.statements().unwrap_or_default();
    run.show(live.saying("A route that looks, for comparison."));

    let jwks = run.ask(&mut program, Door::Token, &get("/.well-known/jwks.json", Shown::Nothing)).await?;
    jwks.must_be(200)?;
    let says = claims(&admin)?;
    let text = |name: &str| says[name].as_str().unwrap_or_default().to_owned();
    let service = Service::open(&jwks.answer.json(), &text("iss"), &text("aud"))?;
    run.show(jwks.saying("A service starts that knows these keys, the issuer’s name, and nothing else."));
    instance.stop_database().await?;
    run.moment("The instance’s database is stopped: there is nobody left to ask");
    let mut visitor = Client::new(service.target(), "two-doors experiment")?;
    let admins_in =
        ask_for_admins(run, &mut visitor, &admin, 200, "An admin’s token at the service’s route for admins.").await?;
    let users_out = ask_for_admins(run, &mut visitor, &user, 403, "A user’s token at the same route.").await?;

    run.number(format!("statements of {REQUESTS} requests that were told the role by the claims"), statements, "");
    run.number("statements of a request that looks", of_live, "");
    run.number(format!("of {REQUESTS} with the admin’s token, let in without any database"), admins_in, "");
    run.number(format!("of {REQUESTS} with the user’s token, refused without any database"), users_out, "");
    Ok(match (statements, admins_in, users_out) {
        (0, REQUESTS, REQUESTS) => Outcome::holds(format!(
            "No statement in {REQUESTS} requests; and a service without a database let the admin in {REQUESTS} times of {REQUESTS} and \
             the user never. What it can’t know is whether the role still is the user’s (F3, F4): this API’s own routes for \
             admins look."
        )),
        _ => Outcome::is_false(format!(
            "{REQUESTS} requests took {statements} statements; the service let the admin in {admins_in} times of {REQUESTS}, and \
             refused the user {users_out} times."
        )),
    })
}

async fn token_of(run: &mut Run, instance: &Instance, role: &str) -> Result<String, Stopped> {
    let account = run.account_at(instance.target()).await?;
    instance.command(&["user", "role", &account.email, role]).await?;
    let (_, token) = run.program_of(instance.target(), &account, format!("A token that says {role}.")).await?;
    Ok(token)
}

/// Asks the API what the token says. Gives the statements that it took.
async fn by_the_claims(run: &mut Run, program: &mut Client, token: &str) -> Result<u32, Stopped> {
    let mut all = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        all.push(run.ask(program, Door::Token, &claims_me(token)).await?);
    }
    let counted = |seen: &Seen| {
        seen.must_be(200)?;
        let told = seen.answer.statements();
        told.ok_or_else(|| Stopped::because("the server does not say what it counted: SERVER_TIMING is off"))
    };
    let statements = all.iter().map(counted).sum();
    if let Some(last) = all.last() {
        run.show(last.saying("The role, as the token says it. The last of twenty."));
    }
    statements
}

/// Counts the answers with this status.
async fn ask_for_admins(
    run: &mut Run,
    visitor: &mut Client,
    token: &str,
    status: u16,
    says: &str,
) -> Result<usize, Stopped> {
    let request = get("/admin", Shown::Bearer(token.to_owned()));
    let mut as_expected = 0;
    for turn in 0..REQUESTS {
        let seen = run.ask(visitor, Door::Token, &request).await?;
        as_expected += usize::from(seen.status() == status);
        if turn == 0 {
            run.show(seen.saying(says));
        }
    }
    Ok(as_expected)
}
