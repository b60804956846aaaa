ALTER TABLE auth_events
    -- Who did it, where that is not the person it concerns: an admin who bans. Nobody for the command line.
    ADD COLUMN actor_id uuid,
    -- Nowhere, for what is done from the command line.
    ALTER COLUMN address DROP NOT NULL;

-- The sweeper looks for old events, whoever's.
CREATE INDEX auth_events_at ON auth_events (at);

-- Appended to and never changed, whatever a mistake or a break-in makes the application do: only deleting is left, for the
-- sweeper, once an event is old.
CREATE FUNCTION auth_events_stay() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'auth_events is append-only'; END $$;
CREATE TRIGGER auth_events_stay BEFORE UPDATE ON auth_events FOR EACH STATEMENT EXECUTE FUNCTION auth_events_stay();
