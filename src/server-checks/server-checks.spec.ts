import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { GatewayEvent } from '#lib/extension-kit';
import { RedisConfig } from '#lib/redis';
import { ManualClock } from '#lib/testing/manual-clock';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { FakeRegistry, remoteServer } from '../../test/support/fake-upstream.js';
import { until } from '../../test/support/until.js';
import { Coordination } from '../coordination/index.js';
import { GatewayEvents } from '../events/index.js';
import { Readiness } from '../lifecycle/index.js';
import type { RemoteServer } from '../registry/index.js';
import { WorkerId, WorkerRegistry } from '../workers/index.js';
import { CheckRunner } from './check-runner.js';
import { ServerChecks, ServerChecksConfig } from './index.js';
import { RedisServerStates } from './redis-server-states.js';
import type { CheckResult } from './server-state.js';
import { LocalServerStates, type ServerStates } from './server-states.js';

const UP: CheckResult = { answered: true, latencyMs: 4 };
const DOWN: CheckResult = { answered: false, latencyMs: 4, code: -31_004, reason: 'refused', detail: 'ECONNREFUSED' };
/** Longer than an interval with its jitter, and a tick. */
const ROUND_MS = 35_000;

/** The servers of a spec, and who checks them. */
class FakeServers {
  readonly checks: { readonly worker: string; readonly server: string }[] = [];
  readonly forgotten: string[] = [];
  result: CheckResult | Promise<CheckResult> = UP;
  /** Servers that answer no check before its timeout. */
  readonly hanging = new Set<string>();
  running = 0;
  mostRunning = 0;

  runnerFor(worker: string): CheckRunner {
    return {
      run: async ({ slug }, timeoutMs) => {
        this.checks.push({ worker, server: slug });
        this.running += 1;
        this.mostRunning = Math.max(this.mostRunning, this.running);
        try {
          if (this.hanging.has(slug)) await clock.sleep(timeoutMs);
          return await this.result;
        } finally {
          this.running -= 1;
        }
      },
      forget: async (slug) => void this.forgotten.push(`${worker} ${slug}`),
      close: async () => undefined,
    };
  }
}

/** Workers that are alive until a spec kills them. */
class FakeWorkers {
  readonly aliveIds: string[] = [];

  get registry(): WorkerRegistry {
    return this as unknown as WorkerRegistry;
  }
}

let clock: ManualClock;
let servers: FakeServers;
let workers: FakeWorkers;
let events: GatewayEvent[];
let started: ServerChecks[];

beforeAll(() => Logger.overrideLogger(false));
afterAll(() => Logger.overrideLogger(['fatal', 'error', 'warn', 'log']));

beforeEach(() => {
  clock = new ManualClock();
  servers = new FakeServers();
  workers = new FakeWorkers();
  events = [];
  started = [];
});

afterEach(async () => {
  for (const checks of started) await checks.onApplicationShutdown();
});

interface WorkerOptions {
  readonly states?: ServerStates;
  readonly registry?: FakeRegistry;
  readonly readiness?: Readiness;
  readonly settings?: Partial<ServerChecksConfig>;
}

const A = remoteServer('a');

function startWorker(options: WorkerOptions = {}): { readonly id: string; readonly checks: ServerChecks } {
  const id = new WorkerId();
  const bus = new GatewayEvents(clock);
  bus.on(['server.down', 'server.recovered'], (event) => void events.push(event));
  const checks = new ServerChecks(
    Object.assign(new ServerChecksConfig(), options.settings),
    options.registry ?? new FakeRegistry([A]),
    servers.runnerFor(id.text),
    options.states ?? new LocalServerStates(),
    bus,
    workers.registry,
    id,
    options.readiness ?? new Readiness(),
    clock,
  );
  workers.aliveIds.push(id.text);
  started.push(checks);
  checks.onApplicationBootstrap();
  return { id: id.text, checks };
}

const manyServers = (count: number, more: Partial<RemoteServer> = {}) =>
  Array.from({ length: count }, (_, index) => remoteServer(`s${index}`, more));

const checked = () => servers.checks.map(({ server }) => server);

