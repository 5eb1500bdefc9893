import { Redis } from 'ioredis';
import type { RunningRedis } from '#lib/testing/redis-server';

/** Sends a command to Redis over a separate connection. Rejects with the error that Redis answers. */
export async function sendRedisCommand({ port }: RunningRedis, command: string, ...args: string[]): Promise<unknown> {
  const client = new Redis({ host: '127.0.0.1', port });
  try {
    return await client.call(command, ...args);
  } finally {
    client.disconnect();
  }
}

/** Whether Redis reports the role of a master. */
export async function isMaster(redis: RunningRedis): Promise<boolean> {
  return String(await sendRedisCommand(redis, 'INFO', 'replication')).includes('role:master');
}
