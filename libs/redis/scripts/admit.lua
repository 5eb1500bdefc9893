-- Admits one more call, or returns the delay until the next: GCRA limits the rate, leases limit the concurrency.
-- KEYS: time at which the bucket of the rate is empty again (ms), leases by expiry (ms)
-- ARGV: calls, period (ms), maximum number of concurrent calls (0: unlimited), lease id, lease duration (ms)
-- Returns 0, or the delay until a call may be admitted (ms), or -1 if too many calls run.
local calls, period, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()

if limit > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
  if redis.call('ZCARD', KEYS[2]) >= limit then return -1 end
end
if calls > 0 then
  local interval = period / calls
  local empty = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + interval
  if empty - now > period + 0.001 then return math.ceil(empty - now - period) end
  redis.call('SET', KEYS[1], string.format('%.3f', empty), 'PX', math.ceil(empty - now))
end
if limit > 0 then
  redis.call('ZADD', KEYS[2], now + tonumber(ARGV[5]), ARGV[4])
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
end
return 0
