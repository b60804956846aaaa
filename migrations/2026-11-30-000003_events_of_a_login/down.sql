DROP INDEX auth_events_of_login;
