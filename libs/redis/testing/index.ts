export type { Subscription } from '../redis-subscriber.js';
export type { RedisAccess, RedisPlace } from '../redis.config.js';
