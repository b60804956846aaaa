//! C4: one token serves several services, which verify it by themselves.
//!
//! And any of them can use it at the others, unless each has an audience of its own.

use serde_json::{Value, json};

use super::three_services::Services;
use crate::{
    excerpt,
    experiments::{
        account::Account,
        client::Client,
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        finding::Stamp,
        lab::{Instance, Run, Stopped, get, parts::claims},
        message::Shown,
    },
};

const BILLING: usize = 1;

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "c4",
    title: "Orders, billing, notifications",
    claim: "One token serves the orders, the billing and the notifications service, and none of them shares any session.",
    section: Section::Scale,
    needs: &[Need::Instance],
    steps: &[
        "Start a private instance, and three services that know nothing but its public keys.",
        "Let all three accept one audience, and show each of them one token for it.",
        "Let the notifications service show the token that it got to the billing service.",
        "Give each service an audience of its own, take a token for each, and try the same again.",
        "Try it with one token that names all three audiences.",
    ],
    test: Test::Run { seconds: 6, observe: |run| Box::pin(observe(run)) },
    code: &[excerpt!(Token, "token/access.rs", "audience", "claims.aud.names(audience)")],
    references: &[
        Reference {
            title: "RFC 9068, 4: a resource server must reject a token whose audience it is not",
            url: "https://www.rfc-editor.org/rfc/rfc9068#section-4",
        },
        Reference {
            title: "RFC 9700, 2.3: access tokens restricted to certain resource servers, preferably to one",
            url: "https://www.rfc-editor.org/rfc/rfc9700#section-2.3",
        },
        Reference {
            title: "OWASP ASVS 5.0, 9.2.3: only tokens that are meant for the service",
            url: "https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/0x18-V9-Self-contained-Tokens.md",
        },
    ],
    expected: Some(Stamp::HoldsBut),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let instance = run.instance(&[("AUDIENCES", "services,orders,billing,notifications")]).await?;
    let account = run.account_at(instance.target()).await?;
    let mut program = Client::new(instance.target(), "two-doors experiment")?;
    let jwks = run.ask(&mut program, Door::Token, &get("/.well-known/jwks.json", Shown::Nothing)).await?;
    jwks.must_be(200)?;
    run.show(jwks.saying("All that the three services know, besides the issuer’s name and their own."));
    let jwks = jwks.answer.json();

    let token = token_for(run, &instance, &account, &["services"]).await?;
    let issuer = text(&token, "iss")?;
    let shared = Services::open(&jwks, &issuer, ["services"; 3])?;
    let served = shared.ask_all(run, [&token; 3], "one token, one audience for all.").await?;
    let rogue = shared.ask(run, BILLING, &token, true).await?;
    run.show(rogue.saying("The notifications service shows the token that it got to billing, and is the user there."));

    let apart = Services::open(&jwks, &issuer, ["orders", "billing", "notifications"])?;
    let mut own = Vec::new();
    for name in super::three_services::NAMES {
        own.push(token_for(run, &instance, &account, &[name]).await?);
    }
    let own_served = apart.ask_all(run, [&own[0], &own[1], &own[2]], "a token for this service alone.").await?;
    let stopped = apart.ask(run, BILLING, &own[2], true).await?;
    run.show(stopped.saying("The notifications service shows its token to billing."));
    let all = token_for(run, &instance, &account, &super::three_services::NAMES).await?;
    let broad = apart.ask(run, BILLING, &all, true).await?;
    run.show(broad.saying("The same with a token that names all three: as good as one audience for all."));

    run.number("services that took one token, with one audience for all", served, "");
    run.number("the notifications service’s copy of it at billing", rogue.status(), "");
    run.number("services that took a token of their own", own_served, "");
    run.number("the notifications service’s token at billing, with an audience each", stopped.status(), "");
    run.number("the same with a token that names all three", broad.status(), "");
    Ok(match (served, rogue.status(), own_served, stopped.status()) {
        (3, 200, 3, 401) => Outcome::holds_but(
            "Three services that know only the public keys all took the one token, and asked nobody. But what serves all three can be \
             used by any of them: a rogue notifications service was the user at billing. With an audience for each \
             service, and a token for each, it was refused there. A token that names all three is no better than one \
             audience.",
        ),
        (3, 401, 3, 401) => Outcome::holds("Three services took the token, and none could use it at another."),
        (served, ..) => Outcome::is_false(format!("Only {served} of 3 services took the token.")),
    })
}

/// Logs in and asks for a token for these audiences.
async fn token_for(
    run: &mut Run,
    instance: &Instance,
    account: &Account,
    audience: &[&str],
) -> Result<String, Stopped> {
    let mut program = Client::new(instance.target(), "two-doors experiment")?;
    let (token, _, seen) = run.log_in_at_the_api(&mut program, account, &json!({ "audience": audience })).await?;
    run.show(seen.saying(format!("A token for {}.", audience.join(", "))));
    Ok(token)
}

fn text(token: &str, name: &str) -> Result<String, Stopped> {
    match &claims(token)?[name] {
        Value::String(text) => Ok(text.clone()),
        _ => Err(Stopped::because(format!("the token has no {name}"))),
    }
}
