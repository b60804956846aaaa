//! S3: the cookie holds only an id; what belongs to it stays on the server.
//!
//! No page of ours keeps anything in the session's free state, so the preference is put into the row of a private instance.

use diesel::{QueryableByName, RunQueryDsl as _, sql_types};

use crate::{
    excerpt,
    experiments::{
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Section, Test},
        figure::{Bar, Figure},
        finding::Stamp,
        lab::{Run, Seen, Stopped, get, requests::session_me},
        message::Shown,
    },
};

/// The size of the preference, in bytes.
const PREFERENCE: usize = 10_240;

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "s3",
    title: "The coat stays behind the counter",
    claim: "The cookie holds an id and nothing else; the session’s data stays on the server.",
    section: Section::Sessions,
    needs: &[Need::Instance],
    steps: &[
        "Log in at a private instance, and measure the cookie.",
        "Put a preference of 10 kB into the session’s row.",
        "Ask for a page that shows the row, and measure the cookie again.",
    ],
    test: Test::Run { seconds: 6, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Session, "session/record.rs", "state", "sessions::state.eq(state)"),
        excerpt!(Token, "token/access.rs", "claims", "role: user.role()"),
    ],
    references: &[],
    expected: Some(Stamp::Holds),
};

#[derive(QueryableByName)]
struct Size {
    #[diesel(sql_type = sql_types::Integer)]
    size: i32,
}

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let instance = run.instance(&[]).await?;
    let mut conn = instance.connect()?;
    let account = run.account_at(instance.target()).await?;
    let mut browser = run.browser_of(instance.target(), &account, "A row was made. The cookie only names it.").await?;
    let before = browser.cookie("session").unwrap_or_default().to_owned();

    let preference = "prefers amber to blue; ".repeat(PREFERENCE / 23 + 1)[..PREFERENCE].to_owned();
    let stored = diesel::sql_query("UPDATE sessions SET state = jsonb_build_object('preference', $1)")
        .bind::<sql_types::Text, _>(format!("\"{preference}\""))
        .execute(&mut conn)?;
    run.moment(format!("{stored} row: a preference of {PREFERENCE} bytes is put into it"));
    let page = get("/account/session", Shown::Cookies);
    let shown = run.ask(&mut browser, Door::Session, &page).await?;
    shown.must_be(200)?;
    let is_shown = shown.answer.body.contains(&preference);
    run.show(
        shown.saying("The page that shows the row shows the preference: the server has it, and the cookie names it."),
    );
    let seen = run.ask(&mut browser, Door::Session, &session_me()).await?;
    run.show(seen.saying(format!("Whatever the row holds, the browser sends {} bytes.", cookie_sent(&seen))));

    let after = browser.cookie("session").unwrap_or_default().to_owned();
    let row =
        diesel::sql_query("SELECT octet_length(state::text) AS size FROM sessions").get_result::<Size>(&mut conn)?;
    let [before, after] = [before.len(), after.len()];
    run.number("the cookie before", before, "bytes");
    run.number("the cookie after", after, "bytes");
    run.number("what the row keeps", row.size, "bytes");
    run.figure(Figure {
        title: format!("The row keeps {} bytes more, the cookie {}", row.size - 2, after.abs_diff(before)),
        unit: "bytes",
        bars: vec![
            Bar::exact("the cookie before", Some(Door::Session), before as f64),
            Bar::exact("the cookie after", Some(Door::Session), after as f64),
            Bar::exact("the row’s state", Some(Door::Session), f64::from(row.size)),
        ],
        n: 1,
        note: "counted in a private instance".to_owned(),
    });
    Ok(match (is_shown, after <= before) {
        (true, true) => Outcome::holds(format!(
            "The server kept and used {} bytes for this session; the cookie had {before} bytes before and {after} after. (What a \
             token says travels with every request instead.)",
            row.size
        )),
        (true, false) => Outcome::is_false(format!("The cookie grew from {before} to {after} bytes.")),
        (false, _) => return Err(Stopped::because("the server did not use what was put into the row")),
    })
}

/// The size of the `Cookie` header of a request.
fn cookie_sent(seen: &Seen) -> usize {
    seen.answer.sent.iter().filter(|(name, _)| *name == "Cookie").map(|(_, value)| value.len()).sum()
}
