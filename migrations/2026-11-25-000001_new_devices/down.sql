ALTER TABLE users
    ADD COLUMN new_device_event bigint,
    ADD COLUMN new_device_login uuid;
UPDATE users SET new_device_event = (new_devices #>> '{0,event}')::bigint, new_device_login = (new_devices #>> '{0,login}')::uuid;
ALTER TABLE users DROP COLUMN new_devices;
