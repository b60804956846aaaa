-- What every script begins with.
--
-- ARGV[1] names the run of Redis that the caller is connected to; ARGV[2] is 1 if a restart of this Redis loses nothing.

local run, durable = ARGV[1], ARGV[2]

-- The store's clock, in microseconds: instances may differ in theirs.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local DAY = 86400 * 1000000

-- Lua would write a large number as 1.7e+15.
local function whole(number)
  return string.format('%.0f', number)
end

local function read(key)
  local flat = redis.call('HGETALL', key)
  if #flat == 0 then return nil end
  local record = {}
  for i = 1, #flat, 2 do record[flat[i]] = flat[i + 1] end
  return record
end

-- A record made in another run of Redis may be older than what we wrote last: after a restart there is what the last
-- snapshot held, a session among it that was ended since. It counts as missing, unless every write reaches the disk.
local function is_certain(its_run, its_durable)
  return its_run and (its_run == run or (its_durable == '1' and durable == '1'))
end

local function found(key)
  local record = read(key)
  if record and is_certain(record.run, record.durable) then return record end
  return nil
end

local function expires(session)
  return math.min(tonumber(session.absolute), session.seen + session.idle * 1000000)
end

-- An expired session stays for a day, as an ended one does, so that its owner can be told why; then Redis deletes it.
local function delete_in_time(key, session)
  redis.call('PEXPIREAT', key, whole((expires(session) + DAY) / 1000))
end

-- Why a session lets nobody in; nil while it is alive. `since` is the first version of its user that lets sessions in, and
-- `reason` what ended the ones before; nil where nobody knows.
local function ended(session, since, reason)
  if session.ended then return session.reason end
  if now >= tonumber(session.absolute) then return 'absolute' end
  if now >= session.seen + session.idle * 1000000 then return 'idle' end
  if since and tonumber(session.version) < tonumber(since) then return reason or 'ended elsewhere' end
  return nil
end

-- A record as names and values in turn.
local function flat(record, names_and_values)
  for name, value in pairs(record) do
    table.insert(names_and_values, name)
    table.insert(names_and_values, value)
  end
  return names_and_values
end

-- What is told of a live session, in this order (`record.rs` reads it).
local SHOWN = { 'user', 'seen', 'idle', 'absolute', 'id', 'remembered', 'created', 'authenticated', 'address', 'agent', 'state' }

local function shown(session)
  local values = {}
  for i, name in ipairs(SHOWN) do values[i] = session[name] or false end
  return cjson.encode(values)
end

-- Makes a session: for a password that was just checked, and for nothing else.
local function make(key, index, session)
  session.run, session.durable = run, durable
  redis.call('HSET', key, unpack(flat(session, {})))
  delete_in_time(key, session)
  redis.call('HSET', index, session.id, key)
  -- The index lives as long as the last of its sessions.
  local lives = tonumber(session.absolute) / 1000
  if redis.call('PTTL', index) < lives - now / 1000 then redis.call('PEXPIREAT', index, whole(lives)) end
end

-- Marks a session as ended: touches what is there, or nothing.
local function finish(key, session, reason)
  redis.call('HSET', key, 'ended', whole(now), 'reason', reason)
  redis.call('PEXPIRE', key, whole(DAY / 1000))
  redis.call('HDEL', 'sessions-of:' .. session.user, session.id)
end

-- The live sessions of a user with their keys, oldest first. What is dead leaves the index.
local function live(user, since)
  local index, alive = 'sessions-of:' .. user, {}
  local entries = redis.call('HGETALL', index)
  for i = 1, #entries, 2 do
    local session = found(entries[i + 1])
    if session and not ended(session, since) then
      table.insert(alive, { key = entries[i + 1], session = session })
    else
      redis.call('HDEL', index, entries[i])
    end
  end
  table.sort(alive, function(a, b) return tonumber(a.session.created) < tonumber(b.session.created) end)
  return alive
end

