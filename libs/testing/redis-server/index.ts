export { startRedis, type RedisOptions, type RedisSettings, type RunningRedis } from './redis-server.js';
