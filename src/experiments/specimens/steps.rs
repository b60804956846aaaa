//! The pages of a story, one after the other, and what comes in from them.

use std::{collections::BTreeMap, time::Instant};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderMap, HeaderValue},
    web,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{
    hosts::Role,
    jar::Set,
    page::Page,
    report::{Arrival, How, Report},
    story::{Act, Age, Step, Story},
    visit::{Lost, Visit},
};

/// What other sites would like to happen at the real door.
const KNOCKED_AT: [&str; 3] = ["/logout", "/account/name", "/api/auth/refresh"];
/// What a browser says of where a request comes from.
const TELLING: [&str; 4] = ["origin", "sec-fetch-site", "sec-fetch-mode", "content-type"];

type Path = web::Path<(String, usize)>;

/// The step that the path names, if it is this host's.
fn step_of<'a>(visit: &'a Visit, path: &Path) -> Result<(usize, &'a Step), Lost> {
    let step = visit.run.steps.get(path.1).ok_or(Lost::Nowhere)?;
    visit.only_at(step.at)?;
    Ok((path.1, step))
}

/// `GET /{run}/{step}`: a page. It writes down which cookies came, and sets its own.
pub(super) async fn show(visit: Visit, path: Path, request: HttpRequest) -> Result<HttpResponse, Lost> {
    let (index, step) = step_of(&visit, &path)?;
    note(&visit, index, step, request.headers());
    let run = &visit.run;
    run.tell(Report::Progress { step: index, of: run.steps.len(), says: step.says.to_owned() });
    if matches!(step.act, Act::Done) {
        run.state().is_at_its_end = true;
    }
    let mut answer = Page::new(&visit, step.says, &plan(&visit, index, step)).answer(&visit)?;
    set(&visit, step.sets, answer.headers_mut());
    Ok(answer)
}

