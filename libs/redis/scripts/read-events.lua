-- Returns the event log of a session, oldest first.
-- KEYS: events:{session}
local counts = redis.call('HMGET', KEYS[1], 'first', 'end')
local events = {}
for number = tonumber(counts[1] or 0), tonumber(counts[2] or 0) - 1 do
  events[#events + 1] = redis.call('HGET', KEYS[1], number)
end
return events
