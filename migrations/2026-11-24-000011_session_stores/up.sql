-- What a session store beside this database (SESSION_STORE=redis://…) must know of a user. The two share no transaction, so
-- it keeps copies of users' rows, and this is what keeps the copies true.
ALTER TABLE users
    -- Counts every change of the row, so that an older copy never replaces a later one.
    ADD COLUMN revision bigint NOT NULL DEFAULT 1,
    -- The first credential_version that still lets sessions in: an event that ends all sessions sets it to the version it
    -- counted up to; one that ends the token families only leaves it, and so carries the sessions over.
    ADD COLUMN sessions_since bigint NOT NULL DEFAULT 1,
    -- What ended the sessions before, to be told to whoever still shows one.
    ADD COLUMN sessions_end_reason text;

-- The outbox: whose copy may not be up to date yet. One row a user, as only the latest state counts. Without a foreign key,
-- as it tells of deleted users too. A store that is this database's own table needs none of it; the sweeper deletes what is
-- older than any copy can be.
CREATE TABLE session_outbox (
    user_id uuid PRIMARY KEY,
    -- As of this change: who has copied it deletes the row only if there was none since.
    revision bigint NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- A trigger, so that no way of changing a user can forget it: a handler, the command line, or somebody with psql. It costs
-- one small row for each change of a user, which are rare; a log-in that only replaces an old hash is none.
CREATE FUNCTION users_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(OLD) - 'password_hash' = to_jsonb(NEW) - 'password_hash' THEN
            RETURN NEW;
        END IF;
        NEW.revision := OLD.revision + 1;
    END IF;
    INSERT INTO session_outbox (user_id, revision) VALUES (OLD.id, OLD.revision + 1)
        ON CONFLICT (user_id) DO UPDATE SET revision = excluded.revision, changed_at = excluded.changed_at;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER users_changed BEFORE UPDATE OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION users_changed();
