-- Stores a pending approval, unless its call has another one already.
-- KEYS: id of the approval of the call, the approval, ids of all approvals, ids of the open approvals of the principal
-- ARGV: id, id that it replaces (empty: none), encrypted request, now (ms), expiry (ms), time until which it is kept (ms),
--   maximum number of approvals, maximum number of the principal, maximum lifetime of the lists (ms)
-- Returns the id of the approval of the call, or 'installation' or 'principal' if there are too many.
local current = redis.call('GET', KEYS[1])
if current and current ~= ARGV[2] then return current end

redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', ARGV[4])
if redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[7]) then return 'installation' end
if redis.call('ZCARD', KEYS[4]) >= tonumber(ARGV[8]) then return 'principal' end

local kept = math.max(1, tonumber(ARGV[6]) - tonumber(ARGV[4]))
redis.call('HSET', KEYS[2], 'request', ARGV[3], 'state', 'pending')
redis.call('PEXPIRE', KEYS[2], kept)
redis.call('SET', KEYS[1], ARGV[1], 'PX', kept)
redis.call('ZADD', KEYS[3], ARGV[6], ARGV[1])
redis.call('PEXPIRE', KEYS[3], ARGV[9])
redis.call('ZADD', KEYS[4], ARGV[5], ARGV[1])
redis.call('PEXPIRE', KEYS[4], ARGV[9])
return ARGV[1]
