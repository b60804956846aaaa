//! X3: `HttpOnly` cookies are safe from scripts in the page.
//!
//! The script does not read the cookie. It calls the page's own API, and the browser sends the cookie along.

use crate::{
    excerpt,
    experiments::{
        client::Client,
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        finding::Stamp,
        lab::{Run, Stopped, get},
        message::Shown,
    },
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "x3",
    title: "Not stolen, but ridden",
    claim: "A session in an HttpOnly cookie is safe from cross-site scripting.",
    section: Section::Security,
    needs: &[Need::Specimens, Need::Browser],
    steps: &[
        "A made-up victim’s page has a hole, its session is an HttpOnly cookie; an attacker’s script gets in.",
        "The script carries home what it can read of cookies; another client shows that to the victim’s server.",
        "The script calls the page’s own API, without knowing the cookie.",
        "Look at the policy with which the real door’s pages come: whether a script in their text would run.",
    ],
    test: Test::Run { seconds: 5, observe: |run| Box::pin(observe(run)) },
    code: &[excerpt!(Session, "http/headers.rs", "policy", "script-src 'self'")],
    references: &[
        Reference {
            title: "OAuth 2.0 for Browser-Based Applications, 5.1.4: requests by way of the user’s browser, which no storage prevents",
            url: "https://datatracker.ietf.org/doc/html/draft-ietf-oauth-browser-based-apps-26#section-5.1.4",
        },
        Reference {
            title: "OWASP Content Security Policy Cheat Sheet",
            url: "https://cheatsheetseries.owasp.org/cheatsheets/Content_Security_Policy_Cheat_Sheet.html",
        },
    ],
    expected: Some(Stamp::HoldsBut),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let report = run.script_in_a_page().await?;
    let replayed = report.replays.get("cookies").copied().unwrap_or_default();
    let policy = policy(run).await?;
    run.number("the HttpOnly cookie, read by the script", if report.read.session_cookie { "yes" } else { "no" }, "");
    run.number("what the cookies that it could read opened elsewhere", replayed, "");
    run.number("its call of the page’s own API, with the cookie that it can’t read", report.rode, "");
    run.number("transfers that the victim’s server carried out for it", report.transfers, "");
    run.number("the real door’s policy for scripts", policy, "");
    Ok(match (report.read.session_cookie, report.rode, report.transfers) {
        (false, 200, 1..) => Outcome::holds_but(
            "The script could not carry the cookie away. It did not have to: its own call went out with the cookie and was carried out, \
             as long as the page was open. HttpOnly prevents theft, not riding; against a script in the page helps only that none gets in.",
        ),
        (false, rode, _) => {
            Outcome::holds(format!("The script neither read the cookie nor used it: its call was answered {rode}."))
        }
        (true, ..) => Outcome::is_false("The script read the cookie."),
    })
}

/// What the real door tells browsers of scripts.
async fn policy(run: &mut Run) -> Result<String, Stopped> {
    let mut browser = Client::new(&run.target(), "two-doors experiment")?;
    let seen = run.ask(&mut browser, Door::Session, &get("/login", Shown::Nothing)).await?;
    seen.must_be(200)?;
    let policy = seen.answer.header("content-security-policy").unwrap_or_default();
    let scripts = policy.split(';').map(str::trim).find(|part| part.starts_with("script-src")).unwrap_or("none");
    Ok(scripts.to_owned())
}
