import { describe, expect, it } from '@jest/globals';
import { RelayFailure } from '#lib/worker-bus';
import * as fc from 'fast-check';
import { run } from '../run.js';
import { scenarios } from '../scenarios.js';
import { SeededRandom } from './seeded-random.js';
import { Host } from './host.js';
import { CommandFaultPlan } from './relay/command-faults.js';
import { RelayLink } from './relay/relay-link.js';
import { SimRedis } from './relay/sim-redis.js';
import { VirtualTime } from './virtual-time.js';

const MAILBOX = { request: () => {}, reply: () => {} };

function relayWith(lagMs?: number) {
  const virtualTime = new VirtualTime();
  const random = new SeededRandom(1);
  const redis = new SimRedis(virtualTime, random, {
    minLatencyMs: 1,
    maxLatencyMs: 2,
    isCluster: false,
    ...(lagMs !== undefined && { lagMs }),
  });
  const faultPlan = new CommandFaultPlan();
  const host = new Host(virtualTime, random, 1);
  const link = new RelayLink(redis, host, faultPlan, 'me');
  /** Advances the time until the promise is settled and returns its result. */
  const outcome = async <T>(promise: Promise<T>) => {
    const settled = promise.then(
      (value) => ({ value }),
      (error: unknown) => ({ attempted: error instanceof RelayFailure && error.attempted }),
    );
    await virtualTime.runUntil(virtualTime.now + 300);
    return settled;
  };
  return { virtualTime, redis, faultPlan, host, link, outcome };
}

describe('a simulated run', () => {
  it('is identical for the same scenario', async () => {
    await fc.assert(
      fc.asyncProperty(scenarios(), async (scenario) => {
        const [once, again] = [await run(scenario), await run(scenario)];
        expect(again.runLog.all()).toEqual(once.runLog.all());
      }),
      { numRuns: 50, seed: 1 },
    );
  });
});

describe('the simulated relay', () => {
  const ticketOf = async ({ link, outcome }: ReturnType<typeof relayWith>) => {
    const announced = await outcome(link.announce('me', 5_000));
    if (!('value' in announced)) throw new Error('not announced');
    const { generation, now } = announced.value;
    return { requester: 'me', request: 'one', generation, notAfter: now + 10_000 };
  };

  it('decides about a request once', async () => {
    const world = relayWith();
    const ticket = await ticketOf(world);
    expect(await world.outcome(world.link.claim(ticket, Buffer.alloc(1)))).toEqual({ value: 'claimed' });
    expect(await world.outcome(world.link.claim(ticket, Buffer.alloc(1)))).toEqual({ value: 'taken' });
    expect(await world.outcome(world.link.revoke(ticket))).toEqual({ value: 'claimed' });
  });

  it.each([
    ['loses its data', (redis: SimRedis) => redis.flushAll()],
    ['fails over to its replica', (redis: SimRedis) => redis.failOver(0)],
    ['restarts', (redis: SimRedis) => redis.restartEmpty(0)],
  ])('answers stale for earlier requests after it %s', async (_, strike) => {
    const world = relayWith(0);
    const ticket = await ticketOf(world);
    strike(world.redis);
    await world.virtualTime.runUntil(world.virtualTime.now + 2_000);
    expect(await world.outcome(world.link.revoke(ticket))).toEqual({ value: 'stale' });
  });

  it('loses writes in a fail-over that have not reached its replica', async () => {
    const world = relayWith(1_000);
    await world.outcome(world.link.leave('other'));
    world.redis.failOver(0);
    await world.virtualTime.runUntil(world.virtualTime.now + 2_000);
    expect(await world.outcome(world.link.presenceOf('other'))).toEqual({ value: 'missing' });
  });

  it('reports a timed-out command as attempted and a command without a connection as not attempted', async () => {
    const world = relayWith();
    world.redis.freeze(10_000);
    expect(await world.outcome(world.link.aliveWorkers())).toEqual({ attempted: true });
    world.redis.restartEmpty(5_000);
    await world.virtualTime.runUntil(world.virtualTime.now + 100);
    expect(await world.outcome(world.link.aliveWorkers())).toEqual({ attempted: false });
  });

  it('reports a break once and delivers frames after it', async () => {
    const world = relayWith();
    const observed: string[] = [];
    world.link.onBroken(() => observed.push('broken'));
    await world.outcome(world.link.listen('me', { ...MAILBOX, request: () => observed.push('frame') }));
    world.link.reset('both');
    await world.virtualTime.runUntil(world.virtualTime.now + 1_000);
    expect(await world.outcome(world.link.publish({ worker: 'me', box: 'inbox' }, Buffer.alloc(1)))).toEqual({
      value: 1,
    });
    expect(observed).toEqual(['broken', 'frame']);
  });
});

describe('a simulated host', () => {
  it('delays timers and input while it is frozen and drops them once it is killed', async () => {
    const { virtualTime, host } = relayWith();
    const done: string[] = [];
    host.timer.after(10, () => done.push('timer'));
    host.freeze();
    host.enter(() => done.push('input'));
    await virtualTime.runUntil(100);
    expect(done).toEqual([]);
    host.thaw();
    await virtualTime.runUntil(100);
    expect(done.toSorted()).toEqual(['input', 'timer']);
    host.timer.after(10, () => done.push('never'));
    host.kill();
    host.enter(() => done.push('never'));
    await virtualTime.runUntil(200);
    expect(done).toHaveLength(2);
  });
});
