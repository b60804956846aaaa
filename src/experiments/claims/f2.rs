//! F2: cookies of separate domains are kept apart.
//!
//! Two hosts of one domain: cookies of the host alone, of the whole domain, and with the prefix `__Host-`; and one host at
//! two ports.

use std::time::Duration;

use crate::{
    excerpt,
    experiments::{
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        finding::Stamp,
        grid::Grid,
        lab::{Run, Stopped, unexpected},
        specimens::{
            Report, Story,
            report::{Cookies, NamesReport},
        },
    },
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "f2",
    title: "Apart by name",
    claim: "Session and token are kept apart by giving each a cookie domain of its own.",
    section: Section::Choosing,
    needs: &[Need::Specimens, Need::Browser],
    steps: &[
        "app. sets three cookies: for its host only, for the whole domain, and one whose name begins with __Host-.",
        "See which of them api. gets.",
        "api. plants cookies of the same names for the whole domain; see what app. gets then.",
        "See what the same host gets at another port.",
        "Look whether any cookie of this server names a domain.",
    ],
    test: Test::Run { seconds: 6, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Session, "session/cookie.rs", "name", "__Host-session"),
        excerpt!(Token, "api/access_cookie.rs", "cookie", "Cookie::build"),
    ],
    references: &[
        Reference {
            title: "RFC 6265, 8.5: cookies are not kept apart by port",
            url: "https://www.rfc-editor.org/rfc/rfc6265#section-8.5",
        },
        Reference {
            title: "RFC 6265, 8.6: nor do sibling hosts keep one another’s whole",
            url: "https://www.rfc-editor.org/rfc/rfc6265#section-8.6",
        },
        Reference {
            title: "RFC 6265bis, 4.1.3: the prefix __Host-",
            url: "https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis-20#section-4.1.3",
        },
    ],
    expected: Some(Stamp::HoldsBut),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let text = "Two hosts of one domain set cookies, and look at each other’s.";
    let report = match run.browse(Story::Names, text, Duration::ZERO).await? {
        Report::Names(report) => report,
        other => return Err(unexpected(&other)),
    };
    run.note_browser(&report.user_agent);
    run.grid(grid(&report));
    let cookies = run.victim().await?.cookies;
    let with_domain = cookies.iter().filter(|(_, attributes)| attributes.contains("Domain=")).count();
    run.number("cookies of this server that name a domain", format!("{with_domain} of {}", cookies.len()), "");
    if report.at_app.is_empty() {
        return Err(Stopped::because("no cookie came back at all"));
    }
    Ok(judge(&report))
}

fn has(cookies: &Cookies, label: &str, value: &str) -> bool {
    cookies.get(label).is_some_and(|values| values.iter().any(|one| one == value))
}

fn grid(report: &NamesReport) -> Grid {
    let mut columns = vec!["app., which set it", "api.", "app., after api. planted"];
    if report.other_port.is_some() {
        columns.push("app. at another port");
    }
    let mut grid = Grid::new("Whose cookies came, in which order", "Cookie", &columns);
    let came = |cookies: &Cookies, label: &str| {
        cookies.get(label).map_or_else(|| "nothing".to_owned(), |values| values.join(", then "))
    };
    for (label, name) in
        [("host", "of the host alone"), ("domain", "with Domain="), ("__Host-fixed", "with __Host- before its name")]
    {
        let places = [Some(&report.at_app), Some(&report.at_api), Some(&report.planted), report.other_port.as_ref()];
        grid.line(name, places.into_iter().flatten().map(|cookies| came(cookies, label)));
    }
    grid
}

fn judge(report: &NamesReport) -> Outcome {
    if has(&report.at_api, "host", "own") {
        return Outcome::is_false("api. got the cookie that app. had set for its own host alone.");
    }
    let mut but = Vec::new();
    if has(&report.at_api, "domain", "own") {
        but.push("one with Domain= goes to every host below it");
    }
    if has(&report.planted, "host", "planted") {
        but.push("a sibling host planted one of the same name, so that app. got both");
    }
    let is_shared = report.other_port.as_ref().is_some_and(|cookies| has(cookies, "host", "own"));
    if is_shared {
        but.push("another port of the same host gets them all");
    }
    let ports = if report.other_port.is_none() { " Here no second port could be tried." } else { "" };
    let prefixed = match (has(&report.planted, "__Host-fixed", "own"), has(&report.planted, "__Host-fixed", "planted"))
    {
        (true, false) => " With __Host- before its name nobody planted one.",
        _ => "",
    };
    match but.is_empty() {
        true => Outcome::holds(format!("api. did not get the cookie of app.’s host.{ports}")),
        false => Outcome::holds_but(format!(
            "api. did not get the cookie that app. had set for its host alone. But {}.{prefixed}{ports}",
            but.join("; ")
        )),
    }
}
