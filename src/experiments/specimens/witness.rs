//! What the listener sees of a story: each request of its pages with its answer, for the cards of the run that it belongs to.
//!
//! The path names the run, so that no request is taken for another run's; of the cookies only those are told that the run
//! itself set, as a host gets those of all. Left out are files, and what pages send in for the report. What they send to
//! the real doors is not seen here. Nothing is kept: it goes to whoever began the run.

use std::{sync::Arc, time::Instant};

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::HeaderMap,
    middleware::Next,
    web::Data,
};

use super::{Report, Shared, Story, attacker, finish, run::Run};
use crate::experiments::exchange::Door;

/// More than any story takes: whoever plays with a run fills nobody's memory.
pub(super) const MOST: usize = 64;
/// The longest that a path or a header is told, in characters.
const LONGEST: usize = 400;
/// How the paths end by which pages report.
const REPORTING: [&str; 3] = ["/found", "/knocked", "/broken"];
const SENT: [&str; 3] = ["Host", "Origin", "Sec-Fetch-Site"];
const RECEIVED: [&str; 3] = ["Location", "Set-Cookie", "Access-Control-Allow-Origin"];

/// A request that came to the listener, and its answer.
#[derive(Debug, Clone)]
pub struct Witnessed {
    /// Whose credential it showed; where it showed none, what its story is about.
    pub door: Door,
    /// Whether it came from the attacker's own client.
    pub by_thief: bool,
    /// When it came.
    pub came_at: Instant,
    /// When its answer was ready.
    pub answered_at: Instant,
    /// Such as `POST`.
    pub method: String,
    /// Its path, with `…` for the run.
    pub path: String,
    /// The headers that matter.
    pub sent: Vec<(&'static str, String)>,
    /// The answer's status.
    pub status: u16,
    /// The answer's headers that matter.
    pub received: Vec<(&'static str, String)>,
    /// What is to be shown shortened.
    pub credentials: [String; 2],
}

/// Tells of each request once it is answered, and ends the story after its last page.
pub(super) async fn follow<B: MessageBody + 'static>(
    shared: Data<Shared>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let came = came(&shared, &request);
    let answer = next.call(request).await?;
    if let Some((run, came)) = came {
        tell(&run, came, &answer);
        if run.state().is_at_its_end {
            finish::finish(&run, &shared.hosts);
        }
    }
    Ok(answer)
}

/// The run that a request belongs to, and what there is to tell of it so far; nothing of what is no page's doing.
fn came(shared: &Shared, request: &ServiceRequest) -> Option<(Arc<Run>, Witnessed)> {
    let path = request.path();
    let run = shared.runs.find(path.split('/').nth(1)?)?;
    if matches!(run.story, Story::Services) || REPORTING.iter().any(|end| path.ends_with(end)) {
        return None;
    }
    let headers = request.headers();
    let mut sent = lines(&run, headers, &SENT);
    let cookies = run.jar.own(headers);
    if !cookies.is_empty() {
        sent.push(("Cookie", cookies));
    }
    let bearer = text(headers, "Authorization").filter(|shown| shown.contains(&run.token));
    let is_of_tokens = bearer.is_some() || matches!(run.story, Story::Token { .. });
    sent.extend(bearer.map(|shown| ("Authorization", cut(shown))));
    let witnessed = Witnessed {
        door: if is_of_tokens { Door::Token } else { Door::Session },
        by_thief: text(headers, "User-Agent") == Some(attacker::CLIENT),
        came_at: Instant::now(),
        answered_at: Instant::now(),
        method: request.method().to_string(),
        path: nameless(&run, &request.uri().path_and_query().map_or_else(String::new, ToString::to_string)),
        sent,
        status: 0,
        received: Vec::new(),
        credentials: [run.secret.clone(), run.token.clone()],
    };
    Some((run, witnessed))
}

fn tell<B>(run: &Run, came: Witnessed, answer: &ServiceResponse<B>) {
    let received = lines(run, answer.headers(), &RECEIVED);
    let witnessed = Witnessed { answered_at: Instant::now(), status: answer.status().as_u16(), received, ..came };
    let told = {
        let mut state = run.state();
        state.witnessed += 1;
        state.witnessed
    };
    if told <= MOST {
        run.tell(Report::Exchange(Box::new(witnessed)));
    }
}

fn lines(run: &Run, headers: &HeaderMap, names: &[&'static str]) -> Vec<(&'static str, String)> {
    let values = |name: &'static str| headers.get_all(name).map(move |value| (name, value));
    let all = names.iter().copied().flat_map(values);
    all.filter_map(|(name, value)| Some((name, nameless(run, value.to_str().ok()?)))).collect()
}

/// Without the name of the run, which says nothing and is long.
fn nameless(run: &Run, text: &str) -> String {
    cut(&text.replace(&run.id, "…"))
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
