-- KEYS: {workers}:living
-- Answers the workers whose announcement is not over.
return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now_ms(), '+inf')
