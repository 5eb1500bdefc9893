import { startCluster, type ClusterWorker, type TestCluster } from './cluster.js';
import { startCountingServer, type CountingServer } from './counting-server.js';
import type { GatewaySetup } from './gateway.js';
import { RoamingClient, type WorkerAddress, type RoamingOptions } from './roaming-client.js';
import { until } from './until.js';

/** Gateways with separate connections to Redis, and a server of each era. */
export interface WiredCluster {
  readonly cluster: TestCluster;
  readonly owner: ClusterWorker;
  readonly other: ClusterWorker;
  /** Server of the endpoint `ref`. */
  readonly legacy: CountingServer;
  /** Server of the endpoint `modern`. */
  readonly modern: CountingServer;
  /** Token of the subject `tester`. */
  readonly token: string;
  /** Opens a session, which this worker then owns. */
  initialize(worker: WorkerAddress, options?: Partial<RoamingOptions>): Promise<RoamingClient>;
  /** Resolves once every worker forwards calls to every other worker. */
  untilConnected(): Promise<void>;
  /** Resets the counts of the servers, so that the next test may use the same marks. */
  resetArrivals(): void;
  /** Marks that reached a server more than once. */
  duplicates(): readonly string[];
  /** Output lines with an unexpected error: a stack trace or an unhandled rejection. */
  unexpectedOutput(): readonly string[];
  close(): Promise<void>;
}

export interface WiredClusterSetup {
  /** Settings of each worker, at least the URL of its Redis. The first worker owns the sessions. */
  readonly workers: readonly Readonly<Record<string, string>>[];
  /** Headers of each request to the legacy server. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly limits?: GatewaySetup['limits'];
}

const UNEXPECTED_OUTPUT = /^\s+at .+[:(]\S+:\d+|unhandled|uncaught|TypeError|RangeError/i;

/** Starts everything. Resolves when the workers forward calls to each other. */
export async function startWiredCluster({ workers, headers, limits }: WiredClusterSetup): Promise<WiredCluster> {
  const legacy = await startCountingServer({ era: 'legacy', transport: 'http' });
  const modern = await startCountingServer({ era: 'modern', transport: 'http' });
  const closeServers = () => Promise.all([legacy.close(), modern.close()]);
  const ref = { ...legacy.definition, ...(headers && { headers }) };
  const servers = { ref, modern: modern.definition };
  const cluster = await startCluster({ workers: 0, servers, ...(limits && { limits }) });
  try {
    for (const env of workers) await cluster.addWorker(env);
  } catch (fault) {
    await Promise.all([cluster.stop(), closeServers()]);
    throw fault;
  }
  const [owner, other] = cluster.workers;
  if (!owner || !other) throw new Error('The cluster has fewer than two workers.');
  const token = await cluster.token();
  const world: WiredCluster = {
    cluster,
    owner,
    other,
    legacy,
    modern,
    token,
    initialize: (worker, more) => RoamingClient.initialize(worker, { token, ...more }),
    untilConnected: () => untilAllConnected(world),
    resetArrivals: () => {
      legacy.resetArrivals();
      modern.resetArrivals();
    },
    duplicates: () => [...legacy.duplicates(), ...modern.duplicates()],
    unexpectedOutput: () =>
      cluster.workers.flatMap(({ output }) => output.split('\n').filter((line) => UNEXPECTED_OUTPUT.test(line))),
    close: async () => {
      await cluster.stop();
      await closeServers();
    },
  };
  await world.untilConnected();
  return world;
}

async function untilAllConnected(world: WiredCluster): Promise<void> {
  const { workers } = world.cluster;
  for (const owner of workers) {
    const client = await world.initialize(owner);
    for (const worker of workers) {
      // Only the owner accepts the notification, so 202 proves that the worker has forwarded it.
      await until(async () => (await client.notify(worker, 'notifications/roots/list_changed')).status === 202);
    }
    await client.end(owner);
  }
}
