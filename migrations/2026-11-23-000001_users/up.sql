-- The people, whichever door they use.
CREATE TABLE users (
    -- Random, as it stands in tokens and answers: counting numbers would tell how many of us there are.
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    -- As it was typed, for showing.
    email text NOT NULL CHECK (octet_length(email) BETWEEN 3 AND 1024),
    -- NFC and lower case, for finding: Ada@x.org and ada@x.org are one person. The index settles the race of two sign-ups.
    email_folded text NOT NULL UNIQUE,
    display_name text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 80),
    -- A PHC string: algorithm, parameters and salt come with the hash, so that parameters can change over time.
    password_hash text NOT NULL,
    role text NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
    -- Counts up with every event that ends all logins. Whoever inserts a login does so only if the version is still the one
    -- that the password was checked against, so that a log-in under way can't slip past a change of password.
    credential_version bigint NOT NULL DEFAULT 1,
    -- Its password is shown to everybody, so nobody may change it.
    demo boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The sweeper looks for accounts of experiments that were cut off; they are few among many.
CREATE INDEX users_throwaway ON users (created_at) WHERE email_folded LIKE '%@throwaway.invalid';
