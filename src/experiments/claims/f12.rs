//! F12: in browsers, a JWT in an `HttpOnly` cookie is what everybody agrees on.
//!
//! Both deliveries under the attacks of X1 to X5: a token in a cookie, and one in a variable of the page. Each falls to
//! some of them.

use std::time::Duration;

use serde_json::json;

use crate::{
    excerpt,
    experiments::{
        client::Client,
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        finding::Stamp,
        grid::Grid,
        lab::{Run, Stopped, forged, get, post, unexpected},
        message::{Body, Request, Shown},
        specimens::{
            Report, Story,
            report::{CrossSiteReport, ScriptReport},
        },
    },
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "f12",
    title: "One attack for another",
    claim: "For browsers it is agreed: the JWT belongs in an HttpOnly cookie.",
    section: Section::Choosing,
    needs: &[Need::Specimens, Need::Browser],
    steps: &[
        "At a made-up victim, an attacker’s script reads, carries away and uses what it can of a credential in an HttpOnly cookie, and of a \
         token in memory (X1, X2, X3).",
        "Pages of another site and of a sibling host send forms there (X4, X5).",
        "Log in at the real door with \"deliver\":\"cookie\": both tokens come in cookies.",
        "Send the same forms to the route that takes the cookie; then without a browser’s headers; then with the token of this login.",
        "Send them to a route that takes a bearer token.",
    ],
    test: Test::Run { seconds: 7, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Token, "token/in_cookie.rs", "of", "cookie.ok_or(NotAuthenticated::Missing)?"),
        excerpt!(Token, "api/same_origin.rs", "is_ours", "keys(request).iter().any("),
    ],
    references: &[
        Reference {
            title: "OAuth 2.0 for Browser-Based Applications, 8: where a browser can keep tokens, and what each place is worth",
            url: "https://datatracker.ietf.org/doc/html/draft-ietf-oauth-browser-based-apps-26#section-8",
        },
        Reference {
            title: "The same, 6: three architectures, of which the first keeps tokens out of the browser altogether",
            url: "https://datatracker.ietf.org/doc/html/draft-ietf-oauth-browser-based-apps-26#section-6",
        },
        Reference {
            title: "OWASP Cross-Site Request Forgery Prevention Cheat Sheet",
            url: "https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html",
        },
    ],
    expected: Some(Stamp::HoldsBut),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let text = "A made-up victim keeps one token in a cookie and one in memory, and both are attacked.";
    let (script, cross_site) = match run.browse(Story::Delivery, text, Duration::ZERO).await? {
        Report::Delivery { script, cross_site } => (script, cross_site),
        other => return Err(unexpected(&other)),
    };
    run.note_browser(&script.user_agent);
    let doors = at_the_real_door(run, &cross_site).await?;
    let [other, sibling] = cross_site.forms()?;
    let bearer_sent = cross_site.arrivals.iter().any(|one| one.bearer);
    run.grid(table(&script, [other.brought("strict"), sibling.brought("strict"), bearer_sent], &doors));
    run.number("forms of other hosts at the route that takes the cookie", list(&doors.by_cookie), "");
    run.number("the cookie without a browser’s headers and without the login’s token", doors.without_token, "");
    run.number("with that token", doors.with_token, "");
    run.number("forms of other hosts at a bearer route", list(&doors.by_bearer), "");
    let is_stopped = doors.by_cookie.iter().all(|status| *status == 403) && doors.without_token == 403;
    let read = script.read;
    Ok(match (read.session_cookie, read.memory, sibling.brought("strict"), bearer_sent) {
        (false, true, true, false) if is_stopped && doors.with_token == 200 => Outcome::holds_but(
            "Each trades one attack for another. The cookie could not be read nor used elsewhere, but a sibling host’s form brought it \
             along although it was Strict: it needs the check of the origin and a token for each change, which is what stopped the forms at \
             the real door. The token in memory was never sent by itself, but the script caught it and used it elsewhere. And the script in \
             the page could use both.",
        ),
        (false, true, false, false) => {
            Outcome::holds("The cookie fell to none of the attacks that the token in memory withstood.")
        }
        _ => Outcome::is_false(
            "The two did not differ in what they fell to, or the real door did not stop what it should.",
        ),
    })
}

