import { Redis } from 'ioredis';
import { until } from './redis-cluster.js';
import { startRedis, type RunningRedis } from './redis-server.js';

/** A master, a replica, and the Sentinels that make the one out of the other. */
export interface RunningSentinels {
  readonly name: string;
  readonly master: RunningRedis;
  readonly replica: RunningRedis;
  readonly sentinels: readonly RunningRedis[];
  /** Resolves once the Sentinels have made the replica the master. */
  promoted(): Promise<void>;
  stop(): Promise<void>;
}

/** Time in which the Sentinels agree, or do not. */
const AGREEMENT_TIMEOUT_MS = 10_000;

/** Starts them and waits until the Sentinels know the replica and each other. A dead master is noticed after 500 ms. */
export async function startSentinels(name = 'main'): Promise<RunningSentinels> {
  const master = await startRedis({ settings: { 'repl-diskless-sync-delay': '0' } });
  const replica = await startRedis({ settings: { replicaof: `127.0.0.1 ${master.port}` } });
  const watch = () =>
    startRedis({
      mode: 'sentinel',
      settings: {
        'sentinel monitor': `${name} 127.0.0.1 ${master.port} 2`,
        'sentinel down-after-milliseconds': `${name} 500`,
        'sentinel failover-timeout': `${name} 2000`,
      },
    });
  const sentinels = await Promise.all([watch(), watch(), watch()]);
  const clients = sentinels.map(({ port }) => new Redis({ host: '127.0.0.1', port }));
  try {
    await until(async () => {
      const infos = await Promise.all(clients.map((client) => client.info('sentinel')));
      return infos.every((info) => info.includes('slaves=1,sentinels=3'));
    });
  } finally {
    for (const client of clients) client.disconnect();
  }
  const servers = [...sentinels, replica, master];
  const stop = async () => void (await Promise.all(servers.map((server) => server.stop())));
  return { name, master, replica, sentinels, promoted: () => promoted(name, replica, sentinels), stop };
}

/**
 * Sentinels that were themselves held up for two seconds do nothing for half a minute (TILT mode), and then find that the
 * replica has been without its master for too long to take its place. One that is a master already is taken all the same,
 * unless a Sentinel that has not noticed the end of the old master yet makes a replica of it again: hence more than once.
 */
async function promoted(name: string, replica: RunningRedis, sentinels: readonly RunningRedis[]): Promise<void> {
  const clients = [replica, ...sentinels].map(({ port }) => new Redis({ host: '127.0.0.1', port }));
  const [follower, ...watchers] = clients as [Redis, ...Redis[]];
  const promote = () => void follower.call('REPLICAOF', 'NO', 'ONE').catch(() => undefined);
  const timer = setInterval(promote, AGREEMENT_TIMEOUT_MS);
  try {
    await until(async () => {
      const masters = await Promise.all(watchers.map((one) => one.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name)));
      return masters.every((address) => Array.isArray(address) && address[1] === String(replica.port));
    });
  } finally {
    clearInterval(timer);
    for (const client of clients) client.disconnect();
  }
}
