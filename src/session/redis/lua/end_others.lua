-- Ends a user's sessions but one; returns how many there were.
-- ARGV[3]: why. ARGV[4]: whose. ARGV[5]: the name of the one that stays.
-- ARGV[6]: the user's first version that lets sessions in.

local count = 0
for _, one in ipairs(live(ARGV[4], ARGV[6])) do
  if one.session.id ~= ARGV[5] then
    finish(one.key, one.session, ARGV[3])
    count = count + 1
  end
end
return count
