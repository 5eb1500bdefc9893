import { redisScript } from '#lib/redis';

/** Scripts of the Redis relay, each one atomic step. Every file documents its keys, arguments and replies. */
export const RELAY_SCRIPTS = {
  announce: redisScript('announce', 3, { state: true }),
  fence: redisScript('fence', 2),
  claim: redisScript('claim', undefined, { state: true }),
  listWorker: redisScript('list-worker', 2, { state: true }),
  aliveWorkers: redisScript('alive-workers', 1, { state: true }),
  revoke: redisScript('revoke', 2, { state: true }),
  presenceOf: redisScript('presence-of', 2),
  unlistWorker: redisScript('unlist-worker', 2, { state: true }),
};
