//! X8: the session's id changes at log-in, so that nobody can plant it beforehand.
//!
//! What is planted at the real door: a key that was never given out, one of a session that has ended, and one of a session that
//! lives, the attacker's own. All but the first are signed by the server itself, so the signature is no help.

use diesel::RunQueryDsl as _;

use crate::{
    excerpt,
    experiments::{
        client::Client,
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        finding::Stamp,
        lab::{
            Run, Seen, Stopped, get, post,
            requests::{form, session_me},
        },
        message::{Body, Shown},
    },
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "x8",
    title: "A planted session",
    claim: "The session’s id must change at log-in, else whoever planted it beforehand is logged in as well (fixation).",
    section: Section::Security,
    needs: &[Need::Instance, Need::Specimens],
    steps: &[
        "Plant a cookie in the victim’s browser: invented, of an ended session, and of a live session of the attacker’s own.",
        "Let the victim log in with the form; then show the planted cookie from another client.",
        "Do the same at a specimen that adopts unknown ids and keeps them at log-in.",
        "At a private instance, let a log-in grow old, give the password again, and show a copy of the cookie from before.",
    ],
    test: Test::Run { seconds: 7, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Session, "session/log_in.rs", "new_key", "PlainKey::generate()"),
        excerpt!(Session, "session/store.rs", "adopt", "visit.is_adopting()"),
    ],
    references: &[
        Reference {
            title: "OWASP ASVS 5.0, 7.2.4: a new session token at authentication, also at re-authentication",
            url: "https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/0x16-V7-Session-Management.md",
        },
        Reference {
            title: "OWASP Session Management Cheat Sheet: renew the session ID after any privilege level change",
            url: "https://cheatsheetseries.owasp.org/cheatsheets/Session_Management_Cheat_Sheet.html",
        },
    ],
    expected: Some(Stamp::Holds),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let (target, attacker) = (run.target(), run.account().await?);
    let mut planted = Vec::new();
    let (mut own, _) = run.log_in_at_the_site(&target, &attacker, "two-doors attacker").await?;
    let (name, ended) = cookie_of(&own)?;
    let form_token = run.form_token(&mut own, "/account").await?;
    run.ask(&mut own, Door::Session, &form("/logout", &form_token, &[])).await?.must_be(303)?;
    let (own, _) = run.log_in_at_the_site(&target, &attacker, "two-doors attacker").await?;
    let (_, alive) = cookie_of(&own)?;
    planted.push(("an invented cookie", "a".repeat(ended.len())));
    planted.push(("the cookie of an ended session", ended));
    planted.push(("the cookie of a live session of the attacker’s", alive));
    let mut as_victim = 0;
    for (what, cookie) in &planted {
        as_victim += usize::from(plant(run, &name, what, cookie).await?);
    }
    let specimen = at_the_specimen(run).await?;
    let reauthenticated = reauthenticate(run).await?;

    run.number("cookies planted before log-in at the real door", planted.len(), "");
    run.number("of those, that show the victim’s account afterwards", as_victim, "");
    run.number("the planted id at the specimen", specimen, "");
    run.number("a copy from before the password was given again", reauthenticated, "");
    Ok(match (as_victim, specimen, reauthenticated) {
        (0, 200, 303) => Outcome::holds(
            "At the specimen the planted id was logged in with its victim. At the real door log-in made a new key each time, and the \
             planted one showed nobody’s account but the attacker’s own. It would be safe without that too, as the store never \
             adopts a key that it did not give out. The key also changes when the password is given again (ASVS 7.2.4).",
        ),
        (0, specimen, status) => Outcome::holds_but(format!(
            "The real door kept the planter out. But the specimen answered {specimen}, and a copy from before the password was \
             given again was answered {status}."
        )),
        (let_in, ..) => {
            Outcome::is_false(format!("{let_in} planted cookies showed the victim’s account at the real door."))
        }
    })
}

fn cookie_of(browser: &Client) -> Result<(String, String), Stopped> {
    let cookie = browser.named_cookie("session").map(|(name, value)| (name.to_owned(), value.to_owned()));
    cookie.ok_or_else(|| Stopped::because("log-in set no session cookie"))
}

