import { redisScript } from '#lib/redis';

/** What the Redis relay does in one step each; every file says its keys, arguments and answers. */
export const RELAY_SCRIPTS = {
  announce: redisScript('announce', 3, { state: true }),
  bury: redisScript('bury', 2),
  claim: redisScript('claim', undefined, { state: true }),
  listWorker: redisScript('list-worker', 2, { state: true }),
  livingWorkers: redisScript('living-workers', 1, { state: true }),
  revoke: redisScript('revoke', 2, { state: true }),
  stateOf: redisScript('state-of', 2),
  strikeWorker: redisScript('strike-worker', 2, { state: true }),
};
