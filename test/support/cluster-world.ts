import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import type { ReferenceServerOptions } from '#lib/testing/reference-server';
import { startCluster, type ClusterWorker, type TestCluster } from './cluster.js';
import { startCountingServer, type CountingServer } from './counting-server.js';
import { RoamingClient, type Addressee, type RoamingOptions } from './roaming-client.js';

/** Gateways that share a Redis, the server behind them, and whoever visits them. */
export interface ClusterWorld {
  readonly cluster: TestCluster;
  readonly redis: RunningRedis;
  /** Configured as `ref`. */
  readonly server: CountingServer;
  /** A session at this worker, which owns it. */
  initialize(worker: Addressee, options?: Partial<RoamingOptions>): Promise<RoamingClient>;
  close(): Promise<void>;
}

const LEGACY = { era: 'legacy', transport: 'http' } as const;

/** Starts it all. Resolves when every worker knows of every other one. */
export async function startClusterWorld(
  workers: number,
  options: ReferenceServerOptions = LEGACY,
): Promise<ClusterWorld> {
  const [redis, server] = await Promise.all([startRedis(), startCountingServer(options)]);
  const closeRest = () => Promise.all([redis.stop(), server.close()]);
  const cluster = await startCluster({ workers, redis: redis.url, servers: { ref: server.definition } }).catch(
    async (fault: unknown) => {
      await closeRest();
      throw fault;
    },
  );
  const token = await cluster.token();
  return {
    cluster,
    redis,
    server,
    initialize: (worker, more) => RoamingClient.initialize(worker, { token, ...more }),
    close: async () => {
      await cluster.stop();
      await closeRest();
    },
  };
}

/** The workers of a cluster that has at least three. */
export function threeOf({ cluster }: ClusterWorld): [ClusterWorker, ClusterWorker, ClusterWorker] {
  const [first, second, third] = cluster.workers;
  if (!first || !second || !third) throw new Error('The cluster has fewer than three workers.');
  return [first, second, third];
}

/** What came, and after how many ms. */
export async function timed<T>(what: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const begun = performance.now();
  const value = await what();
  return { value, ms: performance.now() - begun };
}
