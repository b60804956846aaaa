//! What a Redis is asked before anything else: whether it is the one to write to, which run of it this is, whether a restart
//! loses anything; and to say what changes (`changes`).

use std::{collections::HashMap, sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ErrorKind, InfoDict, IntoConnectionInfo as _, ProtocolVersion, RedisResult,
    aio::MultiplexedConnection,
};

use super::changes::Changes;

/// One life of a Redis process, from start to end.
pub struct Run {
    pub id: String,
    /// Whether a restart loses nothing.
    pub durable: bool,
}

/// A connection over which everything is known that has to be.
pub struct Greeted {
    pub inner: MultiplexedConnection,
    pub run: Run,
    /// `None` where Redis won't say what changes.
    pub changes: Option<Arc<Changes>>,
}

/// For the protocol in which Redis may speak first: RESP3, which it has had since version 6.
pub fn client(url: &str) -> RedisResult<Client> {
    let info = url.into_connection_info()?;
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Client::open(info.set_redis_settings(settings))
}

/// Connects.
pub async fn greet(client: &Client, deadline: Duration) -> RedisResult<Greeted> {
    let changes = Arc::new(Changes::new());
    let limits = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(deadline))
        .set_response_timeout(Some(deadline))
        .set_push_sender(Arc::clone(&changes));
    let mut inner = client.get_multiplexed_async_connection_with_config(&limits).await?;
    // Refused as long as it still reads its snapshot.
    redis::cmd("PING").exec_async(&mut inner).await?;
    let info: InfoDict = redis::cmd("INFO").query_async(&mut inner).await?;
    is_master(&info)?;
    warn_of_eviction(&info);
    let id = info.get("run_id").ok_or((ErrorKind::Client, "INFO names no run_id"))?;
    let durable = fsyncs_always(&mut inner).await? && info.get::<u8>("aof_enabled") == Some(1) && is_alone(&info);
    let told = is_understood(&info) && tell(&mut inner).await?;
    Ok(Greeted { inner, run: Run { id, durable }, changes: told.then_some(changes) })
}

/// Asks whether it answers, is the one that may be written to, and keeps what it is said to keep.
pub async fn check(inner: &mut MultiplexedConnection, run: &Run) -> RedisResult<()> {
    let info: InfoDict = redis::cmd("INFO").arg("replication").query_async(inner).await?;
    is_master(&info)?;
    match run.durable && !is_alone(&info) {
        true => Err((ErrorKind::Client, "it has a replica now").into()),
        false => Ok(()),
    }
}

/// One that was made a replica goes on answering, and knows what is new only later.
fn is_master(info: &InfoDict) -> RedisResult<()> {
    match info.get::<String>("role").as_deref() {
        Some("master") => Ok(()),
        _ => Err((ErrorKind::Client, "it is a replica").into()),
    }
}

/// Whether it neither has a replica nor was one: a replica that takes over does not know what its master did last, however well
/// either keeps what it knows.
fn is_alone(info: &InfoDict) -> bool {
    let was_replica = info.get::<String>("master_replid2").is_none_or(|id| id.bytes().any(|digit| digit != b'0'));
    info.get::<u64>("connected_slaves") == Some(0) && !was_replica
}

/// A session that is gone is only a log-out too many; but a user's index that is gone leaves sessions that no list shows and "log
/// out everywhere else" does not find.
fn warn_of_eviction(info: &InfoDict) {
    let policy = info.get::<String>("maxmemory_policy").unwrap_or_default();
    if info.get::<u64>("maxmemory").is_some_and(|most| most > 0) && policy != "noeviction" {
        tracing::warn!(policy, "Redis may evict what is needed to end sessions: set maxmemory-policy to noeviction");
    }
}

/// Where it may not be asked, nothing is taken for granted.
async fn fsyncs_always(inner: &mut MultiplexedConnection) -> RedisResult<bool> {
    let asked = redis::cmd("CONFIG").arg("GET").arg("appendfsync").query_async(inner).await;
    let settings: Option<HashMap<String, String>> = unless_refused(asked)?;
    Ok(settings.is_some_and(|settings| settings.get("appendfsync").is_some_and(|value| value == "always")))
}

/// Redis says since 6.2 in one way what has changed; Valkey calls itself 7.2 here. What is not made of either promises another
/// order, or none.
fn is_understood(info: &InfoDict) -> bool {
    let version: Option<String> = info.get("redis_version");
    let numbers = version.as_deref().and_then(|version| {
        let mut numbers = version.split('.').map(str::parse::<u32>);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    });
    let is_another = ["dragonfly_version", "keydb_version"].iter().any(|name| info.get::<String>(name).is_some());
    numbers >= Some((6, 2)) && !is_another
}

/// Asks to be told; `false` where that is refused: then everything is read each time.
async fn tell(inner: &mut MultiplexedConnection) -> RedisResult<bool> {
    let asked = redis::cmd("CLIENT").arg("TRACKING").arg("ON").query_async(inner).await;
    Ok(unless_refused::<()>(asked)?.is_some())
}

/// Tells a server that will not answer a question from one that can't.
fn unless_refused<T>(answer: RedisResult<T>) -> RedisResult<Option<T>> {
    match answer {
        Err(error) if matches!(error.kind(), ErrorKind::Server(_)) => Ok(None),
        answer => answer.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(text: &str) -> InfoDict {
        InfoDict::new(text)
    }

    #[test]
    fn only_one_that_is_alone_loses_nothing() {
        let zeros = "0".repeat(40);
        let (alone, promoted) =
            (format!("connected_slaves:0\r\nmaster_replid2:{zeros}"), "connected_slaves:0\r\nmaster_replid2:9a8");
        assert!(is_alone(&info(&alone)));
        for other in [promoted, &alone.replace("slaves:0", "slaves:1"), "connected_slaves:0", ""] {
            assert!(!is_alone(&info(other)), "{other}");
        }
    }

    #[test]
    fn redis_is_understood_from_6_2_on_and_what_only_calls_itself_so_is_not() {
        for understood in [
            "redis_version:6.2.0",
            "redis_version:7.0.15",
            "redis_version:7.2.4\r\nserver_name:valkey",
            "redis_version:10.0.0",
        ] {
            assert!(is_understood(&info(understood)), "{understood}");
        }
        for other in [
            "redis_version:6.0.16",
            "redis_version:5.0.14",
            "redis_version:new",
            "",
            "redis_version:7.4.0\r\ndragonfly_version:df-v1.30",
        ] {
            assert!(!is_understood(&info(other)), "{other}");
        }
    }
}
