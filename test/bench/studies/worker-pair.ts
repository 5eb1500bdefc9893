import { availableParallelism } from 'node:os';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { startGateways, type RunningGateway } from '../gateways.js';
import type { LoadOrder } from '../load-orders.js';
import { CORES } from '../pinned-process.js';
import type { StudyBench } from './study.js';

const OWNER_CORE = 3;
const FORWARDING_TIMEOUT_MS = 20_000;

/** Two workers with a shared Redis. `ingress` forwards calls of the sessions that `owner` owns. */
export interface WorkerPair {
  readonly redis: RunningRedis;
  readonly ingress: RunningGateway;
  readonly owner: RunningGateway;
  /** Builds a load of legacy calls in sessions of the owner. */
  load(where: 'local' | 'forwarded', rest: Omit<LoadOrder, 'order' | 'target' | 'openAt' | 'era'>): LoadOrder;
  stop(): Promise<void>;
}

/**
 * Each worker has its own core if there are enough. Otherwise nothing is pinned, because pinned processes would starve
 * each other.
 */
const PAIR_CORES = availableParallelism() > OWNER_CORE ? [CORES.subject, OWNER_CORE] : [undefined, undefined];

export const PAIR_PINNING =
  PAIR_CORES[0] === undefined
    ? 'two workers and Redis, none of them pinned: they share cores with the load and the server behind'
    : `two workers on cores ${PAIR_CORES.join(' and ')}, Redis on none of its own`;

/** Resolves when calls are forwarded between the workers. */
export async function startWorkerPair(
  { upstream, load, nodeArgs }: StudyBench,
  env: Readonly<Record<string, string>> = {},
): Promise<WorkerPair> {
  const redis = await startRedis();
  const all = { ISTHMUS_REDIS_URL: redis.url, ...env };
  const gateways = await startGateways({ upstreamPort: upstream.port, cores: PAIR_CORES, env: all, nodeArgs }).catch(
    async (fault: unknown) => {
      await redis.stop();
      throw fault;
    },
  );
  const [ingress, owner] = gateways.all as readonly [RunningGateway, RunningGateway];
  const orderOf: WorkerPair['load'] = (where, rest) => {
    const target = where === 'local' ? owner.target('legacy') : ingress.target('legacy');
    return { order: 'load', era: 'legacy', target, openAt: owner.target('legacy'), ...rest };
  };
  const stop = async (): Promise<void> => {
    await gateways.stop();
    await redis.stop();
  };
  const deadline = performance.now() + FORWARDING_TIMEOUT_MS;
  for (;;) {
    const tried = await load.order(orderOf('forwarded', { concurrency: 1, durationMs: 300 }));
    if (tried.errors === 0 && tried.calls > 0) return { redis, ingress, owner, load: orderOf, stop };
    if (performance.now() < deadline) continue;
    await stop();
    throw new Error(`No call was forwarded: ${tried.samples.join('\n')}`);
  }
}
