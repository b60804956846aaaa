//! X1: `HttpOnly` keeps a cookie from JavaScript.
//!
//! Tried by a script in a page of the cookie's own origin: in a sandboxed frame every access throws, which would prove nothing.

use crate::{
    excerpt,
    experiments::{
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        finding::Stamp,
        grid::Grid,
        lab::{Run, Stopped},
        specimens::report::ScriptReport,
    },
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "x1",
    title: "Out of a script’s reach",
    claim: "HttpOnly keeps a cookie from JavaScript.",
    section: Section::Security,
    needs: &[Need::Specimens, Need::Browser],
    steps: &[
        "A made-up victim’s server sets an HttpOnly cookie, and one without; its page keeps tokens wherever a page can.",
        "An attacker’s script runs in a page of that origin and reads what it can.",
        "It tries to overwrite the HttpOnly cookie, to remove it, and to set another one of its name for a narrower path.",
        "The victim’s server says after each try which cookies came.",
    ],
    test: Test::Run { seconds: 5, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Session, "session/mod.rs", "cookie", ".cookie_http_only(true)"),
        excerpt!(Token, "api/refresh_cookie.rs", "cookie", ".http_only(true)"),
    ],
    references: &[
        Reference {
            title: "RFC 6265, 5.3, step 11: a script can’t overwrite an HttpOnly cookie of the same name, domain and path",
            url: "https://www.rfc-editor.org/rfc/rfc6265#section-5.3",
        },
        Reference {
            title: "RFC 6265, 5.4: of several cookies of one name, that of the longest path comes first",
            url: "https://www.rfc-editor.org/rfc/rfc6265#section-5.4",
        },
        Reference {
            title: "RFC 6265bis, 4.1.3: a name that begins with __Host- has the path / only",
            url: "https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis-20#section-4.1.3",
        },
    ],
    expected: Some(Stamp::HoldsBut),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let report = run.script_in_a_page().await?;
    if !report.read.open_cookie || !report.read.local_storage {
        return Err(Stopped::because("the script read nothing at all, so that it can’t tell what is kept from it"));
    }
    run.grid(places(&report));
    for (what, came) in [
        ("after the script had overwritten it", &report.after_overwriting),
        ("after it had removed it", &report.after_removing),
        ("below a path for which it had set one of that name", &report.after_shadowing),
        ("in that place, of a name with __Host-", &report.after_shadowing_prefixed),
    ] {
        let came = if came.is_empty() { "none".to_owned() } else { came.join(", then ") };
        run.number(format!("what came {what}"), came, "");
    }
    let is_untouched = report.after_overwriting == ["own"] && report.after_removing == ["own"];
    if report.read.session_cookie || !is_untouched {
        return Ok(Outcome::is_false("The script read the HttpOnly cookie, or changed it."));
    }
    if report.after_shadowing.first().is_none_or(|first| first == "own") {
        return Ok(Outcome::holds("The script neither read the HttpOnly cookie nor changed it."));
    }
    let prefixed = match report.after_shadowing_prefixed.as_slice() {
        [only] if only == "own" => {
            " A name that begins with __Host- has no narrower path: there the script’s was not taken."
        }
        _ => "",
    };
    Ok(Outcome::holds_but(format!(
        "The script neither read nor overwrote nor removed the HttpOnly cookie, though it read every other place. But it set one of \
         the same name for a narrower path, and below that the server got both, the script’s first. Which one counts is then up to \
         the server.{prefixed}"
    )))
}

fn places(report: &ScriptReport) -> Grid {
    let mut grid = Grid::new("What a script in the page could read", "Kept in", &["Read"]);
    let read = report.read;
    for (place, is_read) in [
        ("an HttpOnly cookie", read.session_cookie),
        ("a cookie without HttpOnly", read.open_cookie),
        ("localStorage", read.local_storage),
        ("sessionStorage", read.session_storage),
        ("IndexedDB", read.indexed_db),
        ("a variable of the page’s module, as it was used", read.memory),
    ] {
        grid.line(place, [if is_read { "yes" } else { "no" }]);
    }
    grid
}
