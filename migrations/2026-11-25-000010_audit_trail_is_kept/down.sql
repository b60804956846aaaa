DROP TRIGGER users_throwaway ON users;
DROP FUNCTION users_throwaway;
DROP TRIGGER auth_events_kept ON auth_events;
DROP FUNCTION auth_events_kept;
