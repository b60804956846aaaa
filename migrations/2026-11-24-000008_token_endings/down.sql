DROP TRIGGER token_denied ON denied_tokens;
DROP TRIGGER token_version_raised ON users;
DROP TRIGGER token_family_deleted ON token_families;
DROP TRIGGER token_family_ended ON token_families;
DROP FUNCTION token_denied;
DROP FUNCTION token_version_raised;
DROP FUNCTION token_family_ended;
DROP TABLE token_endings;
ALTER TABLE token_families DROP COLUMN access_ttl_seconds;
