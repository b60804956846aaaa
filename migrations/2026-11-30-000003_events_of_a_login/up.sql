-- Somebody may have millions of events, and few of these: whether a login came from a new device, whether its end by a copy is noted.
CREATE INDEX IF NOT EXISTS auth_events_of_login ON auth_events (login_id) WHERE kind IN ('new device', 'refresh token reused');
