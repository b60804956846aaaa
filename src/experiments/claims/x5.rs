//! X5: a bearer token is no subject of forged requests.
//!
//! A browser never sends one by itself, also when the attacked page keeps one. What it does send is the cookie with the
//! refresh token.

use crate::{
    excerpt,
    experiments::{
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        finding::Stamp,
        lab::{Run, Stopped, forged, post},
        message::{Body, Shown},
        specimens::report::CrossSiteReport,
    },
};

const BEARER_ROUTE: &str = "/api/auth/logout-everywhere";
const COOKIE_ROUTES: [&str; 2] = ["/api/auth/refresh", "/api/auth/logout"];

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "x5",
    title: "Nothing is sent by itself, but for one cookie",
    claim: "Bearer tokens run no risk of forged requests.",
    section: Section::Security,
    needs: &[Need::Specimens, Need::Browser],
    steps: &[
        "Have pages of another site and of a sibling host send a browser to a victim whose page keeps a token in localStorage.",
        "Look whether the token came along, and which cookies did.",
        "Send those forms to a bearer route of the real door, with the cookies that the browser would have brought.",
        "Send them to the two routes that take the refresh token from its cookie; then the same without a browser’s headers.",
    ],
    test: Test::Run { seconds: 8, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Token, "token/authenticate.rs", "bearer", "headers.get_all(AUTHORIZATION)"),
        excerpt!(Token, "api/refresh_cookie.rs", "from", "CameFrom::Elsewhere"),
    ],
    references: &[
        Reference {
            title: "OWASP Cross-Site Request Forgery Prevention Cheat Sheet",
            url: "https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html",
        },
        Reference {
            title: "RFC 6265bis, 5.2: what counts as the same site",
            url: "https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis-20#section-5.2",
        },
    ],
    expected: Some(Stamp::HoldsBut),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let report = run.requests_from_elsewhere(false, false).await?;
    run.grid(report.grid());
    let with_token = report.arrivals.iter().filter(|one| one.bearer).count();
    let with_strict = report.arrivals.iter().filter(|one| one.brought("strict")).count();
    let AtTheDoor { bearer, by_cookie, without_headers } = at_the_real_door(run, &report).await?;
    let all = report.arrivals.len();
    run.number("requests of other hosts’ pages that brought the token", format!("{with_token} of {all}"), "");
    run.number(
        "that brought a cookie with SameSite=Strict, as the refresh token’s is",
        format!("{with_strict} of {all}"),
        "",
    );
    run.number("such forms at a bearer route of the real door", list(&bearer), "");
    run.number("at the routes that take the refresh token’s cookie", list(&by_cookie), "");
    run.number("the same cookie, without a browser’s headers", without_headers, "");
    Ok(match (with_token, bearer.iter().all(|status| *status == 401), by_cookie.iter().all(|status| *status == 403)) {
        (0, true, true) if with_strict > 0 => Outcome::holds_but(format!(
            "No page of another host made the browser send the token, and the bearer route had nobody to let in. But the refresh token \
             lies in a cookie, and {with_strict} of {all} requests brought one like it: the cookie alone is all that is asked for \
             ({without_headers} without a browser’s headers), so those routes look at the origin, and refused."
        )),
        (0, true, true) => Outcome::holds(
            "No page of another host made the browser send the token or a cookie like the refresh token’s.",
        ),
        _ => Outcome::is_false(format!(
            "{with_token} of {all} requests brought the token; the real door answered {} and {}.",
            list(&bearer),
            list(&by_cookie)
        )),
    })
}

fn list(statuses: &[u16]) -> String {
    statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

/// What the real door answered.
struct AtTheDoor {
    bearer: Vec<u16>,
    by_cookie: Vec<u16>,
    without_headers: u16,
}

async fn at_the_real_door(run: &mut Run, report: &CrossSiteReport) -> Result<AtTheDoor, Stopped> {
    let mut victim = run.victim().await?;
    let (mut bearer, mut by_cookie) = (Vec::new(), Vec::new());
    for attack in report.forms()? {
        let says = format!("As {} had it sent.", attack.sender());
        let seen = run.ask(&mut victim.api, Door::Token, &forged(attack, BEARER_ROUTE, &[])).await?;
        bearer.push(seen.status());
        run.show(seen.saying(format!("{says} There is no token in it.")));
        for route in COOKIE_ROUTES {
            let seen = run.ask(&mut victim.api, Door::Token, &forged(attack, route, &[])).await?;
            by_cookie.push(seen.status());
            run.show(seen.saying(format!("{says} The cookie is in it; the origin is not ours.")));
        }
    }
    let bare = post(COOKIE_ROUTES[0], Shown::Cookies, Body::Empty);
    let seen = run.ask(&mut victim.api, Door::Token, &bare).await?;
    let without_headers = seen.status();
    run.show(seen.saying("The same cookie, as a program sends it: nothing else is asked for."));
    Ok(AtTheDoor { bearer, by_cookie, without_headers })
}
