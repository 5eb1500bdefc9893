export { createCertificates, type Certificates } from './certificates.js';
export { startRedisCluster, type RunningCluster } from './redis-cluster.js';
export { ended, freePort } from './redis-process.js';
export { startRedis, type RedisOptions, type RedisSettings, type RunningRedis } from './redis-server.js';
export { startSentinels, type RunningSentinels } from './redis-sentinels.js';
export { startScriptedSentinel, type ScriptedSentinel } from './scripted-sentinel.js';
