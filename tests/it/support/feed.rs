//! A configured service: what it shows, and how it follows the feed of endings.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::TestApp;

/// The secret of the service `orders`, which every test's server knows.
pub const SERVICE_SECRET: &str = "the-secret-of-orders-that-tests-know";

/// What a service with this name and secret sends.
pub fn basic(name: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{secret}")))
}

/// What the configured service sends.
pub fn of_orders() -> String {
    basic("orders", SERVICE_SECRET)
}

/// A connection to the feed.
pub struct Feed {
    pub response: reqwest::Response,
    unread: String,
    pub comments: Vec<String>,
}

/// An event's name and data.
pub type Event = (String, Value);

impl Feed {
    /// Asks for the feed, whatever the answer is.
    pub async fn ask(url: &str, headers: &[(&str, &str)]) -> reqwest::Response {
        let client = reqwest::Client::builder().build().expect("a client");
        let mut request = client.get(url).header("authorization", of_orders());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.expect("an answer")
    }

    pub async fn at(url: &str) -> Self {
        let response = Self::ask(url, &[]).await;
        assert_eq!(response.status(), 200, "{response:?}");
        Self { response, unread: String::new(), comments: Vec::new() }
    }

    /// Connects, and returns when everything that had ended before is told.
    pub async fn follow(app: &TestApp) -> (Self, Vec<Event>) {
        let mut feed = Self::at(&app.url("/api/endings")).await;
        let snapshot = feed.snapshot().await;
        (feed, snapshot)
    }

    /// Everything up to the end of the snapshot.
    pub async fn snapshot(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let event = self.next().await.expect("a snapshot is complete");
            if event.0 == "snapshot-complete" {
                return events;
            }
            events.push(event);
        }
    }

    /// The next event; nothing when the feed has ended.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.unread.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.unread = rest;
                let line = |field: &str| block.lines().find_map(|line| line.strip_prefix(field)).map(str::trim);
                if let (Some(event), Some(data)) = (line("event:"), line("data:")) {
                    return Some((event.to_owned(), serde_json::from_str(data).expect("JSON")));
                }
                self.comments.extend(line(":").map(str::to_owned));
            }
            let piece = tokio::time::timeout(Duration::from_secs(20), self.response.chunk()).await;
            match piece.expect("the feed says something") {
                Ok(Some(bytes)) => self.unread.push_str(std::str::from_utf8(&bytes).expect("text")),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// The next event's name and the one thing that it names.
    pub async fn named(&mut self) -> (String, String) {
        let (event, data) = self.next().await.expect("the feed goes on");
        let name = ["sid", "sub", "jti"].iter().find_map(|name| data[name].as_str()).expect("a name").to_owned();
        (event, name)
    }
}
