-- Ends one of a user's sessions by its public name; 0 if there is no such live one.
-- KEYS[1]: the user's index. ARGV[3]: why. ARGV[4]: the name. ARGV[5]: the user's first version that lets sessions in.

local key = redis.call('HGET', KEYS[1], ARGV[4])
if not key then return 0 end
local session = found(key)
if not session or ended(session, ARGV[5]) then return 0 end
finish(key, session, ARGV[3])
return 1
