-- Admits one more call under a limit, or says for how long there is none: GCRA for the rate, leases for what runs at once.
-- KEYS: when the rate's bucket is empty again (ms), leases by their end (ms)
-- ARGV: calls, within (ms), how many at once (0: any number), name of the lease, how long it is good (ms)
-- Answers 0, or in how many milliseconds a call may be admitted; -1 when too many run.
local calls, within, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()

if most > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
  if redis.call('ZCARD', KEYS[2]) >= most then return -1 end
end
if calls > 0 then
  local interval = within / calls
  local empty = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + interval
  if empty - now > within + 0.001 then return math.ceil(empty - now - within) end
  redis.call('SET', KEYS[1], string.format('%.3f', empty), 'PX', math.ceil(empty - now))
end
if most > 0 then
  redis.call('ZADD', KEYS[2], now + tonumber(ARGV[5]), ARGV[4])
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
end
return 0
