//! X9: a verifier must not accept `alg: none`.

use serde_json::{Value, json};

use super::forged::message;
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
            post,
            requests::claims_me,
        },
        message::{Body, Shown},
    },
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "x9",
    title: "A signature of nothing",
    claim: "The algorithm “none” must never count as a valid one.",
    section: Section::Security,
    needs: &[Need::Specimens],
    steps: &[
        "Log in at the API, and make of the token’s claims an admin’s.",
        "Show them to the real door with none, None, NONE, nOnE and no algorithm at all, without a signature and with the old one.",
        "Show such a token to a verifier that does what the token’s header says: a specimen, weak on purpose.",
    ],
    test: Test::Run { seconds: 1, observe: |run| Box::pin(observe(run)) },
    code: &[excerpt!(Token, "token/access.rs", "verify", "decode(token, &key.verifying, validation)")],
    references: &[
        Reference {
            title: "RFC 8725, 3.2: what “none” may never be used for",
            url: "https://www.rfc-editor.org/rfc/rfc8725#section-3.2",
        },
        Reference {
            title: "RFC 7518, 3.6: what “none” is for",
            url: "https://www.rfc-editor.org/rfc/rfc7518#section-3.6",
        },
    ],
    expected: Some(Stamp::Holds),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let (mut program, token) = run.program("An honest token, to begin with.").await?;
    let forgeries = forgeries(&token)?;
    let mut let_in = Vec::new();
    for (what, forgery) in &forgeries {
        let answer = run.ask(&mut program, Door::Token, &claims_me(forgery)).await?;
        if answer.status() != 401 {
            let_in.push(what.clone());
        }
        run.show(answer.saying(format!("{what}.")));
    }
    let naive = at_the_naive_verifier(run).await?;
    run.number("tokens without a signature of ours, shown to the real door", forgeries.len(), "");
    run.number("of those, let in", let_in.len(), "");
    run.number("the same at a verifier that believes the header", naive, "");
    Ok(match (let_in.as_slice(), naive) {
        ([], 200) => Outcome::holds(format!(
            "All {} were refused. A verifier that lets the token’s header choose the algorithm let anybody be the admin. Here the key \
             that `kid` names decides it, so “none” is no special case: no key is for it.",
            forgeries.len()
        )),
        ([], naive) => Outcome::holds(format!(
            "All {} were refused; but so was one at the specimen that was to show the mistake ({naive}).",
            forgeries.len()
        )),
        (let_in, _) => Outcome::is_false(format!("The real door let in: {}.", let_in.join("; "))),
    })
}

/// Tokens that claim more than the honest one, and what is wrong with each.
fn forgeries(token: &str) -> Result<Vec<(String, String)>, Stopped> {
    let (honest, mut says) = (header(token)?, claims(token)?);
    says["role"] = json!("admin");
    let old = token.rsplit('.').next().unwrap_or_default();
    let with = |alg: Value| {
        let mut header = honest.clone();
        header["alg"] = alg;
        message(&header, &says)
    };
    let mut all = Vec::new();
    for alg in ["none", "None", "NONE", "nOnE"] {
        let message = with(json!(alg));
        all.push((format!("alg {alg}, no signature"), format!("{message}.")));
        all.push((format!("alg {alg}, the old signature"), format!("{message}.{old}")));
    }
    let mut nameless = honest.clone();
    if let Some(fields) = nameless.as_object_mut() {
        fields.remove("alg");
    }
    all.push(("no alg, no signature".to_owned(), format!("{}.", message(&nameless, &says))));
    all.push(("the honest alg, no signature".to_owned(), format!("{}.", message(&honest, &says))));
    Ok(all)
}

async fn at_the_naive_verifier(run: &mut Run) -> Result<u16, Stopped> {
    let weak = run.weak_services()?;
    run.moment(
        "A verifier that does what the token’s header says: made by hand, weak on purpose, on a listener of its own",
    );
    let mut anybody = Client::new(weak.target(), "two-doors experiment")?;
    let issued =
        run.ask(&mut anybody, Door::Token, &post(weak.at("/naive/token"), Shown::Nothing, Body::Empty)).await?;
    issued.must_be(200)?;
    run.show(issued.saying("Specimen: an honest token."));
    let forgery = format!("{}.", message(&json!({ "alg": "none" }), &json!({ "sub": "the admin" })));
    let answer = run.ask(&mut anybody, Door::Token, &get(weak.at("/naive/me"), Shown::Bearer(forgery))).await?;
    run.show(answer.saying("Specimen: alg none, no signature, made by anybody."));
    Ok(answer.status())
}
