-- Makes leases good for longer, and good again where they were forgotten: what they stand for is running.
-- KEYS: leases by their end (ms)
-- ARGV: how long they are good from now (ms), their names
local now = now_ms()
for index = 2, #ARGV do redis.call('ZADD', KEYS[1], now + tonumber(ARGV[1]), ARGV[index]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[1])
