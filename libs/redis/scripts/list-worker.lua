-- Puts a worker on the list of the living, unless it is on the list of those declared gone.
-- KEYS: {workers}:living, {workers}:gone
-- ARGV: worker, how long it counts as alive (ms)
local now = now_ms()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 0 end
return redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
