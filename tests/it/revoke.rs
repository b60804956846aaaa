//! Taking tokens back before they expire: what is denied counts no more wherever the database is asked, and only there.

use crate::support::{Answer, Client, NEW_PASSWORD, PASSWORD, TestApp, forge};

pub const ADA: &str = "ada@example.org";
pub const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const LIVE: [(&str, &str); 1] = [("TOKEN_CHECK", "live")];

/// Gives a token back, as a client that knows nothing else.
pub async fn revoke(app: &TestApp, token: &str) -> Answer {
    app.request("POST", "/api/revoke", &[FORM], &format!("token={token}")).await
}

/// Whether a copy of the access token lets somebody in: by its claims, and where it is checked live.
async fn works(copy: &Client) -> (bool, bool) {
    (copy.get("/api/me").await.status == 200, copy.get("/api/account").await.status == 200)
}

#[actix_web::test]
async fn a_revoked_access_token_is_dead_where_it_is_checked_live_and_lives_on_by_its_claims() {
    let app = TestApp::spawn();
    let mut client = app.logged_in_client(ADA).await;
    let copy = client.clone();
    let answer = revoke(&app, &client.access_token).await;
    assert_eq!((answer.status, answer.body.as_str(), answer.set_cookies().len()), (200, "", 0), "{answer:?}");
    assert_eq!(works(&copy).await, (true, false));
    let refused = copy.get("/api/account").await;
    assert_eq!(
        (refused.code().as_str(), &refused.json()["detail"]),
        ("invalid-token", &"The access token was revoked.".into())
    );
    assert_eq!(client.renew().await.status, 200, "the login itself goes on");
    assert_eq!((works(&client).await, works(&copy).await), ((true, true), (true, false)));
    let event = "auth_events WHERE kind = 'token revoked' AND user_id = (SELECT id FROM users) \
                 AND login_id = (SELECT id FROM token_families)";
    assert_eq!(app.count(event), 1);
    assert_eq!(revoke(&app, &copy.access_token).await.status, 200);
    assert_eq!(app.count(event), 1, "once is enough");
}

#[actix_web::test]
async fn with_live_checks_everywhere_no_route_takes_a_revoked_token() {
    let app = TestApp::with(&LIVE);
    let client = app.logged_in_client(ADA).await;
    assert_eq!(works(&client).await, (true, true));
    assert_eq!(client.get("/api/me").await.statements(), 1);
    revoke(&app, &client.access_token).await;
    assert_eq!(works(&client.clone()).await, (false, false));
    assert_eq!(client.get("/api/me").await.code(), "invalid-token");
}

#[actix_web::test]
async fn with_live_checks_everywhere_every_ending_ends_every_token() {
    let app = TestApp::with(&LIVE);
    for (what, reason) in [
        ("UPDATE token_families SET ended_at = clock_timestamp(), end_reason = 'logged out'", "You logged out."),
        ("UPDATE users SET credential_version = credential_version + 1", "Your password was changed"),
        ("UPDATE users SET banned_at = clock_timestamp(), ban_reason = 'spam'", "banned"),
        ("DELETE FROM users", "You logged out."),
    ] {
        let copy = app.logged_in_client(ADA).await;
        assert_eq!(works(&copy).await, (true, true), "before {what}");
        app.execute(what);
        assert_eq!(works(&copy).await, (false, false), "{what}");
        let refused = copy.get("/api/me").await;
        assert!(refused.body.contains(reason), "{what}: {refused:?}");
        app.execute("UPDATE users SET banned_at = NULL, ban_reason = NULL");
    }
    let mut client = app.logged_in_client(ADA).await;
    let copy = client.clone();
    assert_eq!(client.change_password(PASSWORD, NEW_PASSWORD).await.status, 200);
    assert_eq!((works(&copy).await, works(&client).await), ((false, false), (true, true)));
}

#[actix_web::test]
async fn what_was_issued_before_is_told_by_its_version_and_never_by_its_second() {
    let app = TestApp::spawn();
    let copy = app.logged_in_client(ADA).await;
    app.execute("UPDATE users SET credential_version = credential_version + 1");
    let client = app.logged_in_client(ADA).await;
    assert_eq!(works(&copy).await, (true, false));
    assert_eq!(works(&client).await, (true, true), "issued within the same second, after it");
    let mut claims = forge::claims(&copy.access_token);
    claims["iat"] = (claims["iat"].as_i64().expect("seconds") + 30).into();
    let forge = crate::support::Forge::of(&app);
    let mut later = copy.clone();
    later.access_token = forge.sign(&forge.header(), &claims);
    assert_eq!(works(&later).await, (true, false), "a later second does not help an older version");
}

