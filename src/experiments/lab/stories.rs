//! The stories that several experiments have a browser walk through, and whose browser that was.

use std::time::Duration;

use super::{Browsing, Run, Stopped, get};
use crate::experiments::{
    client::Client,
    exchange::Door,
    message::Shown,
    specimens::{
        Report, Story,
        report::{CrossSiteReport, ScriptReport, TokenReport, Wait},
    },
};

/// What tells browsers apart, the most telling first: nearly all of them call themselves Chrome and Safari as well.
const BROWSERS: [(&str, &str); 7] = [
    ("HeadlessChrome/", "headless Chromium"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chromium"),
    ("Version/", "Safari"),
    ("", "a browser without a name"),
];

impl Run {
    /// A script of an attacker’s in a victim’s page.
    pub async fn script_in_a_page(&mut self) -> Result<Box<ScriptReport>, Stopped> {
        let text = "A made-up victim’s page has a hole, and an attacker’s script gets in.";
        match self.browse(Story::Script, text, Duration::ZERO).await? {
            Report::Script(report) => {
                self.note_browser(&report.user_agent);
                Ok(report)
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Other hosts’ pages that send the browser to a victim, and to the real door as well if they are to knock there.
    pub async fn requests_from_elsewhere(&mut self, waits: bool, knocks: bool) -> Result<CrossSiteReport, Stopped> {
        let wait = match (waits, &self.lab().browser) {
            (false, _) => Wait::No,
            (true, Browsing::Visitor) => Wait::TwoMinutes,
            (true, _) => Wait::TenSeconds,
        };
        let door = knocks.then(|| self.target().site().address().to_owned());
        let text = match wait {
            Wait::TwoMinutes => {
                "Pages of other hosts send forms to a made-up victim. They wait two minutes in between, which can be left out."
            }
            _ => "Pages of other hosts send forms to a made-up victim.",
        };
        let seconds = wait.seconds().map_or(0, |seconds| seconds + 5);
        match self.browse(Story::CrossSite { wait, door }, text, Duration::from_secs(seconds)).await? {
            Report::CrossSite(report) => {
                self.note_browser(&report.user_agent);
                if knocks {
                    self.moment(
                        "What these pages sent to the real door is on no card: that it belonged to this run, only the browser knows",
                    );
                }
                Ok(report)
            }
            other => Err(unexpected(&other)),
        }
    }

    /// An access token of the real door’s, with the keys that it publishes, in a page that has no secret.
    pub async fn token_in_a_page(&mut self, client: &mut Client, token: &str) -> Result<Box<TokenReport>, Stopped> {
        let keys = self.ask(client, Door::Token, &get("/.well-known/jwks.json", Shown::Nothing)).await?;
        keys.must_be(200)?;
        let jwks = keys.answer.json();
        self.show(keys.saying("The public keys, for everybody."));
        let story = Story::Token { token: token.to_owned(), jwks };
        match self.browse(story, "A page gets the token and the public keys, and nothing else.", Duration::ZERO).await?
        {
            Report::Token(report) => {
                self.note_browser(&report.user_agent);
                Ok(report)
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Says which browser it was: another one may do otherwise.
    pub fn note_browser(&mut self, user_agent: &str) {
        self.number("the browser", browser(user_agent), "");
    }
}

/// A browser’s name and its version, out of what it calls itself.
fn browser(user_agent: &str) -> String {
    let known = |(mark, name): &(&str, &str)| {
        let (_, rest) = user_agent.split_once(mark)?;
        let version: String = rest.chars().take_while(char::is_ascii_digit).collect();
        Some(format!("{name} {version}").trim_end().to_owned())
    };
    BROWSERS.iter().find_map(known).unwrap_or_default()
}

/// A story that ended in another one’s report.
#[must_use]
pub fn unexpected(report: &Report) -> Stopped {
    Stopped::because(format!("the specimens told another story: {report:?}"))
}

#[cfg(test)]
mod tests {
    use super::browser;

    #[test]
    fn browsers_are_told_apart_by_what_only_they_say() {
        let chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
        assert_eq!(browser(chrome), "Chromium 156");
        assert_eq!(browser(&format!("{chrome} Edg/156.0.0.0")), "Edge 156");
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0";
        assert_eq!(browser(firefox), "Firefox 150");
        let safari = "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15";
        assert_eq!(browser(safari), "Safari 26");
        assert_eq!(browser("curl/8"), "a browser without a name");
    }
}
