-- Adds a worker to the list of alive workers, unless it is on the list of fenced ones.
-- KEYS: {workers}:living, {workers}:gone
-- ARGV: worker, duration of the announcement (ms)
local now = now_ms()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 0 end
return redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
