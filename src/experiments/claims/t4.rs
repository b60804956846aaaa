//! T4: anyone with the public key can verify; only the holder of the secret one can sign.
//!
//! The page that verifies has the published keys only. It makes a key pair of its own, signs the same text under our key's
//! name, and the forged token is shown to the real door.

use crate::{
    excerpt,
    experiments::{
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        finding::Stamp,
        lab::{Run, Stopped, requests::claims_me},
    },
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "t4",
    title: "Verify: everybody. Sign: one.",
    claim: "Whoever has the public key can verify a token; only who has the secret one can make one.",
    section: Section::Tokens,
    needs: &[Need::Specimens, Need::Browser],
    steps: &[
        "Log in at the API, and fetch the published keys.",
        "A page of another host verifies the token with the key that the token’s header names, by WebCrypto.",
        "It signs the same text with a key of its own, under the name of ours, and verifies that as well.",
        "Show the forged token to the real door, beside the genuine one.",
    ],
    test: Test::Run { seconds: 5, observe: |run| Box::pin(observe(run)) },
    code: &[excerpt!(Token, "token/access.rs", "verify", "decode(token, &key.verifying, validation)")],
    references: &[Reference {
        title: "RFC 7517: the set of public keys",
        url: "https://www.rfc-editor.org/rfc/rfc7517#section-5",
    }],
    expected: Some(Stamp::Holds),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let (mut program, token) = run.program("A token that is signed with a key which never leaves the server.").await?;
    let report = run.token_in_a_page(&mut program, &token).await?;
    if !report.secure_context {
        let why = "a browser has no WebCrypto outside of a secure context: https, or this machine itself";
        return Err(Stopped::lacking(Need::Browser, why));
    }
    let (Some(verified), Some(forged_verified), Some(forged)) =
        (report.verified, report.forged_verified, report.forged)
    else {
        let why = "no published key can verify this token: with HS256 there is no public one (see T5)";
        return Err(Stopped::because(why));
    };
    let genuine = run.ask(&mut program, Door::Token, &claims_me(&token)).await?;
    let refused = run.ask(&mut program, Door::Token, &claims_me(&forged)).await?;
    let (at_the_door, forged_at_the_door) = (genuine.status(), refused.status());
    run.show(genuine.saying("The genuine token."));
    run.show(refused.saying("The same text, signed by the page under the name of our key."));

    let word = |verifies: bool| if verifies { "verified" } else { "refused" };
    run.number("algorithm", report.header["alg"].as_str().unwrap_or("none"), "");
    run.number("the genuine token, in the page, with the public key", word(verified), "");
    run.number("the forged one, in the page", word(forged_verified), "");
    run.number("the genuine token at the real door", at_the_door, "");
    run.number("the forged one at the real door", forged_at_the_door, "");
    Ok(match (verified, forged_verified, at_the_door, forged_at_the_door) {
        (true, false, 200, 401) => Outcome::holds(
            "A page that knows nothing but the published keys verified the genuine token, and found out the one that it had signed \
             itself; so did the real door (401).",
        ),
        _ => Outcome::is_false(format!(
            "In the page the genuine token was {} and the forged one {}; the real door answered them {at_the_door} and \
             {forged_at_the_door}.",
            word(verified),
            word(forged_verified),
        )),
    })
}
