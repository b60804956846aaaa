-- The newest log-ins from new devices, newest first, each as {"event", "login"}: of one alone, the next would hide it, and the device
-- that this next one came from would never be told of it. At most ten, so that the statement that finds a session, which reads them,
-- stays small; the audit trail has all of them.
ALTER TABLE users ADD COLUMN new_devices jsonb NOT NULL DEFAULT '[]';
UPDATE users SET new_devices = jsonb_build_array(jsonb_build_object('event', new_device_event, 'login', new_device_login))
    WHERE new_device_event IS NOT NULL AND new_device_login IS NOT NULL;
ALTER TABLE users DROP COLUMN new_device_event, DROP COLUMN new_device_login;
