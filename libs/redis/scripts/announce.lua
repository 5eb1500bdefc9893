-- Says that a worker lives, unless it was declared gone.
-- KEYS: worker:{worker}, generation:{worker}, tombstone:{worker}
-- ARGV: how long it counts as alive (ms), token to use where there is none, how long the token is kept (ms)
-- Answers { generation, now (ms), 1 when it was declared gone, else 0 }.
if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) == false then
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
local fenced = redis.call('EXISTS', KEYS[3])
if fenced == 0 then redis.call('SET', KEYS[1], '1', 'PX', ARGV[1]) end
return { generation_of(KEYS[2]), now_ms(), fenced }
