//! Log-out ends the credential, not only the client's copy of it: every test here replays the old one from a second client.

use crate::support::{Answer, PASSWORD, TestApp};

const ADA: &str = "ada@example.org";

/// Makes the database refuse to end a login.
const NOTHING_ENDS: &str = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$; \
     CREATE TRIGGER refuse BEFORE UPDATE ON sessions FOR EACH ROW WHEN (NEW.ended_at IS NOT NULL) EXECUTE FUNCTION refuse(); \
     CREATE TRIGGER refuse BEFORE UPDATE ON token_families FOR EACH ROW WHEN (NEW.ended_at IS NOT NULL) \
     EXECUTE FUNCTION refuse()";

mod session {
    use super::*;
    use crate::support::app::SECRET;

    const OLDER: &str = "an older secret that cookies were signed with before";

    #[actix_web::test]
    async fn a_copied_credential_is_dead_after_log_out() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        let mut thief = browser.clone();
        assert!(thief.is_logged_in().await, "before log-out the copy is as good as the original");
        let answer = browser.log_out().await;
        assert_eq!((answer.status, answer.header("location")), (303, "/login"));
        assert!(!thief.is_logged_in().await);
    }

    #[actix_web::test]
    async fn the_row_is_marked_and_the_audit_trail_says_which_login_ended() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        browser.log_out().await;
        assert_eq!(app.value("SELECT end_reason FROM sessions"), "logged out");
        let events = "auth_events e JOIN sessions s ON s.id = e.login_id AND s.user_id = e.user_id";
        assert_eq!(app.count(&format!("{events} WHERE e.kind = 'logged out' AND e.door = 'session'")), 1);
    }

    #[actix_web::test]
    async fn the_cookie_is_removed_by_its_very_name_path_and_attributes() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        let answer = browser.log_out().await;
        assert_eq!(answer.cookie_value("session"), "");
        let attributes = answer.cookie_attributes("session");
        let [expires, rest @ ..] = &attributes[..] else { panic!("{attributes:?}") };
        assert!(expires.starts_with("Expires="), "{attributes:?}");
        assert_eq!(rest, ["HttpOnly", "Max-Age=0", "Path=/", "SameSite=Lax"]);
        assert!(!browser.jar.contains_key("session"));
    }

    #[actix_web::test]
    async fn only_the_cache_is_cleared_and_the_other_doors_cookie_stays() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        let answer = browser.log_out().await;
        assert_eq!(answer.header("clear-site-data"), "\"cache\"");
        assert_eq!(answer.set_cookie("refresh"), None);
        assert!(browser.get("/login").await.body.contains("You are logged out."), "the message outlives it too");
    }

    #[actix_web::test]
    async fn over_https_the_cookie_is_removed_under_its_prefixed_name() {
        let app = TestApp::with(&[("PUBLIC_URL", "https://doors.example.com")]);
        let mut browser = app.browser();
        browser.headers.push(("host".to_owned(), "doors.example.com".to_owned()));
        assert_eq!(browser.sign_up(ADA, "Ada", PASSWORD).await.status, 303);
        let mut thief = browser.clone();
        let answer = browser.log_out().await;
        let attributes = answer.cookie_attributes("__Host-session");
        assert_eq!(attributes[1..], ["HttpOnly", "Max-Age=0", "Path=/", "SameSite=Lax", "Secure"]);
        assert!(!thief.is_logged_in().await);
    }

    #[actix_web::test]
    async fn logging_out_twice_is_no_error_and_ends_nothing_else() {
        let app = TestApp::spawn();
        let mut other = app.logged_in_browser(ADA).await;
        let browser = app.logged_in_browser(ADA).await;
        let first = browser.clone().filled_in("/account", "/logout", &[]).await;
        let mut again = browser.clone();
        again.headers.push(("origin".to_owned(), app.url("")));
        let second = again.filled_in("/account", "/logout", &[]).await;
        assert_eq!(first.send().await.expect("answered").0.status, 303);
        let (answer, _) = second.send().await.expect("answered");
        assert_eq!((answer.status, answer.header("location")), (303, "/login"));
        assert!(other.is_logged_in().await);
        assert_eq!(app.count("auth_events WHERE kind = 'logged out'"), 1);
    }

    #[actix_web::test]
    async fn log_out_is_not_done_by_following_a_link() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        for method in ["GET", "HEAD", "PUT", "DELETE"] {
            let answer = app.request(method, "/logout", &[("cookie", &browser.cookies())], "").await;
            assert_eq!((answer.status, answer.header("allow")), (405, "OPTIONS, POST"), "{method}");
        }
        assert!(browser.is_logged_in().await);
    }

    #[actix_web::test]
    async fn a_log_out_that_another_page_sends_is_refused() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        assert_eq!(browser.post_raw("/logout", &[]).await.status, 403, "no token");
        let token = browser.form_token("/account").await;
        let mut forged = browser.clone();
        forged.headers.push(("origin".to_owned(), "https://evil.example".to_owned()));
        assert_eq!(forged.post_raw("/logout", &[("form_token", &token)]).await.status, 403, "another origin");
        let theirs = app.logged_in_browser("mallory@example.org").await.form_token("/account").await;
        assert_eq!(browser.post_raw("/logout", &[("form_token", &theirs)]).await.status, 403, "somebody else's token");
        assert!(browser.is_logged_in().await);
    }

    #[actix_web::test]
    async fn logging_out_leaves_the_users_other_logins_alive() {
        let app = TestApp::spawn();
        let mut other = app.logged_in_browser(ADA).await;
        let mut client = app.logged_in_client(ADA).await;
        app.logged_in_browser(ADA).await.log_out().await;
        assert!(other.is_logged_in().await);
        assert_eq!((client.get("/api/account").await.status, client.renew().await.status), (200, 200));
    }

    #[actix_web::test]
    async fn a_log_out_that_could_not_end_the_row_is_an_error_and_the_cookie_stays() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        let jar = browser.jar.clone();
        app.execute_all(NOTHING_ENDS);
        let answer = browser.log_out().await;
        assert_eq!((answer.status, answer.set_cookie("session")), (500, None), "{answer:?}");
        assert_eq!(answer.header("clear-site-data"), "");
        assert!(!answer.body.contains("P0001") && !answer.body.contains("database refused"), "{answer:?}");
        assert_eq!(browser.jar, jar);
        assert!(browser.is_logged_in().await, "and it says the truth");
    }

    #[actix_web::test]
    async fn a_log_out_without_a_database_is_an_error_and_the_cookie_stays() {
        let app = TestApp::spawn();
        let browser = app.logged_in_browser(ADA).await;
        let form = browser.clone().filled_in("/account", "/logout", &[]).await;
        let outage = app.outage();
        let (answer, mut after) = form.send().await.expect("answered");
        assert_eq!((answer.status, answer.header("retry-after")), (503, "2"), "{answer:?}");
        assert!(answer.set_cookies().is_empty());
        assert_eq!(after.jar, browser.jar);
        outage.end().await;
        assert!(after.is_logged_in().await);
    }

    /// A slow request that began before log-out and is answered after it, in a browser that shares its jar.
    async fn late(app: &TestApp, browser: &crate::support::Browser) -> Answer {
        let mut slow = browser.clone().filled_in("/account", "/account/name", &[("display_name", "Late")]).await;
        // The page with the form may have signed the cookie anew; this tab was faster.
        slow.browser.jar.clone_from(&browser.jar);
        let log_out = browser.clone().filled_in("/account", "/logout", &[]).await;
        let mut hold = app.hold("SELECT FROM users FOR UPDATE");
        let slow = slow.send();
        hold.until_waiting(1).await;
        assert_eq!(log_out.send().await.expect("answered").0.status, 303);
        hold.release();
        let (answer, mut thief) = slow.await.expect("answered");
        assert_eq!(answer.status, 303, "it was let in before the log-out, and it was the only thing to wait for");
        assert!(!thief.is_logged_in().await);
        assert_eq!(app.live_logins(), (0, 0));
        answer
    }

    #[actix_web::test]
    async fn an_answer_that_comes_late_does_not_set_the_dead_cookie_again() {
        let app = TestApp::spawn();
        let browser = app.logged_in_browser(ADA).await;
        assert_eq!(late(&app, &browser).await.set_cookie("session"), None);
        let mut remembered = app.browser();
        let fields = [("email", ADA), ("password", PASSWORD), ("remember", "on")];
        assert_eq!(remembered.post_from("/login", "/login", &fields).await.status, 303);
        assert_eq!(late(&app, &remembered).await.set_cookie("session"), None);
    }

    #[actix_web::test]
    async fn an_answer_that_comes_late_does_not_sign_the_dead_cookie_anew() {
        let old = TestApp::with(&[("SECRETS", OLDER)]);
        let app = old.beside(&[("SECRETS", &format!("{SECRET},{OLDER}"))]);
        let mut browser = app.browser();
        browser.jar = old.logged_in_browser(ADA).await.jar;
        let answer = browser.clone().get("/account/me").await;
        assert!(answer.status == 200 && answer.set_cookie("session").is_some(), "signed anew: {answer:?}");
        assert_eq!(late(&app, &browser).await.set_cookie("session"), None);
    }
}

