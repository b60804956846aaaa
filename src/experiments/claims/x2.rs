//! X2: tokens in `localStorage` are stolen by a script in the page.
//!
//! Stolen means used elsewhere: what the script carries home is shown to the victim's server by a client that is no
//! browser. At the real door a copied access token does as well.

use crate::{
    excerpt,
    experiments::{
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        finding::Stamp,
        grid::Grid,
        lab::{Run, Stopped, requests::claims_me},
    },
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "x2",
    title: "Carried away",
    claim: "A token in localStorage is stolen by any script that gets into the page.",
    section: Section::Security,
    needs: &[Need::Specimens, Need::Browser],
    steps: &[
        "A made-up victim’s page keeps a token in localStorage, sessionStorage, IndexedDB and memory, and has a hole.",
        "An attacker’s script gets in by a link, reads each place, and carries what it finds to the attacker’s host.",
        "From there another client shows each thing to the victim’s server.",
        "The same at the real door: a copy of its access token, from a second client.",
    ],
    test: Test::Run { seconds: 5, observe: |run| Box::pin(observe(run)) },
    code: &[excerpt!(Token, "token/authenticate.rs", "bearer", "headers.get_all(AUTHORIZATION)")],
    references: &[
        Reference {
            title: "OWASP HTML5 Security Cheat Sheet: local storage",
            url: "https://cheatsheetseries.owasp.org/cheatsheets/HTML5_Security_Cheat_Sheet.html#local-storage",
        },
        Reference {
            title: "OAuth 2.0 for Browser-Based Applications, 5.1: theft of tokens by malicious JavaScript",
            url: "https://datatracker.ietf.org/doc/html/draft-ietf-oauth-browser-based-apps-26#section-5.1",
        },
    ],
    expected: Some(Stamp::Holds),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let report = run.script_in_a_page().await?;
    let read = report.read;
    let mut grid = Grid::new("What the script read, and what it opened elsewhere", "Kept in", &["Read", "Replayed"]);
    let mut stolen = Vec::new();
    for (place, key, is_read) in [
        ("localStorage", "local_storage", read.local_storage),
        ("sessionStorage", "session_storage", read.session_storage),
        ("IndexedDB", "indexed_db", read.indexed_db),
        ("memory, caught on its way to the server", "memory", read.memory),
        ("an HttpOnly cookie", "cookies", read.session_cookie),
    ] {
        let replayed = report.replays.get(key).copied().unwrap_or_default();
        grid.line(place, [if is_read { "yes".to_owned() } else { "no".to_owned() }, replayed.to_string()]);
        if is_read && replayed == 200 {
            stolen.push(place);
        }
    }
    run.grid(grid);
    let at_the_door = at_the_real_door(run).await?;
    run.number("places from which a token was stolen and used elsewhere", stolen.len(), "");
    run.number("a copied access token at the real door", at_the_door, "");
    Ok(match stolen.contains(&"localStorage") {
        true => Outcome::holds(format!(
            "The token from localStorage opened the victim’s server from another client ({} of 5 places: {}). A copy of the real door’s \
             access token works elsewhere as well ({at_the_door}): whoever shows it is let in, until it expires.",
            stolen.len(),
            stolen.join("; "),
        )),
        false => Outcome::is_false("The token in localStorage was not read, or was of no use elsewhere."),
    })
}

async fn at_the_real_door(run: &mut Run) -> Result<u16, Stopped> {
    let (program, token) = run.program("The real door: a token to keep.").await?;
    let mut thief = program.copied("two-doors with a copy")?;
    let seen = run.ask(&mut thief, Door::Token, &claims_me(&token)).await?;
    let status = seen.status();
    run.show(seen.saying("The copy opens as the original does."));
    Ok(status)
}
