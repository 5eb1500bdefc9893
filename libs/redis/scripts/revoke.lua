-- Revokes a request, unless it is claimed.
-- KEYS: call:{requester}:request, generation:{requester}
-- ARGV: generation of the ticket, notAfter (ms), how long a decision is stored after it (ms)
-- Returns 'revoked', 'claimed' or 'stale'.
if generation_of(KEYS[2]) ~= ARGV[1] then return 'stale' end
local decided = redis.call('GET', KEYS[1])
if decided then return decided end
-- The decision may have expired: whether the request ran can no longer be known.
local forgottenAt = tonumber(ARGV[2]) + tonumber(ARGV[3])
if now_ms() >= forgottenAt then return 'stale' end
redis.call('SET', KEYS[1], 'revoked')
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', forgottenAt))
return 'revoked'
