//! The feed of endings: whoever follows it hears of everything that ends access tokens, soon, and never too little.

use serde_json::json;

use crate::{
    revoke::{ADA, revoke},
    support::{
        NAMES, NEW_PASSWORD, PASSWORD, TestApp,
        binary::Binary,
        feed::{Event, Feed, SERVICE_SECRET},
        forge,
        postgres::TestDatabase,
        proxy::Proxy,
    },
};

fn claim(client: &crate::support::Client, name: &str) -> String {
    forge::claims(&client.access_token)[name].as_str().expect("text").to_owned()
}

fn family_ended(client: &crate::support::Client) -> (String, String) {
    ("family-ended".to_owned(), claim(client, "sid"))
}

/// The names of events, with what they name.
fn names(events: &[Event]) -> Vec<String> {
    events.iter().map(|(event, data)| format!("{event} {data}")).collect()
}

#[actix_web::test]
async fn a_follower_hears_of_everything_that_ends_access_tokens() {
    let app = TestApp::with(&[("REFRESH_GRACE", "0")]);
    let (mut feed, snapshot) = Feed::follow(&app).await;
    assert_eq!(names(&snapshot), [""; 0], "nothing has ended yet");

    let client = app.logged_in_client(ADA).await;
    client.log_out().await;
    assert_eq!(feed.named().await, family_ended(&client), "a log-out");

    let client = app.logged_in_client(ADA).await;
    revoke(&app, &client.access_token).await;
    assert_eq!(feed.named().await, ("token-denied".to_owned(), claim(&client, "jti")), "a denial");
    revoke(&app, &client.refresh_token).await;
    assert_eq!(feed.named().await, family_ended(&client), "a revocation");

    let mut client = app.logged_in_client(ADA).await;
    let old = client.clone();
    client.renew().await;
    assert_eq!(old.redeem().await.code(), "reused-refresh-token");
    assert_eq!(feed.named().await, family_ended(&client), "a reuse");

    let (mut client, other) = (app.logged_in_client(ADA).await, app.logged_in_client(ADA).await);
    let old = client.clone();
    assert_eq!(client.change_password(PASSWORD, NEW_PASSWORD).await.status, 200);
    let (event, data) = feed.next().await.expect("the feed goes on");
    let versions =
        (forge::claims(&old.access_token)["ver"].as_i64(), forge::claims(&client.access_token)["ver"].as_i64());
    assert_eq!((event.as_str(), &data["sub"]), ("issued-before", &json!(claim(&old, "sub"))), "a change of password");
    assert!(versions.0 < data["ver"].as_i64() && data["ver"].as_i64() <= versions.1, "{data} {versions:?}");
    let mut ended = [feed.named().await, feed.named().await];
    let mut expected = [family_ended(&old), family_ended(&other)];
    ended.sort();
    expected.sort();
    assert_eq!(ended, expected, "and every family");

    app.execute("UPDATE users SET banned_at = clock_timestamp(), ban_reason = 'spam', credential_version = credential_version + 1");
    assert_eq!(feed.named().await, ("issued-before".to_owned(), claim(&client, "sub")), "a ban raises the version");
    app.execute("UPDATE users SET banned_at = NULL, ban_reason = NULL");

    app.execute("UPDATE refresh_tokens SET expires_at = clock_timestamp()");
    crate::sweep::swept(&app, crate::sweep::KEEP);
    assert_eq!(feed.named().await, family_ended(&client), "what the sweeper ends");

    app.sign_up("grace@example.org").await;
    let client = app.logged_in_client("grace@example.org").await;
    let body = json!({ "current_password": PASSWORD });
    assert_eq!(client.send("DELETE", "/api/account", Some(&body)).await.status, 204);
    assert_eq!(feed.named().await, family_ended(&client), "the deletion of an account");
}

#[actix_web::test]
async fn what_commits_late_under_an_earlier_number_is_not_skipped_and_what_is_taken_back_is_not_told() {
    let app = TestApp::spawn();
    let (late, never, early) =
        (app.logged_in_client(ADA).await, app.logged_in_client(ADA).await, app.logged_in_client(ADA).await);
    let (mut feed, _) = Feed::follow(&app).await;
    let ending = |client| {
        let sid = claim(client, "sid");
        format!("UPDATE token_families SET ended_at = clock_timestamp(), end_reason = 'logged out' WHERE id = '{sid}'")
    };
    let held = app.hold(&ending(&late));
    let taken_back = app.hold(&ending(&never));
    for client in [&early, &app.logged_in_client(ADA).await, &app.logged_in_client(ADA).await] {
        client.log_out().await;
        assert_eq!(feed.named().await, family_ended(client));
    }
    let (mut second, snapshot) = Feed::follow(&app).await;
    assert_eq!(snapshot.len(), 3, "{snapshot:?}");
    held.commit();
    taken_back.release();
    assert_eq!(feed.named().await, family_ended(&late));
    assert_eq!(second.named().await, family_ended(&late), "also who came in between");
    let order =
        "SELECT bool_and(l.id < e.id) FROM token_endings l, token_endings e WHERE l.sid = '{}' AND e.sid <> l.sid";
    assert_eq!(app.value(&order.replace("{}", &claim(&late, "sid"))), "true", "it had the lowest number");
    never.log_out().await;
    assert_eq!(feed.named().await, family_ended(&never), "told once it did end, and nothing twice");
    assert_eq!(second.named().await, family_ended(&never));
}

