//! A run as it happens: server-sent events, one for each line of the spine, already dressed as the page dresses it.
//!
//! `place` says how many runs come first, `row` brings a line, `lives` the chart as far as it has come, `end` says that the
//! page now shows the finding. The answer is not compressed, as a compressor waits for more before it lets anything out.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse,
    body::{BodySize, MessageBody},
    http::header::ContentEncoding,
    rt,
    web::{self, Bytes},
};
use askama::Template as _;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};

use super::{Chart, Line};
use crate::{
    experiments::board::{Board, Entry},
    http::routes::AskedByHead,
    pages::Error,
};

/// How often somebody who waits is told so.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// How many may follow at once: each has lines rendered for it. The page itself tells everybody else.
const FOLLOWERS_MOST: usize = 100;
static FOLLOWERS: Semaphore = Semaphore::const_new(FOLLOWERS_MOST);

/// `GET /experiments/{id}/runs/{run}/events`
pub async fn follow(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    from: web::Query<From>,
    board: web::Data<Board>,
) -> Result<HttpResponse, Error> {
    let (_, run) = path.into_inner();
    let entry = board.run(&run).ok_or(Error::NotFound)?;
    let mut response = HttpResponse::Ok();
    response.content_type("text/event-stream").insert_header(ContentEncoding::Identity);
    response.insert_header(("x-accel-buffering", "no")).insert_header(("cache-control", "no-store"));
    // The body would be left out, but waited for.
    if request.extensions().contains::<AskedByHead>() {
        return Ok(response.finish());
    }
    let follower = FOLLOWERS.try_acquire().map_err(|_| Error::Crowded)?;
    let (sender, receiver) = mpsc::channel(16);
    rt::spawn(async move {
        let _follower: SemaphorePermit<'_> = follower;
        tell(board, run, entry, from.from, sender).await;
    });
    Ok(response.body(Body(receiver)))
}

/// Which line comes first.
#[derive(Debug, serde::Deserialize)]
pub struct From {
    #[serde(default)]
    from: usize,
}

/// Ends with the run, or when nobody listens any more.
async fn tell(board: web::Data<Board>, run: String, entry: Arc<Entry>, mut next: usize, sender: mpsc::Sender<Bytes>) {
    let mut changes = entry.progress.watch();
    let (mut told, mut shown) = (None, None);
    loop {
        let finished = entry.progress.finding().is_some();
        for row in entry.progress.rows_from(next) {
            next += 1;
            let html = Line { row: &row }.render().unwrap_or_default();
            if sender.send(event("row", &html)).await.is_err() {
                return;
            }
        }
        if let Some(lives) = entry.progress.lives().filter(|lives| shown.as_ref() != Some(lives)) {
            let html = Chart { lives: &lives }.render().unwrap_or_default();
            if sender.send(event("lives", &html)).await.is_err() {
                return;
            }
            shown = Some(lives);
        }
        if finished || board.run(&run).is_none() {
            let _ = sender.send(event("end", "")).await;
            return;
        }
        let ahead = board.ahead_of(&run).map_or_else(String::new, |ahead| ahead.to_string());
        // A comment finds out whether anybody is still there.
        let said = if told.as_ref() == Some(&ahead) { Bytes::from_static(b":\n\n") } else { event("place", &ahead) };
        if sender.send(said).await.is_err() {
            return;
        }
        told = Some(ahead);
        let _ = tokio::time::timeout(HEARTBEAT, changes.changed()).await;
    }
}

fn event(name: &str, data: &str) -> Bytes {
    // Without data a browser drops an event.
    let data = if data.is_empty() { "data:" } else { &format!("data: {}", data.replace('\n', "\ndata: ")) };
    format!("event: {name}\n{data}\n\n").into()
}

struct Body(mpsc::Receiver<Bytes>);

impl MessageBody for Body {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.get_mut().0.poll_recv(context).map(|piece| piece.map(Ok))
    }
}
