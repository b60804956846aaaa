-- Writes what pages keep into a session, if it is alive; 0 if it is not.
-- KEYS[1]: the session. ARGV[3]: the state.

local session = found(KEYS[1])
if not session then return 0 end
local user = found('user:' .. session.user)
if (user and user.deleted) or ended(session, user and user.since) then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[3])
return 1
