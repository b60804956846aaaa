//! What others decide about an account, done as the command line does it: by calling the product's own functions.

use actix_web::rt::task::spawn_blocking;
use diesel::{Connection as _, connection::SimpleConnection as _};
use two_doors::{
    accounts::{
        Role,
        standing::{self, Author, Ban, Change, Refusal},
    },
    everywhere,
};
use uuid::Uuid;

use super::{Answer, TestApp};
use crate::races::Ready;

impl TestApp {
    /// The id of the account with this address.
    pub fn id_of(&self, email: &str) -> Uuid {
        self.value(&format!("SELECT id FROM users WHERE email = '{email}'")).parse().expect("an account")
    }

    /// Makes an account that is an admin's.
    pub async fn admin(&self, email: &str) {
        self.sign_up(email).await;
        assert_eq!(self.change_role(email, Role::Admin), Change::Promotion);
    }

    pub fn change_role(&self, email: &str, role: Role) -> Change {
        self.try_change_role(email, role).expect("changed")
    }

    pub fn try_change_role(&self, email: &str, role: Role) -> Result<Change, Refusal> {
        let user = self.id_of(email);
        self.connect().transaction(|conn| everywhere::change_role(conn, user, role, &Author::Operator))
    }

    /// Bans for so many seconds, or without an end.
    pub fn ban(&self, email: &str, reason: &str, seconds: Option<i64>) {
        self.try_ban(email, reason, seconds).expect("banned");
    }

    pub fn try_ban(&self, email: &str, reason: &str, seconds: Option<i64>) -> Result<everywhere::Ended, Refusal> {
        let ban = ban(reason, seconds);
        let user = self.id_of(email);
        self.connect().transaction(|conn| everywhere::ban(conn, user, &ban, &Author::Operator))
    }

    pub fn unban(&self, email: &str) {
        let user = self.id_of(email);
        let lifted = self.connect().transaction(|conn| standing::unban(conn, user, &Author::Operator));
        assert!(lifted.expect("lifted"));
    }

    /// A ban as a request that is ready to be sent.
    pub fn ready_to_ban(&self, email: &str) -> Ready {
        let user = self.id_of(email);
        self.ready(move |conn| everywhere::ban(conn, user, &ban("spam", None), &Author::Operator).map(drop))
    }

    /// A change of role as a request that is ready to be sent.
    pub fn ready_to_change_role(&self, email: &str, role: Role) -> Ready {
        let user = self.id_of(email);
        self.ready(move |conn| everywhere::change_role(conn, user, role, &Author::Operator).map(drop))
    }

    /// A decision as a request that is ready to be sent: 200 if it was carried out, else 409.
    fn ready(&self, decide: impl FnOnce(&mut diesel::PgConnection) -> Result<(), Refusal> + Send + 'static) -> Ready {
        let mut conn = self.connect();
        // Among the server's own, for whoever counts what waits.
        conn.batch_execute("SET application_name = 'two-doors'").expect("named");
        Box::pin(async move {
            let done = spawn_blocking(move || conn.transaction(decide).is_ok()).await.expect("done");
            let status = if done { 200 } else { 409 };
            Answer { status, headers: reqwest::header::HeaderMap::new(), body: String::new() }
        })
    }
}

fn ban(reason: &str, seconds: Option<i64>) -> Ban {
    let until = seconds.map(|seconds| time::OffsetDateTime::now_utc() + time::Duration::seconds(seconds));
    Ban::parse(reason, until).expect("a reason")
}
