//! Two servers on one database are one service: what one does, the other knows at its next request. With either store.

use actix_web::rt::spawn;

use crate::{
    races::ADA,
    support::{NEW_PASSWORD, PASSWORD, TestApp, app::SECRET, binary, forge, store::Store},
};

/// Both with the issuer that a deployment has, whatever its instances' ports.
fn pair(store: Store, variables: &[(&str, &str)]) -> (TestApp, TestApp) {
    let variables = [variables, crate::support::NAMES].concat();
    let one = store.with(&variables);
    let other = one.beside(&variables);
    (one, other)
}

async fn are_one_service(store: Store) {
    let (one, other) = pair(store, &[]);
    let mut browser = one.logged_in_browser(ADA).await;
    let mut client = one.logged_in_client(ADA).await;
    browser.move_to(other.address);
    client.move_to(other.address);
    assert!(browser.is_logged_in().await, "logged in at one, used at the other");
    assert_eq!((client.get("/api/me").await.status, client.get("/api/account").await.status), (200, 200));
    assert_eq!(client.renew().await.status, 200);

    // Ended at one, dead at the other at its very next request.
    let (mut copied_browser, mut copied_client) = (browser.clone(), client.clone());
    copied_browser.move_to(one.address);
    copied_client.move_to(one.address);
    assert_eq!(browser.log_out().await.status, 303);
    assert!(!copied_browser.is_logged_in().await);
    assert_eq!(client.log_out().await.status, 200);
    assert_eq!((copied_client.get("/api/account").await.status, copied_client.redeem().await.status), (401, 401));

    // A change of password at one ends everything at the other.
    let (mut browser, client) = (one.logged_in_browser(ADA).await, one.logged_in_client(ADA).await);
    let mut changing = other.logged_in_client(ADA).await;
    assert!(browser.is_logged_in().await && client.get("/api/account").await.status == 200);
    assert_eq!(changing.change_password(PASSWORD, NEW_PASSWORD).await.status, 200);
    assert!(!browser.is_logged_in().await);
    assert_eq!((client.get("/api/account").await.status, client.redeem().await.status), (401, 401));
    changing.move_to(one.address);
    assert_eq!(changing.get("/api/account").await.status, 200, "and what it was exchanged for counts at both");
}

/// What `rotate_keys.rs` tests in every respect, for a service whose sessions are elsewhere, too.
async fn sign_with_a_new_key(store: Store) {
    let (one, other) = pair(store, &[]);
    let before = one.logged_in_client(ADA).await;
    let variables = [("DATABASE_URL", one.database.url()), ("SECRETS", SECRET), ("LOG", "error")];
    let rotated = binary::run(&["keys", "rotate", "--in", "0s"], &variables);
    let new = rotated.stdout.split(' ').next().expect("a kid").to_owned();
    let (mut of_one, mut of_other) = (one.logged_in_client(ADA).await, other.logged_in_client(ADA).await);
    for client in [&mut of_one, &mut of_other] {
        while forge::header(&client.access_token)["kid"] != new.as_str() {
            assert_eq!(client.renew().await.status, 200, "{rotated:?}");
        }
    }
    for client in [before, of_one, of_other] {
        for instance in [&one, &other] {
            let mut client = client.clone();
            client.move_to(instance.address);
            assert_eq!((client.get("/api/me").await.status, client.get("/api/account").await.status), (200, 200));
        }
    }
}

async fn race_a_refresh_and_make_one_successor(store: Store) {
    let (one, other) = pair(store, &[]);
    let client = one.logged_in_client(ADA).await;
    let mut moved = client.clone();
    moved.move_to(other.address);
    let mut hold = one.hold("SELECT FROM token_families FOR UPDATE");
    let refreshes: Vec<_> =
        [client.clone(), moved.clone(), client, moved].map(|client| spawn(async move { client.redeem().await })).into();
    hold.until_waiting(4).await;
    hold.release();
    let mut successors = Vec::new();
    for refresh in refreshes {
        let answer = refresh.await.expect("an answer");
        assert_eq!(answer.status, 200, "{answer:?}");
        successors.push(answer.json()["refresh_token"].as_str().expect("a token").to_owned());
    }
    successors.dedup();
    assert_eq!(successors.len(), 1, "everybody has the same successor");
    assert_eq!(one.count("refresh_tokens WHERE used_at IS NULL"), 1);
}

async fn race_a_refresh_without_a_grace_and_end_the_login(store: Store) {
    let (one, other) = pair(store, &[("REFRESH_GRACE", "0")]);
    let client = one.logged_in_client(ADA).await;
    let mut moved = client.clone();
    moved.move_to(other.address);
    let mut hold = one.hold("SELECT FROM token_families FOR UPDATE");
    let refreshes = [client, moved].map(|client| spawn(async move { client.redeem().await.status }));
    hold.until_waiting(2).await;
    hold.release();
    let mut statuses = Vec::new();
    for refresh in refreshes {
        statuses.push(refresh.await.expect("an answer"));
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    assert_eq!(one.live_logins().1, 0);
}

mod with_sessions_in_postgres {
    use super::*;

    #[actix_web::test]
    async fn two_servers_are_one_service() {
        are_one_service(Store::Postgres).await;
    }

    #[actix_web::test]
    async fn a_refresh_raced_at_both_makes_one_successor() {
        race_a_refresh_and_make_one_successor(Store::Postgres).await;
        race_a_refresh_without_a_grace_and_end_the_login(Store::Postgres).await;
    }
}

mod with_sessions_in_redis {
    use super::*;

    #[actix_web::test]
    async fn two_servers_are_one_service() {
        are_one_service(Store::Redis).await;
    }

    #[actix_web::test]
    async fn a_new_key_reaches_both() {
        sign_with_a_new_key(Store::Redis).await;
    }

    #[actix_web::test]
    async fn a_refresh_raced_at_both_makes_one_successor() {
        race_a_refresh_and_make_one_successor(Store::Redis).await;
    }
}
