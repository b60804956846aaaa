-- Devices that have logged in to an account: what makes another one new.
CREATE TABLE devices (
    -- SHA-256 of the random number in the device's cookie: who reads this table can't pass for a device.
    hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The last log-in.
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Whether an account has any, and the oldest of too many.
CREATE INDEX devices_user ON devices (user_id, seen_at DESC);
-- The sweeper.
CREATE INDEX devices_seen ON devices (seen_at);

-- The newest log-in from a new device, where the statement that finds a session finds it as well: pages tell of it until they are
-- told that it is known, and no page pays a statement for that.
ALTER TABLE users
    ADD COLUMN new_device_event bigint,
    ADD COLUMN new_device_login uuid;
