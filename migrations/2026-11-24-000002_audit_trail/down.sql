DROP TRIGGER auth_events_stay ON auth_events;
DROP FUNCTION auth_events_stay;
DROP INDEX auth_events_at;
DELETE FROM auth_events WHERE address IS NULL;
ALTER TABLE auth_events DROP COLUMN actor_id, ALTER COLUMN address SET NOT NULL;
