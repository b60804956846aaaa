//! Log-out ends the credential, not only the client's copy of it: every test here replays the old one from a second client.

use crate::support::{PASSWORD, TestApp};

mod session {
    use super::*;

    #[actix_web::test]
    async fn a_copied_credential_is_dead_after_log_out() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser("ada@example.org").await;
        let mut thief = browser.clone();
        assert!(thief.is_logged_in().await, "before log-out the copy is as good as the original");
        let answer = browser.log_out().await;
        assert_eq!((answer.status, answer.header("location")), (303, "/login"));
        assert!(!thief.is_logged_in().await);
    }
}

mod token {
    use super::*;

    #[actix_web::test]
    async fn a_copied_credential_is_dead_after_log_out_wherever_it_is_checked_live() {
        let app = TestApp::spawn();
        let client = app.logged_in_client("ada@example.org").await;
        let thief = client.clone();
        assert_eq!(thief.get("/api/account").await.status, 200);
        assert_eq!(client.log_out().await.status, 200);
        assert_eq!(thief.get("/api/account").await.code(), "invalid-token");
        assert_eq!(thief.redeem().await.code(), "invalid-refresh-token");
    }

    #[actix_web::test]
    async fn a_copied_access_token_outlives_log_out_where_only_its_claims_are_read() {
        let app = TestApp::spawn();
        let client = app.logged_in_client("ada@example.org").await;
        let thief = client.clone();
        assert_eq!(client.log_out().await.status, 200);
        let answer = thief.get("/api/me").await;
        assert_eq!((answer.status, answer.statements()), (200, 0), "this is the scheme's limit, and it is documented");
    }
}

#[actix_web::test]
async fn logging_out_at_one_door_leaves_the_login_at_the_other() {
    let app = TestApp::spawn();
    let mut browser = app.logged_in_browser("ada@example.org").await;
    let mut client = app.logged_in_client("ada@example.org").await;
    client.log_out().await;
    assert!(browser.is_logged_in().await);
    client.log_in("ada@example.org", PASSWORD).await;
    browser.log_out().await;
    assert_eq!(client.get("/api/account").await.status, 200);
}
