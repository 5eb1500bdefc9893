import type { JsonObject } from '#lib/mcp-protocol';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import type { ReferenceServerOptions } from '#lib/testing/reference-server';
import { AdminClient } from './admin-client.js';
import { startCluster, type ClusterWorker, type TestCluster } from './cluster.js';
import { startCountingServer, type CountingServer } from './counting-server.js';
import { RoamingClient, type Addressee, type RoamingOptions } from './roaming-client.js';
import { until } from './until.js';

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
  await Promise.all(workers.map((worker) => isKnownToAll(world, workers, worker)));
}

/** Resolves once every worker has served a session of this one: all of them may have started in the same moment. */
async function isKnownToAll(world: ClusterWorld, workers: readonly ClusterWorker[], owner: Addressee): Promise<void> {
  const client = await world.initialize(owner);
  for (const worker of workers) {
    // It is accepted by the owner alone, wherever it comes in.
    await until(async () => (await client.notify(worker, 'notifications/roots/list_changed')).status === 202);
  }
  await client.end(owner);
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
