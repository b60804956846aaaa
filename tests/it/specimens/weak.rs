//! The weak services: each does what it is there to show, over HTTP.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto::sign};
use serde_json::{Value, json};

use super::*;

/// A run of services.
struct Run {
    specimens: Specimens,
    path: String,
}

impl Run {
    fn begin() -> Self {
        let specimens = specimens();
        let opened = specimens.begin(Story::Services).expect("few are open");
        let path = opened.url.rsplit_once('/').expect("a path").1.to_owned();
        Self { specimens, path: format!("/{path}") }
    }

    async fn send(&self, method: &str, path: &str, header: (&str, &str), body: &Value) -> Answer {
        let headers = [("host", "victim.specimen.localhost"), ("content-type", "application/json"), header];
        let path = format!("{}{path}", self.path);
        http::send(self.specimens.address(), method, &path, &headers, body.to_string()).await
    }

    async fn get(&self, path: &str, header: (&str, &str)) -> Answer {
        self.send("GET", path, header, &Value::Null).await
    }

    async fn post(&self, path: &str, header: (&str, &str)) -> Answer {
        self.send("POST", path, header, &Value::Null).await
    }
}

const NOTHING: (&str, &str) = ("x-nothing", "");

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[actix_web::test]
async fn a_verifier_that_believes_the_header_takes_its_public_key_for_a_secret_and_none_for_an_answer() {
    let run = Run::begin();
    let honest = run.post("/naive/token", NOTHING).await.json()["access_token"].as_str().expect("a token").to_owned();
    let (message, _) = honest.rsplit_once('.').expect("a signature");
    let pem = run.get("/naive/key.pem", NOTHING).await.body;
    let part = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let admin = part(json!({ "sub": "the admin" }));
    let none = |alg: &str| format!("{}.{admin}.", part(json!({ "alg": alg })));
    let hs256 = format!("{}.{admin}", part(json!({ "alg": "HS256" })));
    let signature =
        |key: &[u8]| sign(hs256.as_bytes(), &EncodingKey::from_secret(key), Algorithm::HS256).expect("a signature");
    let by_public_key = format!("{hs256}.{}", signature(pem.as_bytes()));
    for (token, status) in [
        (honest.clone(), 200),
        (none("none"), 200),
        (none("NONE"), 200),
        (by_public_key, 200),
        (format!("{hs256}.{}", signature(b"another key")), 401),
        (format!("{message}.{}", signature(b"another key")), 401),
    ] {
        assert_eq!(run.get("/naive/me", ("authorization", &bearer(&token))).await.status, status, "{token}");
    }
}

#[actix_web::test]
async fn a_token_for_a_day_outlives_a_changed_password_and_a_ban() {
    let run = Run::begin();
    let token = run.post("/day/token", NOTHING).await.json()["access_token"].as_str().expect("a token").to_owned();
    for event in ["password", "ban"] {
        assert_eq!(run.post(&format!("/day/{event}"), NOTHING).await.status, 204);
        let answer = run.get("/day/me", ("authorization", &bearer(&token))).await;
        assert!(answer.status == 200 && answer.json()["seconds_left"].as_i64() > Some(86_000), "{answer:?}");
    }
    let account = run.get("/day/account", NOTHING).await.json();
    assert_eq!(account, json!({ "password_changes": 1, "banned": true }));
    assert_eq!(run.post("/day/token", NOTHING).await.status, 401, "only a new one would be refused");
}

#[actix_web::test]
async fn without_rotation_nobody_sees_that_two_use_one_refresh_token() {
    let run = Run::begin();
    let token = run.post("/unrotated/login", NOTHING).await.json()["refresh_token"].clone();
    for uses in 1..=3 {
        let answer = run.send("POST", "/unrotated/refresh", NOTHING, &json!({ "refresh_token": token })).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "refresh_token": token, "uses": uses })));
    }
    let unknown = json!({ "refresh_token": "unknown" });
    assert_eq!(run.send("POST", "/unrotated/refresh", NOTHING, &unknown).await.status, 401);
}

#[actix_web::test]
async fn a_store_that_adopts_ids_and_keeps_them_logs_the_planter_in() {
    let run = Run::begin();
    let planted = ("cookie", "sp-sid=planted");
    assert_eq!(run.get("/fixation/page", planted).await.status, 200);
    assert_eq!(run.get("/fixation/me", planted).await.status, 401);
    assert_eq!(run.post("/fixation/login", planted).await.cookie_value("sp-sid"), "planted");
    assert_eq!(run.get("/fixation/me", planted).await.status, 200, "whoever planted it is in");
    assert_eq!(run.get("/fixation/me", ("cookie", "sp-sid=another")).await.status, 401);
}

/// Logs in, and shows the cookie that came.
async fn cookie_of(run: &Run, path: &str, name: &str) -> String {
    format!("{name}={}", run.post(path, NOTHING).await.cookie_value(name))
}

#[actix_web::test]
async fn a_session_that_is_all_in_its_cookie_survives_log_out_as_a_copy() {
    let run = Run::begin();
    let cookie = cookie_of(&run, "/sealed/login", "sp-sealed").await;
    let log_out = run.post("/sealed/logout", ("cookie", &cookie)).await;
    assert_eq!((log_out.status, log_out.cookie_value("sp-sealed")), (204, ""));
    assert_eq!(run.get("/sealed/me", ("cookie", &cookie)).await.status, 200, "the copy");
    assert_eq!(run.get("/sealed/me", NOTHING).await.status, 401);
    assert_eq!(Run::begin().get("/sealed/me", ("cookie", &cookie)).await.status, 401, "another listener, another key");
}

#[actix_web::test]
async fn a_role_copied_into_the_session_is_as_stale_as_a_token() {
    let run = Run::begin();
    assert_eq!(run.post("/copied/role/admin", NOTHING).await.status, 204);
    let cookie = cookie_of(&run, "/copied/login", "sp-sid").await;
    assert_eq!(run.post("/copied/role/user", NOTHING).await.status, 204);
    let me = run.get("/copied/me", ("cookie", &cookie)).await.json();
    assert_eq!(me, json!({ "role": "admin", "row": "user" }));
    assert_eq!(run.post("/copied/role/emperor", NOTHING).await.status, 404);
}

#[actix_web::test]
async fn services_belong_to_a_run_of_theirs() {
    let run = Run::begin();
    let opened = run.specimens.begin(Story::Names).expect("few are open");
    let (_, path) = opened.url.split_once("localhost:").expect("a port");
    let other = path.split('/').nth(1).expect("a run");
    let answer = get(&run.specimens, "victim.specimen.localhost", &format!("/{other}/naive/key.pem")).await;
    assert_eq!(answer.status, 404);
    let path = format!("{}/naive/key.pem", run.path);
    assert_eq!(get(&run.specimens, "attacker.localhost", &path).await.status, 404);
}
