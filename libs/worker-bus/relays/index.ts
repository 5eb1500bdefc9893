export { MemoryRelay } from './memory-relay.js';
export { RedisRelay } from './redis-relay.js';
