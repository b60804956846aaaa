//! What other hosts' pages made a browser send, as a table, and as requests to the real doors.
//!
//! The specimens share no host with the real doors, so an attack is replayed there: with the headers in which that browser
//! said where it came from, and with the credentials of a throwaway account that it would have brought.

use super::Stopped;
use crate::experiments::{
    grid::Grid,
    specimens::{
        hosts::Role,
        report::{Arrival, CrossSiteReport, How, Wait},
    },
};

/// The victim's cookies, by their `SameSite`, with the names of the columns.
const KINDS: [(&str, &str); 4] = [("none", "None"), ("lax", "Lax"), ("strict", "Strict"), ("absent", "no SameSite")];
/// Where a browser says that a request comes from. No page can forge them.
const TELLING: [(&str, &str); 3] =
    [("origin", "Origin"), ("sec-fetch-site", "Sec-Fetch-Site"), ("sec-fetch-mode", "Sec-Fetch-Mode")];

impl Wait {
    /// After how many seconds a cookie without `SameSite` is old to the browser that waited like this.
    #[must_use]
    pub fn seconds(self) -> Option<u64> {
        match self {
            Self::No => None,
            Self::TenSeconds => Some(10),
            Self::TwoMinutes => Some(120),
        }
    }
}

impl Arrival {
    /// Whether the cookie of this `SameSite` came along: `none`, `lax`, `strict`, `absent`.
    #[must_use]
    pub fn brought(&self, kind: &str) -> bool {
        self.cookies.iter().any(|cookie| cookie == kind)
    }

    /// The cookies that came, as people call them.
    #[must_use]
    pub fn names(&self) -> String {
        names(&self.cookies)
    }

    /// Who sent it, and how.
    #[must_use]
    pub fn sender(&self) -> String {
        let how = match self.how {
            How::Post => "a form (POST)",
            How::Get => "a script that goes there (GET)",
            How::Link => "a link (GET)",
        };
        let place = if self.from == Role::Sibling { "on a sibling host" } else { "on another site" };
        format!("{how} {place}")
    }
}

/// Cookies of the specimens as people call them, by their `SameSite`.
#[must_use]
pub fn names(cookies: &[String]) -> String {
    let name = |kind: &(&str, &str)| match kind.0 {
        "absent" => kind.1.to_owned(),
        _ => format!("SameSite={}", kind.1),
    };
    let came = KINDS.iter().filter(|(kind, _)| cookies.iter().any(|cookie| cookie == kind));
    let names: Vec<String> = came.map(name).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn word(is_sent: bool) -> &'static str {
    if is_sent { "sent" } else { "withheld" }
}

/// What became of a cookie young and, where that was seen as well and is another thing, old.
fn fate(young: &Arrival, old: Option<&Arrival>, kind: &str) -> String {
    let at = |one: &Arrival| format!("{} at {:.0}\u{a0}s", word(one.brought(kind)), one.age);
    match old {
        Some(old) if old.brought(kind) != young.brought(kind) => format!("{}, {}", at(young), at(old)),
        _ => word(young.brought(kind)).to_owned(),
    }
}

/// What the browser said of where an attack came from, to be said again.
#[must_use]
pub fn origin_headers(attack: &Arrival) -> Vec<(&'static str, String)> {
    TELLING.iter().filter_map(|(name, written)| Some((*written, attack.headers.get(*name)?.clone()))).collect()
}

impl CrossSiteReport {
    /// The attack that was sent like this; the young ones are those of the first half.
    pub fn attack(&self, from: Role, how: How, old: bool) -> Result<&Arrival, Stopped> {
        let found = self.arrivals.iter().find(|one| (one.from, one.how, one.old) == (from, how, old));
        found.ok_or_else(|| Stopped::because("one of the attacks did not arrive"))
    }

    /// The forms of both attackers, as they came first.
    pub fn forms(&self) -> Result<[&Arrival; 2], Stopped> {
        Ok([self.attack(Role::Attacker, How::Post, false)?, self.attack(Role::Sibling, How::Post, false)?])
    }

    /// Which cookies came with which request.
    #[must_use]
    pub fn grid(&self) -> Grid {
        let title = "Which of the victim’s cookies the browser sent along, by their SameSite";
        let mut grid = Grid::new(title, "Sent by", &KINDS.map(|(_, column)| column));
        for one in self.arrivals.iter().filter(|one| !one.old) {
            let later = self.arrivals.iter().find(|other| other.old && (other.from, other.how) == (one.from, one.how));
            grid.line(one.sender(), KINDS.map(|(kind, _)| fate(one, later, kind)));
        }
        grid
    }

    /// What became of cookies without `SameSite` once they were old, in a sentence.
    pub fn without_same_site(&self) -> Result<String, Stopped> {
        let young = self.attack(Role::Attacker, How::Post, false)?.brought("absent");
        Ok(match self.wait.seconds() {
            None => format!(
                "A cookie without SameSite was {} with another site’s form; whether that changes after two minutes was left out.",
                word(young)
            ),
            Some(seconds) => {
                let old = self.attack(Role::Attacker, How::Post, true)?;
                let told = match self.wait {
                    Wait::TenSeconds => {
                        " (this headless browser was told to take ten seconds for Chromium’s two minutes)"
                    }
                    _ => "",
                };
                format!(
                    "A cookie without SameSite was {} with another site’s form while it was younger than {seconds}\u{a0}s, and {} at {:.0}\u{a0}s{told}.",
                    word(young),
                    word(old.brought("absent")),
                    old.age
                )
            }
        })
    }
}
