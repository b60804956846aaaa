//! F7: with an asymmetric algorithm one party issues, and any number verify.

use serde_json::json;

use super::{
    forged::signed,
    signing,
    three_services::{NAMES, Services},
};
use crate::{
    excerpt,
    experiments::{
        account::Account,
        client::Client,
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        finding::Stamp,
        lab::{
            Instance, Run, Stopped, get,
            parts::{claims, header},
        },
        message::Shown,
    },
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "f7",
    title: "One issues, several verify",
    claim: "RS256 and ES256 are for where several services verify tokens and one issues them.",
    section: Section::Choosing,
    needs: &[Need::Instance],
    steps: &[
        "Start private instances that sign with RS256, ES256, EdDSA and HS256.",
        "For each, start three services that know nothing but the published keys, and show them one token.",
        "Let one of the services try to make a token for the others, with all that it knows.",
    ],
    test: Test::Run { seconds: 12, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Token, "token/keys/material.rs", "one_secret", "DecodingKey::from_secret(private)"),
        excerpt!(Token, "token/keys/mod.rs", "published", "key.jwk.clone()"),
    ],
    references: &[Reference {
        title: "RFC 7518, 3.1: which algorithms there are, and what their keys are",
        url: "https://www.rfc-editor.org/rfc/rfc7518#section-3.1",
    }],
    expected: Some(Stamp::Holds),
};

/// What three services made of one issuer's token.
struct Served {
    algorithm: &'static str,
    let_in: usize,
    forged: u16,
}

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let audiences = [("AUDIENCES", "services")];
    let instance = run.instance(&audiences).await?;
    let account = run.account_at(instance.target()).await?;
    let mut all = Vec::new();
    for algorithm in ["RS256", "ES256", "EdDSA", "HS256"] {
        let issuer = signing::beside(run, &instance, algorithm, &audiences).await?;
        all.push(serve(run, &issuer, &account, algorithm).await?);
    }
    for Served { algorithm, let_in, forged } in &all {
        run.number(format!("{algorithm}: services that verified the token with the published keys"), let_in, "");
        run.number(format!("{algorithm}: what one of them made of those keys, at another"), forged, "");
    }
    let serves = |served: &&Served| served.let_in == NAMES.len() && served.forged == 401;
    let serving: Vec<&str> = all.iter().filter(serves).map(|served| served.algorithm).collect();
    Ok(match serving.as_slice() {
        ["RS256", "ES256", "EdDSA"] => Outcome::holds(
            "With RS256, ES256 and EdDSA three services verified with the published keys, and what one of them made of those was \
             refused by the others. With HS256 there is nothing to publish: each would have to be given the key that signs \
             (T5). Which of the asymmetric ones is F8’s affair.",
        ),
        ["RS256", "ES256", ..] => Outcome::holds(format!("It served with {}.", serving.join(", "))),
        _ => Outcome::is_false(format!("It served with these only: {}.", serving.join(", "))),
    })
}

async fn serve(
    run: &mut Run,
    issuer: &Instance,
    account: &Account,
    algorithm: &'static str,
) -> Result<Served, Stopped> {
    let mut program = Client::new(issuer.target(), "two-doors experiment")?;
    let asked = json!({ "audience": ["services"] });
    let (token, _, seen) = run.log_in_at_the_api(&mut program, account, &asked).await?;
    run.show(seen.saying(format!("A token that is signed with {algorithm}.")));
    let (named, mut says) = (header(&token)?, claims(&token)?);
    if named["alg"] != algorithm {
        return Err(Stopped::because(format!("the instance signs with {}, not with {algorithm}", named["alg"])));
    }
    let jwks = run.ask(&mut program, Door::Token, &get("/.well-known/jwks.json", Shown::Nothing)).await?;
    jwks.must_be(200)?;
    let services = Services::open(&jwks.answer.json(), says["iss"].as_str().unwrap_or_default(), ["services"; 3])?;
    let let_in = services.ask_all(run, [&token; 3], &format!("verified with the published {algorithm} key.")).await?;
    says["role"] = json!("admin");
    let mut with = named.clone();
    with["alg"] = json!("HS256");
    let known = jsonwebtoken::EncodingKey::from_secret(jwks.answer.body.as_bytes());
    let forged = signed(&with, &says, &known, jsonwebtoken::Algorithm::HS256)?;
    let forged = services.ask(run, 1, &forged, true).await?;
    run.show(forged.saying("What a service made of the published keys, shown to another one."));
    Ok(Served { algorithm, let_in, forged: forged.status() })
}
