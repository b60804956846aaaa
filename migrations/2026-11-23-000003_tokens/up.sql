-- Scheme 2: one family a login. Access tokens are in no table: that is their point, and their limit.
CREATE TABLE token_families (
    -- The claim `sid` of every access token of this login, and its name in answers. It opens nothing.
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    authenticated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The last log-in or refresh. Requests with an access token leave no trace.
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- However often it is refreshed, a login ends here.
    absolute_expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text,
    user_agent text NOT NULL,
    address inet NOT NULL,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);

CREATE INDEX token_families_user ON token_families (user_id) WHERE ended_at IS NULL;
CREATE INDEX token_families_ended ON token_families (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX token_families_expiring ON token_families (absolute_expires_at) WHERE ended_at IS NULL;

-- Every refresh token of a family that was ever issued: an old one that comes back is how theft is noticed.
CREATE TABLE refresh_tokens (
    -- SHA-256 of the token.
    hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    family_id uuid NOT NULL REFERENCES token_families ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    -- When it was redeemed for its successor.
    used_at timestamptz,
    -- With the token itself gives the successor, so that a repeated request can be answered with the same one; kept only
    -- while the grace lasts. Without the token, which is not here, it is worth nothing.
    nonce bytea CHECK (octet_length(nonce) = 32),
    CHECK (nonce IS NULL OR used_at IS NOT NULL)
);

CREATE INDEX refresh_tokens_family ON refresh_tokens (family_id);
-- The sweeper, which forgets nonces after the grace.
CREATE INDEX refresh_tokens_nonce ON refresh_tokens (used_at) WHERE nonce IS NOT NULL;

-- The keys that sign access tokens. A table and not a file, so that instances agree and a key can be changed at run time.
CREATE TABLE signing_keys (
    -- RFC 7638 thumbprint of the public key; random for HS256, where a thumbprint would be a hash of the secret.
    kid text PRIMARY KEY,
    algorithm text NOT NULL CHECK (algorithm IN ('HS256', 'RS256', 'ES256', 'EdDSA')),
    -- What /.well-known/jwks.json publishes; nothing for HS256, which has no public half.
    public_jwk jsonb,
    -- AES-256-GCM under a key derived from SECRETS, with the kid as associated data.
    sealed_private bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- From then on it signs nothing and verifies nothing.
    retired_at timestamptz,
    CHECK ((algorithm = 'HS256') = (public_jwk IS NULL))
);
