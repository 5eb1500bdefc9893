/** @waits */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Redis } from 'ioredis';

// Real processes run the compiled build, as in the other specs.
const PROGRAM = join(process.cwd(), 'dist/src/embedded-redis/main.js');

let child: ChildProcess;
let url: string;
let redis: Redis;

beforeEach(async () => {
  child = fork(PROGRAM, [], { execArgv: ['--disable-warning=ExperimentalWarning'], stdio: 'ignore' });
  [url] = (await once(child, 'message')) as [string];
  redis = new Redis(url);
});

afterEach(async () => {
  redis.disconnect();
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
});

describe('the embedded Redis', () => {
  it('supports the commands, scripts and pub/sub that workers use', async () => {
    const subscriber = redis.duplicate();
    const message = once(subscriber, 'message');
    await subscriber.subscribe('inbox');
    const script =
      "local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')\n" +
      "if redis.call('SET', KEYS[1], 'claimed', 'NX', 'PX', 60000) then redis.call('PUBLISH', 'inbox', run) end\n" +
      'return run';
    const run = await redis.eval(script, 1, 'call');
    expect(run).toMatch(/^[0-9a-f]{40}$/);
    expect(await message).toEqual(['inbox', run]);
    subscriber.disconnect();
    await redis.zadd('workers', 2, 'b', 1, 'a');
    await redis.rpush('events', 'one', 'two');
    expect(await redis.zrangebyscore('workers', 1, '+inf')).toEqual(['a', 'b']);
    expect(await redis.lrange('events', 0, -1)).toEqual(['one', 'two']);
    expect(await redis.info('replication')).toMatch(/master_replid:[0-9a-f]{40}/);
  });

  it('rejects commands without the password', async () => {
    const { port } = new URL(url);
    const unauthenticated = new Redis(Number(port), '127.0.0.1');
    unauthenticated.on('error', () => {});
    await expect(unauthenticated.get('call')).rejects.toThrow('NOAUTH');
    unauthenticated.disconnect();
  });

  it('answers a command in less than 50 milliseconds', async () => {
    const times: number[] = [];
    for (let round = 0; round < 100; round += 1) {
      const before = performance.now();
      await redis.set(`key ${round}`, 'value');
      times.push(performance.now() - before);
    }
    // As the package is shipped, each round trip takes 100 ms on any machine: the fastest one shows that it does not here.
    expect(Math.min(...times)).toBeLessThan(50);
  });

  it('exits with the process that started it, and ignores signals until then', async () => {
    child.kill('SIGINT');
    child.kill('SIGTERM');
    expect(await redis.ping()).toBe('PONG');
    redis.disconnect();
    child.disconnect();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
