//! Migrations are safe while the previous version still runs: they expand, and what they contract nobody reads any more.
//!
//! There is no previous version to run here, so this reads the statements: what would break one must say, in a line that
//! begins with `-- Contracts:`, which version was the last to need what goes.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use diesel::connection::SimpleConnection as _;

use crate::support::{TestApp, app::SECRET, binary};

/// What makes statements of a version that runs fail, or wait for long.
const BREAK: &[&str] = &[
    "drop table",
    "drop column",
    "drop constraint",
    "drop function",
    "drop view",
    "rename",
    " type ",
    "set not null",
    "drop default",
    "add constraint",
    "add check",
    "create unique index",
    "delete from",
    "truncate",
];

/// Before the first release: nothing else has ever run on them.
const BEFORE_ANY_RELEASE: &str = "2026-11-25-000002_audit_trail_stays";

/// What of a migration would break the version before, and is not accounted for.
fn breaks(statements: &str) -> Vec<&str> {
    let accounted = statements.lines().any(|line| line.starts_with("-- Contracts: "));
    let lines = statements.lines().filter(|line| !line.trim_start().starts_with("--"));
    let code = lines.collect::<Vec<_>>().join(" ").to_lowercase();
    let column_without_a_value = code.split(';').any(|statement| {
        statement.contains("add column") && statement.contains("not null") && !statement.contains("default")
    });
    let found = BREAK.iter().copied().filter(|words| code.contains(words));
    let found = found.chain(column_without_a_value.then_some("add column … not null"));
    if accounted { Vec::new() } else { found.collect() }
}

#[test]
fn what_would_break_the_version_before_is_told_from_what_would_not() {
    for safe in [
        "CREATE TABLE things (id uuid PRIMARY KEY, name text NOT NULL);",
        "ALTER TABLE users ADD COLUMN nickname text;",
        "ALTER TABLE users ADD COLUMN visits integer NOT NULL DEFAULT 0;",
        "-- DROP TABLE would be another matter.\nCREATE INDEX users_name ON users (name);",
        "-- Contracts: nickname, which 1.4 was the last to read.\nALTER TABLE users DROP COLUMN nickname;",
    ] {
        assert_eq!(breaks(safe), Vec::<&str>::new(), "{safe}");
    }
    for unsafe_one in [
        "ALTER TABLE users DROP COLUMN nickname;",
        "ALTER TABLE users RENAME COLUMN email TO address;",
        "ALTER TABLE users ALTER COLUMN role TYPE integer;",
        "ALTER TABLE users ADD COLUMN nickname text NOT NULL;",
        "DROP TABLE users;",
        "ALTER TABLE users DROP CONSTRAINT users_role_check;",
        "CREATE UNIQUE INDEX users_name ON users (display_name);",
        "DELETE FROM sessions;",
        "TRUNCATE sessions;",
        "DROP FUNCTION users_changed;",
    ] {
        assert_eq!(breaks(unsafe_one).len(), 1, "{unsafe_one}");
    }
}

#[test]
fn every_migration_after_the_first_release_only_expands() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let names = fs::read_dir(&folder).expect("migrations").flatten().map(|entry| entry.file_name());
    let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    assert!(names.iter().any(|name| name == BEFORE_ANY_RELEASE), "{names:?}");
    for name in names.iter().filter(|name| name.as_str() > BEFORE_ANY_RELEASE) {
        let statements = fs::read_to_string(folder.join(name).join("up.sql")).expect("statements");
        assert_eq!(breaks(&statements), Vec::<&str>::new(), "{name}");
    }
}

#[actix_web::test]
async fn a_migration_that_waits_for_a_lock_lets_the_version_that_runs_pass() {
    let app = TestApp::spawn();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/2026-11-30-000003_events_of_a_login");
    app.execute_all(&fs::read_to_string(folder.join("down.sql")).expect("statements"));
    assert_eq!(app.execute("DELETE FROM __diesel_schema_migrations WHERE version = '20261130000003'"), 1);
    // As a long transaction of somebody else does, which an index has to wait for.
    let mut backup = app.connect();
    backup.batch_execute("BEGIN; LOCK TABLE auth_events IN ROW EXCLUSIVE MODE").expect("locked");
    let variables = [("DATABASE_URL", app.database.url()), ("SECRETS", SECRET), ("LOG", "warn")];
    let migration = binary::command(&["migrate"], &variables).spawn().expect("it runs");
    let began = Instant::now();
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while app.value(waits) == "0" {
        assert!(began.elapsed() < Duration::from_secs(20), "nothing waits");
        actix_web::rt::time::sleep(Duration::from_millis(5)).await;
    }
    // A log-in writes what the index waits for.
    app.logged_in_client("ada@example.org").await;
    backup.batch_execute("COMMIT").expect("let go");
    let migrated = migration.wait_with_output().expect("it ends");
    assert!(migrated.status.success(), "{migrated:?}");
    assert!(String::from_utf8_lossy(&migrated.stderr).contains("waits for a lock"), "{migrated:?}");
    assert_eq!(app.count("pg_indexes WHERE indexname = 'auth_events_of_login'"), 1);
}
