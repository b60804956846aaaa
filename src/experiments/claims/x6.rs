//! X6: `SameSite=Strict` or `Lax` protects.
//!
//! Every way from another host's page to the victim, with a cookie of each kind, young and old.

use crate::{
    excerpt,
    experiments::{
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        finding::Stamp,
        lab::{Run, Stopped},
        specimens::{
            hosts::Role,
            report::{CrossSiteReport, How},
        },
    },
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "x6",
    title: "Same site, not same origin",
    claim: "SameSite=Strict or Lax protects a cookie from forged requests.",
    section: Section::Security,
    needs: &[Need::Specimens, Need::Browser],
    steps: &[
        "Log in at a made-up victim, which sets a cookie with None, Lax, Strict, and no SameSite at all.",
        "Have a page of another site send the browser there: with a form, by script, and by a link that is clicked.",
        "Have a page of a sibling host do the same.",
        "Wait until the cookies are old, and do it all again: two minutes in your browser, which can be left out; ten seconds in a headless \
         one, which was told so.",
    ],
    test: Test::Run { seconds: 18, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Session, "session/mod.rs", "cookie", ".cookie_same_site(SameSite::Lax)"),
        excerpt!(Token, "api/refresh_cookie.rs", "cookie", ".same_site(SameSite::Strict)"),
    ],
    references: &[
        Reference {
            title: "RFC 6265bis, 8.8: what SameSite is for, and what not",
            url: "https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis-20#section-8.8",
        },
        Reference {
            title: "RFC 6265bis, 5.6.7.2: cookies without SameSite may go with a cross-site POST while they are young",
            url: "https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis-20#section-5.6.7.2",
        },
        Reference { title: "MDN: site", url: "https://developer.mozilla.org/en-US/docs/Glossary/Site" },
        Reference {
            title: "OWASP Cross-Site Request Forgery Prevention Cheat Sheet: SameSite is one layer of several",
            url: "https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html",
        },
    ],
    expected: Some(Stamp::HoldsBut),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let report = run.requests_from_elsewhere(true, false).await?;
    run.grid(report.grid());
    for (what, kind) in [("SameSite=Lax", "lax"), ("SameSite=Strict", "strict")] {
        let of = |from| report.arrivals.iter().filter(move |one| one.from == from);
        let came = |from| format!("{} of {}", of(from).filter(|one| one.brought(kind)).count(), of(from).count());
        run.number(format!("requests of another site that brought {what}"), came(Role::Attacker), "");
        run.number(format!("requests of a sibling host that brought {what}"), came(Role::Sibling), "");
    }
    judge(&report)
}

fn judge(report: &CrossSiteReport) -> Result<Outcome, Stopped> {
    let form = report.attack(Role::Attacker, How::Post, false)?;
    let link = report.attack(Role::Attacker, How::Link, false)?;
    let sibling = report.attack(Role::Sibling, How::Post, false)?;
    if form.brought("lax") || form.brought("strict") {
        return Ok(Outcome::is_false("Another site’s form brought a cookie with Lax or Strict."));
    }
    let mut but = Vec::new();
    if sibling.brought("lax") && sibling.brought("strict") {
        but.push("a sibling host’s form brought both, as it is the same site though another origin".to_owned());
    }
    if link.brought("lax") {
        but.push("Lax goes with a GET that changes the page’s address, from anywhere".to_owned());
    }
    if !link.brought("strict") {
        but.push("Strict stays away from a plain link from outside: who follows one arrives logged out".to_owned());
    }
    let without = report.without_same_site()?;
    Ok(match but.is_empty() {
        true => Outcome::holds(format!("Another site’s form brought neither Lax nor Strict. {without}")),
        false => Outcome::holds_but(format!(
            "Another site’s form brought neither Lax nor Strict. But {}. {without}",
            but.join("; ")
        )),
    })
}
