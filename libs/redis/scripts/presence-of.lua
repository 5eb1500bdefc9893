-- KEYS: worker:{worker}, tombstone:{worker}
-- Returns 'alive', 'fenced' or 'missing'.
if redis.call('EXISTS', KEYS[2]) == 1 then return 'fenced' end
if redis.call('EXISTS', KEYS[1]) == 1 then return 'alive' end
return 'missing'