#[actix_web::test]
async fn a_live_check_is_one_statement_and_knows_family_denial_version_ban_and_role() {
    let app = TestApp::spawn();
    let client = app.logged_in_client(ADA).await;
    assert_eq!(client.get("/api/account").await.statements(), 1);
    app.execute("UPDATE users SET banned_at = clock_timestamp(), ban_reason = 'spam'");
    let refused = client.get("/api/account").await;
    assert_eq!((refused.status, refused.statements()), (403, 1), "{refused:?}");
    app.execute("UPDATE users SET banned_until = clock_timestamp()");
    assert_eq!(client.get("/api/account").await.status, 200, "a ban whose time is over needs no lifting");
    app.execute("UPDATE users SET role = 'admin'");
    assert_eq!(client.get("/api/account").await.json()["role"], "admin", "as the row says");
    let admin = app.logged_in_client(ADA).await;
    app.execute("UPDATE users SET role = 'user'");
    assert_eq!(
        (works(&admin).await, works(&client).await),
        ((true, false), (true, true)),
        "no more than it may do now"
    );
    let live = app.beside(&[LIVE[0], ("TOKEN_ISSUER", &app.url("")), ("TOKEN_AUDIENCE", &app.url("/api"))]);
    let mut moved = client.clone();
    app.execute("UPDATE users SET role = 'admin'");
    moved.move_to(live.address);
    assert_eq!(client.get("/api/me").await.json()["role"], "user", "as the claim says");
    assert_eq!(moved.get("/api/me").await.json()["role"], "admin", "a live check shows the row's role");
}

#[actix_web::test]
async fn a_denial_lasts_until_its_token_has_expired_and_is_swept_then() {
    let app = TestApp::spawn();
    let client = app.logged_in_client(ADA).await;
    revoke(&app, &client.access_token).await;
    let exp = forge::claims(&client.access_token)["exp"].as_i64().expect("seconds");
    let until =
        app.value("SELECT extract(epoch FROM expires_at)::bigint FROM denied_tokens").parse::<i64>().expect("seconds");
    assert_eq!(until, exp + 60, "a minute longer, as clocks differ");
    let sweep = || crate::sweep::swept(&app, crate::sweep::KEEP);
    assert_eq!((sweep(), app.count("denied_tokens")), (0, 1));
    app.execute("UPDATE denied_tokens SET expires_at = clock_timestamp()");
    assert_eq!(works(&client).await, (true, true), "a row whose time is over denies nothing, swept or not");
    assert_eq!((sweep(), app.count("denied_tokens")), (1, 0));
}

#[actix_web::test]
async fn a_revoked_refresh_token_ends_its_login_and_a_used_one_does_too() {
    let app = TestApp::spawn();
    for used in [false, true] {
        let mut client = app.logged_in_client(ADA).await;
        let old = client.refresh_token.clone();
        if used {
            assert_eq!(client.renew().await.status, 200);
        }
        let copy = client.clone();
        assert_eq!(revoke(&app, &old).await.status, 200);
        assert_eq!(works(&copy).await, (true, false));
        let refused = copy.redeem().await;
        assert_eq!((refused.status, &refused.json()["detail"]), (401, &"The login was revoked by its client.".into()));
    }
    assert_eq!(app.count("token_families WHERE end_reason = 'revoked'"), 2);
    assert_eq!(app.count("auth_events WHERE kind = 'logged out' AND detail = 'revoked by its client'"), 2);
    assert_eq!(app.count("denied_tokens"), 0);
}

#[actix_web::test]
async fn who_revokes_what_nobody_knows_learns_nothing() {
    let app = TestApp::spawn();
    let client = app.logged_in_client(ADA).await;
    let expired = app.expired_access_token(ADA);
    let forged = format!("{}x", client.access_token);
    let long = "x".repeat(10_000);
    let never = "A".repeat(43);
    for token in ["x", "a.b.c", "%00", "%F0%9F%94%91", &never, &long, &forged, &expired] {
        let answer = revoke(&app, token).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{token}");
    }
    for hint in ["access_token", "refresh_token", "saml", ""] {
        let client = app.logged_in_client(ADA).await;
        let body = format!("token={}&token_type_hint={hint}&more=1", client.access_token);
        assert_eq!(app.request("POST", "/api/revoke", &[FORM], &body).await.status, 200);
        assert_eq!(works(&client).await, (true, false), "a wrong hint is none: {hint}");
    }
    assert_eq!(app.count("denied_tokens"), 4);
    assert_eq!(works(&client).await, (true, true));
}