/// Plants a cookie, lets a victim log in, and says whether it shows the victim's account afterwards.
async fn plant(run: &mut Run, name: &str, what: &str, cookie: &str) -> Result<bool, Stopped> {
    let (target, victim) = (run.target(), run.account().await?);
    let mut browser = Client::new(&target, "two-doors victim")?;
    browser.plant(name, cookie);
    run.learn(cookie);
    let mut attacker = browser.copied("two-doors attacker")?;
    let form_token = run.form_token(&mut browser, "/login").await?;
    let fields = [("email", victim.email.as_str()), ("password", victim.password.as_str())];
    let seen = run.ask(&mut browser, Door::Session, &form("/login", &form_token, &fields)).await?;
    seen.must_be(303)?;
    run.show(seen.saying(format!("The victim logs in with {what} in the browser, and gets a new one.")));
    let own = run.ask(&mut browser, Door::Session, &session_me()).await?;
    own.must_be(200)?;
    let shown = run.ask(&mut attacker, Door::Session, &session_me()).await?;
    let is_victim = shown.accepted() && shown.answer.text("id") == own.answer.text("id");
    run.show(shown.saying(format!("The attacker shows {what}.")));
    Ok(is_victim)
}

async fn at_the_specimen(run: &mut Run) -> Result<u16, Stopped> {
    let weak = run.weak_services()?;
    run.moment("A store that adopts ids which it never gave out, and a log-in that keeps them: weak on purpose");
    let mut browser = Client::new(weak.target(), "two-doors victim")?;
    browser.plant("sp-sid", "planted-by-the-attacker");
    let mut attacker = browser.copied("two-doors attacker")?;
    let page = run.ask(&mut browser, Door::Session, &get(weak.at("/fixation/page"), Shown::Cookies)).await?;
    run.show(page.saying("Specimen: any page, with an id that the attacker planted."));
    let seen =
        run.ask(&mut browser, Door::Session, &post(weak.at("/fixation/login"), Shown::Cookies, Body::Empty)).await?;
    run.show(seen.saying("Specimen: the victim logs in. The id stays."));
    let seen = run.ask(&mut attacker, Door::Session, &get(weak.at("/fixation/me"), Shown::Cookies)).await?;
    run.show(seen.saying("Specimen: the attacker shows the planted id."));
    Ok(seen.status())
}

/// Copies a cookie, has the password given again, and says what the copy is answered.
async fn reauthenticate(run: &mut Run) -> Result<u16, Stopped> {
    let instance = run.instance(&[]).await?;
    let account = run.account_at(instance.target()).await?;
    let (mut browser, _) = run.log_in_at_the_site(instance.target(), &account, "two-doors experiment").await?;
    let age = "UPDATE sessions SET authenticated_at = authenticated_at - interval '11 minutes'";
    diesel::sql_query(age).execute(&mut instance.connect()?)?;
    run.moment("In the instance’s database the log-in is made eleven minutes older");
    let mut thief = browser.copied("two-doors with a copy")?;
    let form_token = run.form_token(&mut browser, "/account/devices").await?;
    let asked = run.ask(&mut browser, Door::Session, &form("/account/devices/end-others", &form_token, &[])).await?;
    asked.must_be(403)?;
    let sealed = hidden(&asked, "sealed")?;
    run.show(asked.saying("A sensitive form asks for the password once more."));
    let form_token = run.form_token(&mut browser, "/account").await?;
    let fields = [("sealed", sealed.as_str()), ("current_password", account.password.as_str())];
    let given = run.ask(&mut browser, Door::Session, &form("/account/confirm", &form_token, &fields)).await?;
    run.show(given.saying("The password is given again: the key changes once more."));
    run.ask(&mut browser, Door::Session, &session_me()).await?.must_be(200)?;
    let seen = run.ask(&mut thief, Door::Session, &session_me()).await?;
    run.show(seen.saying("A copy of the cookie from before."));
    Ok(seen.status())
}

fn hidden(seen: &Seen, name: &str) -> Result<String, Stopped> {
    let opening = format!("name=\"{name}\" value=\"");
    let value = seen.answer.body.split(&opening).nth(1).and_then(|rest| rest.split('"').next());
    value.map(str::to_owned).ok_or_else(|| Stopped::because(format!("the page has no field {name}")))
}
