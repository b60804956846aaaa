//! Follows the issuer's feed of endings (server-sent events), and connects again whenever it breaks off.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::endings::Endings;

const CONNECT: Duration = Duration::from_secs(2);
/// The issuer says something at least every 15 seconds. Who hears nothing for longer follows nothing.
const SILENCE: Duration = Duration::from_secs(20);
/// Before connecting again: doubled with every failure.
const PAUSE_LEAST: Duration = Duration::from_secs(1);
const PAUSE_MOST: Duration = Duration::from_secs(8);
const FORGET_EVERY: Duration = Duration::from_secs(15);
/// No event is nearly as long.
const LINE_MOST: usize = 8192;

/// What the feed at this address tells, from now on.
pub fn follow(feed: String, service: String, secret: String) -> reqwest::Result<Arc<Endings>> {
    // The secret goes nowhere else, and an answer that is not the feed is a failure.
    let to_nowhere_else = reqwest::redirect::Policy::none();
    let http =
        reqwest::Client::builder().connect_timeout(CONNECT).read_timeout(SILENCE).redirect(to_nowhere_else).build()?;
    let endings = Arc::new(Endings::default());
    let told = Arc::clone(&endings);
    actix_web::rt::spawn(async move {
        let mut pause = PAUSE_LEAST;
        loop {
            let request = http.get(&feed).basic_auth(&service, Some(&secret)).header("accept", "text/event-stream");
            let end = listen(request, &told).await;
            let why = end.map_or_else(|error| format!("{error:#}"), |()| "the feed ended".to_owned());
            pause = if told.lose() { PAUSE_LEAST } else { PAUSE_MOST.min(pause * 2) };
            eprintln!("going on with claims, and the endings that are known: {why}; next try in {pause:?}");
            tokio::time::sleep(pause).await;
        }
    });
    Ok(endings)
}

/// Until the feed ends.
async fn listen(request: reqwest::RequestBuilder, endings: &Endings) -> anyhow::Result<()> {
    let mut response = request.send().await?.error_for_status()?;
    let (mut unread, mut event) = (Vec::new(), Event::default());
    let mut forgot_at = Instant::now();
    while let Some(chunk) = response.chunk().await? {
        unread.extend_from_slice(&chunk);
        let whole = unread.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        for line in std::str::from_utf8(&unread[..whole])?.lines() {
            event.read(line, endings)?;
        }
        unread.drain(..whole);
        anyhow::ensure!(unread.len() <= LINE_MOST, "a line without an end");
        if forgot_at.elapsed() >= FORGET_EVERY {
            endings.forget();
            forgot_at = Instant::now();
        }
    }
    Ok(())
}

/// The event that is being read: an empty line ends it.
#[derive(Default)]
struct Event {
    name: String,
    data: String,
}

impl Event {
    fn read(&mut self, line: &str, endings: &Endings) -> anyhow::Result<()> {
        if line.is_empty() {
            let Self { name, data } = std::mem::take(self);
            endings.apply(&name, &data)?;
        }
        match line.split_once(':') {
            Some(("event", name)) => name.trim().clone_into(&mut self.name),
            Some(("data", data)) => data.trim().clone_into(&mut self.data),
            // A comment, the heartbeat, or a field that means nothing to us.
            _ => {}
        }
        Ok(())
    }
}
