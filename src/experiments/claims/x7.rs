//! X7: `Secure` means https only.
//!
//! Set and sent over http: under names of this machine, and under one that is not, where the browser can be told that name.
//! And what a sibling host can do to such a cookie all the same.

use std::time::Duration;

use crate::{
    excerpt,
    experiments::{
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        finding::Stamp,
        grid::Grid,
        lab::{Browsing, Run, Stopped, unexpected},
        specimens::{
            Report, Story,
            report::{Cookies, SecureReport},
        },
    },
};

const LABELS: [&str; 3] = ["open", "secure", "__Host-fixed"];

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "x7",
    title: "Secret on the way, not safe from siblings",
    claim: "A cookie with Secure goes over https only.",
    section: Section::Security,
    needs: &[Need::Specimens, Need::Browser],
    steps: &[
        "A made-up victim sets three cookies: a plain one, one with Secure, and one whose name begins with __Host-.",
        "Look which of them come back over http under a name of this machine.",
        "Have a sibling host plant cookies of the same names for the whole domain, and look again.",
        "Do the first again under a name that is not loopback; only a headless browser can be told one.",
        "Look at what this server sets its own cookies with.",
    ],
    test: Test::Run { seconds: 6, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Session, "session/cookie.rs", "name", "__Host-session"),
        excerpt!(Token, "api/access_cookie.rs", "name", "__Host-access"),
    ],
    references: &[
        Reference {
            title: "MDN: Set-Cookie, Secure (localhost counts as secure in most browsers)",
            url: "https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Set-Cookie#secure",
        },
        Reference {
            title: "RFC 6265, 8.6: cookies have no integrity between sibling hosts",
            url: "https://www.rfc-editor.org/rfc/rfc6265#section-8.6",
        },
        Reference {
            title: "RFC 6265bis, 4.1.3: the prefixes __Secure- and __Host-",
            url: "https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis-20#section-4.1.3",
        },
    ],
    expected: Some(Stamp::HoldsBut),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let plain = matches!(run.lab().browser, Browsing::Headless(_));
    let text = "A made-up victim sets cookies with and without Secure, and a sibling host plants some.";
    let report = match run.browse(Story::Secure { plain }, text, Duration::ZERO).await? {
        Report::Secure(report) => report,
        other => return Err(unexpected(&other)),
    };
    run.note_browser(&report.user_agent);
    run.grid(grid(&report));
    for (name, attributes) in run.victim().await?.cookies {
        run.number(format!("this server’s cookie {name}"), attributes, "");
    }
    if !report.own.contains_key("open") {
        return Err(Stopped::because("no cookie came back at all"));
    }
    Ok(judge(&report))
}

fn came(cookies: &Cookies, label: &str) -> String {
    cookies.get(label).map_or_else(|| "nothing".to_owned(), |values| values.join(", then "))
}

fn grid(report: &SecureReport) -> Grid {
    let scheme = if report.https { "https" } else { "http" };
    let here = format!("own host, {scheme}");
    let mut columns = vec![here.as_str(), "after the sibling planted"];
    if report.plain.is_some() {
        columns.push("http, not loopback");
    }
    let mut grid = Grid::new("Whose cookies came back", "Cookie", &columns);
    for label in LABELS {
        let places = [Some(&report.own), Some(&report.planted), report.plain.as_ref()];
        grid.line(label, places.into_iter().flatten().map(|cookies| came(cookies, label)));
    }
    grid
}

fn judge(report: &SecureReport) -> Outcome {
    let is_sent = |cookies: &Cookies| cookies.contains_key("secure");
    let is_planted =
        |label: &str| report.planted.get(label).is_some_and(|values| values.iter().any(|value| value == "planted"));
    let elsewhere = match &report.plain {
        Some(plain) if is_sent(plain) => {
            return Outcome::is_false("It came back over http under a name that is not loopback.");
        }
        Some(_) => "Over http under another name it did not come back.",
        None => "Under a name that is not loopback nothing was tried: your browser would have to be told one.",
    };
    let mut but = Vec::new();
    if !report.https && is_sent(&report.own) {
        but.push("over http to this machine itself it was sent, as this browser takes loopback for secure");
    }
    if is_planted("secure") {
        but.push("it keeps the secret, not the truth: a sibling host planted a second one of its name, and the server got both");
    }
    let prefixed = match (report.own.contains_key("__Host-fixed"), is_planted("__Host-fixed")) {
        (true, false) => " The one with __Host- could not be planted.",
        _ => "",
    };
    match but.is_empty() {
        true => Outcome::holds(format!("{elsewhere}{prefixed}")),
        false => Outcome::holds_but(format!("{elsewhere} But {}.{prefixed}", but.join("; and "))),
    }
}
