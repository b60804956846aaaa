-- A ban is a state of the person, not of a login: columns, so that the statement that finds a login finds the ban as well.
ALTER TABLE users
    ADD COLUMN banned_at timestamptz,
    -- NULL: until somebody takes it back. A ban whose time is over needs nobody to lift it.
    ADD COLUMN banned_until timestamptz,
    -- Said to the person who is banned.
    ADD COLUMN ban_reason text,
    ADD CHECK ((banned_at IS NULL) = (ban_reason IS NULL)),
    ADD CHECK (banned_until IS NULL OR banned_at IS NOT NULL);

-- Whether an admin is the last one: they are few among many.
CREATE INDEX users_admin ON users (id) WHERE role = 'admin';
