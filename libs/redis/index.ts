export { RedisKeys } from './keys.js';
export { RedisCommands, type RedisArgument } from './redis-commands.js';
export { RedisConnections } from './redis-connections.js';
export { RedisFault } from './redis-fault.js';
export { redisScript, type RedisScript } from './redis-script.js';
export { RedisSubscriber } from './redis-subscriber.js';
export { RedisConfig } from './redis.config.js';
