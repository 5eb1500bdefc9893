-- KEYS: {workers}:living
-- Returns the workers whose announcement has not expired.
return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now_ms(), '+inf')
