DO $$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND proname IN (
            'auth_events_stay', 'auth_events_kept', 'users_throwaway', 'users_changed',
            'token_family_ended', 'token_version_raised', 'token_denied'
        )
    LOOP
        EXECUTE format('ALTER FUNCTION %I() RESET search_path', name);
    END LOOP;
END $$;
