//! Servers that keep their sessions in one store or the other, and what a test sees and changes of them in either.

use super::{TestApp, postgres::TestDatabase, redis::TestRedis};

/// Where sessions are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    Postgres,
    Redis,
}

impl Store {
    pub fn spawn(self) -> TestApp {
        self.with(&[])
    }

    /// A server with these variables besides.
    pub fn with(self, variables: &[(&str, &str)]) -> TestApp {
        match self {
            Self::Postgres => TestApp::with(variables),
            Self::Redis => TestApp::beside_redis(TestRedis::start(), TestDatabase::create(), variables),
        }
    }
}

impl TestApp {
    /// A server with its sessions in this Redis.
    pub fn beside_redis(redis: TestRedis, database: TestDatabase, variables: &[(&str, &str)]) -> Self {
        let url = redis.url();
        let mut app = Self::on(database, &[variables, &[("SESSION_STORE", url.as_str())]].concat());
        app.redis = Some(redis);
        app
    }

    /// Makes every session older by so many seconds.
    pub fn age_sessions(&self, seconds: i64) {
        match &self.redis {
            None => {
                self.execute(&format!(
                    "UPDATE sessions SET created_at = created_at - interval '{seconds} s', \
                     authenticated_at = authenticated_at - interval '{seconds} s', seen_at = seen_at - interval '{seconds} s', \
                     absolute_expires_at = absolute_expires_at - interval '{seconds} s'"
                ));
            }
            Some(redis) => {
                for key in redis.keys("session:") {
                    for field in ["created", "authenticated", "seen", "absolute"] {
                        redis.run::<()>(&["HINCRBY", &key, field, &(-seconds * 1_000_000).to_string()]);
                    }
                }
            }
        }
    }

    /// Returns when the store knows what was changed past the server, as the command line does.
    pub async fn until_settled(&self) {
        let began = std::time::Instant::now();
        while self.redis.is_some() && self.count("session_outbox") > 0 {
            assert!(began.elapsed().as_secs() < 10, "the outbox is not emptied");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// How many sessions nobody has ended one by one.
    pub fn unended_sessions(&self) -> usize {
        match &self.redis {
            None => self.count("sessions WHERE ended_at IS NULL") as usize,
            Some(redis) => {
                let keys = redis.keys("session:").into_iter();
                keys.filter(|key| redis.run::<u8>(&["HEXISTS", key, "ended"]) == 0).count()
            }
        }
    }

    /// What pages keep in the only session there is.
    pub fn session_state(&self) -> serde_json::Value {
        let state = match &self.redis {
            None => self.value("SELECT state FROM sessions"),
            Some(redis) => redis.run(&["HGET", &redis.keys("session:")[0], "state"]),
        };
        serde_json::from_str(&state).expect("JSON")
    }

    /// Deletes every session, as the sweeper or an eviction would.
    pub fn delete_sessions(&self) {
        match &self.redis {
            None => {
                self.execute("DELETE FROM sessions");
            }
            Some(redis) => {
                for key in redis.keys("session:") {
                    redis.run::<()>(&["DEL", &key]);
                }
            }
        }
    }

    /// Everything that the store holds, as text.
    pub fn everything_stored(&self) -> String {
        match &self.redis {
            None => self.value("SELECT string_agg(s::text, ' ') FROM sessions s"),
            Some(redis) => {
                let keys = redis.keys("");
                let values = keys.iter().map(|key| redis.run::<Vec<String>>(&["HGETALL", key]).join(" "));
                format!("{keys:?} {:?}", values.collect::<Vec<_>>())
            }
        }
    }
}
