CREATE OR REPLACE FUNCTION users_throwaway() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.email_folded LIKE '%@throwaway.invalid' THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' OR EXISTS (SELECT FROM auth_events WHERE user_id = NEW.id) THEN
        RAISE EXCEPTION 'no account becomes a throwaway one';
    END IF;
    RETURN NEW;
END $$;
