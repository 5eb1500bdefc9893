import { Redis } from 'ioredis';
import { until } from './redis-cluster.js';
import { startRedis, type RunningRedis } from './redis-server.js';

/** A master, a replica, and the Sentinels that make the one out of the other. */
export interface RunningSentinels {
  readonly name: string;
  readonly master: RunningRedis;
  readonly replica: RunningRedis;
  readonly sentinels: readonly RunningRedis[];
  stop(): Promise<void>;
}

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
  return { name, master, replica, sentinels, stop };
}
