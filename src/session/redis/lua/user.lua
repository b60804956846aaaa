-- Writes the copy of a user's row, unless there is a later one. One of the same revision is replaced, as another version of
-- this program may have written what this one can't read.
-- KEYS[1]: the copy. ARGV[3]: the row's revision. From ARGV[4] on: names and values.

local copy = found(KEYS[1])
if copy and (copy.deleted or tonumber(copy.revision) > tonumber(ARGV[3])) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'run', run, 'durable', durable, 'revision', ARGV[3], unpack(ARGV, 4))
-- Read anew from Postgres once a day: no copy is older, whatever went wrong.
redis.call('PEXPIRE', KEYS[1], whole(DAY / 1000))
return 1