mod token {
    use actix_web::rt::spawn;
    use serde_json::{Value, json};

    use super::*;
    use crate::support::{Client, Headers};

    const JSON: (&str, &str) = ("content-type", "application/json");

    /// `POST /api/auth/logout` with these credentials and no others.
    async fn log_out(app: &TestApp, bearer: Option<&str>, cookie: Option<&str>, body: Option<&str>) -> Answer {
        let bearer = bearer.map(|token| format!("Bearer {token}"));
        let cookie = cookie.map(|token| format!("refresh={token}"));
        let mut headers = vec![];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        headers.extend(cookie.as_deref().map(|cookie| ("cookie", cookie)));
        headers.extend(body.map(|_| JSON));
        let body = body.map(|token| json!({ "refresh_token": token }).to_string());
        app.request("POST", "/api/auth/logout", &headers, &body.unwrap_or_default()).await
    }

    async fn is_dead(client: &Client) -> bool {
        let codes = (client.get("/api/account").await.status, client.redeem().await.status);
        assert!(matches!(codes, (200, 200) | (401, 401)), "half dead: {codes:?}");
        codes == (401, 401)
    }

    /// Whether an answer takes the refresh cookie away.
    fn removes_cookie(answer: &Answer) -> bool {
        answer.set_cookie("refresh").is_some_and(|line| line.starts_with("refresh=;") && line.contains("Max-Age=0"))
    }

