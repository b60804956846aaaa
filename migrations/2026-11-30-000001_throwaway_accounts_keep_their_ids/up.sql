-- A throwaway account must not take over somebody's id either: with that person's row deleted, their events of today would be
-- a throwaway account's, and could be deleted.
CREATE OR REPLACE FUNCTION users_throwaway() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.email_folded LIKE '%@throwaway.invalid' AND NEW.id = OLD.id THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' OR EXISTS (SELECT FROM auth_events WHERE user_id = NEW.id) THEN
        RAISE EXCEPTION 'no account becomes a throwaway one';
    END IF;
    RETURN NEW;
END $$;
