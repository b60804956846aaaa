-- The audit trail could not be changed, but whoever got hold of the server's role could empty it. Deleting is left for two
-- purposes: the sweeper's, of what is at least a day old (EVENTS_TTL can't be less), and that of throwaway accounts, of which an
-- experiment leaves nothing behind.
CREATE FUNCTION auth_events_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM users WHERE id = OLD.user_id AND email_folded LIKE '%@throwaway.invalid') THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'auth_events of the last day are kept';
END $$;
CREATE TRIGGER auth_events_kept BEFORE DELETE ON auth_events FOR EACH ROW
    WHEN (OLD.at > clock_timestamp() - interval '1 day') EXECUTE FUNCTION auth_events_kept();

-- An account is a throwaway one from its first moment on or never: else an account, or a new one under an old id, could be
-- declared one, and its events be deleted.
CREATE FUNCTION users_throwaway() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.email_folded LIKE '%@throwaway.invalid' THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' OR EXISTS (SELECT FROM auth_events WHERE user_id = NEW.id) THEN
        RAISE EXCEPTION 'no account becomes a throwaway one';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER users_throwaway BEFORE INSERT OR UPDATE OF id, email_folded ON users FOR EACH ROW
    WHEN (NEW.email_folded LIKE '%@throwaway.invalid') EXECUTE FUNCTION users_throwaway();
