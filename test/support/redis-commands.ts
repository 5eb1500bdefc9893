import { Redis } from 'ioredis';
import type { RunningRedis } from '#lib/testing/redis-server';

/** Tells a Redis something past the gateways, over a connection of its own. Rejects with what it answers instead. */
export async function sendRedisCommand({ port }: RunningRedis, command: string, ...args: string[]): Promise<unknown> {
  const client = new Redis({ host: '127.0.0.1', port });
  try {
    return await client.call(command, ...args);
  } finally {
    client.disconnect();
  }
}

/** Whether it is a master, or thinks that it is. */
export async function isMaster(redis: RunningRedis): Promise<boolean> {
  return String(await sendRedisCommand(redis, 'INFO', 'replication')).includes('role:master');
}
