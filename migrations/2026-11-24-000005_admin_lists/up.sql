-- Admins leaf through users, newest first, from the place where the last page ended.
CREATE INDEX users_newest ON users (created_at DESC, id DESC);
-- And through the audit trail by kind, newest first.
CREATE INDEX auth_events_kind ON auth_events (kind, id DESC);