    #[actix_web::test]
    async fn a_copied_credential_is_dead_after_log_out_wherever_it_is_checked_live() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let thief = client.clone();
        assert_eq!(thief.get("/api/account").await.status, 200);
        assert_eq!(client.log_out().await.status, 200);
        assert_eq!(thief.get("/api/account").await.code(), "invalid-token");
        assert_eq!(thief.redeem().await.code(), "invalid-refresh-token");
    }

    #[actix_web::test]
    async fn a_copied_access_token_outlives_log_out_where_only_its_claims_are_read() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let thief = client.clone();
        assert_eq!(client.log_out().await.status, 200);
        let answer = thief.get("/api/me").await;
        assert_eq!((answer.status, answer.statements()), (200, 0), "this is the scheme's limit, and it is documented");
    }

    #[actix_web::test]
    async fn the_row_is_marked_and_the_audit_trail_says_which_login_ended() {
        let app = TestApp::spawn();
        app.logged_in_client(ADA).await.log_out().await;
        assert_eq!(app.value("SELECT end_reason FROM token_families"), "logged out");
        let events = "auth_events e JOIN token_families f ON f.id = e.login_id AND f.user_id = e.user_id";
        assert_eq!(app.count(&format!("{events} WHERE e.kind = 'logged out' AND e.door = 'token'")), 1);
    }

    #[actix_web::test]
    async fn any_one_credential_of_the_login_ends_it() {
        let app = TestApp::spawn();
        app.sign_up(ADA).await;
        for case in ["cookie", "body", "bearer", "cookie and body", "bearer and body", "all three"] {
            let client = app.logged_in_client(ADA).await;
            let (access, refresh) = (Some(client.access_token.as_str()), Some(client.refresh_token.as_str()));
            let answer = match case {
                "cookie" => log_out(&app, None, refresh, None).await,
                "body" => log_out(&app, None, None, refresh).await,
                "bearer" => log_out(&app, access, None, None).await,
                "cookie and body" => log_out(&app, None, refresh, refresh).await,
                "bearer and body" => log_out(&app, access, None, refresh).await,
                _ => log_out(&app, access, refresh, refresh).await,
            };
            assert_eq!(answer.status, 200, "{case}: {answer:?}");
            assert!(removes_cookie(&answer), "{case}: {answer:?}");
            assert!(is_dead(&client).await, "{case}");
        }
    }

    #[actix_web::test]
    async fn the_answer_says_how_long_the_access_token_works_where_only_claims_are_read() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let claims = crate::support::forge::claims(&client.access_token);
        let answer = log_out(&app, Some(&client.access_token), None, None).await;
        let Value::Object(fields) = answer.json() else { panic!("{answer:?}") };
        assert_eq!(fields.keys().collect::<Vec<_>>(), ["access_token_works_until", "login", "note"]);
        assert_eq!(fields["login"], claims["sid"]);
        let until = fields["access_token_works_until"].as_str().expect("an instant");
        assert_eq!(
            app.value(&format!("SELECT extract(epoch FROM '{until}'::timestamptz)::bigint")),
            claims["exp"].to_string()
        );
    }

    #[actix_web::test]
    async fn the_cookie_is_removed_by_its_very_name_path_and_attributes() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let answer = log_out(&app, None, Some(&client.refresh_token), None).await;
        let attributes = answer.cookie_attributes("refresh");
        assert!(attributes[0].starts_with("Expires="), "{attributes:?}");
        assert_eq!(attributes[1..], ["HttpOnly", "Max-Age=0", "Path=/api/auth", "SameSite=Strict"]);
        assert_eq!(answer.set_cookies().len(), 1);
    }

    #[actix_web::test]
    async fn only_the_cookie_goes_and_the_other_doors_storage_stays() {
        let app = TestApp::spawn();
        let answer = app.logged_in_client(ADA).await.log_out().await;
        assert!(matches!(answer.header("clear-site-data"), "" | "\"cache\""), "{answer:?}");
        assert_eq!(answer.set_cookie("session"), None);
    }

    #[actix_web::test]
    async fn credentials_of_different_logins_end_neither() {
        let app = TestApp::spawn();
        let (one, other) = (app.logged_in_client(ADA).await, app.logged_in_client(ADA).await);
        let (access, refresh) = (one.access_token.as_str(), one.refresh_token.as_str());
        for answer in [
            log_out(&app, Some(access), None, Some(&other.refresh_token)).await,
            log_out(&app, Some(access), Some(&other.refresh_token), None).await,
            log_out(&app, None, Some(refresh), Some(&other.refresh_token)).await,
            log_out(&app, None, Some(&format!("{refresh}; refresh={}", other.refresh_token)), None).await,
        ] {
            assert_eq!((answer.status, answer.code().as_str()), (400, "invalid-request"), "{answer:?}");
            assert!(answer.set_cookies().is_empty(), "the cookie stays: {answer:?}");
        }
        assert!(!is_dead(&one).await && !is_dead(&other).await);
    }

    #[actix_web::test]
    async fn a_refresh_token_that_was_used_ends_its_login_too() {
        let app = TestApp::spawn();
        let old = app.logged_in_client(ADA).await;
        let mut renewed = old.clone();
        assert_eq!(renewed.renew().await.status, 200);
        assert_ne!(renewed.refresh_token, old.refresh_token);
        assert_eq!(old.log_out().await.status, 200);
        assert!(is_dead(&renewed).await);
        assert_eq!(app.value("SELECT end_reason FROM token_families"), "logged out", "and it is no reuse");
    }

    #[actix_web::test]
    async fn logging_out_twice_is_no_error_and_ends_nothing_else() {
        let app = TestApp::spawn();
        let (client, other) = (app.logged_in_client(ADA).await, app.logged_in_client(ADA).await);
        for _ in 0..2 {
            assert_eq!(client.log_out().await.status, 200);
            assert_eq!(log_out(&app, Some(&client.access_token), None, None).await.status, 200);
        }
        assert!(is_dead(&client).await && !is_dead(&other).await);
        assert_eq!(app.count("auth_events WHERE kind = 'logged out'"), 1);
    }

    #[actix_web::test]
    async fn a_log_out_that_names_no_login_is_refused_and_removes_the_cookie() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let unknown = "A".repeat(43);
        for answer in [
            log_out(&app, None, None, None).await,
            log_out(&app, None, Some("garbage"), None).await,
            log_out(&app, None, Some(&unknown), None).await,
            log_out(&app, None, None, Some(&unknown)).await,
            log_out(&app, Some("garbage"), None, None).await,
            log_out(&app, Some(&client.refresh_token), None, None).await,
            log_out(&app, None, None, Some(&client.access_token)).await,
        ] {
            assert_eq!((answer.status, answer.code().as_str()), (401, "invalid-refresh-token"), "{answer:?}");
            assert!(removes_cookie(&answer), "{answer:?}");
        }
        assert!(!is_dead(&client).await);
    }

    #[actix_web::test]
    async fn a_request_that_is_refused_for_its_form_leaves_cookie_and_login() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let cookie = format!("refresh={}", client.refresh_token);
        let own = ("cookie", cookie.as_str());
        let cases: [(&str, Headers<'_>, &str, u16); 9] = [
            ("another origin", &[own, ("origin", "https://evil.example")], "", 403),
            ("no origin at all", &[own, ("origin", "null")], "", 403),
            ("a sibling", &[own, ("sec-fetch-site", "same-site")], "", 403),
            ("a form", &[own, ("content-type", "application/x-www-form-urlencoded")], "a=b", 415),
            ("text", &[own, ("content-type", "text/plain")], "{}", 415),
            ("no media type", &[own], "{}", 415),
            ("broken JSON", &[own, JSON], "{", 400),
            ("an unknown field", &[own, JSON], "{\"everywhere\":true}", 400),
            ("two headers", &[own, ("authorization", "Bearer a"), ("authorization", "Bearer b")], "", 400),
        ];
        for (case, headers, body, status) in cases {
            let answer = app.request("POST", "/api/auth/logout", headers, body).await;
            assert_eq!((answer.status, answer.set_cookies().len()), (status, 0), "{case}: {answer:?}");
        }
        assert_eq!(app.live_logins().1, 1);
        assert!(!is_dead(&client).await);
    }

    #[actix_web::test]
    async fn a_cookie_authorises_from_our_own_and_allowed_origins_and_from_no_browser() {
        let app = TestApp::with(&[("API_ALLOWED_ORIGINS", "https://app.example.com")]);
        app.sign_up(ADA).await;
        let ours = app.url("");
        for headers in [
            vec![],
            vec![("origin", ours.as_str())],
            vec![("sec-fetch-site", "same-origin")],
            vec![("origin", "https://app.example.com"), ("sec-fetch-site", "cross-site")],
        ] {
            let client = app.logged_in_client(ADA).await;
            let cookie = format!("refresh={}", client.refresh_token);
            let with_cookie = [headers.clone(), vec![("cookie", cookie.as_str())]].concat();
            let answer = app.request("POST", "/api/auth/logout", &with_cookie, "").await;
            assert_eq!(answer.status, 200, "{headers:?}: {answer:?}");
            assert!(is_dead(&client).await);
        }
    }

    #[actix_web::test]
    async fn log_out_is_not_done_by_following_a_link() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let cookie = format!("refresh={}", client.refresh_token);
        for method in ["GET", "HEAD", "PUT", "DELETE"] {
            let answer = app.request(method, "/api/auth/logout", &[("cookie", &cookie)], "").await;
            assert_eq!((answer.status, answer.header("allow")), (405, "OPTIONS, POST"), "{method}");
        }
        assert!(!is_dead(&client).await);
    }

    #[actix_web::test]
    async fn logging_out_leaves_the_users_other_logins_alive() {
        let app = TestApp::spawn();
        let other = app.logged_in_client(ADA).await;
        let mut browser = app.logged_in_browser(ADA).await;
        app.logged_in_client(ADA).await.log_out().await;
        assert!(!is_dead(&other).await && browser.is_logged_in().await);
    }

    #[actix_web::test]
    async fn a_log_out_that_could_not_end_the_row_is_an_error_and_the_cookie_stays() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        app.execute_all(NOTHING_ENDS);
        let answer = log_out(&app, None, Some(&client.refresh_token), None).await;
        assert_eq!((answer.status, answer.code().as_str()), (500, "internal"), "{answer:?}");
        assert!(answer.set_cookies().is_empty(), "{answer:?}");
        assert!(!answer.body.contains("P0001") && !answer.body.contains("refused"), "{answer:?}");
        assert!(!is_dead(&client).await, "and it says the truth");
    }

    #[actix_web::test]
    async fn a_log_out_without_a_database_is_an_error_and_the_cookie_stays() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let outage = app.outage();
        let answer = log_out(&app, None, Some(&client.refresh_token), None).await;
        assert_eq!((answer.status, answer.code().as_str()), (503, "unavailable"), "{answer:?}");
        assert_eq!((answer.header("retry-after"), answer.set_cookies().len()), ("2", 0));
        outage.end().await;
        assert!(!is_dead(&client).await);
    }

    #[actix_web::test]
    async fn a_renewal_that_was_under_way_dies_with_the_login() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let mut hold = app.hold("SELECT FROM refresh_tokens FOR UPDATE");
        let renewal = spawn({
            let mut client = client.clone();
            async move { (client.renew().await, client) }
        });
        hold.until_waiting(1).await;
        let log_out = spawn({
            let client = client.clone();
            async move { client.log_out().await }
        });
        hold.until_waiting(2).await;
        hold.release();
        let (answer, renewed) = renewal.await.expect("answered");
        assert_eq!((answer.status, log_out.await.expect("answered").status), (200, 200), "both were in time");
        assert_ne!(renewed.refresh_token, client.refresh_token);
        assert!(is_dead(&renewed).await && is_dead(&client).await);
    }

    #[actix_web::test]
    async fn a_renewal_that_comes_second_finds_the_login_ended() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let mut hold = app.hold("LOCK TABLE auth_events IN SHARE MODE");
        let log_out = spawn({
            let client = client.clone();
            async move { client.log_out().await }
        });
        hold.until_waiting(1).await;
        let renewal = spawn({
            let client = client.clone();
            async move { client.redeem().await }
        });
        hold.until_waiting(2).await;
        hold.release();
        assert_eq!(log_out.await.expect("answered").status, 200);
        assert_eq!(renewal.await.expect("answered").code(), "invalid-refresh-token");
        assert_eq!(app.count("refresh_tokens"), 1, "and no successor was made");
    }
}

#[actix_web::test]
async fn logging_out_at_one_door_leaves_the_login_at_the_other() {
    let app = TestApp::spawn();
    let mut browser = app.logged_in_browser(ADA).await;
    let mut client = app.logged_in_client(ADA).await;
    client.log_out().await;
    assert!(browser.is_logged_in().await);
    client.log_in(ADA, PASSWORD).await;
    browser.log_out().await;
    assert_eq!(client.get("/api/account").await.status, 200);
}
