//! F8: which algorithm verifies fastest.
//!
//! Whole tokens are signed and checked with the library that the token door uses, in this process, one after the other.

use serde_json::{Value, json};

use crate::{
    excerpt,
    experiments::{
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        figure::{Bar, Figure, amount},
        finding::Stamp,
        lab::{Run, Stopped},
        measure::{
            self, Sample, machine,
            signatures::{Scheme, Signature},
        },
    },
};

/// How often each is signed, and checked.
const TIMES: usize = 300;

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "f8",
    title: "Which verifies fastest",
    claim: "ES256 with a 256-bit key is more efficient than RS256 with a 2048-bit key where much is verified.",
    section: Section::Choosing,
    needs: &[Need::Quiet],
    steps: &[
        "Make a key for HS256, ES256, EdDSA, and RS256 with 2048 and with 3072 bits.",
        "Sign a token with each, three hundred times; check it three hundred times.",
        "Compare medians, and the signatures’ bytes.",
    ],
    test: Test::Run { seconds: 3, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Token, "experiments/measure/signatures.rs", "timed", "decode::<Value>(&token"),
        excerpt!(Token, "token/access.rs", "verify", "decode(token, &key.verifying, validation)"),
    ],
    references: &[
        Reference {
            title: "RFC 7518, 3.3 and 3.4: RSASSA-PKCS1-v1_5 and ECDSA signatures, and their lengths",
            url: "https://www.rfc-editor.org/rfc/rfc7518#section-3.3",
        },
        Reference {
            title: "NIST SP 800-57 part 1: 2048 bits of RSA are 112 bits of strength, P-256 is 128",
            url: "https://csrc.nist.gov/pubs/sp/800/57/pt1/r5/final",
        },
    ],
    expected: Some(Stamp::FalseAsWritten),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let measured = measured(run, TIMES).await?;
    run.figure(figure(&measured, "Checking a token", |one| &one.verify));
    run.figure(figure(&measured, "Signing a token", |one| &one.sign));
    for one in &measured {
        let name = one.scheme.name();
        run.number(format!("{name}: check a token, median of {TIMES}"), amount(one.verify.median), "µs");
        run.number(format!("{name}: sign one"), amount(one.sign.median), "µs");
        run.number(format!("{name}: signature"), signature_bytes(one.scheme), "bytes");
    }
    let of = |scheme| measured.iter().find(|one| one.scheme == scheme);
    let (Some(es), Some(rs)) = (of(Scheme::Es256), of(Scheme::Rs256With2048)) else {
        return Err(Stopped::because("one of the algorithms was not measured"));
    };
    let checks = es.verify.median / rs.verify.median;
    let signs = rs.sign.median / es.sign.median;
    let sizes = format!(
        "ES256 signs {} times as fast, and its signature has {} bytes against {}",
        amount(signs),
        signature_bytes(Scheme::Es256),
        signature_bytes(Scheme::Rs256With2048)
    );
    let with = format!(
        "With aws-lc-rs, which does the token door’s signatures, in {}, on {}",
        machine::build(),
        machine::name()
    );
    Ok(if checks > 1.0 {
        Outcome::is_false(format!(
            "{with}, RS256 with 2048 bits checks a token {} times as fast as ES256 ({} against {} µs). {sizes}: it is more \
             efficient where much is signed or sent, not where much is verified. (2048 bits of RSA are also weaker than P-256.)",
            amount(checks),
            amount(rs.verify.median),
            amount(es.verify.median),
        ))
    } else {
        Outcome::holds(format!(
            "{with}, ES256 checks a token {} times as fast as RS256 with 2048 bits. {sizes}.",
            amount(1.0 / checks)
        ))
    })
}

/// Signs and checks the usual claims with every algorithm.
pub(super) async fn measured(run: &mut Run, times: usize) -> Result<Vec<Signature>, Stopped> {
    let claims = usual_claims();
    run.moment(format!("Each algorithm signs {times} tokens and checks as many, on a thread of its own"));
    Ok(measure::on_a_thread(move || measure::signatures::measure(&claims, times)).await??)
}

/// As long as the door's own.
fn usual_claims() -> Value {
    let id = "00000000-0000-4000-8000-000000000000";
    json!({
        "iss": "https://doors.example.com", "aud": "https://doors.example.com/api", "sub": id, "client_id": "two-doors",
        "role": "user", "sid": id, "ver": 1, "auth_time": 1_800_000_000, "jti": id, "iat": 1_800_000_000,
        "nbf": 1_800_000_000, "exp": 1_800_000_900,
    })
}

fn signature_bytes(scheme: Scheme) -> usize {
    match scheme {
        Scheme::Hs256 => 32,
        Scheme::Es256 | Scheme::EdDsa => 64,
        Scheme::Rs256With2048 => 256,
        Scheme::Rs256With3072 => 384,
    }
}

/// The algorithms beside one another.
pub(super) fn figure(measured: &[Signature], what: &str, of: fn(&Signature) -> &Sample) -> Figure {
    let fastest = measured.iter().min_by(|one, other| of(one).median.total_cmp(&of(other).median));
    let fastest = fastest.map_or("-", |one| one.scheme.name());
    Figure {
        title: format!("{what}: {fastest} is the fastest"),
        unit: "µs",
        bars: measured.iter().map(|one| of(one).bar(one.scheme.name(), Some(Door::Token))).collect::<Vec<Bar>>(),
        n: measured.first().map_or(0, |one| of(one).n),
        note: format!(
            "medians with aws-lc-rs on {}, {}; the lines span the 10th to the 90th percentile",
            machine::name(),
            machine::build()
        ),
    }
}
