-- Renews leases, and restores those that were lost: their calls are running.
-- KEYS: leases by expiry (ms)
-- ARGV: duration from now (ms), ids of the leases
local now = now_ms()
for index = 2, #ARGV do redis.call('ZADD', KEYS[1], now + tonumber(ARGV[1]), ARGV[index]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[1])
