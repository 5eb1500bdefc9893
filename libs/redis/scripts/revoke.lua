-- Takes a request back, unless it is claimed.
-- KEYS: call:{requester}:request, generation:{requester}
-- ARGV: generation of the ticket, notAfter (ms), how long a decision is kept after it (ms)
-- Answers 'revoked', 'claimed' or 'stale'.
if generation_of(KEYS[2]) ~= ARGV[1] then return 'stale' end
local decided = redis.call('GET', KEYS[1])
if decided then return decided end
-- A claim may have been forgotten by now: that the request did not run can no longer be said.
local forgottenAt = tonumber(ARGV[2]) + tonumber(ARGV[3])
if now_ms() >= forgottenAt then return 'stale' end
redis.call('SET', KEYS[1], 'revoked')
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', forgottenAt))
return 'revoked'
