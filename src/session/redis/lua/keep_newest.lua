-- Ends a user's oldest sessions, if there are more than so many; returns their names.
-- ARGV[3]: whose. ARGV[4]: the user's first version that lets sessions in. ARGV[5]: the name of the one that stays in any
-- case. ARGV[6]: how many may stay.

local others, names = {}, {}
for _, one in ipairs(live(ARGV[3], ARGV[4])) do
  if one.session.id ~= ARGV[5] then table.insert(others, one) end
end
for i = 1, #others - (ARGV[6] - 1) do
  finish(others[i].key, others[i].session, 'too many')
  table.insert(names, others[i].session.id)
end
return names
