import type { JsonObject } from '#lib/mcp-protocol';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import type { ReferenceServerOptions } from '#lib/testing/reference-server';
import { AdminClient } from './admin-client.js';
import { startCluster, type ClusterWorker, type TestCluster } from './cluster.js';
import { startCountingServer, type CountingServer } from './counting-server.js';
import { RoamingClient, type WorkerAddress, type RoamingOptions } from './roaming-client.js';
import { until } from './until.js';

/** Gateways with a shared Redis, an upstream server, and clients. */
export interface ClusterWorld {
  readonly cluster: TestCluster;
  readonly redis: RunningRedis;
  /** The upstream server, configured as `ref`. */
  readonly server: CountingServer;
  /** Opens a session, which this worker then owns. */
  initialize(worker: WorkerAddress, options?: Partial<RoamingOptions>): Promise<RoamingClient>;
  close(): Promise<void>;
}

const LEGACY = { era: 'legacy', transport: 'http' } as const;

/** Starts everything. Resolves when all workers know each other. */
export async function startClusterWorld(
  workers: number,
  options: ReferenceServerOptions = LEGACY,
  env: Readonly<Record<string, string>> = {},
): Promise<ClusterWorld> {
  const [redis, server] = await Promise.all([startRedis(), startCountingServer(options)]);
  const closeRest = () => Promise.all([redis.stop(), server.close()]);
  const cluster = await startCluster({ workers, redis: redis.url, env, servers: { ref: server.definition } }).catch(
    async (fault: unknown) => {
      await closeRest();
      throw fault;
    },
  );
  const token = await cluster.token();
  const world: ClusterWorld = {
    cluster,
    redis,
    server,
    initialize: (worker, more) => RoamingClient.initialize(worker, { token, ...more }),
    close: async () => {
      await cluster.stop();
      await closeRest();
    },
  };
  await knowEachOther(world, cluster.workers);
  return world;
}

/**
 * Prepares a world that several tests share for the next one. Resolves with three workers that run and know of each other
 * and of no other: workers that a test ended are replaced. The server counts arrivals from zero.
 */
export async function threeRunning(world: ClusterWorld): Promise<[ClusterWorker, ClusterWorker, ClusterWorker]> {
  const { cluster, server } = world;
  const missing = 3 - cluster.workers.filter(({ isRunning }) => isRunning).length;
  await Promise.all(Array.from({ length: missing }, () => cluster.addWorker()));
  const running = cluster.workers.filter(({ isRunning }) => isRunning);
  await knowEachOther(world, running);
  server.resetArrivals();
  const [first, second, third] = running as [ClusterWorker, ClusterWorker, ClusterWorker];
  return [first, second, third];
}

async function knowEachOther(world: ClusterWorld, workers: readonly ClusterWorker[]): Promise<void> {
  const admin = new AdminClient(world.cluster, ['auditor']);
  for (const worker of workers) {
    await until(async () => {
      // A worker that restarts does not listen.
      const answer = await admin.get(worker, '/workers').catch(() => undefined);
      return (answer?.json['items'] as JsonObject[] | undefined)?.length === workers.length;
    });
  }
  await Promise.all(workers.map((worker) => untilKnownToAll(world, workers, worker)));
}

/** Resolves once every worker has forwarded to this one, because all of them may have started at the same time. */
async function untilKnownToAll(
  world: ClusterWorld,
  workers: readonly ClusterWorker[],
  owner: WorkerAddress,
): Promise<void> {
  const client = await world.initialize(owner);
  for (const worker of workers) {
    // Only the owner accepts the notification, so 202 proves that the worker has forwarded it.
    await until(async () => (await client.notify(worker, 'notifications/roots/list_changed')).status === 202);
  }
  await client.end(owner);
}

/** The first three workers of a cluster. */
export function firstThreeWorkers({ cluster }: ClusterWorld): [ClusterWorker, ClusterWorker, ClusterWorker] {
  const [first, second, third] = cluster.workers;
  if (!first || !second || !third) throw new Error('The cluster has fewer than three workers.');
  return [first, second, third];
}

/** Measures the duration of a promise in ms. */
export async function timed<T>(what: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const begun = performance.now();
  const value = await what();
  return { value, ms: performance.now() - begun };
}
