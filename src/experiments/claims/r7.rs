//! R7: a refresh token that comes back is theft.
//!
//! A stolen copy is redeemed beside its owner's: within the grace, after it, before the owner and after; and at a specimen
//! that does not rotate. Nobody waits for the grace to be over: the rows of a private instance are aged.

use diesel::{PgConnection, RunQueryDsl as _};
use serde_json::json;

use crate::{
    excerpt,
    experiments::{
        account::Account,
        client::Client,
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        finding::Stamp,
        lab::{
            Instance, Run, Seen, Stopped, post,
            requests::{claims_me, live_account, refresh},
        },
        message::{Body, Shown},
    },
};

/// Redemptions by each of two at the specimen.
const UNNOTICED: usize = 3;

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "r7",
    title: "An old refresh token comes back",
    claim: "A refresh token that is used a second time has been stolen.",
    section: Section::Revocation,
    needs: &[Need::Instance, Need::Specimens],
    steps: &[
        "Log in at a private instance, copy the refresh token, and redeem both within the grace.",
        "Do it again with the rows aged past the grace: the owner first, then the thief; and the other way round.",
        "Show what each holds afterwards, also the access token that the thief had bought.",
        "Do the same at a specimen that does not rotate its refresh tokens.",
    ],
    test: Test::Run { seconds: 8, observe: |run| Box::pin(observe(run)) },
    code: &[excerpt!(Token, "token/renew.rs", "renew", "again(conn, &presented.successor(nonce))?")],
    references: &[Reference {
        title: "RFC 9700, 4.14.2: refresh token rotation; the server can’t tell who of the two is the attacker",
        url: "https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2",
    }],
    expected: Some(Stamp::HoldsBut),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let instance = run.instance(&[]).await?;
    let mut conn = instance.connect()?;
    let account = run.account_at(instance.target()).await?;
    run.moment("Within the grace: the owner redeems, and the thief right after");
    let inside = rob(run, &instance, &account, None).await?;
    run.moment("After the grace: the owner has redeemed, then the thief does");
    let owner_first = rob(run, &instance, &account, Some((&mut conn, Who::Owner))).await?;
    run.moment("After the grace: the thief has redeemed, then the owner does");
    let thief_first = rob(run, &instance, &account, Some((&mut conn, Who::Thief))).await?;
    let unnoticed = without_rotation(run).await?;

    for (name, robbed) in [
        ("within the grace", &inside),
        ("after it, owner first", &owner_first),
        ("after it, thief first", &thief_first),
    ] {
        run.number(format!("{name}: the first, the second, the first’s successor"), robbed.statuses(), "");
        run.number(format!("{name}: the access token, claims only and live"), robbed.access(), "");
    }
    run.number("without rotation: redemptions by two, all let in and none noticed", unnoticed, "");
    let looks_alike = owner_first.second_told == thief_first.second_told;
    let noticed = [&owner_first, &thief_first].iter().all(|robbed| robbed.second == 401 && robbed.successor == 401);
    Ok(match (noticed, looks_alike) {
        (true, true) => Outcome::holds_but(format!(
            "The second use ended the login, for the owner as for the thief. But it is a signal, not proof of who the thief is: whether \
             owner or thief came second, the server saw and said the same ({}). Within the grace the second use was answered {}, \
             with {} successor. And the access token that the first had bought was answered {} after the end, claims only, and {} \
             where the login is checked.",
            owner_first.second_told,
            inside.second,
            if inside.is_same { "the same" } else { "another" },
            thief_first.claims,
            thief_first.live,
        )),
        (true, false) => Outcome::holds("The second use ended the login, and the server told owner and thief apart."),
        (false, _) => Outcome::is_false(format!(
            "The second use after the grace was answered {} and {}.",
            owner_first.second, thief_first.second
        )),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Owner,
    Thief,
}

/// What two redemptions of one token came to.
struct Robbed {
    first: u16,
    second: u16,
    /// What the second was told, without what differs from run to run.
    second_told: String,
    /// Whether both were given the same successor.
    is_same: bool,
    /// The first one's successor, redeemed afterwards.
    successor: u16,
    /// The access token that the first one bought, afterwards.
    claims: u16,
    live: u16,
}

impl Robbed {
    fn statuses(&self) -> String {
        format!("{}, {}, {}", self.first, self.second, self.successor)
    }

    fn access(&self) -> String {
        format!("{}, {}", self.claims, self.live)
    }
}

/// Logs in, copies the refresh token, and has it redeemed twice: within the grace, or after it with this one first.
async fn rob(
    run: &mut Run,
    instance: &Instance,
    account: &Account,
    after_grace: Option<(&mut PgConnection, Who)>,
) -> Result<Robbed, Stopped> {
    let mut owner = Client::new(instance.target(), "two-doors experiment")?;
    let (_, stolen, seen) = run.log_in_at_the_api(&mut owner, account, &json!({})).await?;
    run.show(seen.saying("The owner logs in; somebody copies the refresh token."));
    let thief = owner.copied("two-doors with a copy")?;
    let first_one = after_grace.as_ref().map_or(Who::Owner, |(_, who)| *who);
    let (mut a, mut b) = if first_one == Who::Owner { (owner, thief) } else { (thief, owner) };
    let first = run.ask(&mut a, Door::Token, &refresh(&stolen)).await?;
    run.show(first.saying("Redeemed for the first time."));
    if let Some((conn, _)) = after_grace {
        let aged = "UPDATE refresh_tokens SET used_at = used_at - interval '11 s', created_at = created_at - interval '11 s' \
                    WHERE used_at IS NOT NULL";
        diesel::sql_query(aged).execute(conn)?;
        run.moment("Eleven seconds pass: the rows are aged");
    }
    let second = run.ask(&mut b, Door::Token, &refresh(&stolen)).await?;
    run.show(second.saying("Redeemed for the second time."));
    let (bought, successor) = (first.answer.text("access_token"), first.answer.text("refresh_token"));
    let (bought, successor) = (bought.unwrap_or_default(), successor.unwrap_or_default());
    let is_same = second.answer.text("refresh_token").as_ref() == Some(&successor);
    let claims = run.ask(&mut a, Door::Token, &claims_me(&bought)).await?;
    run.show(claims.saying("The access token that the first one bought, claims only."));
    let live = run.ask(&mut a, Door::Token, &live_account(&bought)).await?;
    run.show(live.saying("The same where the login is checked."));
    let after = run.ask(&mut a, Door::Token, &refresh(&successor)).await?;
    run.show(after.saying("The first one’s successor."));
    Ok(Robbed {
        first: first.status(),
        second: second.status(),
        second_told: told(&second),
        is_same,
        successor: after.status(),
        claims: claims.status(),
        live: live.status(),
    })
}

fn told(seen: &Seen) -> String {
    format!("{} {}", seen.status(), seen.answer.text("code").unwrap_or_default())
}

/// Owner and thief redeem the same token in turn, at a specimen where it never changes.
async fn without_rotation(run: &mut Run) -> Result<usize, Stopped> {
    let weak = run.weak_services()?;
    run.moment("A specimen without rotation: weak on purpose, on a listener of its own");
    let mut owner = Client::new(weak.target(), "two-doors experiment")?;
    let issued =
        run.ask(&mut owner, Door::Token, &post(weak.at("/unrotated/login"), Shown::Nothing, Body::Empty)).await?;
    issued.must_be(200)?;
    let token = issued.answer.text("refresh_token").ok_or_else(|| Stopped::because("the specimen gave no token"))?;
    run.show(issued.saying("Specimen: a refresh token that stays the same."));
    let mut thief = owner.copied("two-doors with a copy")?;
    let redeem = post(weak.at("/unrotated/refresh"), Shown::Nothing, Body::Json(json!({ "refresh_token": token })));
    let mut let_in = 0;
    for _ in 0..UNNOTICED {
        for client in [&mut owner, &mut thief] {
            let seen = run.ask(client, Door::Token, &redeem).await?;
            let_in += usize::from(seen.accepted());
            if let_in == 2 * UNNOTICED {
                run.show(seen.saying("Specimen: the last of them. Owner and thief look alike, for ever."));
            }
        }
    }
    Ok(let_in)
}
