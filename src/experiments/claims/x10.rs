//! X10: a verifier must name the algorithm itself.
//!
//! Else a public key, which everybody has, serves as the secret of an HMAC.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::forged::signed;
use crate::{
    excerpt,
    experiments::{
        client::Client,
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        finding::Stamp,
        lab::{
            Run, Stopped, get,
            parts::{claims, header},
            requests::claims_me,
        },
        message::Shown,
    },
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "x10",
    title: "The public key as a secret",
    claim: "The verifier must say itself which algorithm it expects.",
    section: Section::Security,
    needs: &[Need::Specimens],
    steps: &[
        "Log in at the API, and fetch the public key that anybody may have.",
        "Sign an admin’s claims with HS256, with that key’s text for the secret, in every form that it is known in. Show them.",
        "Do the same at a verifier that believes the token’s header: a specimen, weak on purpose.",
    ],
    test: Test::Run { seconds: 1, observe: |run| Box::pin(observe(run)) },
    code: &[excerpt!(Token, "token/access.rs", "verify", "validations.get(&key.algorithm)")],
    references: &[Reference {
        title: "RFC 8725, 2.1 and 3.1: algorithms are verified, not believed",
        url: "https://www.rfc-editor.org/rfc/rfc8725#section-3.1",
    }],
    expected: Some(Stamp::Holds),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let (mut program, token) = run.program("An honest token, to begin with.").await?;
    let jwks = run.ask(&mut program, Door::Token, &get("/.well-known/jwks.json", Shown::Nothing)).await?;
    jwks.must_be(200)?;
    let published = jwks.answer.json();
    let kid = &header(&token)?["kid"];
    let jwk = published["keys"].as_array().into_iter().flatten().find(|jwk| jwk["kid"] == *kid);
    let jwk = jwk.ok_or_else(|| {
        Stopped::because("this server signs with HS256: it has no public key that could be taken for a secret")
    })?;
    run.show(jwks.saying("The public key that verifies it: everybody may have it."));

    let secrets = forms(&jwks.answer.body, jwk);
    let (mut named, mut says) = (header(&token)?, claims(&token)?);
    named["alg"] = json!("HS256");
    says["role"] = json!("admin");
    let mut let_in = Vec::new();
    for (form, secret) in &secrets {
        let forged = signed(&named, &says, &EncodingKey::from_secret(secret), Algorithm::HS256)?;
        let answer = run.ask(&mut program, Door::Token, &claims_me(&forged)).await?;
        if answer.status() != 401 {
            let_in.push(*form);
        }
        run.show(answer.saying(format!("HS256, with {form} for the secret.")));
    }
    let naive = at_the_naive_verifier(run).await?;
    run.number("tokens signed with the public key, shown to the real door", secrets.len(), "");
    run.number("of those, let in", let_in.len(), "");
    run.number("the same at a verifier that believes the header", naive, "");
    Ok(match (let_in.as_slice(), naive) {
        ([], 200) => Outcome::holds(
            "All were refused. A verifier that takes the algorithm from the token took its own public key for a secret, and let \
             anybody be the admin. Here the key that `kid` names decides the algorithm, never the token.",
        ),
        ([], naive) => Outcome::holds(format!(
            "All were refused; but so was one at the specimen that was to show the mistake ({naive})."
        )),
        (let_in, _) => Outcome::is_false(format!("The real door let in what was signed with {}.", let_in.join(", "))),
    })
}

/// What a careless verifier might pass where a secret is wanted.
fn forms(jwks: &str, jwk: &Value) -> Vec<(&'static str, Vec<u8>)> {
    let mut forms = vec![
        ("the key set", jwks.as_bytes().to_vec()),
        ("the key’s JSON", jwk.to_string().into_bytes()),
        ("its x (or its modulus)", text(jwk, "x").or_else(|| text(jwk, "n")).unwrap_or_default().into_bytes()),
    ];
    if let Some(der) = spki(jwk) {
        let body = STANDARD.encode(&der);
        let lines: Vec<&str> = body.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", lines.join("\n"));
        forms.push(("its PEM", format!("{pem}\n").into_bytes()));
        forms.push(("its PEM without the last line’s end", pem.into_bytes()));
        forms.push(("its DER", der));
    }
    forms
}

fn text(jwk: &Value, name: &str) -> Option<String> {
    jwk[name].as_str().map(str::to_owned)
}

/// A key on a curve as X.509 has it: what it is, always in the same bytes, and the point.
fn spki(jwk: &Value) -> Option<Vec<u8>> {
    const P256: &[u8] =
        b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04";
    const ED25519: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
    let part = |name| URL_SAFE_NO_PAD.decode(jwk[name].as_str()?).ok();
    match jwk["crv"].as_str()? {
        "P-256" => Some([P256, &part("x")?, &part("y")?].concat()),
        "Ed25519" => Some([ED25519, &part("x")?].concat()),
        _ => None,
    }
}

async fn at_the_naive_verifier(run: &mut Run) -> Result<u16, Stopped> {
    let weak = run.weak_services()?;
    run.moment(
        "A verifier that does what the token’s header says: made by hand, weak on purpose, on a listener of its own",
    );
    let mut anybody = Client::new(weak.target(), "two-doors experiment")?;
    let pem = run.ask(&mut anybody, Door::Token, &get(weak.at("/naive/key.pem"), Shown::Nothing)).await?;
    pem.must_be(200)?;
    run.show(pem.saying("Specimen: its public key."));
    let key = EncodingKey::from_secret(pem.answer.body.as_bytes());
    let forged = signed(&json!({ "alg": "HS256" }), &json!({ "sub": "the admin" }), &key, Algorithm::HS256)?;
    let answer = run.ask(&mut anybody, Door::Token, &get(weak.at("/naive/me"), Shown::Bearer(forged))).await?;
    run.show(answer.saying("Specimen: HS256, with that key’s text for the secret."));
    Ok(answer.status())
}
