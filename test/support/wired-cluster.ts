import { startCluster, type ClusterWorker, type TestCluster } from './cluster.js';
import { startCountingServer, type CountingServer } from './counting-server.js';
import { RoamingClient, type Addressee, type RoamingOptions } from './roaming-client.js';
import { until } from './until.js';

/** Gateways, each with a way to Redis of its own, before a server of each era. */
export interface WiredCluster {
  readonly cluster: TestCluster;
  readonly owner: ClusterWorker;
  readonly other: ClusterWorker;
  /** Behind the endpoint `ref`. */
  readonly legacy: CountingServer;
  /** Behind the endpoint `modern`. */
  readonly modern: CountingServer;
  /** Of `tester`. */
  readonly token: string;
  /** A session at this worker, which owns it. */
  initialize(worker: Addressee, options?: Partial<RoamingOptions>): Promise<RoamingClient>;
  /** Resolves once calls for sessions of every worker are served at every other one. */
  connected(): Promise<void>;
  /** Counts what reaches the servers from zero again: the next test may use the same marks. */
  resetArrivals(): void;
  /** What reached a server more than once. */
  duplicates(): readonly string[];
  /** Lines in which a worker told of something that it did not expect: a stack, a rejection that nobody handled. */
  complaints(): readonly string[];
  close(): Promise<void>;
}

export interface Wiring {
  /** Settings of each worker, one after the other: at least where its Redis is. The first one owns the sessions. */
  readonly workers: readonly Readonly<Record<string, string>>[];
  /** Sent to the legacy server with each request. */
  readonly headers?: Readonly<Record<string, string>>;
}

const SURPRISE = /^\s+at .+[:(]\S+:\d+|unhandled|uncaught|TypeError|RangeError/i;

/** Starts it all. Resolves when calls travel between the workers. */
export async function startWiredCluster({ workers, headers }: Wiring): Promise<WiredCluster> {
  const legacy = await startCountingServer({ era: 'legacy', transport: 'http' });
  const modern = await startCountingServer({ era: 'modern', transport: 'http' });
  const closeServers = () => Promise.all([legacy.close(), modern.close()]);
  const ref = { ...legacy.definition, ...(headers && { headers }) };
  const servers = { ref, modern: modern.definition };
  const cluster = await startCluster({ workers: 0, servers });
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
    connected: () => connected(world),
    resetArrivals: () => {
      legacy.resetArrivals();
      modern.resetArrivals();
    },
    duplicates: () => [...legacy.duplicates(), ...modern.duplicates()],
    complaints: () => cluster.workers.flatMap(({ output }) => output.split('\n').filter((line) => SURPRISE.test(line))),
    close: async () => {
      await cluster.stop();
      await closeServers();
    },
  };
  await world.connected();
  return world;
}

async function connected(world: WiredCluster): Promise<void> {
  const { workers } = world.cluster;
  for (const owner of workers) {
    const client = await world.initialize(owner);
    for (const worker of workers) {
      // It is accepted by the owner alone, wherever it comes in.
      await until(async () => (await client.notify(worker, 'notifications/roots/list_changed')).status === 202);
    }
    await client.end(owner);
  }
}
