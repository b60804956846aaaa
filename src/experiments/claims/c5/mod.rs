//! C5: what a session's look-up costs, beside what checking a token costs.
//!
//! Everywhere the twins `GET /account/me` and `GET /api/me` are asked. How long finding out who asks takes is said by the
//! server; the round trip is measured here, over loopback.

mod at_once;
mod new_tokens;

use super::signing;
use crate::{
    excerpt,
    experiments::{
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Section, Test},
        figure::{Bar, Figure, amount},
        finding::Stamp,
        lab::{Instance, Run, Stopped},
        measure::{
            self, Sample,
            doors::{self, Doors, Route},
        },
    },
};

/// How many requests to each route.
const TIMES: usize = 60;
/// What tokens are signed with: the first is what an instance does by itself.
const ALGORITHMS: [&str; 4] = ["ES256", "EdDSA", "RS256", "HS256"];

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "c5",
    title: "What a look-up costs",
    claim: "A session costs a look-up with every request, and a token does not.",
    section: Section::Scale,
    needs: &[Need::Instance, Need::Quiet],
    steps: &[
        "Ask the twins GET /account/me and GET /api/me at private instances, one after the other, with sessions in Postgres and in Redis.",
        "Show new tokens that are signed with ES256, EdDSA, RS256 and HS256, each for the first time, and then once more.",
        "Ask each of them a hundred times at once.",
    ],
    test: Test::Run { seconds: 25, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Session, "session/record.rs", "load", "sessions::key_hash.eq(any(keys))"),
        excerpt!(Token, "token/access.rs", "verify", "decode(token, &key.verifying, validation)"),
    ],
    references: &[],
    expected: Some(Stamp::HoldsBut),
};

/// What finding out who asks takes, for one kind of credential.
struct Cost {
    name: String,
    door: Door,
    sample: Sample,
}

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let instance = run.instance(&[]).await?;
    let postgres = doors::measure(instance.target(), TIMES).await?;
    let statements =
        [&postgres.session, &postgres.claims, &postgres.live].map(|route| route.statements.unwrap_or_default());
    let mut costs = vec![Cost::of("session in Postgres", Door::Session, &postgres.session)?];
    costs.extend(in_redis(run, &instance).await?);
    costs.extend(new_tokens::measure(run, &instance, ALGORITHMS[0]).await?);
    for algorithm in &ALGORITHMS[1..] {
        let other = signing::beside(run, &instance, algorithm, &[]).await?;
        let [first, _] = new_tokens::measure(run, &other, algorithm).await?;
        costs.push(first);
    }
    costs.push(Cost::of("token, login looked up", Door::Token, &postgres.live)?);
    let crowd = at_once::measure(run, &instance).await?;

    show(run, &costs, &postgres);
    run.number("statements a request: session, token, token whose login is looked up", format!("{statements:?}"), "");
    Ok(conclude(&costs, &postgres, statements, &crowd))
}

impl Cost {
    fn of(name: impl Into<String>, door: Door, route: &Route) -> Result<Self, Stopped> {
        Self::timed(name.into(), door, route.authentication.clone())
    }

    fn timed(name: String, door: Door, sample: Option<Sample>) -> Result<Self, Stopped> {
        let sample = sample.ok_or_else(|| Stopped::because("the instance does not say what it timed"))?;
        Ok(Self { name, door, sample })
    }
}

/// The same with the sessions in Redis, if there is one.
async fn in_redis(run: &mut Run, instance: &Instance) -> Result<Option<Cost>, Stopped> {
    let redis = match run.redis().await {
        Ok(redis) => redis,
        Err(stopped) => {
            run.moment(format!("Redis is not measured: {stopped}"));
            return Ok(None);
        }
    };
    let other = instance.beside(&[("SESSION_STORE", &redis.url())]).await?;
    let measured = doors::measure(other.target(), TIMES).await?;
    Cost::of("session in Redis", Door::Session, &measured.session).map(Some)
}

fn show(run: &mut Run, costs: &[Cost], postgres: &Doors) {
    let note = format!(
        "medians on this server, {}; the lines span the 10th to the 90th percentile",
        measure::machine::build()
    );
    let dearest = costs.iter().max_by(|one, other| one.sample.median.total_cmp(&other.sample.median));
    run.figure(Figure {
        title: format!("Finding out who asks: the dearest is “{}”", dearest.map_or("", |cost| &cost.name)),
        unit: "µs",
        bars: costs.iter().map(|cost| cost.sample.bar(&*cost.name, Some(cost.door))).collect(),
        n: TIMES,
        note: note.clone(),
    });
    let trips: [(&str, Option<Door>, &Route); 4] = [
        ("nobody is asked for", None, &postgres.nobody),
        ("session in Postgres", Some(Door::Session), &postgres.session),
        ("token, shown again", Some(Door::Token), &postgres.claims),
        ("token, login looked up", Some(Door::Token), &postgres.live),
    ];
    let bars: Vec<Bar> = trips.iter().map(|(name, door, route)| route.round_trip.bar(*name, *door)).collect();
    let title = "And the whole request, which both doors pay for as well".to_owned();
    run.figure(Figure { title, unit: "µs", bars, n: TIMES, note });
    for cost in costs {
        run.number(format!("{}: finding out who asks", cost.name), amount(cost.sample.median), "µs");
    }
}

fn conclude(costs: &[Cost], postgres: &Doors, statements: [u32; 3], crowd: &at_once::Crowd) -> Outcome {
    let median = |name: &str| costs.iter().find(|cost| cost.name == name).map_or(f64::NAN, |cost| cost.sample.median);
    let [session, redis, live] = ["session in Postgres", "session in Redis", "token, login looked up"].map(median);
    let checks = ALGORITHMS.map(|algorithm| median(&format!("new token, {algorithm}")));
    let again = median("ES256, shown again");
    let (least, most) = (checks.into_iter().fold(f64::NAN, f64::min), checks.into_iter().fold(f64::NAN, f64::max));
    let redis = if redis.is_nan() { String::new() } else { format!(" ({} in Redis)", amount(redis)) };
    let [of_session, of_claims, of_live] = statements;
    let text = format!(
        "A request with a session took {of_session} statement, one with a token {of_claims}, or {of_live} where its login is looked up. But \
         what that costs depends. One after the other, finding out who asks took {} µs with a session{redis}, and {} to {} with a token that \
         the server had never seen, depending on the algorithm: {} with ES256, which is {}. The same token shown again took {}, and {} where its \
         login is looked up. The whole request took {} µs with a session. {} \
         Measured with {}.",
        amount(session),
        amount(least),
        amount(most),
        amount(checks[0]),
        if checks[0] < session { "less than the session" } else { "more than the session" },
        amount(again),
        amount(live),
        amount(postgres.session.round_trip.median),
        crowd.text(),
        measure::machine::build(),
    );
    match (of_session, of_claims, of_live) {
        (1.., 0, 1..) => Outcome::holds_but(text),
        _ => Outcome::is_false(text),
    }
}
