//! T5: with HS256, whoever can verify a token can make one.
//!
//! The verifier's key is taken out of a private instance: any service that is to verify its tokens would have to have that key.

use diesel::{
    QueryableByName, RunQueryDsl as _,
    sql_types::{Bytea, Text},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto::verify};
use serde_json::json;

use super::forged::signed;
use crate::{
    excerpt,
    experiments::{
        client::Client,
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        finding::Stamp,
        lab::{
            Instance, Run, Stopped, get,
            parts::{claims, header},
            requests::claims_me,
        },
        message::Shown,
    },
    secrets::{Purpose, Secrets, sealing},
};

const TEN_YEARS: u64 = 10 * 365 * 24 * 60 * 60;

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "t5",
    title: "One key for both",
    claim: "With HS256, whoever can verify a token can also make one.",
    section: Section::Tokens,
    needs: &[Need::Instance],
    steps: &[
        "Log in at a private instance that signs with HS256.",
        "Take the key that a verifier of its tokens needs, and verify the token with it.",
        "Sign a token with the same key: the same user, as an admin, for ten years. Show it.",
        "At this server, take all that its verifiers need, sign with a key of our own under its name, and show that.",
    ],
    test: Test::Run { seconds: 6, observe: |run| Box::pin(observe(run)) },
    code: &[excerpt!(Token, "token/keys/material.rs", "one_secret", "DecodingKey::from_secret(private)")],
    references: &[Reference {
        title: "RFC 8725, 2.1 and 3.1: what can be confused about keys and algorithms",
        url: "https://www.rfc-editor.org/rfc/rfc8725#section-2.1",
    }],
    expected: Some(Stamp::Holds),
};

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = Text)]
    kid: String,
    #[diesel(sql_type = Bytea)]
    sealed_private: Vec<u8>,
}

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let instance = run.instance(&[("TOKEN_ALGORITHM", "HS256")]).await?;
    let account = run.account_at(instance.target()).await?;
    let (mut program, token) =
        run.program_of(instance.target(), &account, "A token that is signed with HS256.").await?;
    let jwks = run.ask(&mut program, Door::Token, &get("/.well-known/jwks.json", Shown::Nothing)).await?;
    run.show(jwks.saying("There is no public key to verify it with: the one key is a secret."));

    let key = verifiers_key(&instance)?;
    let (message, signature) = token.rsplit_once('.').unwrap_or_default();
    let verifies = verify(signature, message.as_bytes(), &DecodingKey::from_secret(&key), Algorithm::HS256);
    if !verifies.unwrap_or(false) {
        return Err(Stopped::because("the key that was taken does not verify the instance’s token"));
    }
    run.moment(format!("A verifier has the instance’s key, {} bytes, and the token verifies with it", key.len()));
    let mut says = claims(&token)?;
    says["role"] = json!("admin");
    says["exp"] = json!(says["exp"].as_u64().unwrap_or_default() + TEN_YEARS);
    let minted = signed(&header(&token)?, &says, &EncodingKey::from_secret(&key), Algorithm::HS256)?;
    let answer = run.ask(&mut program, Door::Token, &claims_me(&minted)).await?;
    let (accepted, role) = (answer.accepted(), answer.answer.text("role").unwrap_or_default());
    run.show(answer.saying("The verifier’s own token, made with the same key: an admin for ten years."));
    let elsewhere = with_a_public_key(run).await?;

    run.number("the key that verifies and signs", key.len(), "bytes");
    run.number("a token made by the verifier", answer.status(), "");
    run.number(
        "a token made by who has only a public key",
        elsewhere.map_or("-".to_owned(), |status| status.to_string()),
        "",
    );
    Ok(match (accepted, role.as_str(), elsewhere) {
        (true, "admin", Some(401) | None) => Outcome::holds(
            "The key that verified the instance’s token signed another one, which was let in: an admin for ten years. Who has only a \
             public key has nothing to sign with: a token in this server’s name was refused. So HS256 is for one party that does \
             both (F6), and several verifiers want asymmetric keys (C4, F7).",
        ),
        (_, _, Some(200)) => Outcome::holds_but("A token that was made without the private key was let in as well."),
        _ => Outcome::is_false(format!("The token that the verifier had made was answered {}.", answer.status())),
    })
}

/// What every verifier of this instance's tokens would have to be given.
fn verifiers_key(instance: &Instance) -> Result<Vec<u8>, Stopped> {
    let rows = "SELECT kid, sealed_private FROM signing_keys WHERE algorithm = 'HS256'";
    let row: Key = diesel::sql_query(rows).get_result(&mut instance.connect()?)?;
    let opened = Secrets::parse(instance.secret()).and_then(|secrets| {
        sealing::unseal(&[secrets.newest(Purpose::KeySealing)], row.kid.as_bytes(), &row.sealed_private)
    });
    opened.ok_or_else(|| Stopped::because("the instance’s key could not be unsealed"))
}

/// The same attempt against public keys; nothing if the server signs with HS256 itself.
async fn with_a_public_key(run: &mut Run) -> Result<Option<u16>, Stopped> {
    let (target, account) = (run.target(), run.account().await?);
    let mut program = Client::new(&target, "two-doors experiment")?;
    let jwks = run.ask(&mut program, Door::Token, &get("/.well-known/jwks.json", Shown::Nothing)).await?;
    if jwks.answer.json()["keys"].as_array().is_none_or(Vec::is_empty) {
        run.moment("This server signs with HS256 as well: there is no public key to compare with");
        return Ok(None);
    }
    run.show(jwks.saying("All that a verifier of this server’s tokens has: no private part is in it."));
    let (token, _, _) = run.log_in_at_the_api(&mut program, &account, &json!({})).await?;
    let (mut named, mut says) = (header(&token)?, claims(&token)?);
    named["alg"] = json!("ES256");
    says["role"] = json!("admin");
    let forged = signed(&named, &says, &own_key()?, Algorithm::ES256)?;
    let answer = run.ask(&mut program, Door::Token, &claims_me(&forged)).await?;
    run.show(answer.saying("Signed with a key of the verifier’s own, under this server’s key’s name."));
    Ok(Some(answer.status()))
}

fn own_key() -> Result<EncodingKey, Stopped> {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).and_then(|pair| pair.to_pkcs8v1());
    let pair = pair.map_err(|_| Stopped::because("no key could be made"))?;
    Ok(EncodingKey::from_ec_der(pair.as_ref()))
}
