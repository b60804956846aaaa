-- Finds sessions with their users, and notes that they are used, in one round trip.
-- KEYS: the sessions. ARGV[3]: 1 if their users' rows were just read from Postgres.
--
-- It asks for the fields it needs, in an order it knows. What it tells of a live session is remembered (`look_up.rs`) until
-- something has changed of what it judges by, which it tells as well.

local function load(key)
  local f = redis.call('HMGET', key, 'run', 'durable', 'version', 'ended', 'reason', unpack(SHOWN))
  if not is_certain(f[1], f[2]) then return { 'unknown' } end
  local owner, seen, idle, absolute = unpack(f, 6)
  local session = { version = f[3], ended = f[4], reason = f[5], seen = seen, idle = idle, absolute = absolute }

  local u = redis.call('HMGET', 'user:' .. owner, 'run', 'durable', 'version', 'since', 'reason', 'deleted', 'data', 'revision')
  local user = is_certain(u[1], u[2])
  if user and u[6] then return { 'unknown' } end
  local reason = ended(session, user and u[4], user and u[5])
  if reason then return { 'ended', reason, whole(now), user and u[7] or '' } end

  -- A session made under a later version than the copy knows says that the copy is old.
  if not user or tonumber(session.version) > tonumber(u[3]) then
    if ARGV[3] == '1' then return { 'unknown' } end
    return { 'user', owner }
  end

  if now - seen >= math.min(idle * 1000000 / 4, 60 * 1000000) then
    session.seen = whole(now)
    f[7] = session.seen
    redis.call('HSET', key, 'seen', session.seen)
    delete_in_time(key, session)
  end
  return { 'live', whole(now), u[7], cjson.encode({ unpack(f, 6) }),
    f[1], f[2], f[3], u[1], u[2], u[3], u[4], u[8] }
end

local answers = {}
for i, key in ipairs(KEYS) do
  -- What is damaged is nobody else's concern who asks at the same time.
  local is_readable, answer = pcall(load, key)
  answers[i] = is_readable and answer or { 'unreadable' }
end
return answers
