//! Who a token is for: this API alone, unless other services were asked for. Sessions have no counterpart: a cookie goes to
//! the host that set it.

use serde_json::{Value, json};

use crate::support::{Answer, Client, Forge, NAMES, PASSWORD, TestApp, forge};

const ADA: &str = "ada@example.org";
const OWN: &str = "https://doors.example.com/api";
const BILLING: &str = "https://billing.example.com";

fn app() -> TestApp {
    TestApp::with(&[&[("AUDIENCES", "orders, https://billing.example.com")], NAMES].concat())
}

async fn log_in(client: &mut Client, audience: Value) -> Answer {
    client.access_token.clear();
    let body = json!({ "email": ADA, "password": PASSWORD, "refresh_token_in": "body", "audience": audience });
    let answer = client.post("/api/auth/login", &body).await;
    client.keep(&answer);
    answer
}

async fn renew(client: &mut Client, audience: Value) -> Answer {
    let mut anonymous = client.clone();
    anonymous.access_token.clear();
    let body = json!({ "refresh_token": client.refresh_token, "audience": audience });
    let answer = anonymous.post("/api/auth/refresh", &body).await;
    client.keep(&answer);
    answer
}

fn aud(client: &Client) -> Value {
    forge::claims(&client.access_token)["aud"].clone()
}

/// At a claims-only route and at one that checks live.
async fn works_here(client: &Client) -> [u16; 2] {
    [client.get("/api/me").await.status, client.get("/api/account").await.status]
}

#[actix_web::test]
async fn a_token_is_for_this_api_alone_unless_others_are_asked_for() {
    let app = app();
    let mut client = app.logged_in_client(ADA).await;
    assert_eq!(aud(&client), json!(OWN));
    assert_eq!(works_here(&client).await, [200, 200]);
    assert_eq!(log_in(&mut client, json!(["orders"])).await.status, 200);
    assert_eq!(aud(&client), json!("orders"), "one is written as text");
    assert_eq!(works_here(&client).await, [401, 401], "what is for orders is not for us");
    assert_eq!(client.get("/api/me").await.code(), "invalid-token");
    assert_eq!(log_in(&mut client, json!(["orders", BILLING, "orders"])).await.status, 200);
    assert_eq!(aud(&client), json!(["orders", BILLING]));
    assert_eq!(works_here(&client).await, [401, 401]);
    assert_eq!(log_in(&mut client, json!(["orders", OWN])).await.status, 200);
    assert_eq!(aud(&client), json!(["orders", OWN]));
    assert_eq!(works_here(&client).await, [200, 200], "ours is one of them");
}

#[actix_web::test]
async fn a_refresh_takes_what_it_asks_for_and_else_the_default() {
    let app = app();
    app.sign_up(ADA).await;
    let mut client = app.client();
    log_in(&mut client, json!(["orders"])).await;
    assert_eq!(client.renew().await.status, 200);
    assert_eq!(aud(&client), json!(OWN), "the choice was for one token");
    assert_eq!(works_here(&client).await, [200, 200]);
    assert_eq!(renew(&mut client, json!([BILLING])).await.status, 200);
    assert_eq!(aud(&client), json!(BILLING));
    assert_eq!(renew(&mut client, Value::Null).await.status, 200);
    assert_eq!(aud(&client), json!(OWN));
}

#[actix_web::test]
async fn an_unknown_audience_is_refused_and_uses_nothing_up() {
    let app = app();
    let mut client = app.logged_in_client(ADA).await;
    let logins = app.live_logins();
    for audience in [json!(["billing"]), json!(["orders", "elsewhere"]), json!([]), json!(["Orders"]), json!([""])] {
        let mut other = app.client();
        let refused = log_in(&mut other, audience.clone()).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "invalid-target"), "{audience}: {refused:?}");
        assert_eq!(app.live_logins(), logins, "{audience}");
        let refused = renew(&mut client, audience.clone()).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "invalid-target"), "{audience}: {refused:?}");
    }
    for audience in [json!("orders"), json!([1]), json!({ "name": "orders" })] {
        assert_eq!(log_in(&mut app.client(), audience.clone()).await.code(), "malformed-json", "{audience}");
        assert_eq!(renew(&mut client, audience.clone()).await.code(), "malformed-json", "{audience}");
    }
    assert_eq!(app.count("refresh_tokens WHERE used_at IS NOT NULL"), 0);
    assert_eq!(client.renew().await.status, 200);
}

#[actix_web::test]
async fn a_login_whose_token_is_for_others_is_ended_like_any_other() {
    let app = app();
    app.sign_up(ADA).await;
    let mut client = app.client();
    log_in(&mut client, json!(["orders"])).await;
    assert_eq!(client.log_out().await.status, 200);
    assert_eq!(client.redeem().await.code(), "invalid-refresh-token");
    log_in(&mut client, json!(["orders"])).await;
    let by_bearer = client.send("POST", "/api/auth/logout", None).await;
    assert_eq!(by_bearer.status, 401, "a token that is not for us names no login to us");
}

#[actix_web::test]
async fn our_own_api_accepts_only_what_names_it_whatever_form_the_claim_has() {
    let app = app();
    let client = app.logged_in_client(ADA).await;
    let (forge, claims) = (Forge::of(&app), forge::claims(&client.access_token));
    for (audience, status) in [
        (json!([OWN]), 200),
        (json!(["somebody", OWN]), 200),
        (json!([]), 401),
        (json!(["orders"]), 401),
        (json!(null), 401),
        (json!(1), 401),
        (json!([1, OWN]), 401),
        (json!({ "aud": OWN }), 401),
        (json!([[OWN]]), 401),
    ] {
        let mut claims = claims.clone();
        claims["aud"] = audience.clone();
        let mut forged = client.clone();
        forged.access_token = forge.sign(&forge.header(), &claims);
        assert_eq!(forged.get("/api/me").await.status, status, "{audience}");
    }
}
