-- Access tokens are believed until they expire. Whoever follows the feed of endings learns sooner, and for that every ending has
-- to be written down in the transaction that brings it about.

-- The longest life of an access token that was issued to this login; a column, as a change of configuration must not let an ending
-- be forgotten while tokens of the old length still live.
ALTER TABLE token_families
    ADD COLUMN access_ttl_seconds bigint NOT NULL DEFAULT 900 CHECK (access_ttl_seconds > 0);

CREATE TABLE token_endings (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    -- Ids are not committed in order, so who reads "everything above the last id" would miss what commits late. Transactions can be
    -- told apart: below the oldest one that is still running (pg_snapshot_xmin) nothing more will ever appear.
    written_by xid8 NOT NULL DEFAULT pg_current_xact_id(),
    kind text NOT NULL CHECK (kind IN ('family-ended', 'issued-before', 'token-denied')),
    -- The login that ended.
    sid uuid,
    -- The user, and the version before which everything ended.
    sub uuid,
    ver bigint,
    -- The token that was denied.
    jti text,
    -- From then on no token that it ends can be alive, with a minute to spare, as clocks differ.
    expires_at timestamptz NOT NULL,
    CHECK ((kind = 'family-ended') = (sid IS NOT NULL)),
    CHECK ((kind = 'issued-before') = (sub IS NOT NULL AND ver IS NOT NULL)),
    CHECK ((kind = 'token-denied') = (jti IS NOT NULL))
);

CREATE INDEX token_endings_written_by ON token_endings (written_by);
CREATE INDEX token_endings_expiring ON token_endings (expires_at);

-- Triggers and not a function of the application, although they are harder to find: whatever ends a login (a handler, the sweeper,
-- the command line, the deletion of an account that takes its families along), and whoever writes the next such thing, can't
-- forget them. They run as whoever ends something and need no right but to insert.
CREATE FUNCTION token_family_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO token_endings (kind, sid, expires_at)
    VALUES ('family-ended', OLD.id, clock_timestamp() + make_interval(secs => OLD.access_ttl_seconds + 60));
    RETURN NULL;
END $$;
CREATE TRIGGER token_family_ended AFTER UPDATE OF ended_at ON token_families FOR EACH ROW
    WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION token_family_ended();
CREATE TRIGGER token_family_deleted AFTER DELETE ON token_families FOR EACH ROW
    WHEN (OLD.ended_at IS NULL) EXECUTE FUNCTION token_family_ended();

-- Nothing for a user without a live family: of those that ended it was said when they did.
CREATE FUNCTION token_version_raised() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO token_endings (kind, sub, ver, expires_at)
    SELECT 'issued-before', NEW.id, NEW.credential_version,
        clock_timestamp() + make_interval(secs => max(access_ttl_seconds) + 60)
    FROM token_families WHERE user_id = NEW.id AND ended_at IS NULL HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER token_version_raised AFTER UPDATE OF credential_version ON users FOR EACH ROW
    WHEN (NEW.credential_version > OLD.credential_version) EXECUTE FUNCTION token_version_raised();

CREATE FUNCTION token_denied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO token_endings (kind, jti, expires_at) VALUES ('token-denied', NEW.jti, NEW.expires_at);
    RETURN NULL;
END $$;
CREATE TRIGGER token_denied AFTER INSERT ON denied_tokens FOR EACH ROW EXECUTE FUNCTION token_denied();