fn list(statuses: &[u16]) -> String {
    statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

/// What the real door answered.
struct Doors {
    by_cookie: Vec<u16>,
    by_bearer: Vec<u16>,
    without_token: u16,
    with_token: u16,
}

async fn at_the_real_door(run: &mut Run, report: &CrossSiteReport) -> Result<Doors, Stopped> {
    let (target, account) = (run.target(), run.account().await?);
    let mut page = Client::new(&target, "two-doors experiment")?;
    let body = json!({ "email": account.email, "password": account.password, "deliver": "cookie" });
    let seen = run.ask(&mut page, Door::Token, &post("/api/auth/login", Shown::Nothing, Body::Json(body))).await?;
    seen.must_be(200)?;
    let no_token = || Stopped::because("the log-in gave no token against forged calls");
    let csrf = seen.answer.text("csrf_token").ok_or_else(no_token)?;
    run.show(seen.saying("The real door: both tokens in cookies, none in the body."));
    let seen = run.ask(&mut page, Door::Token, &get("/api/browser/me", Shown::Cookies)).await?;
    seen.must_be(200)?;
    run.show(seen.saying("The page’s own call: the cookie does."));

    let (mut by_cookie, mut by_bearer) = (Vec::new(), Vec::new());
    for attack in report.forms()? {
        let says = format!("As {} had it sent.", attack.sender());
        let cookie = run.ask(&mut page, Door::Token, &forged(attack, "/api/browser/logout", &[])).await?;
        let bearer = run.ask(&mut page, Door::Token, &forged(attack, "/api/auth/logout-everywhere", &[])).await?;
        by_cookie.push(cookie.status());
        by_bearer.push(bearer.status());
        run.show(cookie.saying(says.clone()));
        run.show(bearer.saying(says));
    }
    let bare = post("/api/browser/logout", Shown::Cookies, Body::Empty);
    let seen = run.ask(&mut page, Door::Token, &bare).await?;
    let without_token = seen.status();
    run.show(seen.saying("Without a browser’s headers: the token of this login is missing."));
    let whole = Request { headers: vec![("X-CSRF-Token", csrf)], ..bare };
    let seen = run.ask(&mut page, Door::Token, &whole).await?;
    let with_token = seen.status();
    run.show(seen.saying("With it: the page’s own log-out."));
    Ok(Doors { by_cookie, by_bearer, without_token, with_token })
}

fn table(script: &ScriptReport, [other, sibling, bearer]: [bool; 3], doors: &Doors) -> Grid {
    let mut grid = Grid::new(
        "Which attack each falls to",
        "Attack",
        &["in an HttpOnly, Strict cookie", "in memory, sent as bearer"],
    );
    let word = |falls: bool| if falls { "falls" } else { "withstands" }.to_owned();
    let replayed = |place: &str| script.replays.get(place) == Some(&200);
    grid.line("a script in the page reads it (X1)", [word(script.read.session_cookie), word(script.read.memory)]);
    grid.line("and uses it elsewhere (X2)", [word(replayed("cookies")), word(replayed("memory"))]);
    grid.line("or uses it from within the page (X3)", [word(script.rode == 200), word(replayed("memory"))]);
    grid.line("another site’s form brings it (X4)", [word(other), word(bearer)]);
    grid.line("a sibling host’s form brings it (X4)", [word(sibling), word(bearer)]);
    grid.line(
        "such forms at the real door, with its defence (X5)",
        [format!("refused: {}", list(&doors.by_cookie)), format!("nobody is known: {}", list(&doors.by_bearer))],
    );
    grid
}