describe('the health checks of a worker', () => {
  it('begin within ten seconds, and show when and how the server answered', async () => {
    const { id, checks } = startWorker();
    await clock.advance(11_000);
    expect(checked()).toEqual(['a']);
    await clock.advance(ROUND_MS);
    expect(checked()).toEqual(['a', 'a']);
    expect((await checks.findAll()).get('a')).toEqual({
      state: 'up',
      since: expect.any(Number),
      checkedAt: expect.any(Number),
      checkedBy: id,
      latencyMs: 4,
      failures: 0,
      successes: 2,
      changes: 1,
    });
    expect(events).toEqual([]);
  });

  it('report a server that fails three times, and its recovery after two answers', async () => {
    const { checks } = startWorker();
    servers.result = DOWN;
    await clock.advance(4 * ROUND_MS);
    expect(events).toMatchObject([
      { type: 'server.down', data: { server: 'a', failures: 3, reason: 'refused', code: -31_004 } },
    ]);
    expect(JSON.stringify(events)).not.toContain('ECONNREFUSED');
    expect((await checks.findAll()).get('a')).toMatchObject({ state: 'down', lastError: { detail: 'ECONNREFUSED' } });
    servers.result = UP;
    await clock.advance(3 * ROUND_MS);
    expect(events).toMatchObject([{}, { type: 'server.recovered', data: { server: 'a', state: 'up' } }]);
    expect(new Set(events.map(({ occurrence }) => occurrence)).size).toBe(2);
  });

  it('follow the interval of the entry, skip disabled servers and those without an interval', async () => {
    const registry = new FakeRegistry([
      remoteServer('often', { healthIntervalMs: 5_000 }),
      remoteServer('never', { healthIntervalMs: 0 }),
      remoteServer('disabled', { enabled: false }),
    ]);
    startWorker({ registry, settings: { intervalMs: 0 } });
    await clock.advance(60_000);
    expect(new Set(checked())).toEqual(new Set(['often']));
    expect(checked().length).toBeGreaterThanOrEqual(8);
  });

  it('need no timer without a server to check', async () => {
    startWorker({ settings: { intervalMs: 0 } });
    expect(clock.pending).toBe(0);
  });

  it('run at most eight at a time, and one for each server', async () => {
    const many = manyServers(20);
    const open = Promise.withResolvers<CheckResult>();
    servers.result = open.promise;
    startWorker({ registry: new FakeRegistry(many) });
    await clock.advance(3 * ROUND_MS);
    expect([servers.running, new Set(checked()).size]).toEqual([8, 8]);
    open.resolve(UP);
    await clock.advance(ROUND_MS);
    expect(new Set(checked()).size).toBe(20);
    expect(servers.mostRunning).toBe(8);
  });

  it('drop the result for a definition that has changed meanwhile', async () => {
    const registry = new FakeRegistry([A]);
    const open = Promise.withResolvers<CheckResult>();
    servers.result = open.promise;
    const { checks } = startWorker({ registry });
    await clock.advance(ROUND_MS);
    registry.configure([remoteServer('a')]);
    open.resolve(DOWN);
    await clock.advance(0);
    expect((await checks.findAll()).size).toBe(0);
  });

  it('reach every server, however many there are', async () => {
    startWorker({ registry: new FakeRegistry(manyServers(300)) });
    await clock.advance(4 * ROUND_MS);
    const counts = manyServers(300).map(({ slug }) => checked().filter((server) => server === slug).length);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(3);
  });

  it('reach every server while eight hang that are checked more often', async () => {
    const hanging = manyServers(8, { healthIntervalMs: 1_000 });
    const others = Array.from({ length: 20 }, (_, index) => remoteServer(`other${index}`));
    for (const { slug } of hanging) servers.hanging.add(slug);
    startWorker({ registry: new FakeRegistry([...hanging, ...others]) });
    await clock.advance(2 * ROUND_MS);
    expect(new Set(checked()).size).toBe(28);
  });

  it('of two workers do not wait for the servers of each other', async () => {
    const registry = new FakeRegistry(manyServers(300));
    startWorker({ registry });
    startWorker({ registry });
    await clock.advance(30_000);
    expect(new Set(checked()).size).toBe(300);
  });

  it('need no list of alive workers, which is empty until Redis was reached', async () => {
    startWorker();
    workers.aliveIds.length = 0;
    await clock.advance(ROUND_MS);
    expect(checked()).toContain('a');
  });

  it('leave the state of a server as it was when a check found nothing', async () => {
    const { checks } = startWorker();
    await clock.advance(11_000);
    const before = await checks.findAll();
    servers.result = { unknown: true };
    await clock.advance(ROUND_MS);
    expect(checked()).toHaveLength(2);
    expect(await checks.findAll()).toEqual(before);
  });

  it('drop the result of a check that a shutdown interrupts', async () => {
    const interrupted = Promise.withResolvers<CheckResult>();
    servers.result = interrupted.promise;
    const { checks } = startWorker({ settings: { downAfter: 1 } });
    await clock.advance(11_000);
    await checks.onApplicationShutdown();
    interrupted.resolve(DOWN);
    await clock.advance(ROUND_MS);
    expect([checked(), (await checks.findAll()).size, events]).toEqual([['a'], 0, []]);
  });

  it('close the connection of a server that is removed during its first check', async () => {
    const registry = new FakeRegistry([A]);
    servers.result = new Promise(() => undefined);
    const { id } = startWorker({ registry });
    await clock.advance(11_000);
    registry.configure([]);
    expect(servers.forgotten).toEqual([`${id} a`]);
  });

  it('end while the worker is draining', async () => {
    const readiness = new Readiness();
    startWorker({ readiness });
    readiness.startDraining();
    await clock.advance(3 * ROUND_MS);
    expect(checked()).toEqual([]);
  });
});

