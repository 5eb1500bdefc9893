-- Declares a worker dead unless it is announced.
-- KEYS: worker:{worker}, tombstone:{worker}
-- ARGV: duration of the tombstone (ms), 1 to fence the worker although it is announced, because it leaves
-- Returns 1 if the worker is fenced now, else 0.
if ARGV[2] == '1' then
  redis.call('DEL', KEYS[1])
elseif redis.call('EXISTS', KEYS[1]) == 1 then
  return redis.call('EXISTS', KEYS[2])
end
-- The first tombstone stays, with its expiry.
redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[1])
return 1
