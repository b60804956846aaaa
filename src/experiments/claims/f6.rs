//! F6: HS256 is simple: one secret.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto::verify};
use serde_json::json;

use super::{
    f8::{figure, measured},
    forged::signed,
};
use crate::{
    excerpt,
    experiments::{
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        figure::amount,
        finding::Stamp,
        lab::{Run, Stopped},
        measure::signatures::Scheme,
    },
    secrets::{SECRET_MIN_BYTES, Secrets},
};

const TIMES: usize = 300;
/// What people choose for secrets, and thieves try first.
const GUESSES: [&str; 12] = [
    "password",
    "123456",
    "changeme",
    "jwt",
    "key",
    "test",
    "your-256-bit-secret",
    "supersecret",
    "mysecret",
    "s3cr3t",
    "my-secret",
    "secret",
];
/// The words of a list that everybody has.
const WORDS: f64 = 14_344_392.0;

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "f6",
    title: "One secret",
    claim: "HS256 is sufficient and simple: one shared secret signs and verifies.",
    section: Section::Choosing,
    needs: &[Need::Instance, Need::Quiet],
    steps: &[
        "Sign and check tokens with every algorithm, and compare medians.",
        "Start a private instance with a secret of 31 bytes, and one with 32.",
        "Sign a token with a short secret, and guess that from the token alone.",
    ],
    test: Test::Run { seconds: 7, observe: |run| Box::pin(observe(run)) },
    code: &[excerpt!(Token, "secrets.rs", "length", "secret.len() >= SECRET_MIN_BYTES")],
    references: &[Reference {
        title: "RFC 7518, 3.2: an HS256 key has 256 bits or more",
        url: "https://www.rfc-editor.org/rfc/rfc7518#section-3.2",
    }],
    expected: Some(Stamp::HoldsBut),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let measured = measured(run, TIMES).await?;
    run.figure(figure(&measured, "Checking a token", |one| &one.verify));
    let of = |scheme| measured.iter().find(|one| one.scheme == scheme);
    let (Some(hs), Some(es)) = (of(Scheme::Hs256), of(Scheme::Es256)) else {
        return Err(Stopped::because("one of the algorithms was not measured"));
    };
    for one in &measured {
        let name = one.scheme.name();
        run.number(
            format!("{name}: sign a token, check it, medians of {TIMES}"),
            format!("{}, {}", amount(one.sign.median), amount(one.verify.median)),
            "µs",
        );
    }
    let is_fastest =
        measured.iter().all(|one| one.verify.median >= hs.verify.median && one.sign.median >= hs.sign.median);
    let (short, long) = (start_with(run, SECRET_MIN_BYTES - 1).await, start_with(run, SECRET_MIN_BYTES).await);
    if let Err(stopped) = &long {
        return Err(stopped.clone());
    }
    let (guess, number) = guess()?;
    run.moment(format!(
        "A token that was signed with “{guess}”: guess number {number} verified it, and nobody was asked"
    ));
    let per_second = 1e6 / hs.verify.median;
    run.number("guesses at a secret, one after the other, by one core of this machine", amount(per_second), "a second");
    run.number("a list of 14 million passwords takes it", amount(WORDS / per_second), "s");
    let refused = short.as_ref().err().map(ToString::to_string);
    run.number("a secret of 31 bytes", refused.as_ref().map_or("accepted", |_| "refused at the start"), "");
    let fast = match is_fastest {
        true => format!(
            "It was the fastest by far: {} µs to check a token, against {} for ES256",
            amount(hs.verify.median),
            amount(es.verify.median)
        ),
        false => "It was not the fastest".to_owned(),
    };
    Ok(match (refused, is_fastest) {
        (Some(why), true) if why.contains("SECRETS") => Outcome::holds_but(format!(
            "{fast}. But the secret needs 256 bits or more: a token is all that is needed to guess at it, {} times a second here, so that a \
             list of 14 million passwords takes {} s. This server does not start with 31 bytes. And whoever verifies can sign (T5).",
            amount(per_second),
            amount(WORDS / per_second),
        )),
        (Some(why), _) => Outcome::holds_but(format!("{fast}. A start with 31 bytes failed: {why}.")),
        (None, _) => Outcome::holds_but(format!(
            "{fast}. But this server starts with a secret of 31 bytes, which RFC 7518 forbids."
        )),
    })
}

/// Tries to start an instance with a secret of so many bytes.
async fn start_with(run: &mut Run, bytes: usize) -> Result<(), Stopped> {
    let secret: String = Secrets::generate().chars().take(bytes).collect();
    let started = run.instance(&[("SECRETS", &secret), ("TOKEN_ALGORITHM", "HS256")]).await.map(drop);
    run.moment(match &started {
        Ok(()) => format!("With {bytes} bytes it starts"),
        Err(stopped) => format!("With {bytes} bytes it does not: {stopped}"),
    });
    started
}

/// Guesses the secret of a token: which one it was, and at which try.
fn guess() -> Result<(&'static str, usize), Stopped> {
    let secret = EncodingKey::from_secret(b"secret");
    let token = signed(&json!({ "alg": "HS256" }), &json!({ "sub": "somebody" }), &secret, Algorithm::HS256)?;
    let (message, signature) = token.rsplit_once('.').unwrap_or_default();
    let fits = |guess: &&str| {
        verify(signature, message.as_bytes(), &DecodingKey::from_secret(guess.as_bytes()), Algorithm::HS256)
            .unwrap_or(false)
    };
    let found = (1..).zip(GUESSES).find(|(_, guess)| fits(guess));
    found.map(|(number, guess)| (guess, number)).ok_or_else(|| Stopped::because("no guess fitted"))
}
