-- Asks with one credential out of a file at random, and says at the end what came of it, in one line for `wrk.rs`.
-- Arguments: the header that carries the credential, or POST if each line is a JSON body; the file; a seed.

local requests, count = {}, 0

function init(arguments)
  local carrier, file, seed = arguments[1], arguments[2], arguments[3]
  for line in io.lines(file) do
    count = count + 1
    if carrier == 'POST' then
      requests[count] = wrk.format('POST', nil, { ['Content-Type'] = 'application/json' }, line)
    else
      requests[count] = wrk.format('GET', nil, { [carrier] = line })
    end
  end
  math.randomseed(tonumber(seed))
end

function request()
  return requests[math.random(count)]
end

function done(summary, latency)
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format('bench %d %d %d %d %d %d\n', summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), errors.status, broken))
end
