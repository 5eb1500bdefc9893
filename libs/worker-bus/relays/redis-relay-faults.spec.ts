/** @waits */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { freePort, startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { RelayFailure, type Ticket } from '../ports/index.js';
import type { RedisRelay } from './index.js';
import { EchoWorker, eventually, LOCAL, RedisWorld } from './redis-world-fixture.js';

/** Returns the failure that a call rejects with. */
async function failureOf(call: Promise<unknown>): Promise<RelayFailure> {
  const failure = await call.then(
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
  let echo: EchoWorker;
  let breaks: number;
  const logs = { warn: jest.spyOn(Logger.prototype, 'warn'), log: jest.spyOn(Logger.prototype, 'log') };

  beforeEach(async () => {
    for (const spy of Object.values(logs)) spy.mockReset().mockImplementation(() => undefined);
    redis = await startRedis();
    world = RedisWorld.owning(redis);
    relay = await world.connect();
    echo = new EchoWorker(relay, 'me');
    await echo.listen();
    breaks = 0;
    relay.onBroken(() => (breaks += 1));
  });
  // The test runner fails a test with an unhandled rejection.
  afterEach(() => world.close());

  /** Sends a command to Redis without the relay. */
  const command = async (...words: [string, ...string[]]) => {
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

  describe('whose Redis dies', () => {
    it('rejects at once as unreachable, with nothing attempted', async () => {
      await redis.kill('SIGKILL');
      await echo.until(() => breaks > 0);
      const before = performance.now();
      const unreachable = await ticket().catch(() => undefined);
      expect(unreachable).toBeUndefined();
      const failures = await Promise.all([
        failureOf(relay.publish({ worker: 'me', box: 'inbox' }, accept)),
        failureOf(relay.aliveWorkers()),
        failureOf(relay.announce('me', 5_000)),
      ]);
      expect(failures.map(({ attempted }) => attempted)).toEqual([false, false, false]);
      expect(performance.now() - before).toBeLessThan(scaleDeadline(1_000));
    });

    it('works within two seconds after a restart, under another generation', async () => {
      const old = await ticket();
      await redis.restart();
      const upAt = performance.now();
      await echo.untilFrameReceived();
      expect(performance.now() - upAt).toBeLessThan(scaleDeadline(2 * 2_000));
      expect(breaks).toBe(1);
      expect((await relay.announce('me', 5_000)).generation).not.toBe(old.generation);
      expect(await relay.claim(old, accept)).toBe('stale');
      expect(await relay.revoke(old)).toBe('stale');
    });

    it('is logged once when Redis goes down and once when it recovers', async () => {
      await redis.kill('SIGKILL');
      // Long enough for several attempts.
      for (let attempt = 0; attempt < 3; attempt += 1) await failureOf(relay.listen('me', echo));
      await redis.restart();
      await echo.untilFrameReceived();
      expect(lines().filter((line) => line.startsWith('Redis cannot be reached'))).toHaveLength(1);
      const back = logs.log.mock.calls.map(([line]) => String(line));
      expect(back.filter((line) => line === 'Redis can be reached again.')).toHaveLength(1);
    });
  });

  it('whose Redis is suspended rejects calls after a quarter of a second, with an unknown outcome', async () => {
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
    await echo.untilFrameReceived();
    expect(await relay.revoke(one)).toBe('claimed');
  });

  it('whose Redis is suspended for long reconnects', async () => {
    await redis.kill('SIGSTOP');
    await echo.until(async () => {
      await relay.aliveWorkers().catch(() => undefined);
      return breaks > 0;
    });
    await redis.kill('SIGCONT');
    await echo.untilFrameReceived();
    expect(await relay.announce('me', 5_000)).toMatchObject({ fenced: false });
  });

  it('reports an unresponsive Redis to a worker that only listens', async () => {
    await redis.kill('SIGSTOP');
    await echo.until(() => breaks > 0);
    await redis.kill('SIGCONT');
    await echo.untilFrameReceived();
    expect(breaks).toBe(1);
  });

  it('whose Redis loses its data decides nothing under the former generation', async () => {
    const old = await ticket();
    await command('FLUSHALL');
    expect(await relay.claim(old, accept)).toBe('stale');
    const next = await ticket();
    expect(next.generation).not.toBe(old.generation);
    expect(await relay.claim(old, accept)).toBe('stale');
    expect(await relay.revoke(old)).toBe('stale');
    expect(await relay.claim(next, accept)).toBe('claimed');
  });

  it('sends its scripts again when Redis has lost them', async () => {
    await ticket();
    await command('SCRIPT', 'FLUSH');
    expect(await relay.announce('me', 5_000)).toMatchObject({ fenced: false });
  });

  it.each(['pubsub', 'normal'])('whose connections (%s) are killed reports that once and reconnects', async (kind) => {
    await command('CLIENT', 'KILL', 'TYPE', kind);
    await echo.until(() => breaks > 0);
    await echo.untilFrameReceived();
    await ticket();
    expect(breaks).toBe(1);
  });

  it('connects to a Redis that starts later than the gateway', async () => {
    const port = await freePort();
    const early = RedisWorld.at(port);
    const waiting = early.open();
    expect(await failureOf(waiting.listen('me', echo))).toMatchObject({ attempted: false });
    expect(await failureOf(waiting.announce('me', 5_000))).toMatchObject({ attempted: false });
    const late = await startRedis({ port });
    const newWorker = new EchoWorker(waiting, 'me');
    await eventually(() => newWorker.listen());
    await newWorker.untilFrameReceived();
    await early.close();
    await late.stop();
  });

  it('whose password Redis refuses never logs or throws the password', async () => {
    await command('CONFIG', 'SET', 'requirepass', 'other');
    const locked = RedisWorld.at(redis.port, { access: { password: 'hunter2' } });
    const failure = await failureOf(locked.open().listen('me', echo));
    await echo.until(() => lines().some((line) => line.startsWith('Redis cannot be reached: WRONGPASS')));
    const texts = [...lines(), failure.stack, String(failure.cause), JSON.stringify(failure)];
    expect(texts.join()).not.toContain('hunter2');
    await locked.close();
  });

  it('warns once of a Redis that evicts keys', async () => {
    await command('CONFIG', 'SET', 'maxmemory', '100mb');
    await command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    await world.connect();
    await echo.until(() => lines().some((line) => line.startsWith('REDIS EVICTS KEYS')));
    expect(lines().filter((line) => line.startsWith('REDIS EVICTS KEYS'))).toHaveLength(1);
  });

  it('whose Redis is out of memory rejects decisions, and logs the refusal once', async () => {
    const errors = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const one = await ticket();
    await command('CONFIG', 'SET', 'maxmemory', '1');
    expect(await failureOf(relay.claim(one, accept))).toMatchObject({ attempted: true });
    await failureOf(relay.claim(one, accept));
    expect(errors.mock.calls.map(([line]) => String(line))).toEqual([expect.stringMatching(/rejected.*OOM/)]);
    await command('CONFIG', 'SET', 'maxmemory', '0');
    expect(await relay.revoke(one)).toBe('revoked');
    errors.mockRestore();
  });

  it('rejects calls after it was closed', async () => {
    relay.close();
    expect(await failureOf(relay.aliveWorkers())).toMatchObject({ attempted: false });
    expect(breaks).toBe(0);
    const fresh = await world.connect();
    expect(await eventually(() => fresh.publish({ worker: 'me', box: 'inbox' }, accept))).toBe(0);
  });
});
