-- Access tokens that are refused before they expire, wherever a route asks the database. Everything that is issued to a user
-- before some instant needs no row here: `users.credential_version` counts up, and the tokens say which version they are of.
CREATE TABLE denied_tokens (
    -- The claim `jti`. Never the signature: an ES256 signature (r, s) is as good as (r, n-s), so one token has two texts.
    jti text PRIMARY KEY CHECK (octet_length(jti) BETWEEN 1 AND 200),
    -- A minute after the token's own `exp`: until then an instance whose clock is behind may still take it for alive.
    expires_at timestamptz NOT NULL,
    reason text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The sweeper. The list stays as short as access tokens live.
CREATE INDEX denied_tokens_expiring ON denied_tokens (expires_at);
