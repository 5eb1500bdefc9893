/** @waits */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { RedisConnections } from './redis-connections.js';
import type { RedisCommands } from './redis-commands.js';
import { COMMAND_TIMEOUT_MS } from './redis-options.js';

let redis: RunningRedis;
let connections: RedisConnections;
let commands: RedisCommands;

beforeEach(async () => {
  redis = await startRedis();
  const address = { host: '127.0.0.1', port: redis.port };
  connections = new RedisConnections({ kind: 'single', address }, { database: 0 });
  commands = connections.openCommands();
  await new Promise<void>((resolve) => commands.onReady(resolve));
});

afterEach(async () => {
  connections.close();
  await redis.stop();
});

/** Blocks the process, as parsing a huge message does. */
function stall(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

describe('a command', () => {
  it('succeeds although the process was blocked for longer than the command timeout', async () => {
    for (const times of [1, 1.2, 2, 3]) {
      // On a loaded machine Redis itself may be late, but hardly three times in a row.
      const answers: unknown[] = [];
      while (answers.length < 3 && answers.at(-1) !== `${times}`) {
        const answer = commands.send('ECHO', `${times}`).catch((cause: unknown) => cause);
        await new Promise((resolve) => setImmediate(resolve));
        stall(COMMAND_TIMEOUT_MS * times);
        answers.push(await answer);
      }
      expect(answers.at(-1)).toBe(`${times}`);
    }
  });

  it('rejects as attempted when Redis does not answer in time', async () => {
    await redis.kill('SIGSTOP');
    const before = performance.now();
    await expect(commands.send('ECHO', 'x')).rejects.toMatchObject({ attempted: true });
    expect(performance.now() - before).toBeLessThan(scaleDeadline(2 * COMMAND_TIMEOUT_MS));
    await redis.kill('SIGCONT');
  });
});
