DROP INDEX auth_events_user;
CREATE INDEX auth_events_user ON auth_events (user_id, at DESC);
