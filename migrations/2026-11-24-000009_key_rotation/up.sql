-- A new key is published before it signs, so that whoever verifies has it when the first token comes: every instance of ours
-- that looks every second, and other services that fetch the public keys. Set by this clock, as instances' own may differ.
ALTER TABLE signing_keys ADD COLUMN signs_from timestamptz;
UPDATE signing_keys SET signs_from = created_at;
ALTER TABLE signing_keys ALTER COLUMN signs_from SET NOT NULL;
