-- Changes the state of an approval, if it still has the expected one.
-- KEYS: the approval, ids of the open approvals of its principal
-- ARGV: id, expected state, new state, encrypted decision (empty: as before)
-- Returns 1 if the state was changed, else 0.
if redis.call('HGET', KEYS[1], 'state') ~= ARGV[2] then return 0 end

redis.call('HSET', KEYS[1], 'state', ARGV[3])
if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 'decision', ARGV[4]) end
if ARGV[3] ~= 'approved' then redis.call('ZREM', KEYS[2], ARGV[1]) end
return 1
