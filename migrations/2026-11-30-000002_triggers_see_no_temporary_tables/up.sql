-- A temporary table comes before all others where a function does not say where to look: with a `users` of its own the server's
-- role could make the trigger believe that somebody was a throwaway account, and delete their events of today.
DO $$
DECLARE
    name text;
BEGIN
    -- Those that there are: a project may have taken one of the schemes alone.
    FOR name IN
        SELECT proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND proname IN (
            'auth_events_stay', 'auth_events_kept', 'users_throwaway', 'users_changed',
            'token_family_ended', 'token_version_raised', 'token_denied'
        )
    LOOP
        EXECUTE format('ALTER FUNCTION %I() SET search_path = %I, pg_temp', name, current_schema());
    END LOOP;
END $$;