#[actix_web::test]
async fn every_connection_begins_with_all_that_still_matters() {
    let app = TestApp::spawn();
    let (first, second, third) =
        (app.logged_in_client(ADA).await, app.logged_in_client(ADA).await, app.logged_in_client(ADA).await);
    first.log_out().await;
    app.execute("UPDATE token_endings SET expires_at = clock_timestamp()");
    let (feed, snapshot) = Feed::follow(&app).await;
    assert_eq!(names(&snapshot), [""; 0], "its tokens have expired");
    drop(feed);
    second.log_out().await;
    revoke(&app, &third.access_token).await;
    for app in [&app, &app.beside(&[])] {
        let (_, snapshot) = Feed::follow(app).await;
        let told: Vec<_> = snapshot.iter().map(|(event, _)| event.as_str()).collect();
        assert_eq!(told, ["family-ended", "token-denied"], "{snapshot:?}");
        assert_eq!(snapshot[0].1["sid"], claim(&second, "sid"));
    }
    // The second server's own sweeper may have been faster.
    crate::sweep::swept(&app, crate::sweep::KEEP);
    assert_eq!(app.count("token_endings"), 2, "what is over is swept");
}

#[actix_web::test]
async fn an_ending_matters_for_as_long_as_the_longest_lived_token_that_it_ends() {
    let issuer = TestApp::with(&[("ACCESS_TTL", "1h")]);
    let (client, denied) = (issuer.logged_in_client(ADA).await, issuer.logged_in_client(ADA).await);
    let now = two_doors::token::access::now();
    // Another instance, or the same after a change of configuration, ends what this one issued.
    let app = issuer.beside(&[("ACCESS_TTL", "5s")]);
    let (mut feed, _) = Feed::follow(&app).await;
    moved(&client, &app).log_out().await;
    let (_, data) = feed.next().await.expect("told");
    let until = data["until"].as_i64().expect("seconds");
    assert!((now + 3660..now + 3700).contains(&until), "{until} {now}");
    issuer.execute("UPDATE users SET credential_version = credential_version + 1");
    let (event, data) = feed.next().await.expect("told");
    let until = data["until"].as_i64().expect("seconds");
    assert!(event == "issued-before" && (now + 3660..now + 3700).contains(&until), "{event} {until} {now}");
    revoke(&issuer, &denied.access_token).await;
    let (event, data) = feed.next().await.expect("told");
    let exp = forge::claims(&denied.access_token)["exp"].as_i64().expect("seconds");
    assert_eq!((event.as_str(), data["until"].as_i64()), ("token-denied", Some(exp + 60)));
}

fn moved(client: &crate::support::Client, app: &TestApp) -> crate::support::Client {
    let mut client = client.clone();
    client.move_to(app.address);
    client
}

#[actix_web::test]
async fn the_feed_is_an_event_stream_that_nobody_buffers() {
    let app = TestApp::spawn();
    let client = app.logged_in_client(ADA).await;
    let url = app.url("/api/endings");
    for accept in ["text/event-stream", "*/*", "text/event-stream, application/json;q=0.5"] {
        let response = Feed::ask(&url, &[("accept", accept), ("accept-encoding", "br, gzip")]).await;
        assert_eq!(response.status(), 200, "{accept}: {response:?}");
        let header = |name: &str| response.headers().get(name).map_or("", |value| value.to_str().expect("visible"));
        assert_eq!(header("content-type"), "text/event-stream");
        assert!(["", "identity"].contains(&header("content-encoding")), "{response:?}");
        assert!(header("cache-control").contains("no-store"), "{response:?}");
        assert_eq!((header("x-accel-buffering"), header("token-check")), ("no", "none"));
    }
    for accept in ["text/html", "application/json"] {
        assert_eq!(Feed::ask(&url, &[("accept", accept)]).await.status(), 406, "{accept}");
    }
    let service = crate::support::feed::of_orders();
    let head = app.request("HEAD", "/api/endings", &[("authorization", &service)], "").await;
    assert_eq!((head.status, head.header("content-type"), head.body.as_str()), (200, "text/event-stream", ""));
    let (mut feed, _) = Feed::follow(&app).await;
    client.log_out().await;
    assert_eq!(feed.named().await, family_ended(&client), "and it comes while the answer goes on");
}

