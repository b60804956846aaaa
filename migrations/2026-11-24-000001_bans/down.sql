DROP INDEX users_admin;
ALTER TABLE users DROP COLUMN banned_at, DROP COLUMN banned_until, DROP COLUMN ban_reason;
