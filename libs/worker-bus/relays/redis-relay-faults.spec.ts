/** @waits */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { freePort, startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { RelayFailure, type Ticket } from '../ports/index.js';
import type { RedisRelay } from './index.js';
import { Echo, eventually, LOCAL, RedisWorld } from './redis-world-fixture.js';

/** The failure that the relay answers with. */
async function failureOf(asked: Promise<unknown>): Promise<RelayFailure> {
  const failure = await asked.then(
    (answer) => `no failure but ${JSON.stringify(answer)}`,
    (error: unknown) => error,
  );
  if (failure instanceof RelayFailure) return failure;
  throw new Error(`Expected a RelayFailure, saw ${String(failure)}.`);
}

describe('a relay over Redis', () => {
  let redis: RunningRedis;
  let world: RedisWorld;
  let relay: RedisRelay;
  let echo: Echo;
  let breaks: number;
  const logs = { warn: jest.spyOn(Logger.prototype, 'warn'), log: jest.spyOn(Logger.prototype, 'log') };

  beforeEach(async () => {
    for (const spy of Object.values(logs)) spy.mockReset().mockImplementation(() => undefined);
    redis = await startRedis();
    world = RedisWorld.around(redis);
    relay = await world.connect();
    echo = new Echo(relay, 'me');
    await echo.listen();
    breaks = 0;
    relay.onBroken(() => (breaks += 1));
  });
  // A rejection that nobody handled fails the test that it happens in: the runner sees to that.
  afterEach(() => world.close());

  /** An order to Redis past the relay. */
  const order = async (...words: [string, ...string[]]) => {
    const client = new Redis({ host: LOCAL, port: redis.port });
    await client.call(...words);
    client.disconnect();
  };
  const ticket = async (): Promise<Ticket> => {
    const { generation, now } = await relay.announce('me', 5_000);
    return { requester: 'me', request: 'R', generation, notAfter: now + 10_000 };
  };
  const accept = Buffer.from('accept');
  const lines = () => logs.warn.mock.calls.map(([line]) => String(line));

  describe('that dies', () => {
    it('says at once that it cannot be reached, and that nothing was attempted', async () => {
      await redis.kill('SIGKILL');
      await echo.until(() => breaks > 0);
      const before = performance.now();
      const asked = await ticket().catch(() => undefined);
      expect(asked).toBeUndefined();
      const failures = await Promise.all([
        failureOf(relay.publish({ worker: 'me', box: 'inbox' }, accept)),
        failureOf(relay.living()),
        failureOf(relay.announce('me', 5_000)),
      ]);
      expect(failures.map(({ attempted }) => attempted)).toEqual([false, false, false]);
      expect(performance.now() - before).toBeLessThan(scaleDeadline(1_000));
    });

    it('is back within two seconds of its restart, under another name of its state', async () => {
      const old = await ticket();
      await redis.restart();
      const upAt = performance.now();
      await echo.untilHeard();
      expect(performance.now() - upAt).toBeLessThan(scaleDeadline(2 * 2_000));
      expect(breaks).toBe(1);
      expect((await relay.announce('me', 5_000)).generation).not.toBe(old.generation);
      expect(await relay.claim(old, accept)).toBe('stale');
      expect(await relay.revoke(old)).toBe('stale');
    });

    it('is spoken of once when it goes and once when it is back, however long that takes', async () => {
      await redis.kill('SIGKILL');
      // Long enough for several attempts.
      for (let attempt = 0; attempt < 3; attempt += 1) await failureOf(relay.listen('me', echo));
      await redis.restart();
      await echo.untilHeard();
      expect(lines().filter((line) => line.startsWith('Redis cannot be reached'))).toHaveLength(1);
      const back = logs.log.mock.calls.map(([line]) => String(line));
      expect(back.filter((line) => line === 'Redis can be reached again.')).toHaveLength(1);
    });
  });

  it('that pauses is given up after a quarter of a second, with nothing known', async () => {
    const one = await ticket();
    await redis.kill('SIGSTOP');
    const before = performance.now();
    const failures = await Promise.all([
      failureOf(relay.claim(one, accept)),
      failureOf(relay.publish({ worker: 'me', box: 'inbox' }, accept)),
    ]);
    expect(performance.now() - before).toBeLessThan(scaleDeadline(1_000));
    expect(failures.map(({ attempted }) => attempted)).toEqual([true, true]);
    await redis.kill('SIGCONT');
    await echo.untilHeard();
    expect(await relay.revoke(one)).toBe('claimed');
  });

  it('that pauses for long is connected to anew', async () => {
    await redis.kill('SIGSTOP');
    await echo.until(async () => {
      await relay.living().catch(() => undefined);
      return breaks > 0;
    });
    await redis.kill('SIGCONT');
    await echo.untilHeard();
    expect(await relay.announce('me', 5_000)).toMatchObject({ buried: false });
  });

  it('that falls silent is noticed by a worker that only listens', async () => {
    await redis.kill('SIGSTOP');
    await echo.until(() => breaks > 0);
    await redis.kill('SIGCONT');
    await echo.untilHeard();
    expect(breaks).toBe(1);
  });

  it('that loses its data decides nothing under the name it had before', async () => {
    const old = await ticket();
    await order('FLUSHALL');
    expect(await relay.claim(old, accept)).toBe('stale');
    const anew = await ticket();
    expect(anew.generation).not.toBe(old.generation);
    expect(await relay.claim(old, accept)).toBe('stale');
    expect(await relay.revoke(old)).toBe('stale');
    expect(await relay.claim(anew, accept)).toBe('claimed');
  });

  it('that forgets its scripts is told them again', async () => {
    await ticket();
    await order('SCRIPT', 'FLUSH');
    expect(await relay.announce('me', 5_000)).toMatchObject({ buried: false });
  });

  it.each(['pubsub', 'normal'])('that cuts connections (%s) says so once and mends them', async (kind) => {
    await order('CLIENT', 'KILL', 'TYPE', kind);
    await echo.until(() => breaks > 0);
    await echo.untilHeard();
    await ticket();
    expect(breaks).toBe(1);
  });

  it('may come later than the gateway', async () => {
    const port = await freePort();
    const early = RedisWorld.at(port);
    const waiting = early.open();
    expect(await failureOf(waiting.listen('me', echo))).toMatchObject({ attempted: false });
    expect(await failureOf(waiting.announce('me', 5_000))).toMatchObject({ attempted: false });
    const late = await startRedis({ port });
    const newcomer = new Echo(waiting, 'me');
    await eventually(() => newcomer.listen());
    await newcomer.untilHeard();
    await early.close();
    await late.stop();
  });

  it('that refuses the password is never told of with it', async () => {
    await order('CONFIG', 'SET', 'requirepass', 'other');
    const locked = RedisWorld.at(redis.port, { access: { password: 'hunter2' } });
    const failure = await failureOf(locked.open().listen('me', echo));
    await echo.until(() => lines().some((line) => line.startsWith('Redis cannot be reached: WRONGPASS')));
    const told = [...lines(), failure.stack, String(failure.cause), JSON.stringify(failure)];
    expect(told.join()).not.toContain('hunter2');
    await locked.close();
  });

  it('that evicts keys is warned of, once', async () => {
    await order('CONFIG', 'SET', 'maxmemory', '100mb');
    await order('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    await world.connect();
    await echo.until(() => lines().some((line) => line.startsWith('REDIS EVICTS KEYS')));
    expect(lines().filter((line) => line.startsWith('REDIS EVICTS KEYS'))).toHaveLength(1);
  });

  it('that is full refuses to decide, and is told of', async () => {
    const complaints = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const one = await ticket();
    await order('CONFIG', 'SET', 'maxmemory', '1');
    expect(await failureOf(relay.claim(one, accept))).toMatchObject({ attempted: true });
    await failureOf(relay.claim(one, accept));
    expect(complaints.mock.calls.map(([line]) => String(line))).toEqual([expect.stringMatching(/refuses.*OOM/)]);
    await order('CONFIG', 'SET', 'maxmemory', '0');
    expect(await relay.revoke(one)).toBe('revoked');
    complaints.mockRestore();
  });

  it('is not asked after it was closed', async () => {
    relay.close();
    expect(await failureOf(relay.living())).toMatchObject({ attempted: false });
    expect(breaks).toBe(0);
    const fresh = await world.connect();
    expect(await eventually(() => fresh.publish({ worker: 'me', box: 'inbox' }, accept))).toBe(0);
  });
});
