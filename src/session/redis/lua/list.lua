-- A user's live sessions, oldest first.
-- ARGV[3]: whose. ARGV[4]: the user's first version that lets sessions in.

local list = {}
for _, one in ipairs(live(ARGV[3], ARGV[4])) do
  table.insert(list, shown(one.session))
end
return list
