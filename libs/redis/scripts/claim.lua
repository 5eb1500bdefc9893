-- Claims a request for the one who asks, and tells its requester in the same step.
-- KEYS: call:{requester}:request, generation:{requester}
-- ARGV: generation of the ticket, notAfter (ms), how long a decision is kept after it (ms),
--       PUBLISH or SPUBLISH, channel of the requester's replies (same slot), acceptance
-- Answers 'claimed', 'taken', 'revoked', 'late' or 'stale'.
if generation_of(KEYS[2]) ~= ARGV[1] then return 'stale' end
local decided = redis.call('GET', KEYS[1])
if decided == 'claimed' then return 'taken' end
if decided then return decided end
local notAfter = tonumber(ARGV[2])
if now_ms() >= notAfter then return 'late' end
redis.call('SET', KEYS[1], 'claimed')
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', notAfter + tonumber(ARGV[3])))
redis.call(ARGV[4], ARGV[5], ARGV[6])
return 'claimed'
