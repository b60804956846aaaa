//! The server's role in the database uses the tables and owns none: who breaks into the server gets no further than that.
//!
//! Every server that the tests start in this process has such a role ([`TestApp::on`]), so that the whole suite shows that
//! it is enough.

use diesel::{Connection as _, PgConnection, connection::SimpleConnection as _};

use crate::support::{
    PASSWORD, TestApp,
    app::SECRET,
    binary::{self, Binary},
    postgres::{SERVER_ROLE, TestDatabase},
};

const ADA: &str = "ada@example.org";

/// Why the server's role may not do this.
fn refused(conn: &mut PgConnection, statement: &str) -> String {
    conn.batch_execute(statement).expect_err(statement).to_string()
}

#[actix_web::test]
async fn the_servers_role_can_neither_alter_the_schema_nor_the_list_of_migrations() {
    let app = TestApp::spawn();
    app.sign_up(ADA).await;
    let servers = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename";
    assert_ne!(app.value(&format!("SELECT count(*) {servers} = '{SERVER_ROLE}'")), "0", "the server has this role");
    let mut conn = PgConnection::establish(&app.database.server_url()).expect("it may connect");
    for statement in [
        "CREATE TABLE mine ()",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE users ADD COLUMN mine int",
        "ALTER TABLE users DISABLE TRIGGER ALL",
        "DROP TABLE devices",
        "DROP TRIGGER auth_events_stay ON auth_events",
        "DROP FUNCTION auth_events_stay CASCADE",
        "CREATE OR REPLACE FUNCTION auth_events_stay() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE TRIGGER mine BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION users_changed()",
        "TRUNCATE sessions",
        "DELETE FROM signing_keys",
        "DELETE FROM __diesel_schema_migrations",
        "INSERT INTO __diesel_schema_migrations VALUES ('29991231')",
        "SET session_replication_role = replica",
        "SET ROLE two_doors",
        "CREATE ROLE mine SUPERUSER",
        "COPY users TO PROGRAM 'cat'",
    ] {
        let why = refused(&mut conn, statement);
        assert!(why.contains("permission denied") || why.contains("must be"), "{statement}: {why}");
    }
}

#[actix_web::test]
async fn the_servers_role_can_not_rewrite_the_audit_trail() {
    let app = TestApp::spawn();
    app.logged_in_client(ADA).await;
    let before = app.value("SELECT string_agg(e::text, ' ' ORDER BY id) FROM auth_events e");
    let user = app.value("SELECT id FROM users");
    let mut conn = PgConnection::establish(&app.database.server_url()).expect("it may connect");
    let throwaway = format!("{user}', 'x@throwaway.invalid', 'x@throwaway.invalid', 'x', '");
    for (statement, why) in [
        ("UPDATE auth_events SET detail = 'nothing to see'".to_owned(), "permission denied"),
        ("TRUNCATE auth_events".to_owned(), "permission denied"),
        ("DELETE FROM auth_events".to_owned(), "of the last day are kept"),
        (format!("DELETE FROM auth_events WHERE user_id = '{user}'"), "of the last day are kept"),
        // Nor by way of what may be deleted.
        (
            "UPDATE users SET email_folded = 'x@throwaway.invalid'; DELETE FROM auth_events".to_owned(),
            "becomes a throwaway",
        ),
        (
            format!(
                "DELETE FROM users; INSERT INTO users (id, email, email_folded, display_name, password_hash) VALUES ('{throwaway}')"
            ),
            "becomes a throwaway",
        ),
        (
            format!(
                "DELETE FROM users; INSERT INTO users (email, email_folded, display_name, password_hash) VALUES ({}'); \
                 UPDATE users SET id = '{user}'; DELETE FROM auth_events WHERE user_id = '{user}'",
                throwaway.split_once(", ").expect("columns").1
            ),
            "becomes a throwaway",
        ),
        // Nor with tables of its own that hide the true ones.
        (
            "CREATE TEMP TABLE users AS SELECT DISTINCT user_id AS id, 'x@throwaway.invalid' AS email_folded FROM auth_events; \
             DELETE FROM auth_events"
                .to_owned(),
            "of the last day are kept",
        ),
        (
            format!(
                "CREATE TEMP TABLE auth_events (user_id uuid); DELETE FROM users; \
                 INSERT INTO users (id, email, email_folded, display_name, password_hash) VALUES ('{throwaway}')"
            ),
            "becomes a throwaway",
        ),
    ] {
        assert!(refused(&mut conn, &statement).contains(why), "{statement}");
        assert_eq!(app.value("SELECT string_agg(e::text, ' ' ORDER BY id) FROM auth_events e"), before, "{statement}");
    }
    // What the sweeper does goes on: it deletes what is old.
    app.execute_all("ALTER TABLE auth_events DISABLE TRIGGER auth_events_stay");
    app.execute("UPDATE auth_events SET at = at - interval '25 hours'");
    conn.batch_execute("DELETE FROM auth_events").expect("old events may go");
}

