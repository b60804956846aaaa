-- Emptying the table at one stroke is no deleting of what is old: refused as a change is. Like that, it holds against a mistake and
-- against whoever has the application's rights, not against the table's owner, who may drop the trigger.
CREATE TRIGGER auth_events_stay_whole BEFORE TRUNCATE ON auth_events FOR EACH STATEMENT EXECUTE FUNCTION auth_events_stay();
