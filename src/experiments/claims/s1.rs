//! S1: log-in makes a record on the server and sends its name in a cookie.
//!
//! The row is looked at in the database of a private instance, before and after.

use diesel::{
    QueryableByName, RunQueryDsl as _,
    sql_types::{Bytea, Text},
};

use crate::{
    excerpt,
    experiments::{
        experiment::{Experiment, Need, Outcome, Section, Test},
        finding::Stamp,
        lab::{Run, Stopped},
    },
    secrets::{hex, sha256},
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "s1",
    title: "A row, and its name in a cookie",
    claim: "At log-in the server makes a record and sends the browser an id for it in a cookie.",
    section: Section::Sessions,
    needs: &[Need::Instance],
    steps: &[
        "Count the rows of sessions in a private instance’s database.",
        "Log in with the form.",
        "Look at the row that appeared, beside the cookie that came.",
    ],
    test: Test::Run { seconds: 6, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Session, "session/log_in.rs", "log_in", "sessions::key_hash.eq("),
        excerpt!(Token, "token/log_in.rs", "log_in", "refresh_tokens::hash.eq("),
    ],
    references: &[],
    expected: Some(Stamp::Holds),
};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Bytea)]
    key_hash: Vec<u8>,
    #[diesel(sql_type = Text)]
    rest: String,
}

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let instance = run.instance(&[]).await?;
    let mut conn = instance.connect()?;
    let mut rows = || {
        diesel::sql_query("SELECT key_hash, (to_jsonb(sessions) - 'key_hash')::text AS rest FROM sessions")
            .load::<Row>(&mut conn)
    };
    let account = run.account_at(instance.target()).await?;
    let before = rows()?.len();
    run.moment(format!("The instance’s table of sessions has {before} rows"));

    let (browser, seen) = run.log_in_at_the_site(instance.target(), &account, "two-doors experiment").await?;
    run.show(seen.saying("The cookie’s text is a random key, and a signature that shows it is ours."));
    let after = rows()?;
    let cookie = browser.cookie("session").unwrap_or_default();
    let key = key_of(cookie);
    let named = after.iter().find(|row| row.key_hash == sha256(key.as_bytes()));
    for row in &after {
        run.moment(format!("A row: key_hash {} … {}", &hex(&row.key_hash)[..12], row.rest));
    }
    run.number("rows before log-in", before, "");
    run.number("rows after it", after.len(), "");
    run.number("the cookie", cookie.len(), "bytes");
    run.number("of them the key", key.len(), "bytes");
    Ok(match (after.len() - before, named) {
        (1, Some(_)) => Outcome::holds(format!(
            "One row appeared. The cookie’s {} bytes are a key of {} and a signature; the row keeps only the key’s SHA-256, so \
             that whoever reads the table can’t log in with it.",
            cookie.len(),
            key.len(),
        )),
        (made, _) => Outcome::is_false(format!("{made} rows appeared, and none of them answers to the cookie’s key.")),
    })
}

/// The key in a signed cookie: what follows the signature, 32 bytes in base64.
fn key_of(cookie: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(cookie).decode_utf8_lossy().into_owned();
    decoded.get(44..).unwrap_or_default().to_owned()
}
