-- Claims requests of one requester for the calling worker, and publishes the acceptances in the same step.
-- KEYS: generation:{requester}, then call:{requester}:request of each
-- ARGV: how long a decision is stored after notAfter (ms), PUBLISH or SPUBLISH, channel of the requester's replies
--       (same slot), then of each: generation of the ticket, notAfter (ms), acceptance
-- Returns 'claimed', 'taken', 'revoked', 'late' or 'stale' for each.
local generation, now = generation_of(KEYS[1]), now_ms()

local function decide(key, ticketGeneration, notAfter)
  if generation ~= ticketGeneration then return 'stale' end
  local decided = redis.call('GET', key)
  if decided == 'claimed' then return 'taken' end
  if decided then return decided end
  if now >= notAfter then return 'late' end
  redis.call('SET', key, 'claimed', 'PXAT', string.format('%.0f', notAfter + tonumber(ARGV[1])))
  return 'claimed'
end

local verdicts, accepted = {}, {}
for index = 2, #KEYS do
  local at = 3 * index - 2
  verdicts[index - 1] = decide(KEYS[index], ARGV[at], tonumber(ARGV[at + 1]))
  if verdicts[index - 1] == 'claimed' then
    accepted[#accepted + 1] = struct.pack('>I4', #ARGV[at + 2]) .. ARGV[at + 2]
  end
end
if #accepted > 0 then redis.call(ARGV[2], ARGV[3], table.concat(accepted)) end
return verdicts
