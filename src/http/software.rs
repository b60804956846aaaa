//! What a client calls itself, in words that a person recognises: "Firefox 145 on Windows", "curl 8".
//!
//! Browsers pretend to be one another, so telling them apart takes a collection of patterns: that of the ua-parser project,
//! in `data/user_agents.json`. Versions that browsers froze (Windows 10, macOS 10.15, Android 10) are left out: they would
//! be wrong.
//!
//! Limit: anybody can write anything into the header. This is for recognising one's own devices, and proves nothing.

use std::sync::LazyLock;

use quick_cache::sync::Cache;
use serde::Deserialize;
use ua_parser::{os, user_agent};

/// More than the name of any known client.
const LONGEST: usize = 48;

static PATTERNS: LazyLock<Option<(user_agent::Extractor<'static>, os::Extractor<'static>)>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Patterns {
        user_agent_parsers: Vec<user_agent::Parser<'static>>,
        os_parsers: Vec<os::Parser<'static>>,
    }
    let patterns: Patterns = serde_json::from_str(include_str!("../../data/user_agents.json")).ok()?;
    let clients = user_agent::Builder::new().push_all(patterns.user_agent_parsers).ok()?.build().ok()?;
    let systems = os::Builder::new().push_all(patterns.os_parsers).ok()?.build().ok()?;
    Some((clients, systems))
});

/// How many are remembered, in a mebibyte or so at the most: trying the patterns is what takes longest of a list, and nearly
/// all that is asked for was asked for before.
const KNOWN_MOST: usize = 1024;

static KNOWN: LazyLock<Cache<String, String>> = LazyLock::new(|| Cache::new(KNOWN_MOST));

/// A `User-Agent` in words.
#[must_use]
pub fn in_words(user_agent: &str) -> String {
    KNOWN.get(user_agent).unwrap_or_else(|| {
        let words = found_out(user_agent);
        KNOWN.insert(user_agent.to_owned(), words.clone());
        words
    })
}

fn found_out(user_agent: &str) -> String {
    let known = PATTERNS.as_ref();
    let client = known.and_then(|(clients, _)| clients.extract(user_agent));
    let client = client.map_or_else(|| own_words(user_agent), |client| versioned(&client.family, client.major));
    let system = known.and_then(|(_, systems)| systems.extract(user_agent));
    match system.and_then(|system| name_of_system(&system.os, system.major.as_deref())) {
        Some(system) => format!("{client} on {system}"),
        None => client,
    }
}

/// As people call them, and not as engineers tell their variants apart.
fn versioned(family: &str, major: Option<&str>) -> String {
    let name = match family {
        "Chrome Mobile" | "Chrome Mobile iOS" => "Chrome",
        "Mobile Safari" | "Mobile Safari UI/WKWebView" => "Safari",
        "Firefox Mobile" | "Firefox iOS" => "Firefox",
        "Edge Mobile" => "Edge",
        "HeadlessChrome" => "headless Chrome",
        name => name,
    };
    match major.filter(|major| *major != "0") {
        Some(major) => cut(&format!("{name} {major}")),
        None => cut(name),
    }
}

fn name_of_system(system: &str, major: Option<&str>) -> Option<String> {
    Some(match system {
        "Other" => return None,
        "Mac OS X" => "macOS".to_owned(),
        "iOS" => versioned("iOS", major),
        system => cut(system),
    })
}

/// What a client that nobody knows says first: `my-app/1.2 (something)` is my-app.
fn own_words(user_agent: &str) -> String {
    let first = user_agent.split(['/', '(', ';']).next().unwrap_or_default().trim();
    if first.is_empty() { "a client without a name".to_owned() } else { cut(first) }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn clients_are_called_what_people_call_them() {
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (user_agent, words) in [
            ("curl/8.5.0", "curl 8"),
            ("reqwest/0.13.1", "reqwest"),
            ("HTTPie/3.2.2", "HTTPie 3"),
            ("python-requests/2.31.0", "Python Requests 2"),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox 145 on Linux"),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0",
                "Firefox 145 on macOS",
            ),
            (
                &format!(
                    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0"
                ),
                "Edge 142 on Windows",
            ),
            (
                &format!("Mozilla/5.0 (Linux; Android 10; K) {webkit} Chrome/142.0.0.0 Mobile Safari/537.36"),
                "Chrome 142 on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
                "Safari 18 on iOS 18",
            ),
            (
                &format!("Mozilla/5.0 (X11; Linux x86_64) {webkit} HeadlessChrome/141.0.0.0 Safari/537.36"),
                "headless Chrome 141 on Linux",
            ),
        ] {
            assert_eq!(in_words(user_agent), words);
        }
    }

    #[test]
    fn a_client_that_nobody_knows_is_called_what_it_calls_itself_and_not_at_length() {
        assert_eq!(in_words("my-app/1.2 (something)"), "my-app");
        assert_eq!(in_words("an earlier client"), "an earlier client");
        for nameless in ["", "/", "(x)", " "] {
            assert_eq!(in_words(nameless), "a client without a name");
        }
        assert_eq!(in_words(&"ä".repeat(256)).chars().count(), 49);
    }
}