fn note(visit: &Visit, index: usize, step: &Step, headers: &HeaderMap) {
    let mut state = visit.run.state();
    state.cookies.insert(index, visit.run.jar.seen(headers));
    state.user_agent = text(headers, "user-agent").unwrap_or_default().chars().take(256).collect();
    if !step.sets.is_empty() && state.set_at.is_none() {
        state.set_at = Some(Instant::now());
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Adds the lines that set these cookies.
pub(super) fn set(visit: &Visit, sets: &[Set], headers: &mut HeaderMap) {
    for line in sets.iter().filter_map(|set| HeaderValue::try_from(visit.run.jar.line(set)).ok()) {
        headers.append(header::SET_COOKIE, line);
    }
}

/// What the page's script is told.
fn plan(visit: &Visit, index: usize, step: &Step) -> Value {
    let (run, hosts) = (&visit.run, &visit.shared.hosts);
    let victim = format!("{}/{}", hosts.origin(Role::Victim), run.id);
    let mut plan = json!({ "here": format!("/{}/{index}", run.id), "next": run.url(hosts, index + 1) });
    let more = match step.act {
        Act::Go => json!({ "act": "go" }),
        Act::Keep => json!({ "act": "keep", "name": run.jar.prefix(), "token": run.token }),
        Act::Send(how, _) => json!({ "act": how, "target": format!("{victim}/{index}/arrive") }),
        Act::Lure => {
            let script = format!("<script src=\"{}/{}/payload.js\"></script>", hosts.origin(Role::Attacker), run.id);
            json!({ "act": "link", "target": format!("{victim}/search?q={}", utf8_percent_encode(&script, NON_ALPHANUMERIC)) })
        }
        Act::Knock => json!({ "act": "knock", "door": door(&run.story), "paths": KNOCKED_AT }),
        Act::Wait => {
            let skip = run.url(hosts, run.steps.len() - 1);
            json!({ "act": "wait", "seconds": run.to_wait().as_secs_f64().ceil(), "skip": skip })
        }
        Act::Find(module) => json!({
            "act": "find",
            "module": module,
            "api": format!("{}/{}/api", hosts.origin(Role::Api), run.id),
            "logsIn": index == 0,
            "token": token(visit),
            "jwks": jwks(&run.story),
        }),
        Act::Done => json!({ "act": "done", "name": run.jar.prefix() }),
    };
    if let (Value::Object(plan), Value::Object(more)) = (&mut plan, more) {
        plan.extend(more);
    }
    plan
}

fn door(story: &Story) -> Option<&str> {
    match story {
        Story::CrossSite { door, .. } => door.as_deref(),
        _ => None,
    }
}

fn token(visit: &Visit) -> String {
    match &visit.run.story {
        Story::Token { token, .. } => token.clone(),
        _ => format!("{}.page", visit.run.token),
    }
}

fn jwks(story: &Story) -> Option<&Value> {
    match story {
        Story::Token { jwks, .. } => Some(jwks),
        _ => None,
    }
}

/// `/{run}/{step}/arrive`: the victim's route without defence. Whoever comes with the cookie is believed.
pub(super) async fn arrive(visit: Visit, path: Path, request: HttpRequest) -> Result<HttpResponse, Lost> {
    visit.only_at(Role::Victim)?;
    let step = visit.run.steps.get(path.1).ok_or(Lost::Nowhere)?;
    let Act::Send(how, age) = step.act else { return Err(Lost::Nowhere) };
    let headers = request.headers();
    let arrival = arrival(&visit, step.at, (how, age), headers);
    let says = match arrival.cookies.is_empty() {
        true => "The victim got the request without any cookie.".to_owned(),
        false => format!("The victim got the request with the cookies {}, and obeys.", arrival.cookies.join(", ")),
    };
    visit.run.state().arrivals.insert(path.1, arrival);
    let next = json!({ "act": "go", "next": visit.run.url(&visit.shared.hosts, path.1 + 1) });
    Page::new(&visit, &says, &next).answer(&visit)
}

fn arrival(visit: &Visit, from: Role, (how, age): (How, Age), headers: &HeaderMap) -> Arrival {
    let told = TELLING.iter().filter_map(|name| Some(((*name).to_owned(), text(headers, name)?.to_owned())));
    let told: BTreeMap<String, String> = told.collect();
    let kinds = ["none", "lax", "strict", "absent"];
    let seen = visit.run.jar.seen(headers);
    let since = visit.run.state().set_at.map_or(0.0, |set_at| set_at.elapsed().as_secs_f64());
    Arrival {
        from,
        how,
        old: age == Age::Old,
        age: since,
        cookies: kinds.iter().filter(|kind| seen.contains_key(**kind)).map(|kind| (*kind).to_owned()).collect(),
        bearer: headers.contains_key(header::AUTHORIZATION),
        headers: told,
    }
}

/// `POST /{run}/{step}/found`: what the page's module found.
pub(super) async fn found(visit: Visit, path: Path, found: web::Json<Value>) -> Result<HttpResponse, Lost> {
    let (index, step) = step_of(&visit, &path)?;
    let found = found.into_inner();
    let mut state = visit.run.state();
    match step.act {
        Act::Find("token") => {
            state.token = Some(serde_json::from_value(found).map_err(|_| Lost::Unreadable)?);
        }
        Act::Find(_) => {
            state.calls.insert(index, serde_json::from_value(found).map_err(|_| Lost::Unreadable)?);
        }
        _ => return Err(Lost::Nowhere),
    }
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /{run}/{step}/knocked`: what the page could tell of its attacks on the real door.
pub(super) async fn knocked(
    visit: Visit,
    path: Path,
    knocks: web::Json<Vec<super::report::Knock>>,
) -> Result<HttpResponse, Lost> {
    let (index, step) = step_of(&visit, &path)?;
    if !matches!(step.act, Act::Knock) || knocks.len() > KNOCKED_AT.len() {
        return Err(Lost::Nowhere);
    }
    visit.run.state().knocks.insert(index, knocks.into_inner());
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /{run}/{step}/broken`: why the page's script got nowhere.
pub(super) async fn broken(visit: Visit, path: Path, why: web::Json<String>) -> Result<HttpResponse, Lost> {
    let (step, _) = step_of(&visit, &path)?;
    visit.run.tell(Report::Broken { step, why: why.chars().filter(|letter| !letter.is_control()).take(500).collect() });
    Ok(HttpResponse::NoContent().finish())
}
