//! A login goes on: at one door by itself whenever it is used, at the other when the client exchanges its refresh token.

use crate::support::TestApp;

const ADA: &str = "ada@example.org";

mod session {
    use super::*;

    #[actix_web::test]
    async fn a_login_that_is_used_goes_on_and_its_key_stays_the_same() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        let jar = browser.jar.clone();
        for _ in 0..3 {
            app.execute("UPDATE sessions SET seen_at = seen_at - interval '29 minutes'");
            let answer = browser.get("/account/me").await;
            assert_eq!((answer.status, answer.set_cookie("session")), (200, None), "{answer:?}");
            assert_eq!(app.count("sessions WHERE seen_at > clock_timestamp() - interval '1 minute'"), 1);
        }
        assert_eq!(browser.jar, jar);
        assert_eq!(app.count("sessions"), 1);
    }

    #[actix_web::test]
    async fn use_is_noted_once_a_minute_and_not_at_every_request() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        app.execute("UPDATE sessions SET seen_at = clock_timestamp() - interval '40 seconds'");
        let before = app.value("SELECT seen_at FROM sessions");
        assert!(browser.is_logged_in().await);
        assert_eq!(app.value("SELECT seen_at FROM sessions"), before);
        app.execute("UPDATE sessions SET seen_at = clock_timestamp() - interval '61 seconds'");
        assert!(browser.is_logged_in().await);
        assert_eq!(app.count("sessions WHERE seen_at > clock_timestamp() - interval '30 seconds'"), 1);
    }

    #[actix_web::test]
    async fn a_login_ends_at_its_greatest_age_however_much_it_is_used() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        let before = app.value("SELECT absolute_expires_at FROM sessions");
        app.execute("UPDATE sessions SET seen_at = seen_at - interval '5 minutes'");
        assert!(browser.is_logged_in().await);
        assert_eq!(app.value("SELECT absolute_expires_at FROM sessions"), before, "use does not push it back");
        app.execute("UPDATE sessions SET absolute_expires_at = clock_timestamp() - interval '1 second'");
        assert!(!browser.is_logged_in().await);
    }

    #[actix_web::test]
    async fn use_does_not_bring_an_ended_login_back() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        app.execute("UPDATE sessions SET seen_at = seen_at - interval '5 minutes'");
        let before = app.value("SELECT seen_at FROM sessions");
        app.execute("UPDATE sessions SET ended_at = clock_timestamp(), end_reason = 'logged out'");
        assert!(!browser.is_logged_in().await);
        assert_eq!(app.value("SELECT seen_at FROM sessions"), before);
    }

    /// Ends a login, by hand and by time, while somebody uses it who has read the row before: the use is refused, and not noted.
    async fn end_while_it_is_used(lock: &str) {
        for end in ["ended_at = clock_timestamp(), end_reason = 'logged out'", "seen_at = seen_at - interval '1 day'"] {
            let app = TestApp::spawn();
            let mut browser = app.logged_in_browser(ADA).await;
            app.execute("UPDATE sessions SET seen_at = seen_at - interval '5 minutes'");
            let mut hold = app.hold(&format!("{lock}UPDATE sessions SET {end}"));
            let slow = actix_web::rt::spawn(async move { browser.get("/account/me").await });
            hold.until_waiting(1).await;
            hold.commit();
            assert_eq!(slow.await.expect("answered").status, 303, "{end}");
            assert_eq!(app.count("sessions WHERE seen_at < clock_timestamp() - interval '4 minutes'"), 1, "{end}");
        }
    }

    #[actix_web::test]
    async fn a_use_that_was_under_way_does_not_outlive_the_end() {
        end_while_it_is_used("").await;
    }

    #[actix_web::test]
    async fn a_use_that_is_noted_after_the_end_is_not() {
        // The row is free, but not the table, until it has ended.
        end_while_it_is_used("LOCK TABLE sessions IN SHARE MODE; ").await;
    }

    #[actix_web::test]
    async fn a_row_that_somebody_works_on_keeps_nobody_elses_use_from_being_noted() {
        // The one that waits takes the only connection: nobody else's use needs any of the pool's.
        let app = TestApp::with(&[("POOL_SIZE", "1")]);
        let (mut ada, mut grace) = (app.logged_in_browser(ADA).await, app.logged_in_browser("grace@example.org").await);
        app.execute("UPDATE sessions SET seen_at = seen_at - interval '5 minutes'");
        let user = app.value("SELECT id FROM users WHERE email = 'ada@example.org'");
        let mut hold = app.hold(&format!("SELECT FROM sessions WHERE user_id = '{user}' FOR UPDATE"));
        let slow = actix_web::rt::spawn(async move { ada.get("/account/me").await });
        hold.until_waiting(1).await;
        assert_eq!(grace.get("/account/me").await.status, 200);
        assert_eq!(app.count("sessions WHERE seen_at < clock_timestamp() - interval '4 minutes'"), 1);
        hold.release();
        assert_eq!(slow.await.expect("answered").status, 200);
        assert_eq!(app.count("sessions WHERE seen_at < clock_timestamp() - interval '4 minutes'"), 0);
    }

    #[actix_web::test]
    async fn a_remembered_cookie_is_not_set_again_by_use() {
        let app = TestApp::spawn();
        app.sign_up(ADA).await;
        let mut browser = app.browser();
        let fields = [("email", ADA), ("password", crate::support::PASSWORD), ("remember", "on")];
        browser.post_from("/login", "/login", &fields).await;
        app.execute("UPDATE sessions SET seen_at = seen_at - interval '1 day'");
        let answer = browser.get("/account/me").await;
        assert_eq!((answer.status, answer.set_cookie("session")), (200, None), "its Max-Age was set once, at log-in");
    }
}

