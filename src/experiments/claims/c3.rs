//! C3: any instance verifies a token without a store.
//!
//! Two instances with a database each, and nothing in common but a file with a signing key and the names in the claims.

use std::{fs, io, os::unix::fs::OpenOptionsExt as _, path::Path};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::{
    excerpt,
    experiments::{
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Section, Test},
        finding::Stamp,
        lab::{
            Run, Stopped,
            requests::{claims_me, live_account, refresh, session_me},
        },
    },
};

const NAMES: [(&str, &str); 2] =
    [("TOKEN_ISSUER", "https://issuer.example"), ("TOKEN_AUDIENCE", "https://issuer.example/api")];

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "c3",
    title: "Two instances, no store",
    claim: "Any instance can verify a token without a store that all of them share.",
    section: Section::Scale,
    needs: &[Need::Instance],
    steps: &[
        "Write a signing key into a file. Start two instances with it (TOKEN_KEY_FILES), on a database each.",
        "Log in at the first, at both doors.",
        "Show the token and the cookie to the second, and redeem the refresh token there.",
        "Show the token to this server, which has another key.",
    ],
    test: Test::Run { seconds: 9, observe: |run| Box::pin(observe(run)) },
    code: &[excerpt!(Token, "token/keys/files.rs", "open", "key(file.as_ref())")],
    references: &[],
    expected: Some(Stamp::Holds),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let database = run.instance(&[]).await?;
    let folder = database.folder().ok_or_else(|| Stopped::because("the instance has no folder"))?;
    let file = folder.join("shared.pem");
    write_key(&file).map_err(|error| Stopped::because(format!("the key’s file could not be written: {error}")))?;
    let path = file.display().to_string();
    let variables = [&[("TOKEN_KEY_FILES", path.as_str())], NAMES.as_slice()].concat();
    let first = database.beside(&variables).await?;
    let second = run.instance(&variables).await?;
    run.moment(format!(
        "Two instances, at {} and {}: a key in common, and a database each",
        first.address(),
        second.address()
    ));
    let account = run.account_at(first.target()).await?;
    let logins = run.log_in_at_both_for(first.target(), &account, &json!({})).await?;

    let (mut browser, mut program) = (logins.browser.at(second.target())?, logins.program.at(second.target())?);
    let session = run.ask(&mut browser, Door::Session, &session_me()).await?;
    let token = run.ask(&mut program, Door::Token, &claims_me(&logins.access_token)).await?;
    let statements = token.answer.statements();
    run.show_pair(
        session.saying("The cookie at the second instance: no row, nobody."),
        token.saying("The token at the second instance: the key says whose it is."),
    );
    let live = run.ask(&mut program, Door::Token, &live_account(&logins.access_token)).await?;
    run.show(live.saying("Where the login is looked up, the second instance has none."));
    let renewed = run.ask(&mut program, Door::Token, &refresh(&logins.refresh_token)).await?;
    run.show(renewed.saying("The refresh token is a row of the first instance."));
    let mut here = logins.program.at(&run.target())?;
    let other_key = run.ask(&mut here, Door::Token, &claims_me(&logins.access_token)).await?;
    run.show(other_key.saying("The token at this server, which has another key."));

    run.number("the token at an instance with the same key and another store", token.status(), "");
    run.number("statements that it took", statements.map_or("not said".to_owned(), |count| count.to_string()), "");
    run.number("the cookie there", session.status(), "");
    run.number("the token there, where its login is looked up", live.status(), "");
    run.number("the refresh token there", renewed.status(), "");
    run.number("the token at a server with another key", other_key.status(), "");
    Ok(match (token.status(), statements, session.status(), other_key.status()) {
        (200, Some(0) | None, 303, 401) => Outcome::holds(format!(
            "Two instances that share a key and no store both took the token, without a statement; the cookie was worth nothing at the \
             second. What needs a row stays at home, though: there the refresh token was answered {}, and a route that looks the login up \
             answered {}.",
            renewed.status(),
            live.status()
        )),
        (token, _, _, other_key) => Outcome::is_false(format!(
            "The instance with the same key answered the token with {token}, a server with another key with {other_key}."
        )),
    })
}

/// A new private key on P-256, readable to its owner only.
fn write_key(path: &Path) -> io::Result<()> {
    use io::Write as _;
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).and_then(|pair| pair.to_pkcs8v1());
    let private = STANDARD.encode(pair.map_err(|_| io::Error::other("no key could be made"))?.as_ref());
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "-----BEGIN PRIVATE KEY-----\n{private}\n-----END PRIVATE KEY-----")
}
