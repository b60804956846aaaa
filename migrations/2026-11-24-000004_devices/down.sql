ALTER TABLE users DROP COLUMN new_device_event, DROP COLUMN new_device_login;
DROP TABLE devices;
