export { EmbeddedRedis } from './embedded-redis.js';
export { EmbeddedRedisFault } from './embedded-redis.errors.js';
