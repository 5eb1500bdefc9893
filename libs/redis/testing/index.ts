export type { Subscription } from '../redis-subscriber.js';
export type { RedisAccess, RedisTopology } from '../redis.config.js';
