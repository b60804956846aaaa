//! T2: a token is a header, a payload and a signature over both.
//!
//! Taken apart, changed a bit at a time and put together again. What is changed are the *decoded* bytes: the last letter of
//! a part in base64url may have bits that decode to nothing, which are a test of their own. So is the twin of an ECDSA
//! signature: what verifies as (r, s) verifies as (r, n − s) as well, so a token has two texts.

mod twin;

use crate::{
    excerpt,
    experiments::{
        client::Client,
        exchange::Door,
        experiment::{Experiment, Outcome, Reference, Section, Test},
        finding::Stamp,
        lab::{
            Run, Stopped,
            parts::{claims, header, join, parts},
            post,
            requests::{claims_me, live_account},
        },
        message::{Body, Shown},
    },
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "t2",
    title: "Three parts",
    claim: "A JWT is a header, a payload and a signature; whoever changes any of it breaks the signature.",
    section: Section::Tokens,
    needs: &[],
    steps: &[
        "Log in at the API, and take the access token apart: no key is needed for that.",
        "Flip one bit in every byte of each decoded part, put the token together again, and show it.",
        "Change the bits of the signature’s last letter that decode to nothing.",
        "Replace the signature (r, s) by (r, n − s), show the token, revoke the original, and show both.",
    ],
    test: Test::Run { seconds: 3, observe: |run| Box::pin(observe(run)) },
    code: &[excerpt!(Token, "token/access.rs", "verify", "decode(token, &key.verifying, validation)")],
    references: &[
        Reference {
            title: "RFC 7515, 3.1: the three parts of a JWS",
            url: "https://www.rfc-editor.org/rfc/rfc7515#section-3.1",
        },
        Reference {
            title: "RFC 4648, 3.5: the bits of the last letter that carry nothing",
            url: "https://www.rfc-editor.org/rfc/rfc4648#section-3.5",
        },
    ],
    expected: Some(Stamp::Holds),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let (mut program, token) = run.program("The access token itself says who it is for.").await?;
    run.moment(format!("Its header: {}", header(&token)?));
    run.moment(format!("Its payload: {}", claims(&token)?));

    let flipped = flips(run, &mut program, &token).await?;
    let dead = dead_bits(run, &mut program, &token).await?;
    let twin = match twin::of(&token, &header(&token)?)? {
        Some(twin) => about_the_twin(run, &mut program, &token, &twin).await?,
        None => "The signature’s algorithm has no twin to try.".to_owned(),
    };
    Ok(match flipped.1 {
        0 => Outcome::holds(format!("{} changed tokens were refused, all of them. {dead} {twin}", flipped.0)),
        let_in => Outcome::is_false(format!("{let_in} of {} changed tokens were let in.", flipped.0)),
    })
}

/// Flips a bit in every byte of every part. Gives how many tokens that made, and how many were let in.
async fn flips(run: &mut Run, program: &mut Client, token: &str) -> Result<(usize, usize), Stopped> {
    let whole = parts(token)?;
    let (mut tried, mut let_in) = (0, 0);
    for (part, name) in ["header", "payload", "signature"].into_iter().enumerate() {
        let length = whole[part].len();
        for byte in 0..length {
            let mut changed = whole.clone();
            changed[part][byte] ^= 1 << (byte % 8);
            let request = claims_me(&join(&changed));
            if byte == length / 2 {
                let seen = run.ask(program, Door::Token, &request).await?;
                run.show(seen.saying(format!("One bit of the {name} is flipped, in byte {byte} of {length}.")));
            }
            let answer = program.fetch(&request).await?;
            if answer.status != 401 {
                let_in += 1;
            }
            tried += 1;
        }
        run.number(format!("bits flipped in the {name}, one in each byte"), length, "");
    }
    run.number("of all these tokens, let in", let_in, "");
    Ok((tried, let_in))
}

/// Changes what a lenient decoder would not notice.
async fn dead_bits(run: &mut Run, program: &mut Client, token: &str) -> Result<String, Stopped> {
    let variants = twin::dead_bits(token);
    let (mut let_in, tried) = (0, variants.len());
    for (turn, variant) in variants.iter().enumerate() {
        let seen = run.ask(program, Door::Token, &claims_me(variant)).await?;
        let_in += usize::from(seen.accepted());
        if turn == 0 {
            run.show(seen.saying("Another last letter, which a lenient decoder reads as the same signature."));
        }
    }
    run.number("last letters that differ in dead bits only", tried, "");
    run.number("of these, let in", let_in, "");
    Ok(match (tried, let_in) {
        (0, _) => "Its last letter has no dead bits.".to_owned(),
        (_, 0) => format!("So were {tried} that differ in dead bits of the last letter: the decoder is strict."),
        _ => format!("Of {tried} that differ in dead bits of the last letter only, {let_in} were let in."),
    })
}

/// Shows the twin, revokes the original, and shows both again.
async fn about_the_twin(run: &mut Run, program: &mut Client, token: &str, twin: &str) -> Result<String, Stopped> {
    let before = run.ask(program, Door::Token, &live_account(twin)).await?;
    let is_let_in = before.accepted();
    run.show(before.saying("The same token with the other signature that the same key verifies: (r, n − s)."));
    let revoke = post("/api/revoke", Shown::Nothing, Body::Form(vec![("token", token.to_owned())]));
    let revoked = run.ask(program, Door::Token, &revoke).await?;
    revoked.must_be(200)?;
    run.show(revoked.saying("The original is put on the denylist."));
    let original = run.ask(program, Door::Token, &live_account(token)).await?;
    run.show(original.saying("The original, where the denylist is read."));
    let after = run.ask(program, Door::Token, &live_account(twin)).await?;
    run.show(after.saying("Its twin."));
    run.number("the twin before the original is revoked", before.status(), "");
    run.number("the twin after that", after.status(), "");
    Ok(match (is_let_in, after.accepted()) {
        (true, false) => "But a token has two texts: (r, n − s) was let in too. A denylist must therefore not be keyed on the text or the \
                          signature; this one is keyed on jti, and caught both."
            .to_owned(),
        (true, true) => "But (r, n − s) was let in too, even after the original had been revoked.".to_owned(),
        (false, _) => "Its twin (r, n − s) was refused as well.".to_owned(),
    })
}
