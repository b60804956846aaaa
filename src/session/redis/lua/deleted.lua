-- Deletes a user's sessions, and remembers for a day that there is no such user.
-- KEYS[1]: the copy of the user's row, KEYS[2]: the index of their sessions.

for _, key in ipairs(redis.call('HVALS', KEYS[2])) do redis.call('DEL', key) end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[1], 'run', run, 'durable', durable, 'deleted', '1')
redis.call('PEXPIRE', KEYS[1], whole(DAY / 1000))
return 1
