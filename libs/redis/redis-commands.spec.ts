/** @waits */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startRedis, startScriptedSentinel, type RunningRedis, type ScriptedSentinel } from '#lib/testing/redis-server';
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
  await untilReady(commands);
});

afterEach(async () => {
  connections.close();
  await redis.stop();
});

async function untilReady(connection: RedisCommands): Promise<void> {
  if (!connection.isReady) await new Promise<void>((resolve) => connection.onReady(resolve));
}

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

describe('a connection for commands behind Sentinels', () => {
  let other: RunningRedis;
  let sentinel: ScriptedSentinel;
  let behindSentinel: RedisConnections;

  beforeEach(async () => {
    other = await startRedis();
    sentinel = await startScriptedSentinel(redis.port);
    const sentinels = [{ host: '127.0.0.1', port: sentinel.port }];
    behindSentinel = new RedisConnections({ kind: 'sentinel', master: 'main', sentinels }, { database: 0 });
  });

  afterEach(async () => {
    behindSentinel.close();
    await Promise.all([sentinel.stop(), other.stop()]);
  });

  /** Resolves with a connection that can send commands. */
  async function openReady(): Promise<RedisCommands> {
    const opened = behindSentinel.openCommands();
    await untilReady(opened);
    return opened;
  }

  it('recovers when a new master is announced while it asks for the master', async () => {
    const followed = await openReady();
    await sentinel.whenSubscribed();
    const asked = sentinel.holdNextAnswer();
    sentinel.master = other.port;
    await redis.kill('SIGKILL');
    const answer = await asked;
    await sentinel.announceSwitch();
    answer();
    await untilReady(followed);
    expect(await followed.send('CONFIG', 'GET', 'port')).toEqual(['port', String(other.port)]);
    // A connection that is closed before it has subscribed would stay open.
    await sentinel.whenSubscribed();
  });
});
