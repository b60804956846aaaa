//! C7: tokens are for APIs of another origin, such as `app.` and `api.` of one domain.
//!
//! The API lets both of its callers in by CORS, with credentials, so that what differs between them is the browser's doing.

use std::time::Duration;

use crate::{
    excerpt,
    experiments::{
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        finding::Stamp,
        grid::Grid,
        lab::{Run, Stopped, attacks, unexpected},
        specimens::{
            Report, Story,
            report::{Call, CrossOriginReport},
        },
    },
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "c7",
    title: "Another origin, the same site",
    claim: "For an API on another origin, such as app. and api. of one domain, it takes tokens: a session’s cookie does not work.",
    section: Section::Scale,
    needs: &[Need::Specimens, Need::Browser],
    steps: &[
        "A page on app. logs in at api., which sets a session cookie with None, one with Lax, and one with Strict.",
        "The page asks the API three times: with cookies, with a bearer token, with neither.",
        "A page of another site, which CORS lets in as well, asks the same.",
    ],
    test: Test::Run { seconds: 5, observe: |run| Box::pin(observe(run)) },
    code: &[excerpt!(Token, "http/origin.rs", "judge_api", "is_one_of(origin.as_bytes(), origins)")],
    references: &[
        Reference { title: "MDN: site", url: "https://developer.mozilla.org/en-US/docs/Glossary/Site" },
        Reference {
            title: "RFC 6265bis, 5.2: what counts as the same site",
            url: "https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis-20#section-5.2",
        },
        Reference {
            title: "MDN: CORS, requests with credentials",
            url: "https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/CORS#requests_with_credentials",
        },
    ],
    expected: Some(Stamp::FalseAsWritten),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let text = "A page asks an API on another host of its site, then a page of another site does.";
    let report = match run.browse(Story::CrossOrigin, text, Duration::ZERO).await? {
        Report::CrossOrigin(report) => report,
        other => return Err(unexpected(&other)),
    };
    run.note_browser(&report.user_agent);
    run.grid(grid(&report));
    let CrossOriginReport { same_site: same, cross_site: cross, .. } = &report;
    if same.neither.status != 401 || same.bearer.status != 200 {
        return Err(Stopped::because("the API did not answer the page as it should: nothing follows from its answers"));
    }
    run.number("cookies that app.’s call to api. brought", list(&same.cookies), "");
    run.number("cookies that the other site’s call brought", list(&cross.cookies), "");
    let from_elsewhere = match cross.cookies.cookies.is_empty() {
        true => "From another site no cookie came at all, not even with SameSite=None".to_owned(),
        false => format!("From another site only {} came", list(&cross.cookies)),
    };
    let bearer = if cross.bearer.status == 200 { "the token worked" } else { "the token did not work either" };
    Ok(match (same.cookies.status, &same.cookies.cookies) {
        (200, kinds) if kinds.iter().any(|kind| kind == "lax" || kind == "strict") => Outcome::is_false(format!(
            "app. and api. are two origins and one site, so the session’s cookie came along and let in (200), with {}. It takes CORS with \
             credentials, and a look at the origin. {from_elsewhere}, and {bearer}: cross-site is what tokens are for.",
            list(&same.cookies),
        )),
        (status, _) => {
            Outcome::holds(format!("The session’s cookie did not let app. in at api. ({status}); the token did."))
        }
    })
}

fn list(call: &Call) -> String {
    attacks::names(&call.cookies)
}

fn grid(report: &CrossOriginReport) -> Grid {
    let mut grid = Grid::new(
        "What the API answered to a page",
        "Credential",
        &["of app., another origin of the same site", "of another site"],
    );
    let cell = |call: &Call| match call.status {
        0 => "nothing that the page may read".to_owned(),
        status if call.cookies.is_empty() => status.to_string(),
        status => format!("{status}, with {}", list(call)),
    };
    let (same, cross) = (&report.same_site, &report.cross_site);
    grid.line("session cookies", [cell(&same.cookies), cell(&cross.cookies)]);
    grid.line("a bearer token", [cell(&same.bearer), cell(&cross.bearer)]);
    grid.line("neither", [cell(&same.neither), cell(&cross.neither)]);
    grid
}
