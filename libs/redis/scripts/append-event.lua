-- Keeps an event of a session behind those before it; the oldest ones go first.
-- KEYS: events:{session}
-- ARGV: event, how many are kept at most, how many bytes of them, how long they are kept after the last one (ms)
-- The youngest event stays, however large it is.
local counts = redis.call('HMGET', KEYS[1], 'first', 'end', 'bytes')
local first, last = tonumber(counts[1] or 0), tonumber(counts[2] or 0)
local bytes = tonumber(counts[3] or 0) + #ARGV[1]
redis.call('HSET', KEYS[1], last, ARGV[1])
local kept = last - first + 1
while kept > 1 and (kept > tonumber(ARGV[2]) or bytes > tonumber(ARGV[3])) do
  bytes = bytes - redis.call('HSTRLEN', KEYS[1], first)
  redis.call('HDEL', KEYS[1], first)
  first = first + 1
  kept = kept - 1
end
redis.call('HSET', KEYS[1], 'first', first, 'end', last + 1, 'bytes', bytes)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return kept
