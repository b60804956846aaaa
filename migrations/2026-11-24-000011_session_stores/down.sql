DROP TRIGGER users_changed ON users;
DROP FUNCTION users_changed();
DROP TABLE session_outbox;
ALTER TABLE users DROP COLUMN revision, DROP COLUMN sessions_since, DROP COLUMN sessions_end_reason;
