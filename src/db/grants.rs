//! What the server's role may do to the tables, where migrations run as another role: no more than it does.
//!
//! Whoever breaks into the server has its role, and with it what stands below: neither the schema nor the list of migrations, no
//! change of the audit trail, no deletion of a signing key. A table that is not named here can be read and written.
//! Limit: where both are one role, as on the private PostgreSQL, that role owns everything.

use diesel::{
    PgConnection, QueryableByName, RunQueryDsl as _, connection::SimpleConnection as _, sql_query, sql_types::Text,
};

use super::{Result, connect, exclusively};

/// What to grant and to revoke, as statements; nothing if all is as it should be.
const DIFFERENCES: &str = "
    WITH wanted AS (
        SELECT c.oid, c.relname, privilege,
            privilege = ANY (CASE c.relname
                WHEN '__diesel_schema_migrations' THEN '{SELECT}'
                WHEN 'auth_events' THEN '{SELECT, INSERT, DELETE}'
                WHEN 'signing_keys' THEN '{SELECT, INSERT, UPDATE}'
                ELSE '{SELECT, INSERT, UPDATE, DELETE}'
            END::text[]) AS is_wanted
        FROM pg_class c, unnest('{SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER}'::text[]) AS privilege
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'USAGE')
    )
    SELECT format(CASE WHEN is_wanted THEN 'GRANT %s ON %I TO %I' ELSE 'REVOKE %s ON %I FROM %I' END, privilege, relname, $1)
        AS statement
    FROM wanted WHERE has_table_privilege($1, oid, privilege) <> is_wanted
    UNION ALL
    SELECT format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), $1)
    WHERE NOT has_schema_privilege($1, current_schema(), 'USAGE')
    UNION ALL
    SELECT format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC, %I', current_schema(), $1)
    WHERE has_schema_privilege($1, current_schema(), 'CREATE')";

#[derive(QueryableByName)]
struct Difference {
    #[diesel(sql_type = Text)]
    statement: String,
}

/// Lets the role of one URL use what the role of the other one owns. Nothing happens if they are the same role.
pub fn grant(owner_url: &str, url: &str) -> Result<()> {
    if owner_url == url {
        return Ok(());
    }
    let role = role(&mut connect(url)?)?;
    let mut conn = connect(owner_url)?;
    if self::role(&mut conn)? == role {
        return Ok(());
    }
    exclusively(&mut conn, |conn| {
        let differences = |conn: &mut PgConnection| -> Result<Vec<Difference>> {
            Ok(sql_query(DIFFERENCES).bind::<Text, _>(&role).load(conn)?)
        };
        let found = differences(conn)?;
        for Difference { statement } in &found {
            conn.batch_execute(statement)?;
        }
        if !found.is_empty() {
            tracing::info!(role, "the server's role was given what it needs");
            // What it has as a superuser, an owner, a member of another role or like everybody is not its own to lose.
            for Difference { statement } in differences(conn)? {
                tracing::warn!(role, statement, "the server's role may do more than it needs, and this did not help");
            }
        }
        Ok(())
    })
}

fn role(conn: &mut PgConnection) -> Result<String> {
    Ok(diesel::select(diesel::dsl::sql::<Text>("current_user::text")).get_result(conn)?)
}
