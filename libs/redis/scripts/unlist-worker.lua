-- Removes a worker from the list of alive workers finally, even if an announcement arrives late.
-- KEYS: {workers}:living, {workers}:gone
-- ARGV: worker, how long it stays on the list of fenced workers (ms)
local now = now_ms()
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[2]), ARGV[1])
return redis.call('ZREM', KEYS[1], ARGV[1])
