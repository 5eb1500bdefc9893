-- Declares a worker gone unless it is announced.
-- KEYS: worker:{worker}, tombstone:{worker}
-- ARGV: how long that holds (ms), 1 to do so although it is announced: it takes leave
-- Answers 1 when it is declared gone now, else 0.
if ARGV[2] == '1' then
  redis.call('DEL', KEYS[1])
elseif redis.call('EXISTS', KEYS[1]) == 1 then
  return redis.call('EXISTS', KEYS[2])
end
-- Once declared, the day of the first declaration counts.
redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[1])
return 1