describe('the health checks of two workers', () => {
  let redis: RunningRedis;
  let coordination: Coordination;

  beforeAll(async () => {
    redis = await startRedis();
    coordination = new Coordination(Object.assign(new RedisConfig(), { url: redis.url }));
    await until(() => coordination.redis?.commands.isReady === true);
  });

  beforeEach(() => coordination.redis?.commands.send('FLUSHALL'));

  afterAll(async () => {
    coordination.onApplicationShutdown();
    await redis.stop();
  });

  const sharedStates = () => new RedisServerStates(coordination.redis!, Buffer.alloc(32, 7));

  /** Advances the time, and waits for Redis after each second. */
  async function advance(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 1_000) {
      await clock.advance(1_000);
      await coordination.redis?.commands.send('PING');
      await clock.advance(0);
    }
  }

  const kill = (id: string) => workers.aliveIds.splice(workers.aliveIds.indexOf(id), 1);

  it('are made by one of them, and both show the same', async () => {
    const both = [startWorker({ states: sharedStates() }), startWorker({ states: sharedStates() })];
    await advance(5 * ROUND_MS);
    expect(new Set(servers.checks.map(({ worker }) => worker)).size).toBe(1);
    const [one, other] = await Promise.all(both.map(({ checks }) => checks.findAll()));
    expect(one?.get('a')).toMatchObject({ state: 'up' });
    expect(other).toEqual(one);
  });

  it('go on at the other one when the checker dies, which counts on and reports no change twice', async () => {
    const both = [startWorker({ states: sharedStates() }), startWorker({ states: sharedStates() })];
    servers.result = DOWN;
    await until(async () => {
      await advance(1_000);
      return servers.checks.length === 2;
    });
    const checker = servers.checks[0]!.worker;
    const survivor = both.find(({ id }) => id !== checker)!;
    kill(checker);
    await started[both.findIndex(({ id }) => id === checker)]?.onApplicationShutdown();
    await advance(2 * ROUND_MS);
    expect(servers.checks[2]?.worker).toBe(survivor.id);
    // Two failures before and one after the death make three.
    expect(events).toMatchObject([{ type: 'server.down', data: { failures: 3 } }]);
    await advance(5 * ROUND_MS);
    expect(events).toHaveLength(1);
    expect((await survivor.checks.findAll()).get('a')).toMatchObject({ state: 'down', checkedBy: survivor.id });
  });

  it('count on after Redis has lost its data', async () => {
    const { checks } = startWorker({ states: sharedStates() });
    servers.result = DOWN;
    await advance(4 * ROUND_MS);
    await coordination.redis?.commands.send('FLUSHALL');
    expect((await checks.findAll()).get('a')).toMatchObject({ state: 'down' });
    await advance(2 * ROUND_MS);
    expect(events).toHaveLength(1);
  });
});
