-- Scheme 1: one row a login. What the browser holds is a random key and nothing else.
CREATE TABLE sessions (
    -- SHA-256 of the key: who reads this table can't log in with it. Without a salt, as the key is 256 random bits.
    key_hash bytea PRIMARY KEY CHECK (octet_length(key_hash) = 32),
    -- The name of this login in pages and URLs: neither the key nor its hash may stand there.
    id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    -- What pages keep for a visitor. Last writer wins, so nothing that security rests on may lie here.
    state jsonb NOT NULL DEFAULT '{}',
    -- Whether the cookie outlives the browser.
    remembered boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When the password was last checked in this login; a change of password carries the login's age on.
    authenticated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Written at most once a minute, so that reading pages does not become writing rows.
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- How long it may lie unused; a column, as a change of configuration must not lengthen logins that exist.
    idle_ttl_seconds integer NOT NULL CHECK (idle_ttl_seconds > 0),
    absolute_expires_at timestamptz NOT NULL,
    -- Ended rows stay for a day, so that the next request can be told why. An ended row lets nobody in.
    ended_at timestamptz,
    end_reason text,
    user_agent text NOT NULL,
    address inet NOT NULL,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);

-- Ending all logins of a user, and listing them.
CREATE INDEX sessions_user ON sessions (user_id) WHERE ended_at IS NULL;
-- The sweeper, oldest first.
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_expiring ON sessions (absolute_expires_at) WHERE ended_at IS NULL;
