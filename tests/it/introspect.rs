//! What a service is told about a token (RFC 7662): the truth of this moment, and nothing about what does not count.

use serde_json::{Value, json};

use crate::{
    revoke::{ADA, FORM, revoke},
    support::{
        Answer, Client, Forge, TestApp,
        feed::{SERVICE_SECRET, basic, of_orders},
        forge,
    },
};

async fn ask(app: &TestApp, body: &str) -> Answer {
    app.request("POST", "/api/introspect", &[FORM, ("authorization", &of_orders())], body).await
}

async fn introspect(app: &TestApp, token: &str) -> Value {
    let answer = ask(app, &format!("token={token}")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"), "{answer:?}");
    assert!(answer.header("cache-control").contains("no-store"), "{answer:?}");
    answer.json()
}

fn inactive() -> Value {
    json!({ "active": false })
}

#[actix_web::test]
async fn a_live_access_token_is_active_and_described_by_what_it_says() {
    let app = TestApp::spawn();
    let client = app.logged_in_client(ADA).await;
    let said = introspect(&app, &client.access_token).await;
    let mut expected = forge::claims(&client.access_token);
    let claims = expected.as_object_mut().expect("an object");
    claims.remove("nbf");
    claims.remove("ver");
    claims.insert("active".to_owned(), true.into());
    claims.insert("token_type".to_owned(), "Bearer".into());
    assert_eq!(said, expected);
    app.execute("UPDATE users SET role = 'admin'");
    assert_eq!(introspect(&app, &client.access_token).await["role"], "admin", "the row's role");
    let answer = ask(&app, &format!("token={}", client.access_token)).await;
    assert_eq!((answer.statements(), answer.header("token-check")), (1, "live"));
}

#[actix_web::test]
async fn nothing_is_said_of_a_token_that_counts_no_more() {
    let app = TestApp::spawn();
    let denied = app.logged_in_client(ADA).await;
    revoke(&app, &denied.access_token).await;
    let ended = app.logged_in_client(ADA).await;
    ended.log_out().await;
    let forged = format!("{}x", denied.access_token);
    for token in
        [&denied.access_token, &ended.access_token, &ended.refresh_token, &app.expired_access_token(ADA), &forged]
    {
        assert_eq!(introspect(&app, token).await, inactive(), "{token}");
    }
    for token in ["x", "a.b.c", "%00", "%F0%9F%94%91", &"A".repeat(43), &"x".repeat(10_000)] {
        assert_eq!(introspect(&app, token).await, inactive(), "{token}");
    }
    for (what, undone) in [
        (
            "UPDATE users SET banned_at = clock_timestamp(), ban_reason = 'spam'",
            "UPDATE users SET banned_at = NULL, ban_reason = NULL",
        ),
        ("UPDATE token_families SET absolute_expires_at = clock_timestamp()", "SELECT"),
    ] {
        let client = app.logged_in_client(ADA).await;
        app.execute(what);
        for token in [&client.access_token, &client.refresh_token] {
            assert_eq!(introspect(&app, token).await, inactive(), "{what}");
        }
        app.execute_all(undone);
    }
    let older = app.logged_in_client(ADA).await;
    app.execute("UPDATE users SET credential_version = credential_version + 1");
    assert_eq!(introspect(&app, &older.access_token).await, inactive());
}

#[actix_web::test]
async fn a_token_for_another_service_is_ours_all_the_same_and_says_whom_it_is_for() {
    let app = TestApp::spawn();
    let client = app.logged_in_client(ADA).await;
    let mut claims = forge::claims(&client.access_token);
    claims["aud"] = "https://orders.example.com".into();
    let forge = Forge::of(&app);
    let token = forge.sign(&forge.header(), &claims);
    let said = introspect(&app, &token).await;
    assert_eq!((&said["active"], &said["aud"]), (&true.into(), &claims["aud"]));
    let mut client = client;
    client.access_token = token.clone();
    assert_eq!(client.get("/api/me").await.status, 401, "at our own routes it opens nothing");
    revoke(&app, &token).await;
    assert_eq!(introspect(&app, &token).await, inactive());
}

#[actix_web::test]
async fn a_refresh_token_is_active_until_it_is_used_and_asking_uses_nothing() {
    let app = TestApp::spawn();
    let mut client = app.logged_in_client(ADA).await;
    let old = client.clone();
    let access = forge::claims(&client.access_token);
    let said = introspect(&app, &client.refresh_token).await;
    assert_eq!((&said["active"], &said["token_type"]), (&true.into(), &"refresh_token".into()));
    for claim in ["sub", "sid", "iss", "client_id", "role", "auth_time"] {
        assert_eq!(said[claim], access[claim], "{claim}");
    }
    assert_eq!((&said["aud"], said.get("jti")), (&access["iss"], None));
    let expires_at = app.value("SELECT floor(extract(epoch FROM expires_at))::bigint FROM refresh_tokens");
    assert_eq!(said["exp"].to_string(), expires_at);
    for _ in 0..3 {
        assert_eq!(introspect(&app, &client.refresh_token).await, said, "asking changes nothing");
    }
    assert_eq!(client.renew().await.status, 200, "nor was it used up");
    assert_eq!(introspect(&app, &old.refresh_token).await, inactive());
    assert_eq!(introspect(&app, &client.refresh_token).await["active"], true, "nor is asking about a used one reuse");
    assert_eq!(app.count("auth_events WHERE kind = 'refresh token reused'"), 0);
    assert_eq!(client.renew().await.status, 200);
    app.execute("UPDATE refresh_tokens SET expires_at = clock_timestamp()");
    assert_eq!(introspect(&app, &client.refresh_token).await, inactive());
}

#[actix_web::test]
async fn only_a_configured_service_is_told_anything() {
    let app = TestApp::spawn();
    let client: Client = app.logged_in_client(ADA).await;
    let body = format!("token={}", client.access_token);
    let bearer = format!("Bearer {}", client.access_token);
    let wrong = [
        basic("orders", &SERVICE_SECRET.to_uppercase()),
        basic("orders", &format!("{SERVICE_SECRET}x")),
        basic("orders", &SERVICE_SECRET[1..]),
        basic("orders", ""),
        basic("billing", SERVICE_SECRET),
        basic("", SERVICE_SECRET),
        basic("Orders", SERVICE_SECRET),
        of_orders().replace("Basic ", "Bearer "),
        of_orders().replace("Basic ", "Basic"),
        format!("{}=", of_orders()),
        "Basic".to_owned(),
        "Basic \u{7e}\u{7e}\u{7e}".to_owned(),
        bearer,
        String::new(),
    ];
    for (method, path) in [("POST", "/api/introspect"), ("GET", "/api/endings")] {
        for authorization in &wrong {
            let mut headers = vec![FORM];
            if !authorization.is_empty() {
                headers.push(("authorization", authorization));
            }
            let answer = app.request(method, path, &headers, &body).await;
            assert_eq!((answer.status, answer.code().as_str()), (401, "not-a-service"), "{path} {authorization}");
            assert_eq!(answer.header("www-authenticate"), "Basic realm=\"two-doors services\"", "{answer:?}");
            assert_eq!(answer.json()["error"], "invalid_client");
            assert!(!answer.body.contains(SERVICE_SECRET) && answer.set_cookies().is_empty(), "{answer:?}");
        }
        let twice = [FORM, ("authorization", &of_orders()), ("authorization", &of_orders())];
        assert_eq!(app.request(method, path, &twice, &body).await.status, 401, "{path}");
    }
    let none = TestApp::with(&[("SERVICES", "")]);
    assert_eq!(ask(&none, "token=x").await.status, 401, "without a configured service there is none");
    let two = format!("orders:{}, orders:{SERVICE_SECRET}", "n".repeat(32));
    let two = TestApp::with(&[("SERVICES", &two)]);
    assert_eq!(introspect(&two, "x").await, inactive(), "a secret that is being changed");
}

#[actix_web::test]
async fn a_malformed_question_is_refused_and_no_cookie_is_read() {
    let app = TestApp::spawn();
    let client = app.logged_in_client(ADA).await;
    let token = &client.access_token;
    for body in [
        "",
        "token=",
        "tokens=x",
        &format!("token={token}&token={token}"),
        "token=x&token_type_hint=a&token_type_hint=a",
    ] {
        let answer = ask(&app, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "malformed-form"), "{body}");
        assert_eq!(answer.json()["error"], "invalid_request");
    }
    for hint in ["access_token", "refresh_token", "saml", ""] {
        let said = ask(&app, &format!("token={token}&token_type_hint={hint}")).await.json();
        assert_eq!(said["active"], true, "{hint}");
    }
    let service = of_orders();
    for media_type in ["application/json", "text/plain", ""] {
        let headers = [("content-type", media_type), ("authorization", service.as_str())];
        let answer = app.request("POST", "/api/introspect", &headers, &format!("token={token}")).await;
        assert_eq!((answer.status, answer.code().as_str()), (415, "unsupported-media-type"), "{media_type}");
    }
    let huge = ask(&app, &format!("token={}", "x".repeat(20_000))).await;
    assert_eq!((huge.status, huge.code().as_str()), (413, "too-large"));
    let cookie = format!("refresh={}; token={token}", client.refresh_token);
    let headers = [FORM, ("authorization", service.as_str()), ("cookie", cookie.as_str())];
    assert_eq!(app.request("POST", "/api/introspect", &headers, "").await.status, 400);
    let in_query = app.request("POST", &format!("/api/introspect?token={token}"), &headers, "").await;
    assert_eq!(in_query.status, 400);
}
