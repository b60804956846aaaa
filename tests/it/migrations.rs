//! Migrations are safe while the previous version still runs: they expand, and what they contract nobody reads any more.
//!
//! There is no previous version to run here, so this reads the statements: what would break one must say, in a line that begins with
//! `-- Contracts:`, which version was the last to need what goes.

use std::{fs, path::Path};

/// What makes statements of a version that runs fail, or wait for long.
const BREAK: &[&str] =
    &["drop table", "drop column", "rename", " type ", "set not null", "drop default", "add constraint", "add check"];

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