mod token {
    use actix_web::rt::spawn;
    use serde_json::json;

    use super::*;
    use crate::support::{Answer, Client, Headers, forge};

    const OVER: &str = "UPDATE refresh_tokens SET used_at = used_at - interval '11 seconds' WHERE used_at IS NOT NULL";
    const LIVE_TOKENS: &str = "refresh_tokens t JOIN token_families f ON f.id = t.family_id \
         WHERE t.used_at IS NULL AND t.expires_at > clock_timestamp() AND f.ended_at IS NULL";

    fn refresh_token(answer: &Answer) -> String {
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["refresh_token"].as_str().expect("a refresh token").to_owned()
    }

    /// `POST /api/auth/refresh` as a browser sends it.
    async fn by_cookie(app: &TestApp, token: &str, headers: &[(&str, &str)]) -> Answer {
        let cookie = format!("refresh={token}");
        app.request("POST", "/api/auth/refresh", &[headers, &[("cookie", &cookie)]].concat(), "").await
    }

    /// Checks that a family ended for everybody, and that its end is recorded with the kind of reuse.
    async fn assert_reused(app: &TestApp, answer: &Answer, kind: &str, present: &Client) {
        assert_eq!((answer.status, answer.code().as_str()), (401, "reused-refresh-token"));
        assert!(answer.cookie_attributes("refresh").contains(&"Max-Age=0"), "{answer:?}");
        assert_eq!(present.redeem().await.status, 401, "the present token dies with the family");
        assert_eq!(present.get("/api/account").await.status, 401);
        assert_eq!(app.value("SELECT end_reason FROM token_families"), "reuse");
        let event = "kind = 'refresh token reused' AND door = 'token' AND user_id IS NOT NULL AND login_id IS NOT NULL";
        assert_eq!(app.value(&format!("SELECT detail FROM auth_events WHERE {event}")), kind);
    }

    #[actix_web::test]
    async fn a_login_goes_on_with_a_successor_that_takes_the_old_ones_place() {
        let app = TestApp::spawn();
        let mut client = app.logged_in_client(ADA).await;
        let (before, sid) = (client.clone(), forge::claims(&client.access_token)["sid"].clone());
        for _ in 0..3 {
            assert_eq!(client.renew().await.status, 200);
            assert_eq!(client.get("/api/account").await.status, 200);
            assert_eq!(app.count(LIVE_TOKENS), 1);
        }
        let claims = forge::claims(&client.access_token);
        assert_eq!(claims["sid"], sid, "it is the same login");
        assert_eq!(claims["auth_time"], forge::claims(&before.access_token)["auth_time"], "nobody typed a password");
        assert_ne!(claims["jti"], forge::claims(&before.access_token)["jti"]);
        assert_eq!(app.count("refresh_tokens"), 4);
    }

