import { Redis } from 'ioredis';
import { freePort } from './redis-process.js';
import { startRedis, type RedisSettings, type RunningRedis } from './redis-server.js';

const SLOTS = 16_384;

/** The masters, which share the slots, and their replicas. */
export interface RunningCluster {
  /** Masters at the start, in the order of their slots. */
  readonly masters: readonly RunningRedis[];
  /** One for each master in the same order, or none. */
  readonly replicas: readonly RunningRedis[];
  stop(): Promise<void>;
}

/** Starts three masters, each with a replica if requested, and waits until the cluster is ready. */
export async function startRedisCluster({ replicas = false } = {}): Promise<RunningCluster> {
  const count = replicas ? 6 : 3;
  const busPorts = await Promise.all(Array.from({ length: count }, freePort));
  const servers = await Promise.all(busPorts.map((busPort) => startRedis({ settings: settingsOf(busPort) })));
  const clients = servers.map(({ port }) => new Redis({ host: '127.0.0.1', port }));
  try {
    const [first] = clients;
    if (first === undefined) throw new Error('A cluster needs servers.');
    for (const [index, client] of clients.slice(0, 3).entries()) {
      const [from, to] = [index, index + 1].map((third) => Math.floor((SLOTS * third) / 3));
      await client.call('CLUSTER', 'ADDSLOTSRANGE', `${from}`, `${Number(to) - 1}`);
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', `${index + 1}`);
    }
    for (const [index, { port }] of servers.entries()) {
      await first.call('CLUSTER', 'MEET', '127.0.0.1', `${port}`, `${busPorts[index]}`);
    }
    await untilClusterReady(clients, count);
    await Promise.all(clients.slice(3).map(async (client, index) => follow(client, clients[index])));
    await untilClusterReady(clients, count);
  } finally {
    for (const client of clients) client.disconnect();
  }
  const stop = async () => void (await Promise.all(servers.map((server) => server.stop())));
  return { masters: servers.slice(0, 3), replicas: servers.slice(3), stop };
}

const settingsOf = (busPort: number): RedisSettings => ({
  'cluster-enabled': 'yes',
  'cluster-port': `${busPort}`,
  'cluster-config-file': 'nodes.conf',
  'cluster-node-timeout': '500',
  'repl-diskless-sync-delay': '0',
});

async function follow(replica: Redis, master: Redis | undefined): Promise<void> {
  const id = await master?.call('CLUSTER', 'MYID');
  await until(async () => (await replica.call('CLUSTER', 'REPLICATE', String(id)).catch(() => '')) === 'OK');
  await until(async () => (await replica.info('replication')).includes('master_link_status:up'));
}

/** Resolves when every server knows all others and accepts commands. */
async function untilClusterReady(clients: readonly Redis[], count: number): Promise<void> {
  const isReady = (info: string) =>
    info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${count}\r`);
  await until(async () => {
    const infos = await Promise.all(clients.map((client) => client.call('CLUSTER', 'INFO')));
    return infos.map(String).every(isReady);
  });
}

/** Polls a condition: Redis sends no event when servers agree. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}
