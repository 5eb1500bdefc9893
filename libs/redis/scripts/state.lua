-- Prepended to each script that needs it.

-- Returns the generation of this Redis. It changes with a restart, a fail-over, a resynchronization and, because of the
-- token in `tokenKey`, with a loss of data.
local function generation_of(tokenKey)
  local token = redis.call('GET', tokenKey)
  if not token then return false end
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or ''
  local replication = string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)') or ''
  return run .. ':' .. replication .. ':' .. token
end

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