    #[actix_web::test]
    async fn use_is_noted_at_every_renewal_and_at_no_other_request() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        app.execute("UPDATE token_families SET seen_at = seen_at - interval '1 hour'");
        client.get("/api/account").await;
        assert_eq!(app.count("token_families WHERE seen_at < clock_timestamp() - interval '50 minutes'"), 1);
        client.redeem().await;
        assert_eq!(app.count("token_families WHERE seen_at > clock_timestamp() - interval '1 minute'"), 1);
    }

    #[actix_web::test]
    async fn any_number_of_renewals_at_once_makes_exactly_one_successor() {
        for number in [2, 8] {
            let app = TestApp::with(&[("REFRESH_GRACE", "1h")]);
            let client = app.logged_in_client(ADA).await;
            let mut hold = app.hold("SELECT FROM token_families FOR UPDATE");
            let renewals: Vec<_> = (0..number)
                .map(|_| {
                    let client = client.clone();
                    spawn(async move { client.redeem().await })
                })
                .collect();
            hold.until_waiting(number).await;
            hold.release();
            let mut successors = Vec::new();
            for renewal in renewals {
                successors.push(refresh_token(&renewal.await.expect("answered")));
            }
            successors.dedup();
            assert_eq!(successors.len(), 1, "every answer carries the same one");
            assert_eq!(app.count("refresh_tokens"), 2);
            assert_eq!(app.count(LIVE_TOKENS), 1);
            assert_eq!(app.count("auth_events WHERE kind = 'refresh token reused'"), 0);
        }
    }

    #[actix_web::test]
    async fn who_renews_without_end_has_to_wait_and_loses_nothing() {
        let app = TestApp::with(&[("THROTTLE_REFRESH", "2")]);
        let (mut client, other) = (app.logged_in_client(ADA).await, app.logged_in_client("grace@example.org").await);
        for _ in 0..2 {
            assert_eq!(client.renew().await.status, 200);
        }
        let events = app.count("auth_events");
        for refused in [client.redeem().await, by_cookie(&app, &client.refresh_token, &[]).await] {
            assert_eq!((refused.status, refused.code().as_str()), (429, "throttled"));
            assert!((1..=60).contains(&refused.header("retry-after").parse().expect("seconds")), "{refused:?}");
            assert_eq!(refused.set_cookie("refresh"), None, "the cookie is as good as before");
        }
        assert_eq!(app.count("auth_events"), events, "nothing was done");
        assert_eq!(app.count(LIVE_TOKENS), 2);
        assert_eq!(client.get("/api/account").await.status, 200);
        assert_eq!(other.redeem().await.status, 200, "another login has a budget of its own");
    }

    #[actix_web::test]
    async fn a_lost_answer_is_given_again_also_to_who_has_to_wait_with_the_next() {
        let app = TestApp::with(&[("THROTTLE_REFRESH", "1")]);
        let mut client = app.logged_in_client(ADA).await;
        let successor = refresh_token(&client.redeem().await);
        for _ in 0..3 {
            assert_eq!(refresh_token(&client.redeem().await), successor);
        }
        assert_eq!(app.count("auth_events WHERE kind = 'refreshed'"), 1, "it can't be made to fill the audit trail");
        client.refresh_token = successor;
        assert_eq!(client.redeem().await.code(), "throttled");
        assert_eq!(app.count(LIVE_TOKENS), 1);
    }

    #[actix_web::test]
    async fn answers_that_are_used_in_the_wrong_order_are_no_reuse() {
        let app = TestApp::with(&[("REFRESH_GRACE", "1h")]);
        let client = app.logged_in_client(ADA).await;
        let (first, second) = (client.redeem().await, client.redeem().await);
        let mut tab = client.clone();
        tab.keep(&second);
        let third = tab.redeem().await;
        // Now the answer that was sent first arrives, and a tab that woke late uses what it says.
        tab.keep(&first);
        let again = tab.redeem().await;
        assert_eq!(refresh_token(&again), refresh_token(&third));
        tab.keep(&again);
        assert_eq!(tab.renew().await.status, 200);
        assert_eq!(app.count(LIVE_TOKENS), 1);
    }

    #[actix_web::test]
    async fn a_lost_answer_is_given_again_within_the_grace() {
        let app = TestApp::with(&[("REFRESH_GRACE", "1h")]);
        let client = app.logged_in_client(ADA).await;
        let successor = refresh_token(&client.redeem().await);
        app.execute("UPDATE refresh_tokens SET used_at = used_at - interval '50 minutes' WHERE used_at IS NOT NULL");
        assert_eq!(refresh_token(&client.redeem().await), successor);
        assert_eq!(app.count("refresh_tokens"), 2);
    }

    #[actix_web::test]
    async fn within_the_grace_but_after_the_successor_was_redeemed_it_is_reuse() {
        let app = TestApp::with(&[("REFRESH_GRACE", "1h")]);
        let old = app.logged_in_client(ADA).await;
        let mut client = old.clone();
        client.renew().await;
        client.renew().await;
        assert_reused(&app, &old.redeem().await, "of an older token", &client).await;
    }

    #[actix_web::test]
    async fn after_the_grace_the_predecessor_is_reuse() {
        let app = TestApp::spawn();
        let old = app.logged_in_client(ADA).await;
        let mut client = old.clone();
        client.renew().await;
        app.execute(OVER);
        assert_reused(&app, &old.redeem().await, "of a recent predecessor", &client).await;
    }

    #[actix_web::test]
    async fn after_the_grace_an_older_token_is_reuse_of_another_kind() {
        let app = TestApp::spawn();
        let old = app.logged_in_client(ADA).await;
        let mut client = old.clone();
        client.renew().await;
        client.renew().await;
        app.execute(OVER);
        assert_reused(&app, &old.redeem().await, "of an older token", &client).await;
    }

    #[actix_web::test]
    async fn a_used_token_of_an_ended_login_is_recorded_too_and_an_unused_one_is_not() {
        let app = TestApp::spawn();
        let old = app.logged_in_client(ADA).await;
        let mut client = old.clone();
        client.renew().await;
        client.log_out().await;
        assert_eq!(client.redeem().await.code(), "invalid-refresh-token");
        assert_eq!(app.count("auth_events WHERE kind = 'refresh token reused'"), 0, "a client that did not hear of it");
        assert_eq!(old.redeem().await.code(), "invalid-refresh-token");
        assert_eq!(
            app.value("SELECT detail FROM auth_events WHERE kind = 'refresh token reused'"),
            "of an ended family"
        );
        assert_eq!(app.value("SELECT end_reason FROM token_families"), "logged out", "the first reason stays");
    }

    #[actix_web::test]
    async fn without_a_grace_the_second_renewal_is_reuse_at_once() {
        let app = TestApp::with(&[("REFRESH_GRACE", "0")]);
        let old = app.logged_in_client(ADA).await;
        let mut client = old.clone();
        assert_eq!(client.renew().await.status, 200);
        assert_eq!(app.count("refresh_tokens WHERE nonce IS NOT NULL"), 0, "and nothing is kept to derive it from");
        assert_reused(&app, &old.redeem().await, "of a recent predecessor", &client).await;
    }

    #[actix_web::test]
    async fn without_a_grace_of_renewals_at_once_one_wins_and_the_login_ends() {
        let app = TestApp::with(&[("REFRESH_GRACE", "0")]);
        let client = app.logged_in_client(ADA).await;
        let mut hold = app.hold("SELECT FROM token_families FOR UPDATE");
        let renewals =
            [client.clone(), client.clone()].map(|client| spawn(async move { client.redeem().await.status }));
        hold.until_waiting(2).await;
        hold.release();
        let mut statuses = Vec::new();
        for renewal in renewals {
            statuses.push(renewal.await.expect("answered"));
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401]);
        assert_eq!((app.count("refresh_tokens"), app.live_logins().1), (2, 0));
    }

    #[actix_web::test]
    async fn a_rotated_tokens_row_gives_its_successor_away_to_nobody_without_the_token() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let successor = refresh_token(&client.redeem().await);
        for token in [&client.refresh_token, &successor] {
            assert_eq!(app.count(&format!("refresh_tokens t WHERE t::text LIKE '%{token}%'")), 0);
        }
        let (nonce, hash) = (
            app.value("SELECT encode(nonce, 'base64') FROM refresh_tokens WHERE nonce IS NOT NULL"),
            app.value("SELECT encode(hash, 'base64') FROM refresh_tokens WHERE nonce IS NULL"),
        );
        for stolen in [nonce, hash] {
            let stolen = stolen.replace('+', "-").replace('/', "_").replace('=', "");
            let thief = client.with_refresh_token(&stolen);
            assert_eq!(thief.redeem().await.code(), "invalid-refresh-token");
        }
    }

    #[actix_web::test]
    async fn a_token_that_expired_unused_is_refused_and_is_no_reuse() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        app.execute("UPDATE refresh_tokens SET expires_at = clock_timestamp()");
        let answer = client.redeem().await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "invalid-refresh-token"));
        assert!(answer.body.contains("expired"), "{answer:?}");
        assert_eq!((app.count("refresh_tokens"), app.count("auth_events WHERE kind = 'refresh token reused'")), (1, 0));
    }

    #[actix_web::test]
    async fn a_successor_that_expired_is_not_given_again() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        client.redeem().await;
        app.execute("UPDATE refresh_tokens SET expires_at = clock_timestamp() WHERE used_at IS NULL");
        assert_eq!(client.redeem().await.status, 401);
        assert_eq!(app.count(LIVE_TOKENS), 0);
    }

    #[actix_web::test]
    async fn a_login_ends_at_its_greatest_age_however_much_it_is_renewed() {
        let app = TestApp::spawn();
        let mut client = app.logged_in_client(ADA).await;
        let before = app.value("SELECT absolute_expires_at FROM token_families");
        assert_eq!(client.renew().await.status, 200);
        assert_eq!(
            app.value("SELECT absolute_expires_at FROM token_families"),
            before,
            "renewing does not push it back"
        );
        app.execute("UPDATE token_families SET absolute_expires_at = clock_timestamp() + interval '100 seconds'");
        let answer = client.renew().await;
        assert!(answer.json()["expires_in"].as_i64().expect("seconds") <= 100, "{answer:?}");
        assert_eq!(
            app.count(
                "refresh_tokens t JOIN token_families f ON t.expires_at > f.absolute_expires_at AND t.used_at IS NULL"
            ),
            0
        );
        app.execute("UPDATE token_families SET absolute_expires_at = clock_timestamp()");
        assert_eq!(client.redeem().await.code(), "invalid-refresh-token");
        assert_eq!(client.get("/api/account").await.code(), "invalid-token");
    }

    #[actix_web::test]
    async fn the_successor_comes_back_the_way_the_token_went() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let cookie = by_cookie(&app, &client.refresh_token, &[]).await;
        assert_eq!((cookie.status, cookie.json().get("refresh_token")), (200, None));
        let attributes = cookie.cookie_attributes("refresh");
        let ["HttpOnly", max_age, "Path=/api/auth", "SameSite=Strict"] = attributes[..] else {
            panic!("{attributes:?}")
        };
        let seconds: i64 = max_age.trim_start_matches("Max-Age=").parse().expect("seconds");
        assert!((1_209_590..1_209_610).contains(&seconds), "14 days, by the database's clock: {seconds}");
        let successor = cookie.cookie_value("refresh").to_owned();
        let body = client.with_refresh_token(&successor).redeem().await;
        assert!(body.set_cookies().is_empty());
        let token = refresh_token(&body);
        let ask = async |token: &str, place: &str| {
            let body = json!({ "refresh_token": token, "refresh_token_in": place });
            app.client().post("/api/auth/refresh", &body).await
        };
        let cookie = ask(&token, "cookie").await;
        assert_eq!(cookie.json().get("refresh_token"), None);
        assert!(ask(cookie.cookie_value("refresh"), "body").await.set_cookies().is_empty());
    }

    #[actix_web::test]
    async fn a_shorter_life_is_granted_and_too_short_a_one_uses_nothing_up() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let ask = async |seconds: i64| {
            let body = json!({ "refresh_token": client.refresh_token, "expires_in": seconds });
            app.client().post("/api/auth/refresh", &body).await
        };
        assert_eq!(ask(4).await.code(), "malformed-json");
        assert_eq!(app.count("refresh_tokens WHERE used_at IS NOT NULL"), 0);
        assert_eq!(ask(7).await.json()["expires_in"], 7);
        assert_eq!(ask(901).await.json()["expires_in"], 900);
    }

    #[actix_web::test]
    async fn a_cookie_from_elsewhere_renews_nothing_and_stays() {
        let app = TestApp::with(&[("API_ALLOWED_ORIGINS", "https://app.example.com")]);
        let client = app.logged_in_client(ADA).await;
        let sibling = format!("http://evil.localhost:{}", app.address.port());
        let other_port = format!("http://127.0.0.1:{}", app.address.port() ^ 1);
        for headers in [
            vec![("origin", "https://evil.example")],
            vec![("origin", "null")],
            vec![("origin", "https://app.example.com.evil.example")],
            vec![("origin", "http://app.example.com")],
            vec![("origin", sibling.as_str())],
            vec![("origin", other_port.as_str())],
            vec![("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
            vec![("sec-fetch-site", "same-site")],
            vec![("sec-fetch-site", "cross-site")],
        ] {
            let answer = by_cookie(&app, &client.refresh_token, &headers).await;
            assert_eq!((answer.status, answer.code().as_str()), (403, "another-origin"), "{headers:?}");
            assert!(answer.set_cookies().is_empty(), "{headers:?}");
        }
        assert_eq!(app.count("refresh_tokens WHERE used_at IS NOT NULL"), 0);
        let mut token = client.refresh_token.clone();
        let (ours, localhost) = (app.url(""), format!("http://localhost:{}", app.address.port()));
        for headers in [
            vec![],
            vec![("origin", ours.as_str())],
            vec![("origin", localhost.as_str()), ("sec-fetch-site", "cross-site")],
            vec![("sec-fetch-site", "same-origin")],
            vec![("sec-fetch-site", "none")],
            vec![("origin", "https://app.example.com"), ("sec-fetch-site", "cross-site")],
        ] {
            let answer = by_cookie(&app, &token, &headers).await;
            assert_eq!(answer.status, 200, "{headers:?}: {answer:?}");
            token = answer.cookie_value("refresh").to_owned();
        }
    }

    #[actix_web::test]
    async fn what_came_in_the_cookie_never_comes_back_where_scripts_can_read_it() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let cookie = format!("refresh={}", client.refresh_token);
        let headers = [("cookie", cookie.as_str()), ("content-type", "application/json")];
        let body = r#"{"refresh_token_in":"body"}"#;
        let answer = app.request("POST", "/api/auth/refresh", &headers, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid-request"));
        assert_eq!(client.redeem().await.status, 200, "and it was not used up");
    }

    #[actix_web::test]
    async fn another_site_takes_no_cookie_away_with_a_request_that_carries_none() {
        let app = TestApp::spawn();
        for path in ["/api/auth/refresh", "/api/auth/logout"] {
            let strange = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
            let answer = app.request("POST", path, &strange, "").await;
            assert_eq!((answer.status, answer.set_cookies()), (401, vec![]), "{path}");
        }
    }

    #[actix_web::test]
    async fn a_copy_that_is_replayed_for_ever_is_recorded_once() {
        let app = TestApp::with(&[("REFRESH_GRACE", "0")]);
        let mut client = app.logged_in_client(ADA).await;
        let old = client.clone();
        client.renew().await;
        for _ in 0..4 {
            assert_eq!(old.redeem().await.status, 401);
        }
        assert_eq!(
            app.count("auth_events WHERE kind = 'refresh token reused'"),
            2,
            "the reuse, and one replay after it"
        );
    }

    #[actix_web::test]
    async fn what_is_no_token_of_ours_is_refused_and_the_cookie_removed() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let token = &client.refresh_token;
        for wrong in ["", "garbage", &"A".repeat(43), &format!("{token}="), &token[1..], &client.access_token] {
            for answer in [
                by_cookie(&app, wrong, &[]).await,
                app.client().post("/api/auth/refresh", &json!({ "refresh_token": wrong })).await,
            ] {
                assert_eq!((answer.status, answer.code().as_str()), (401, "invalid-refresh-token"), "{wrong}");
                assert!(answer.cookie_attributes("refresh").contains(&"Max-Age=0"), "{wrong}");
            }
        }
        assert_eq!(client.send("POST", "/api/auth/refresh", None).await.code(), "invalid-refresh-token");
        assert_eq!(client.redeem().await.status, 200);
    }

    #[actix_web::test]
    async fn contradictions_use_nothing_up() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let (own, other) = (client.refresh_token.as_str(), app.logged_in_client(ADA).await.refresh_token);
        let json = ("content-type", "application/json");
        let (cookie, two) = (format!("refresh={own}"), format!("refresh={own}; refresh={other}"));
        let form = ("content-type", "application/x-www-form-urlencoded");
        let another = json!({ "refresh_token": other }).to_string();
        let cases: [(Headers<'_>, &str, u16); 5] = [
            (&[("cookie", &cookie), json], &another, 400),
            (&[("cookie", &two)], "", 400),
            (&[("cookie", &cookie), form], "a=b", 415),
            (&[("cookie", &cookie), json], "{\"refresh_token_in\":\"header\"}", 400),
            (&[("cookie", &cookie), json], "{\"scope\":\"all\"}", 400),
        ];
        for (headers, body, status) in cases {
            let answer = app.request("POST", "/api/auth/refresh", headers, body).await;
            assert_eq!((answer.status, answer.set_cookies().len()), (status, 0), "{answer:?}");
        }
        assert_eq!(app.count("refresh_tokens WHERE used_at IS NOT NULL"), 0);
        let empty = app.request("POST", "/api/auth/refresh", &[("cookie", &cookie), form], "").await;
        assert_eq!(empty.status, 200, "without a body no media type is looked at");
    }

    #[actix_web::test]
    async fn no_successor_is_made_when_the_users_version_was_counted_up_meanwhile() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let mut hold = app.hold("SELECT FROM refresh_tokens FOR UPDATE");
        let renewal = spawn({
            let client = client.clone();
            async move { client.redeem().await }
        });
        hold.until_waiting(1).await;
        app.execute("UPDATE users SET credential_version = credential_version + 1");
        hold.release();
        let answer = renewal.await.expect("answered");
        assert!(answer.status != 200 && answer.set_cookies().is_empty(), "{answer:?}");
        assert_eq!(app.count("refresh_tokens WHERE used_at IS NULL"), 1, "and the token is not used up");
        assert_eq!(app.count("refresh_tokens"), 1);
    }

    /// A lock that a rotation runs into after it has begun to write, at a point of the test's choosing.
    fn stop_at(app: &TestApp, trigger: &str) {
        app.execute_all(&format!(
            "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END $$; \
             CREATE {trigger} FOR EACH ROW EXECUTE FUNCTION stop()"
        ));
    }

    #[actix_web::test]
    async fn a_crash_between_the_statements_of_a_rotation_loses_nothing_and_never_leaves_two_successors() {
        for point in [
            "TRIGGER stop BEFORE UPDATE ON refresh_tokens",
            "TRIGGER stop BEFORE INSERT ON refresh_tokens",
            "TRIGGER stop AFTER INSERT ON refresh_tokens",
            "TRIGGER stop BEFORE UPDATE ON token_families",
            "CONSTRAINT TRIGGER stop AFTER UPDATE ON token_families DEFERRABLE INITIALLY DEFERRED",
        ] {
            let app = TestApp::spawn();
            let client = app.logged_in_client(ADA).await;
            stop_at(&app, point);
            let mut hold = app.hold("SELECT pg_advisory_xact_lock(1)");
            let renewal = spawn({
                let client = client.clone();
                async move { client.redeem().await }
            });
            hold.until_waiting(1).await;
            hold.kill_waiting();
            let answer = renewal.await.expect("answered");
            assert_eq!((answer.status, answer.code().as_str()), (503, "unavailable"), "{point}");
            assert!(answer.set_cookies().is_empty(), "the client keeps its token: {answer:?}");
            hold.release();
            assert_eq!(app.count("refresh_tokens"), 1, "{point}");
            app.until_ready().await;
            let mut after = client.clone();
            assert_eq!(after.renew().await.status, 200, "{point}");
            assert_eq!((app.count("refresh_tokens"), app.count(LIVE_TOKENS)), (2, 1), "{point}");
            assert_eq!(after.renew().await.status, 200, "{point}");
        }
    }
}