#[actix_web::test]
async fn a_follower_of_a_database_that_is_away_is_told_that_nobody_knows() {
    let database = TestDatabase::create();
    let wire = Proxy::to(&database);
    let url = wire.url();
    let direct = TestApp::on(database.shared(), &[]);
    let app = TestApp::on(database, &[("DATABASE_URL", &url)]);
    let client = direct.logged_in_client(ADA).await;
    let (mut feed, _) = Feed::follow(&app).await;
    wire.cut();
    assert_eq!(feed.next().await, None, "the feed ends");
    assert_eq!(feed.comments, ["the database does not answer: from here on nobody knows what ended"]);
    let refused =
        app.request("GET", "/api/endings", &[("authorization", &crate::support::feed::of_orders())], "").await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "unavailable"));
    client.log_out().await;
    wire.mend();
    let back = || async { app.client().get("/readyz").await.status == 200 };
    while !back().await {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let (_, snapshot) = Feed::follow(&app).await;
    assert_eq!(snapshot.len(), 1, "{snapshot:?}");
    assert_eq!(snapshot[0].1["sid"], claim(&client, "sid"), "what ended meanwhile is in the snapshot");
}

#[actix_web::test]
async fn so_many_may_follow_and_a_place_that_is_left_is_free_again() {
    let app = TestApp::spawn();
    let mut feeds = Vec::new();
    for _ in 0..two_doors::token::endings::FOLLOWERS_MOST {
        feeds.push(Feed::follow(&app).await.0);
    }
    let refused =
        app.request("GET", "/api/endings", &[("authorization", &crate::support::feed::of_orders())], "").await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "too-many-followers"), "{refused:?}");
    assert_eq!(refused.header("retry-after"), "5");
    let client = app.logged_in_client(ADA).await;
    client.log_out().await;
    for feed in &mut feeds {
        assert_eq!(feed.named().await, family_ended(&client), "all of them hear it");
    }
    feeds.truncate(50);
    // That a connection is gone is noticed when something is sent on it.
    loop {
        app.logged_in_client(ADA).await.log_out().await;
        let response = Feed::ask(&app.url("/api/endings"), &[]).await;
        if response.status() == 200 {
            break;
        }
    }
}

#[test]
fn a_server_that_stops_ends_the_feed_and_waits_for_nobody_who_follows() {
    let database = TestDatabase::create();
    let services = format!("orders:{SERVICE_SECRET}");
    let server = Binary::serve(database.url(), &[("SERVICES", &services)]);
    let system = actix_web::rt::System::new();
    let mut feed = system.block_on(async {
        let mut feed = Feed::at(&format!("http://{}/api/endings", server.address)).await;
        feed.snapshot().await;
        feed
    });
    let began = std::time::Instant::now();
    let (is_good, log) = server.stop();
    assert!(is_good, "{log}");
    assert!(
        began.elapsed() < std::time::Duration::from_secs(8),
        "it did not wait for the follower: {:?}",
        began.elapsed()
    );
    assert_eq!(system.block_on(feed.next()), None);
    assert_eq!(feed.comments, ["the server stops"]);
    assert!(!log.contains(SERVICE_SECRET), "{log}");
}

#[actix_web::test]
async fn an_end_is_remembered_for_as_long_as_the_longest_token_lives_however_it_was_come_by() {
    let app = TestApp::with(&[NAMES, &[("ACCESS_TTL", "5m")]].concat());
    let longer = app.beside(&[NAMES, &[("ACCESS_TTL", "1h")]].concat());
    let remembered = || app.value("SELECT access_ttl_seconds FROM token_families");
    let mut client = app.logged_in_client("ada@example.org").await;
    let mut copy = client.clone();
    assert_eq!(client.renew().await.status, 200);
    assert_eq!(remembered(), "300");
    // The same successor again, within the grace.
    copy.move_to(longer.address);
    assert_eq!(copy.redeem().await.status, 200);
    assert_eq!(remembered(), "3600");
    app.execute("UPDATE token_families SET access_ttl_seconds = 300");
    client.move_to(longer.address);
    let password = serde_json::json!({ "current_password": PASSWORD });
    assert_eq!(client.post("/api/auth/reauthenticate", &password).await.status, 200);
    assert_eq!(remembered(), "3600");
}
