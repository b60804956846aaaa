//! T3: the payload is encoded, not encrypted.
//!
//! Decoded by a page in a browser that has no key of any kind, and held against what the server means by the token.

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
    id: "t3",
    title: "Anybody can read it",
    claim: "A JWT’s payload is encoded and not encrypted: who holds the token reads what it says.",
    section: Section::Tokens,
    needs: &[Need::Specimens, Need::Browser],
    steps: &[
        "Log in at the API, and give the access token to a page of another host, which has no key.",
        "The page decodes it.",
        "Compare what it read with what the server knows by that token.",
    ],
    test: Test::Run { seconds: 5, observe: |run| Box::pin(observe(run)) },
    code: &[excerpt!(Token, "token/access.rs", "claims", "sub: user.id")],
    references: &[
        Reference {
            title: "RFC 7519, 12: what is only signed is no secret",
            url: "https://www.rfc-editor.org/rfc/rfc7519#section-12",
        },
        Reference {
            title: "RFC 7516: JWE, the other kind of token, is encrypted",
            url: "https://www.rfc-editor.org/rfc/rfc7516",
        },
    ],
    expected: Some(Stamp::Holds),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let (target, account) = (run.target(), run.account().await?);
    let says = "The access token itself says who it is for.";
    let (mut program, token) = run.program_of(&target, &account, says).await?;
    let read = run.token_in_a_page(&mut program, &token).await?;
    run.moment(format!("What the page read: {}", read.payload));
    let seen = run.ask(&mut program, Door::Token, &claims_me(&token)).await?;
    seen.must_be(200)?;
    let known = seen.answer.json();
    run.show(seen.saying("What the server takes from the same token."));

    let pairs = [("id", "sub"), ("role", "role"), ("login", "sid"), ("auth_time", "auth_time"), ("exp", "exp")];
    let same = pairs.iter().filter(|(known_as, claim)| known[*known_as] == read.payload[*claim]).count();
    let names: Vec<&str> = read.payload.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let text = read.payload.to_string();
    let personal =
        [account.email.as_str(), account.password.as_str()].iter().filter(|one| text.contains(**one)).count();
    run.number("claims that the page read without a key", names.len(), "");
    run.number("of what the server takes from it, also read by the page", format!("{same} of {}", pairs.len()), "");
    run.number("e-mail addresses and passwords among them", personal, "");
    Ok(match same == pairs.len() {
        true => Outcome::holds(format!(
            "A page without any key read all {} claims: {}. So nothing belongs there that its holder may not know, nor anybody whom \
             it passes on its way; this server puts neither name nor e-mail address in.",
            names.len(),
            names.join(", "),
        )),
        false => Outcome::is_false(format!("Of {} claims the page read {same} as the server does.", pairs.len())),
    })
}
