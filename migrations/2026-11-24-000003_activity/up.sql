-- A user's activity is paged by id, which no two events share; instants may be equal, and a page would lose one.
DROP INDEX auth_events_user;
CREATE INDEX auth_events_user ON auth_events (user_id, id DESC);
