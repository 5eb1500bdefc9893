import { redisScript } from '#lib/redis';

/** What the Redis relay does in one step each; every file says its keys, arguments and answers. */
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
