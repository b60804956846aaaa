-- Ends one session; 0 if it had ended already.
-- KEYS[1]: the session. ARGV[3]: why.

local session = found(KEYS[1])
if not session then return 0 end
local user = found('user:' .. session.user)
if ended(session, user and user.since) then return 0 end
finish(KEYS[1], session, ARGV[3])
return 1
