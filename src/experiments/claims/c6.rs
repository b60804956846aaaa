//! C6: tokens cost bytes, with every request.

use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::json;

use super::forged::signed;
use crate::{
    excerpt,
    experiments::{
        client::Client,
        exchange::Door,
        experiment::{Experiment, Outcome, Reference, Section, Test},
        figure::{Bar, Figure},
        finding::Stamp,
        lab::{
            Run, Seen, Stopped,
            parts::{claims, header},
            requests::{claims_me, session_me},
        },
    },
};

/// What browsers keep of one cookie: name and value together.
const COOKIE_MOST: usize = 4096;
/// More than any server takes.
const TOO_MUCH: usize = 1 << 20;
const PERMISSIONS: [usize; 4] = [10, 30, 100, 300];

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "c6",
    title: "Bytes on every request",
    claim: "A token carries its data with every request, so it grows with what it says; a session’s cookie does not.",
    section: Section::Scale,
    needs: &[],
    steps: &[
        "Log in at both doors, and measure the header line that carries each credential.",
        "Add permissions to the token’s claims, and measure again.",
        "Count how many fit into a cookie, which browsers limit to 4096 bytes.",
        "Send ever longer lines to the server, and find where it stops reading.",
    ],
    test: Test::Run { seconds: 2, observe: |run| Box::pin(observe(run)) },
    code: &[
        excerpt!(Session, "session/cookie.rs", "secret", "secrets.all::<64>(Purpose::SessionCookie)"),
        excerpt!(Token, "token/access.rs", "claims", "aud: audience.unwrap_or_else"),
    ],
    references: &[Reference {
        title: "RFC 6265bis, 5.6: a cookie whose name and value have more than 4096 bytes is ignored",
        url: "https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis-20#section-5.6",
    }],
    expected: Some(Stamp::Holds),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let (target, account) = (run.target(), run.account().await?);
    let mut logins = run.log_in_at_both(&target, &account).await?;
    let session = run.ask(&mut logins.browser, Door::Session, &session_me()).await?;
    let token = run.ask(&mut logins.program, Door::Token, &claims_me(&logins.access_token)).await?;
    let (cookie_line, token_line) = (cookie_line(&logins.browser)?, line(&token, "Authorization"));
    run.show_pair(
        session.saying(format!("The session’s cookie: a line of {cookie_line} bytes, whatever the session holds.")),
        token.saying(format!("The token: a line of {token_line} bytes.")),
    );

    let mut bars = vec![
        Bar::exact("session cookie", Some(Door::Session), cookie_line as f64),
        Bar::exact("access token", Some(Door::Token), token_line as f64),
    ];
    let mut lines = vec![token_line];
    for permissions in PERMISSIONS {
        let length = "Authorization: Bearer \r\n".len() + padded(&logins.access_token, permissions)?.len();
        bars.push(Bar::exact(format!("with {permissions} permissions"), Some(Door::Token), length as f64));
        run.number(format!("the token’s line with {permissions} permissions"), length, "bytes");
        lines.push(length);
    }
    let fitting = fitting(&logins.access_token)?;
    let (most, status) = wall(run, &mut logins.program).await?;
    run.figure(Figure {
        title: format!(
            "The token’s line is {} times the cookie’s before it says anything more",
            token_line / cookie_line.max(1)
        ),
        unit: "bytes",
        bars,
        n: 1,
        note: "the header line of one request, name and line end included; a permission is such as orders:read:17"
            .to_owned(),
    });
    run.number("the session cookie’s line", cookie_line, "bytes");
    run.number("the access token’s line", token_line, "bytes");
    run.number("permissions that fit with the token into a cookie of 4096 bytes", fitting, "");
    run.number("the longest line that this server reads", most, "bytes");
    run.number("what a longer one is answered", &status, "");
    let grows = lines.windows(2).all(|pair| pair[0] < pair[1]) && cookie_line < token_line;
    Ok(match grows {
        true => Outcome::holds(format!(
            "With every request the session costs {cookie_line} bytes and the token {token_line}, and more with everything it says. The first \
             wall is the browser’s: a cookie of more than {COOKIE_MOST} bytes, name and value, is not kept at all, and this token has room for \
             {fitting} permissions there. The next is the server’s: this one reads lines of up to {most} bytes, and answers longer ones with \
             {status}. Proxies in front of it often have lower ones."
        )),
        false => Outcome::is_false(format!("The cookie’s line has {cookie_line} bytes, the token’s {lines:?}.")),
    })
}

/// The line of the session's cookie alone, whatever else is in the jar.
fn cookie_line(browser: &Client) -> Result<usize, Stopped> {
    let (name, value) = browser.named_cookie("session").ok_or_else(|| Stopped::because("log-in set no cookie"))?;
    Ok(format!("Cookie: {name}={value}\r\n").len())
}

fn line(seen: &Seen, header: &str) -> usize {
    let sent = seen.answer.sent.iter().find(|(name, _)| name.eq_ignore_ascii_case(header));
    sent.map_or(0, |(name, value)| format!("{name}: {value}\r\n").len())
}

/// The token as it would be if it said so many permissions as well. Any key makes the same length.
fn padded(token: &str, permissions: usize) -> Result<String, Stopped> {
    let (named, mut says) = (header(token)?, claims(token)?);
    let list: Vec<String> = (0..permissions).map(|number| format!("orders:read:{number}")).collect();
    if permissions > 0 {
        says["permissions"] = json!(list);
    }
    let signature = token.rsplit('.').next().unwrap_or_default();
    let made = signed(&named, &says, &EncodingKey::from_secret(b"any key"), Algorithm::HS256)?;
    Ok(made.rsplit_once('.').map_or_else(String::new, |(message, _)| format!("{message}.{signature}")))
}

/// How many permissions a cookie named `access` has room for besides the usual claims.
fn fitting(token: &str) -> Result<usize, Stopped> {
    let mut permissions = 0;
    while "access".len() + padded(token, permissions + 1)?.len() <= COOKIE_MOST {
        permissions += 1;
    }
    Ok(permissions)
}

/// The longest `Authorization` line that is read, and what a longer one is answered.
async fn wall(run: &mut Run, program: &mut Client) -> Result<(usize, String), Stopped> {
    let (mut most, mut least) = (0, TOO_MUCH);
    let mut refusal = "nothing: the connection was closed".to_owned();
    while least - most > 1 {
        let length = usize::midpoint(most, least);
        match program.fetch(&claims_me(&"x".repeat(length))).await {
            Ok(answer) if answer.status == 401 => most = length,
            Ok(answer) => (least, refusal) = (length, answer.status.to_string()),
            Err(_) => least = length,
        }
    }
    run.moment(format!(
        "A token of {most} bytes is read and refused; of one of {least} the server reads no end: {refusal}"
    ));
    Ok((most + "Authorization: Bearer \r\n".len(), refusal))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_token_grows_with_what_it_says_and_keeps_its_signature() {
        let key = EncodingKey::from_secret(b"any key");
        let token = signed(&json!({ "alg": "HS256" }), &Value::Object(serde_json::Map::new()), &key, Algorithm::HS256);
        let token = token.expect("a token");
        assert_eq!(padded(&token, 0).expect("a token"), token);
        let fits = fitting(&token).expect("a number");
        assert!(padded(&token, fits).expect("a token").len() + 6 <= COOKIE_MOST);
        assert!(padded(&token, fits + 1).expect("a token").len() + 6 > COOKIE_MOST);
    }
}
