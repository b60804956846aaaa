//! R8: two tabs refresh at once.
//!
//! The rows of a private instance say how many successors there were. Beside it stands an instance without a grace, on the same
//! database: what rotation does to honest tabs without one.

use diesel::{PgConnection, QueryableByName, RunQueryDsl as _, sql_types};
use serde_json::json;

use crate::{
    excerpt,
    experiments::{
        account::Account,
        client::{Client, Target},
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        finding::Stamp,
        lab::{Run, Seen, Stopped, requests::refresh},
    },
};

/// How many tabs wake up together.
const TABS: [usize; 2] = [2, 8];

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "r8",
    title: "Tabs that wake together",
    claim: "Two tabs that refresh at the same moment don’t throw each other out.",
    section: Section::Revocation,
    needs: &[Need::Instance],
    steps: &[
        "Log in at a private instance, redeem the refresh token in two tabs at once, then in eight, and count the successors.",
        "Let each tab go on with what it was given, the last answer first.",
        "Do the same at an instance that has no grace (REFRESH_GRACE=0).",
    ],
    test: Test::Run { seconds: 8, observe: |run| Box::pin(observe(run)) },
    code: &[excerpt!(Token, "token/renew.rs", "renew", "again(conn, &presented.successor(nonce))?")],
    references: &[Reference {
        title: "RFC 9700, 4.14.2: refresh token rotation",
        url: "https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2",
    }],
    expected: Some(Stamp::Holds),
};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = sql_types::BigInt)]
    count: i64,
}

fn refresh_tokens(conn: &mut PgConnection) -> Result<i64, Stopped> {
    Ok(diesel::sql_query("SELECT count(*) AS count FROM refresh_tokens").get_result::<Count>(conn)?.count)
}

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let instance = run.instance(&[]).await?;
    let mut conn = instance.connect()?;
    let account = run.account_at(instance.target()).await?;
    let mut all_good = true;
    for tabs in TABS {
        let woken = wake(run, (instance.target(), &account), tabs, &mut conn).await?;
        run.number(format!("{tabs} tabs at once: let in"), woken.let_in, "");
        run.number(format!("{tabs} tabs at once: successors in the table"), woken.inserted, "");
        run.number(format!("{tabs} tabs at once: different refresh tokens handed out"), woken.different, "");
        run.number(format!("{tabs} tabs, each with its answer, the last first: let in"), woken.went_on, "");
        all_good &= woken.let_in == tabs && woken.went_on == tabs && woken.inserted == 1 && woken.different == 1;
    }
    run.moment("The same without a grace");
    let strict = instance.beside(&[("REFRESH_GRACE", "0s")]).await?;
    let woken = wake(run, (strict.target(), &account), 2, &mut conn).await?;
    run.number("2 tabs at once without a grace: let in", woken.let_in, "");
    run.number("2 tabs without a grace, each with its answer: let in", woken.went_on, "");
    Ok(match all_good {
        true => Outcome::holds(format!(
            "Of two tabs and of eight every one was let in and given the same refresh token; the table has one successor each time, and \
             whichever answer came last, every tab went on with it. It takes the grace: without it {} of 2 tabs was let in, and \
             then {} of them could go on, as the other’s redemption counts as theft.",
            woken.let_in, woken.went_on
        )),
        false => Outcome::is_false("Some tab was thrown out, or there was more than one successor: see the numbers."),
    })
}

/// What became of tabs that woke together.
struct Woken {
    let_in: usize,
    different: usize,
    inserted: i64,
    went_on: usize,
}

async fn wake(
    run: &mut Run,
    (target, account): (&Target, &Account),
    tabs: usize,
    conn: &mut PgConnection,
) -> Result<Woken, Stopped> {
    let mut program = Client::new(target, "two-doors experiment")?;
    let (_, token, seen) = run.log_in_at_the_api(&mut program, account, &json!({})).await?;
    run.show(seen.saying(format!("A login. {tabs} tabs share its refresh token.")));
    let before = refresh_tokens(conn)?;
    let mut answers = run.at_once(&program, Door::Token, &refresh(&token), tabs).await?;
    let inserted = refresh_tokens(conn)? - before;
    // In the order in which the answers came, the last first.
    answers.sort_by_key(|seen| std::cmp::Reverse(seen.answer.answered_at));
    for (tab, seen) in answers.iter().rev().enumerate().filter(|(tab, _)| *tab < 2) {
        run.show(seen.saying(format!("Answer {} of {tabs}.", tab + 1)));
    }
    let given = |seen: &Seen| seen.answer.text("refresh_token");
    let different: std::collections::BTreeSet<String> = answers.iter().filter_map(given).collect();
    let mut went_on = 0;
    for (tab, answer) in answers.iter().enumerate() {
        let Some(successor) = given(answer) else { continue };
        let seen = run.ask(&mut program, Door::Token, &refresh(&successor)).await?;
        went_on += usize::from(seen.accepted());
        if tab == 0 {
            run.show(seen.saying("The tab whose answer came last goes on with it."));
        }
    }
    let let_in = answers.iter().filter(|seen| seen.accepted()).count();
    Ok(Woken { let_in, different: different.len(), inserted, went_on })
}