#[test]
fn to_migrate_gives_the_servers_role_what_it_needs_and_takes_back_what_it_does_not() {
    let database = TestDatabase::empty();
    let server_url = database.server_url();
    let variables =
        [("DATABASE_URL", server_url.as_str()), ("MIGRATION_DATABASE_URL", database.url()), ("SECRETS", SECRET)];
    let migrate = || {
        let migrated = binary::run(&["migrate"], &variables);
        assert!(migrated.success, "{migrated:?}");
    };
    migrate();
    database
        .connect()
        .batch_execute(&format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {SERVER_ROLE}"))
        .expect("granted");
    migrate();
    let mut conn = PgConnection::establish(&server_url).expect("it may connect");
    assert!(refused(&mut conn, "TRUNCATE users").contains("permission denied"));
    assert!(refused(&mut conn, "UPDATE auth_events SET detail = ''").contains("permission denied"));
    // A server needs the owner's URL no more.
    let server = Binary::serve(&server_url, &[("MIGRATE", "off")]);
    let (is_good, log) = server.stop();
    assert!(is_good, "{log}");
    // Nor does anybody have to say so, as there is nothing to migrate; the operator's commands are no different.
    let (is_good, log) = Binary::serve(&server_url, &[]).stop();
    assert!(is_good, "{log}");
    let variables = [("DATABASE_URL", server_url.as_str()), ("SECRETS", SECRET), ("LOG", "error")];
    let rotated = binary::run(&["keys", "rotate", "--in", "0s"], &variables);
    assert!(rotated.success, "{rotated:?}");
    database.connect().batch_execute("DELETE FROM __diesel_schema_migrations WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)").expect("deleted");
    let refused = Binary::try_serve(&server_url, &[]).err().expect("it may not migrate");
    assert!(refused.stderr.contains("permission denied"), "{refused:?}");
}

#[test]
fn compose_gives_the_app_the_lesser_role_only() {
    let compose = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/compose.yaml")).expect("compose.yaml");
    let services = compose.split_once("\nservices:\n").expect("services").1;
    let service = |name: &str| {
        let from = services.split_once(&format!("\n  {name}:\n")).expect(name).1;
        let lines = from.lines().take_while(|line| line.is_empty() || line.starts_with("    "));
        lines.collect::<Vec<_>>().join("\n")
    };
    let app = service("app");
    assert!(app.contains("DATABASE_URL: \"postgresql://two_doors_app:${APP_POSTGRES_PASSWORD"), "{app}");
    assert!(app.contains("MIGRATE: \"off\"") && app.contains("condition: service_completed_successfully"), "{app}");
    assert!(!app.contains("{POSTGRES_PASSWORD") && !app.contains("MIGRATION_DATABASE_URL"), "no owner in it: {app}");
    assert!(service("migrate").contains("MIGRATION_DATABASE_URL: \"postgresql://two_doors:${POSTGRES_PASSWORD"));

    // What makes the role, as the database runs it at its first start.
    let sql = compose.split_once("content: |\n").expect("the role's SQL").1;
    let sql: String = sql.lines().take_while(|line| line.starts_with("      ")).collect();
    let database = TestDatabase::create();
    let role = format!("app_{}", database.name());
    let password = sql.split('\'').nth(1).expect("a password").to_owned();
    assert!(password.starts_with("${APP_POSTGRES_PASSWORD"), "{sql}");
    let sql = sql.replace("two_doors_app", &role).replace(&password, PASSWORD);
    database.connect().batch_execute(&sql).expect(&sql);
    let url = database.url().replace("//two_doors@", &format!("//{role}@"));
    two_doors::db::grant(database.url(), &url).expect("granted");
    let server = Binary::serve(&url, &[("MIGRATE", "off")]);
    let (is_good, log) = server.stop();
    assert!(is_good, "{log}");
    let _ = database.connect().batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}
