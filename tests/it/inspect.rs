//! `/inspect` without a browser's script: the session against its row, and how a token is taken apart with curl.

use std::process::Command;

use crate::support::{PASSWORD, TestApp, html};

const ADA: &str = "ada@example.org";

#[actix_web::test]
async fn a_session_is_shown_as_a_key_that_says_nothing_against_a_row_that_says_everything() {
    let app = TestApp::spawn();
    let nobody = app.browser().get("/inspect").await;
    assert_eq!(nobody.status, 200);
    assert!(nobody.body.contains("Your browser holds no ticket") && nobody.body.contains("/login?next=/inspect"));
    let mut ada = app.logged_in_browser(ADA).await;
    let page = ada.get("/inspect").await.body;
    assert!(!page.contains("Your browser holds no ticket"), "{page}");
    assert!(page.len() < 40_000, "{} bytes", page.len());
    for column in ["key_hash", "user_id", "absolute_expires_at", "ended_at"] {
        assert!(page.contains(&format!("<code>{column}</code>")), "{column}");
    }
    assert!(page.contains(&app.value("SELECT id FROM sessions")), "the row is the real one");
    assert!(page.contains("Unused, the row behind it ends"), "and so is its time left");
    // The cookie is a signature and a key, which stand in it percent-encoded, and would stand in a page as they are.
    let key = ada.jar["session"].rsplit("%3D").next().expect("a key").to_owned();
    assert_eq!(key.len(), 43, "{}", ada.jar["session"]);
    for path in ["/inspect", "/account/session"] {
        assert!(!ada.get(path).await.body.contains(&key), "{path}: the credential itself is not for the page");
    }
}

#[actix_web::test]
async fn without_script_the_commands_that_the_page_shows_take_a_token_apart() {
    let app = TestApp::spawn();
    app.sign_up(ADA).await;
    let page = app.browser().get("/inspect").await.body;
    let commands = page.split("<pre class=\"curl\">").nth(1).and_then(|rest| rest.split("</pre>").next());
    let script = html::text(commands.expect("the commands")).replace("you@example.com", ADA).replace("yours", PASSWORD);
    let mut shell = Command::new("bash");
    shell.arg("-c").arg(script);
    let output = actix_web::web::block(move || shell.output().expect("bash")).await.expect("the shell ran");
    let printed = String::from_utf8(output.stdout).expect("text");
    let mut objects = serde_json::Deserializer::from_str(&printed).into_iter::<serde_json::Value>();
    let mut next = || objects.next().and_then(Result::ok).unwrap_or_else(|| panic!("{printed}"));
    let (header, payload, keys, me) = (next(), next(), next(), next());
    assert_eq!((&header["alg"], &header["kid"]), (&keys["keys"][0]["alg"], &keys["keys"][0]["kid"]));
    assert_eq!((&payload["sub"], &payload["role"]), (&me["id"], &me["role"]));
    assert!(me["id"].is_string(), "{printed}");
}
