-- Puts a new key in the place of a session's, for a password that was just checked: all else stays but the public name and
-- when the password was checked. Returns the new one; 'ended' and why, if the old one had ended already.
-- KEYS[1]: the session, KEYS[2]: its user's index, KEYS[3]: the new one. ARGV[3]: its name. ARGV[4]: the user's version.

local session = found(KEYS[1])
if not session then return { 'ended', 'unknown' } end
local user = found('user:' .. session.user)
if user and user.deleted then return { 'ended', 'unknown' } end
local reason = ended(session, user and user.since, user and user.reason)
if reason then return { 'ended', reason } end

finish(KEYS[1], session, 'replaced')
session.id, session.version = ARGV[3], ARGV[4]
session.authenticated, session.seen = whole(now), whole(now)
make(KEYS[3], KEYS[2], session)
return { 'made', whole(now), shown(session) }
