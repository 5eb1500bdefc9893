-- Announces that a worker is alive, unless it is fenced.
-- KEYS: worker:{worker}, generation:{worker}, tombstone:{worker}
-- ARGV: duration of the announcement (ms), token to store if there is none, duration of the token (ms)
-- Returns { generation, now (ms), 1 if the worker is fenced, else 0 }.
if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) == false then
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
local fenced = redis.call('EXISTS', KEYS[3])
if fenced == 0 then redis.call('SET', KEYS[1], '1', 'PX', ARGV[1]) end
return { generation_of(KEYS[2]), now_ms(), fenced }
