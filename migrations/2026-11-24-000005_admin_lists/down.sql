DROP INDEX auth_events_kind;
DROP INDEX users_newest;
