//! The protocol itself: JSON messages, each ended by a NUL. Answers carry the number of what was asked, events do not.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{ChildStdin, ChildStdout},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

/// Only against hanging for ever: nothing is measured by it.
const PATIENCE: Duration = Duration::from_mins(1);

/// Both ways to the browser.
pub struct Pipe {
    to: Option<ChildStdin>,
    from: Receiver<Value>,
    asked: u64,
    /// Events, in the order of their coming, that nobody has waited for yet.
    events: Vec<Value>,
}

impl Pipe {
    pub fn new(to: ChildStdin, from: ChildStdout) -> Self {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for message in BufReader::new(from).split(0) {
                let Ok(message) = message.and_then(|bytes| Ok(serde_json::from_slice(&bytes)?)) else { break };
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        Self { to: Some(to), from: receiver, asked: 0, events: Vec::new() }
    }

    /// Asks for something that can't fail. Without a session it is the browser that is asked, not a tab.
    pub fn call(&mut self, session: &str, method: &str, parameters: Value) -> Value {
        self.ask(session, method, parameters).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Asks, and waits for the answer.
    pub fn ask(&mut self, session: &str, method: &str, parameters: Value) -> Result<Value, String> {
        self.asked += 1;
        let mut message = json!({ "id": self.asked, "method": method, "params": parameters });
        if !session.is_empty() {
            message["sessionId"] = session.into();
        }
        let to = self.to.as_mut().ok_or("the pipe is closed")?;
        to.write_all(format!("{message}\0").as_bytes()).map_err(|error| error.to_string())?;
        loop {
            let mut message = self.read()?;
            if message["id"] != self.asked {
                self.events.push(message);
            } else if message["error"].is_null() {
                return Ok(message["result"].take());
            } else {
                return Err(message["error"].to_string());
            }
        }
    }

    /// Waits for an event of a tab, or takes the first that has come already.
    pub fn wait_for(&mut self, session: &str, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let here = self.events.iter().position(|event| event["sessionId"] == session && is_it(event));
            if let Some(index) = here {
                return self.events.remove(index);
            }
            let event = self.read().unwrap_or_else(|error| panic!("while waiting for {what}: {error}"));
            self.events.push(event);
        }
    }

    /// Takes the events of a tab that have come.
    pub fn take_events(&mut self, session: &str, is_it: impl Fn(&Value) -> bool) -> Vec<Value> {
        self.events.extract_if(.., |event| event["sessionId"] == session && is_it(event)).collect()
    }

    /// Closes both ways, which ends the browser, and waits until it is gone.
    pub fn close(&mut self) {
        self.to = None;
        while self.read().is_ok() {}
    }

    fn read(&self) -> Result<Value, String> {
        self.from.recv_timeout(PATIENCE).map_err(|error| format!("Chromium says nothing: {error}"))
    }
}