/// `GET /api/auth/state`.
mod before_a_refresh {
    use serde_json::json;

    use super::*;
    use crate::support::{Client, NEW_PASSWORD, PASSWORD};

    /// What a browser asks before it refreshes, with this refresh cookie.
    async fn state(app: &TestApp, cookies: &str, headers: &[(&str, &str)]) -> serde_json::Value {
        let mut all = headers.to_vec();
        all.push(("cookie", cookies));
        let answer = app.request("GET", "/api/auth/state", &all, "").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.set_cookies().is_empty(), "it changes nothing: {answer:?}");
        answer.json()
    }

    #[actix_web::test]
    async fn the_state_tells_whether_a_refresh_is_worth_trying_and_redeems_nothing() {
        let app = TestApp::spawn();
        let mut client = app.logged_in_client(ADA).await;
        let cookie = |client: &Client| format!("refresh={}", client.refresh_token);
        let (present, tokens) = (cookie(&client), app.count("refresh_tokens"));
        for _ in 0..3 {
            assert_eq!(state(&app, &present, &[]).await, json!({ "logged_in": true }));
        }
        assert_eq!(app.count("refresh_tokens"), tokens);
        assert_eq!(state(&app, "", &[]).await, json!({ "logged_in": false }));
        assert_eq!(state(&app, "refresh=nonsense", &[]).await, json!({ "logged_in": false }));
        assert_eq!(state(&app, &format!("{present}; refresh=x"), &[]).await, json!({ "logged_in": false }));
        for (name, value) in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "same-site")] {
            assert_eq!(state(&app, &present, &[(name, value)]).await, json!({ "logged_in": false }), "{value}");
        }
        let bearer = format!("Bearer {}", client.access_token);
        assert_eq!(state(&app, "", &[("authorization", &bearer)]).await, json!({ "logged_in": false }));

        // A used token still names its login, so that its owner's refresh finds the theft out; asking is no reuse.
        assert_eq!(client.renew().await.status, 200);
        assert_eq!(client.renew().await.status, 200);
        assert_eq!(state(&app, &present, &[]).await, json!({ "logged_in": true }));
        assert_eq!(client.renew().await.status, 200, "the login lives on");
        assert_eq!(app.count("auth_events WHERE kind = 'refresh token reused'"), 0);
    }

    #[actix_web::test]
    async fn the_state_of_an_ended_login_says_why_unless_its_owner_logged_out() {
        let app = TestApp::spawn();
        let out = app.logged_in_client(ADA).await;
        assert_eq!(out.log_out().await.status, 200);
        let changed = app.logged_in_client(ADA).await;
        app.logged_in_client(ADA).await.change_password(PASSWORD, NEW_PASSWORD).await;
        let of = |client: &Client| format!("refresh={}", client.refresh_token);
        assert_eq!(state(&app, &of(&out), &[]).await, json!({ "logged_in": false }));
        let ended = state(&app, &of(&changed), &[]).await;
        assert_eq!(ended["logged_in"], false);
        assert!(ended["ended"].as_str().is_some_and(|why| why.contains("password was changed")), "{ended}");

        let mut idle = app.client();
        assert_eq!(idle.log_in(ADA, NEW_PASSWORD).await.status, 200);
        app.execute("UPDATE refresh_tokens SET expires_at = clock_timestamp() - interval '1 s'");
        assert_eq!(state(&app, &of(&idle), &[]).await["logged_in"], false, "nothing can renew it");
    }
}
