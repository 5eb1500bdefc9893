-- Appends an event to the event log of a session, and removes the oldest ones beyond the limits.
-- KEYS: events:{session}
-- ARGV: event, maximum number of events, maximum size (bytes), how long the log is stored after its last event (ms)
-- The newest event stays, whatever its size.
local counts = redis.call('HMGET', KEYS[1], 'first', 'end', 'bytes')
local first, last = tonumber(counts[1] or 0), tonumber(counts[2] or 0)
local bytes = tonumber(counts[3] or 0) + #ARGV[1]
redis.call('HSET', KEYS[1], last, ARGV[1])
local count = last - first + 1
while count > 1 and (count > tonumber(ARGV[2]) or bytes > tonumber(ARGV[3])) do
  bytes = bytes - redis.call('HSTRLEN', KEYS[1], first)
  redis.call('HDEL', KEYS[1], first)
  first = first + 1
  count = count - 1
end
redis.call('HSET', KEYS[1], 'first', first, 'end', last + 1, 'bytes', bytes)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return count
