-- The audit trail: appended to, never changed. It has no foreign key, as it outlives the accounts it tells of.
CREATE TABLE auth_events (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Which door it happened at.
    door text NOT NULL CHECK (door IN ('session', 'token', 'none')),
    kind text NOT NULL,
    -- Nobody, where an unknown e-mail address was tried.
    user_id uuid,
    -- The session or family concerned.
    login_id uuid,
    -- What more there is to say, in words; never a credential.
    detail text,
    address inet NOT NULL,
    user_agent text NOT NULL
);

-- A user's recent activity, newest first.
CREATE INDEX auth_events_user ON auth_events (user_id, at DESC);