#[actix_web::test]
async fn a_malformed_revocation_revokes_nothing_and_says_what_is_wrong() {
    let app = TestApp::spawn();
    let client = app.logged_in_client(ADA).await;
    let (token, refresh) = (&client.access_token, &client.refresh_token);
    for (body, detail) in [
        (String::new(), "is missing"),
        ("token=".to_owned(), "is missing"),
        (format!("access_token={token}"), "is missing"),
        (format!("token={token}&token={refresh}"), "twice"),
        (format!("token={token}&token={token}"), "twice"),
        (format!("token={token}&token_type_hint=a&token_type_hint=b"), "twice"),
    ] {
        let answer = app.request("POST", "/api/revoke", &[FORM], &body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "malformed-form"), "{body}");
        let problem = answer.json();
        assert_eq!(problem["error"], "invalid_request", "as RFC 6749, section 5.2 has it");
        assert!(problem["detail"].as_str().expect("text").contains(detail), "{problem}");
    }
    let form = format!("token={token}");
    for media_type in ["application/json", "text/plain", "multipart/form-data", ""] {
        let answer = app.request("POST", "/api/revoke", &[("content-type", media_type)], &form).await;
        assert_eq!((answer.status, answer.code().as_str()), (415, "unsupported-media-type"), "{media_type}");
    }
    let huge = app.request("POST", "/api/revoke", &[FORM], &format!("{form}&more={}", "x".repeat(20_000))).await;
    assert_eq!((huge.status, huge.code().as_str()), (413, "too-large"));
    let cookie = format!("refresh={refresh}; token={token}");
    let answer = app.request("POST", "/api/revoke", &[FORM, ("cookie", &cookie)], "").await;
    assert_eq!(answer.status, 400, "no cookie is read");
    let bearer = format!("Bearer {token}");
    let answer = app.request("POST", "/api/revoke", &[FORM, ("authorization", &bearer)], "").await;
    assert_eq!(answer.status, 400, "nor a header");
    let answer = app.request("POST", &format!("/api/revoke?{form}"), &[FORM], "").await;
    assert_eq!(answer.status, 400, "nor the query");
    assert_eq!(works(&client).await, (true, true));
}

#[actix_web::test]
async fn every_answer_of_the_api_says_which_check_it_rests_on() {
    let origin = "https://app.example.com";
    for (always_live, of_claims) in [("claims", "claims"), ("live", "live")] {
        let app = TestApp::with(&[("TOKEN_CHECK", always_live), ("API_ALLOWED_ORIGINS", origin)]);
        let client = app.logged_in_client(ADA).await;
        let ended = app.logged_in_client(ADA).await;
        ended.log_out().await;
        let (good, ended) = (format!("Bearer {}", client.access_token), format!("Bearer {}", ended.access_token));
        let forged = format!("{good}x");
        for (method, path, bearer, status, check) in [
            ("GET", "/api", "", 200, "none"),
            ("GET", "/api/me", "", 401, "none"),
            ("GET", "/api/me", &good, 200, of_claims),
            ("GET", "/api/me", &forged, 401, "claims"),
            ("GET", "/api/me", "Bearer", 400, "none"),
            ("GET", "/api/account", &good, 200, "live"),
            ("GET", "/api/account", &ended, 401, "live"),
            ("GET", "/api/account", &forged, 401, "claims"),
            ("GET", "/api/account", "", 401, "none"),
            ("GET", "/api/nowhere", &good, 404, "none"),
            ("PUT", "/api/me", &good, 405, "none"),
            ("POST", "/api/auth/login", "", 415, "none"),
            ("POST", "/api/auth/refresh", "", 401, "none"),
            ("OPTIONS", "/api/me", "", 204, "none"),
        ] {
            let mut headers = vec![("origin", origin)];
            if !bearer.is_empty() {
                headers.push(("authorization", bearer));
            }
            let body = if status == 415 { "{}" } else { "" };
            let answer = app.request(method, path, &headers, body).await;
            let got = (answer.status, answer.header("token-check"));
            assert_eq!(got, (status, check), "{method} {path} {bearer}: {answer:?}");
            let timing = answer.header("server-timing");
            assert!(timing.contains(&format!(";desc={check}, sql")), "{method} {path}: {timing}");
            assert_eq!(answer.headers.get_all("token-check").iter().count(), 1);
            let exposed = answer.header("access-control-expose-headers").to_ascii_lowercase();
            assert!(exposed.contains("token-check"), "{method} {path}: {answer:?}");
        }
        let not_json = app.request("GET", "/api/me", &[("accept", "text/html"), ("authorization", &good)], "").await;
        assert_eq!((not_json.status, not_json.header("token-check")), (406, "none"));
        assert_eq!(app.client().get("/api").await.json()["token_check"], always_live);
        let page = app.browser().get("/login").await;
        assert_eq!(page.header("token-check"), "", "no page rests on a token");
    }
}
