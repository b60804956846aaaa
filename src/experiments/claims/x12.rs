//! X12: without https, whoever is on the wire reads every credential.
//!
//! Both doors are used twice, through a wire that keeps what passes. What is looked for in it: all that a thief could log
//! in with.

use serde_json::json;

use crate::{
    excerpt,
    experiments::{
        exchange::Door,
        experiment::{Experiment, Outcome, Reference, Section, Test},
        finding::Stamp,
        lab::{
            Run, Stopped, Wire,
            requests::{claims_me, refresh, session_me},
        },
    },
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "x12",
    title: "Listening on the wire",
    claim: "Both schemes need https, always: over http whoever is on the wire has the credentials.",
    section: Section::Security,
    needs: &[],
    steps: &[
        "Put a wire between client and server that keeps every byte that passes, and log in through it at both doors, over http.",
        "Look for the password, the cookie and both tokens in what passed, and show what was found from another client.",
        "Do the same over https: TLS between two ends of this run’s own, with a certificate made for it, and the wire between them.",
    ],
    test: Test::Run { seconds: 2, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Session, "session/cookie.rs", "secret", "__Host-session"),
        excerpt!(Token, "api/refresh_cookie.rs", "cookie", ".secure(is_https(request))"),
    ],
    references: &[
        Reference {
            title: "RFC 6750, 5.2 and 5.3: bearer tokens over TLS, always",
            url: "https://www.rfc-editor.org/rfc/rfc6750#section-5.2",
        },
        Reference {
            title: "RFC 6265, 8.3: cookies over an insecure channel are sent in the clear",
            url: "https://www.rfc-editor.org/rfc/rfc6265#section-8.3",
        },
    ],
    expected: Some(Stamp::Holds),
};

/// What a thief could go on with.
const TREASURES: [&str; 4] = ["the password", "the cookie", "the access token", "the refresh token"];

/// Which of those somebody on the wire has read.
struct Read([bool; 4]);

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let target = run.target();
    let wire = Wire::http(&target).await?;
    run.moment("Over http: everything goes through a wire that keeps what passes");
    let clear = listen(run, &wire, "http").await?;
    let clear_bytes = wire.bytes();
    drop(wire);
    let wire = Wire::https(&target).await?;
    run.moment("Over https: the wire is now between two ends that speak TLS");
    let sealed = listen(run, &wire, "https").await?;
    let sealed_bytes = wire.bytes();

    for (over, read, bytes) in [("http", &clear, clear_bytes), ("https", &sealed, sealed_bytes)] {
        run.number(format!("over {over}: read on the wire"), read.words(), "");
        run.number(format!("over {over}: bytes that passed"), bytes, "bytes");
    }
    Ok(match (clear.all(), sealed.none()) {
        (true, true) => Outcome::holds(format!(
            "Over http the password, the cookie and both tokens were read off the wire, and the copies were let in at both doors. Over https \
             none of them was in the {sealed_bytes} bytes that passed. The schemes don’t differ here: each shows its credential with every \
             request."
        )),
        (_, false) => Outcome::is_false(format!("Https does not suffice: on the wire was read: {}.", sealed.words())),
        (false, true) => Outcome::holds_but(format!(
            "Over https nothing was read; but neither was everything over http: {}.",
            clear.words()
        )),
    })
}

/// Uses both doors through a wire, and says what was read on it.
async fn listen(run: &mut Run, wire: &Wire, over: &str) -> Result<Read, Stopped> {
    let account = run.account().await?;
    let mut logins = run.log_in_at_both_for(wire.target(), &account, &json!({})).await?;
    run.ask(&mut logins.browser, Door::Session, &session_me()).await?.must_be(200)?;
    run.ask(&mut logins.program, Door::Token, &claims_me(&logins.access_token)).await?.must_be(200)?;
    let cookie = logins.browser.cookie("session").unwrap_or_default().to_owned();
    if cookie.is_empty() {
        return Err(Stopped::because("log-in set no session cookie"));
    }
    let treasures = [&account.password, &cookie, &logins.access_token, &logins.refresh_token];
    let read = Read(treasures.map(|treasure| wire.has_heard(treasure)));
    run.moment(format!("Read on the wire over {over}: {}", read.words()));
    if read.all() {
        let target = run.target();
        let mut thief = logins.browser.copied_to(&target, "two-doors on the wire")?;
        let session = run.ask(&mut thief, Door::Session, &session_me()).await?;
        let token = run.ask(&mut thief, Door::Token, &claims_me(&logins.access_token)).await?;
        session.must_be(200)?;
        token.must_be(200)?;
        run.show_pair(
            session.saying("The cookie that was read, from another client."),
            token.saying("The token that was read."),
        );
        let renewed = run.ask(&mut thief, Door::Token, &refresh(&logins.refresh_token)).await?;
        run.show(renewed.saying("And the refresh token, with which the thief goes on."));
    }
    Ok(read)
}

impl Read {
    fn all(&self) -> bool {
        self.0.iter().all(|read| *read)
    }

    fn none(&self) -> bool {
        !self.0.contains(&true)
    }

    fn words(&self) -> String {
        let read: Vec<&str> =
            TREASURES.into_iter().zip(self.0).filter(|(_, read)| *read).map(|(name, _)| name).collect();
        if read.is_empty() { "nothing of them".to_owned() } else { read.join(", ") }
    }
}
