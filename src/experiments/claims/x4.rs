//! X4: a credential that a cookie carries needs a defence against forged requests.
//!
//! Forms of two other hosts, one of another site and one of the same, send a real browser to a victim without defence,
//! which has a cookie of each `SameSite`. Then the same attacks are tried at the real doors: by those pages themselves, and
//! again by us, with the headers that the browser sent and the cookies that it would have brought.

use crate::{
    excerpt,
    experiments::{
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        finding::Stamp,
        lab::{Run, Stopped, attacks, forged, get, post, requests::session_me},
        message::{Body, Request, Shown},
        specimens::{
            hosts::Role,
            report::{CrossSiteReport, How},
        },
    },
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "x4",
    title: "A form that somebody else wrote",
    claim: "A credential in a cookie needs a defence against forged requests wherever something changes: POST, PUT, DELETE.",
    section: Section::Security,
    needs: &[Need::Specimens, Need::Browser],
    steps: &[
        "Log in at a made-up victim without defence, which sets a cookie of each SameSite.",
        "Have a page of another site, and one of a sibling host, send the browser there with a form.",
        "Wait until the cookies are old, and do it again: two minutes in your browser, which can be left out; ten seconds in a headless one, \
         which was told so.",
        "Let the same pages post to the real doors, and see whether they can read an answer.",
        "Send those requests to the real doors again, with the headers that the browser sent and a throwaway user’s cookies.",
    ],
    test: Test::Run { seconds: 20, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Session, "pages/same_origin.rs", "check", "CameFrom::Elsewhere"),
        excerpt!(Token, "api/refresh_cookie.rs", "from", "CameFrom::Elsewhere"),
    ],
    references: &[
        Reference {
            title: "OWASP Cross-Site Request Forgery Prevention Cheat Sheet",
            url: "https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html",
        },
        Reference {
            title: "RFC 6265bis, 5.6.7.2: cookies without SameSite may go with a cross-site POST while they are young",
            url: "https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis-20#section-5.6.7.2",
        },
    ],
    expected: Some(Stamp::Holds),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let report = run.requests_from_elsewhere(true, true).await?;
    run.grid(report.grid());
    let readable = report.knocks.iter().filter(|knock| knock.readable).count();
    let Tried { sent, let_in } = at_the_real_doors(run, &report).await?;
    let [other, sibling] = report.forms()?;
    let count = |from| report.arrivals.iter().filter(|one| one.from == from && one.how == How::Post).count();
    run.number("forms of another site that arrived", count(Role::Attacker), "");
    run.number("cookies with the first of them", other.names(), "");
    run.number("cookies with a sibling’s form", sibling.names(), "");
    run.number(
        "answers of the real doors that those pages could read",
        format!("{readable} of {}", report.knocks.len()),
        "",
    );
    run.number("attacks on the real doors, sent again with a user’s cookies", sent, "");
    run.number("of these let in", let_in, "");
    if let_in > 0 || readable > 0 {
        return Ok(Outcome::is_false(format!(
            "The real doors let {let_in} of {sent} attacks in: a hole in this software."
        )));
    }
    if other.cookies.is_empty() && sibling.cookies.is_empty() {
        return Ok(Outcome::is_false("No form of another host brought any cookie: this browser needs no defence."));
    }
    let from_sibling = match (sibling.brought("lax"), sibling.brought("strict")) {
        (true, true) => "A sibling host’s form brought those with Lax and Strict as well: it is the same site.",
        _ => "A sibling host’s form did not bring all of them.",
    };
    Ok(Outcome::holds(format!(
        "Another site’s form brought the cookies {}, and was carried out. {} {from_sibling} The real doors refused all {sent} attacks, by what \
         the browser says of where a request comes from, and nothing changed.",
        other.names(),
        report.without_same_site()?,
    )))
}

/// Attacks on the real doors.
struct Tried {
    sent: usize,
    let_in: usize,
}

async fn at_the_real_doors(run: &mut Run, report: &CrossSiteReport) -> Result<Tried, Stopped> {
    let mut victim = run.victim().await?;
    let mut tried = Tried { sent: 0, let_in: 0 };
    for attack in report.forms()? {
        let says = format!("As {} had it sent.", attack.sender());
        let log_out = run.ask(&mut victim.site, Door::Session, &forged(attack, "/logout", &[])).await?;
        let refresh = run.ask(&mut victim.api, Door::Token, &forged(attack, "/api/auth/refresh", &[])).await?;
        let rename = forged(attack, "/account/name", &[("display_name", "Mallory")]);
        let rename = run.ask(&mut victim.site, Door::Session, &rename).await?;
        tried.sent += 3;
        tried.let_in += [&log_out, &refresh, &rename].iter().filter(|seen| seen.accepted()).count();
        run.show_pair(log_out.saying(says.clone()), refresh.saying(says.clone()));
        run.show(rename.saying(says));
    }
    // What a link can do: nothing that changes anything is a GET.
    let link = report.attack(Role::Attacker, How::Link, false)?;
    let by_link = Request { headers: attacks::origin_headers(link), ..get("/logout", Shown::Cookies) };
    let seen = run.ask(&mut victim.site, Door::Session, &by_link).await?;
    tried.sent += 1;
    tried.let_in += usize::from(seen.accepted());
    run.show(seen.saying("A link to the log-out: there is none to link to."));

    let session = run.ask(&mut victim.site, Door::Session, &session_me()).await?;
    let refresh = post("/api/auth/refresh", Shown::Cookies, Body::Empty);
    let refresh = run.ask(&mut victim.api, Door::Token, &refresh).await?;
    session.must_be(200)?;
    refresh.must_be(200)?;
    run.show_pair(session.saying("Still logged in."), refresh.saying("The refresh token is as good as before."));
    Ok(tried)
}
