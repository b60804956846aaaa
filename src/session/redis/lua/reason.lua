-- Why a session lets nobody in: nothing if it is alive, 'unknown' if there is none.
-- KEYS[1]: the session.

local session = found(KEYS[1])
if not session then return 'unknown' end
local user = found('user:' .. session.user)
if user and user.deleted then return 'unknown' end
return ended(session, user and user.since, user and user.reason) or ''
