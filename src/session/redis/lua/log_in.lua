-- Makes a session.
-- KEYS[1]: the session, KEYS[2]: its user's index. ARGV[3]: its life in seconds.
-- From ARGV[4] on: names and values.

local session = { created = whole(now), authenticated = whole(now), seen = whole(now), state = '{}' }
session.absolute = whole(now + ARGV[3] * 1000000)
for i = 4, #ARGV, 2 do session[ARGV[i]] = ARGV[i + 1] end
make(KEYS[1], KEYS[2], session)
return 1
