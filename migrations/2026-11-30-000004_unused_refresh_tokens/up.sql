-- Of a login that is renewed for months thousands of used tokens are kept, and one is live: the sweeper looks for that one.
CREATE INDEX IF NOT EXISTS refresh_tokens_unused ON refresh_tokens (family_id) WHERE used_at IS NULL;
