-- Finds sessions with their users, and notes that they are used, in one round trip.
-- KEYS: the sessions. ARGV[3]: 1 if their users' rows were just read from Postgres.

local function load(key)
  local session = found(key)
  if not session then return { 'unknown' } end

  local user = found('user:' .. session.user)
  if user and user.deleted then return { 'unknown' } end
  local reason = ended(session, user and user.since, user and user.reason)
  if reason then return { 'ended', reason, whole(now), user and user.data or '' } end

  -- A session made under a later version than the copy knows says that the copy is old.
  if not user or tonumber(session.version) > tonumber(user.version) then
    if ARGV[3] == '1' then return { 'unknown' } end
    return { 'user', session.user }
  end

  if now - session.seen >= math.min(session.idle * 1000000 / 4, 60 * 1000000) then
    session.seen = whole(now)
    redis.call('HSET', key, 'seen', session.seen)
    delete_in_time(key, session)
  end
  return flat(session, { 'live', whole(now), user.data })
end

local answers = {}
for i, key in ipairs(KEYS) do answers[i] = load(key) end
return answers
