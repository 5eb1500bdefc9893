import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BusWorld, deferred, maybeAttempted, notAttempted } from '../bus-world-fixture.js';
import type { BusNode } from '../bus-node.js';
import type { Membership } from './membership.js';

let world: BusWorld;
let node: BusNode;
let me: Membership;

beforeEach(async () => {
  world = new BusWorld();
  node = await world.node('me');
  me = node.membership;
});

afterEach(() => world.stop());

const loseCanaries = () => {
  world.relay.onPublish = ({ frame, deliver }) => (frame.kind === 'canary' ? Promise.resolve(1) : deliver());
};

describe('a member', () => {
  it('is ready once it has received its canary and announced itself', () => {
    expect(me.state).toBe('ready');
    expect(world.observed.availabilities).toEqual([true]);
    expect(me.isAlive('me')).toBe(true);
  });

  it('stays announced while it runs, and its announcement expires after it has stopped', async () => {
    await world.timer.advance(60_000);
    expect(await world.relay.presenceOf('me')).toBe('alive');
    node.stop();
    await world.timer.advance(5_000);
    expect(await world.relay.presenceOf('me')).toBe('missing');
    expect(me.state).toBe('unavailable');
  });

  it('becomes unavailable within two seconds without canaries, and subscribes again', async () => {
    loseCanaries();
    await world.timer.advance(2_000);
    expect(me.state).toBe('unavailable');
    const listens = world.relay.listenCount;
    world.relay.onPublish = (inTransit) => inTransit.deliver();
    await world.timer.advance(2_000);
    expect(me.state).toBe('ready');
    expect(world.relay.listenCount).toBeGreaterThan(listens);
  });

  it('ignores a canary that was sent before the connection broke', async () => {
    const late = deferred();
    world.relay.onPublish = async ({ frame, deliver }) => {
      if (frame.kind === 'canary') await late.promise;
      return deliver();
    };
    await world.timer.advance(1_000);
    loseCanaries();
    world.relay.breakConnections();
    late.resolve();
    await world.settle();
    expect(me.state).toBe('unavailable');
  });

  it('raises an alarm when several workers receive its canary', async () => {
    world.relay.onPublish = async ({ deliver }) => 1 + (await deliver());
    await world.timer.advance(1_000);
    expect(world.observed.alarms).toEqual(['2 workers receive the inbox of me.']);
  });

  it('is ready as soon as a broken connection is restored', async () => {
    world.relay.breakConnections();
    expect(me.state).toBe('unavailable');
    await world.settle();
    expect(me.state).toBe('ready');
  });

  it.each([
    ['cannot be reached', notAttempted],
    ['does not answer', maybeAttempted],
  ])('is unavailable while the relay %s, and ready soon after the relay recovers', async (_, failure) => {
    world.relay.outage = failure();
    await world.timer.advance(1_200);
    expect(me.state).toBe('unavailable');
    await world.timer.advance(60_000);
    world.relay.outage = undefined;
    await world.timer.advance(300);
    expect(me.state).toBe('ready');
    expect(world.observed.availabilities).toEqual([true, false, true]);
  });

  it('stays ready despite a single late reply of the relay', async () => {
    world.relay.outage = maybeAttempted();
    await world.timer.advance(1_000);
    world.relay.outage = undefined;
    await world.timer.advance(5_000);
    expect(world.observed.availabilities).toEqual([true]);
  });

  it('starts without the relay, and becomes ready once the relay works', async () => {
    world.relay.outage = notAttempted();
    const late = await world.node('late');
    expect(late.membership.state).toBe('unavailable');
    expect(late.membership.ticketTerms()).toBeUndefined();
    world.relay.outage = undefined;
    await world.timer.advance(1_200);
    expect(late.membership.state).toBe('ready');
  });

  it('computes the deadline of tickets by the clock of the relay', async () => {
    await world.timer.advance(700);
    expect(me.ticketTerms()?.notAfter).toBe(world.timer.monotonicNow() + 10_000);
  });
});

describe('the status of another worker', () => {
  it('is alive while the worker is listed, and dead once the worker has left', async () => {
    await world.node('other');
    await world.timer.advance(10_000);
    expect([me.isAlive('other'), await me.status('other')]).toEqual([true, 'alive']);
    const dead: string[] = [];
    me.onWorkerDead((worker) => dead.push(worker));
    await world.relay.leave('other');
    await world.timer.advance(1_000);
    expect(dead).toEqual(['other']);
    expect(await me.status('other')).toBe('dead');
  });

  it('comes from the list of alive workers only while that list is recent', async () => {
    await world.node('other');
    await world.timer.advance(1_000);
    world.relay.onList = () => Promise.reject(maybeAttempted());
    await world.timer.advance(2_000);
    expect(me.isAlive('other')).toBe(false);
    expect(await me.status('other')).toBe('alive');
  });

  it('is dead within seven seconds after the worker was killed, because the lookup fences the worker', async () => {
    const other = await world.node('other');
    await world.timer.advance(10_000);
    other.stop();
    await world.timer.advance(7_000);
    expect(await me.status('other')).toBe('dead');
    expect(await world.relay.presenceOf('other')).toBe('fenced');
    // From now on the status is known without the relay.
    world.relay.outage = notAttempted();
    expect(await me.status('other')).toBe('dead');
  });

  it('is unknown, not dead, while the relay has just restarted', async () => {
    await world.timer.advance(10_000);
    world.relay.startNewGeneration();
    const dead: string[] = [];
    me.onWorkerDead((worker) => dead.push(worker));
    me.watch('stranger');
    expect(await me.status('stranger')).toBe('unknown');
    await world.timer.advance(5_000);
    expect(await me.status('stranger')).toBe('unknown');
    expect(dead).toEqual([]);
    await world.timer.advance(2_000);
    expect(await me.status('stranger')).toBe('dead');
    expect(dead).toContain('stranger');
  });

  it('is unknown, not dead, after an outage that may have hit both workers', async () => {
    await world.node('other');
    await world.timer.advance(10_000);
    const dead: string[] = [];
    me.onWorkerDead((worker) => dead.push(worker));
    world.relay.outage = notAttempted();
    await world.timer.advance(8_000);
    world.relay.outage = undefined;
    const { announce } = world.relay;
    // This worker has recovered, the other one has not yet.
    world.relay.announce = (worker, ttlMs) =>
      worker === 'other' ? Promise.reject(notAttempted()) : announce.call(world.relay, worker, ttlMs);
    await world.timer.advance(1_000);
    expect(await me.status('other')).toBe('unknown');
    expect([me.aliveWorkers(), dead]).toEqual([['me', 'other'], []]);
    await world.timer.advance(7_000);
    expect(await me.status('other')).toBe('dead');
    expect(dead).toContain('other');
  });

  it('is not dead because a list requested before the worker started lacks it', async () => {
    await world.timer.advance(10_000);
    const answer = deferred();
    world.relay.onList = async (list) => {
      const listed = await list();
      await answer.promise;
      return listed;
    };
    const dead: string[] = [];
    me.onWorkerDead((worker) => dead.push(worker));
    await world.timer.advance(1_000);
    world.relay.onList = (list) => list();
    await world.node('new');
    me.watch('new');
    answer.resolve();
    await world.timer.advance(3_000);
    expect(dead).toEqual([]);
  });

  it('is reported when workers start and leave, but not while the relay has just restarted', async () => {
    const seen: string[] = [];
    me.onChange(() => seen.push(me.aliveWorkers().toSorted().join(' ')));
    await world.timer.advance(10_000);
    await world.node('other');
    await world.timer.advance(1_000);
    expect(seen).toEqual(['me other']);
    world.relay.startNewGeneration();
    world.relay.onList = async () => [];
    await world.timer.advance(3_000);
    expect(seen).toHaveLength(1);
    world.relay.onList = (list) => list();
    await world.timer.advance(10_000);
    expect(seen).toHaveLength(1);
    await world.relay.leave('other');
    await world.timer.advance(1_000);
    expect(seen).toEqual(['me other', 'me']);
  });

  it('is alive if the worker announces itself while it is about to be fenced', async () => {
    await world.timer.advance(10_000);
    world.relay.presenceOf = async () => {
      await world.relay.announce('slow', 5_000);
      return 'missing';
    };
    expect(await me.status('slow')).toBe('alive');
  });

  it('rejects when the relay fails', async () => {
    world.relay.presenceOf = () => Promise.reject(notAttempted());
    await expect(me.status('other')).rejects.toBeInstanceOf(Error);
  });

  it('is queried once for concurrent callers', async () => {
    await world.timer.advance(10_000);
    let queries = 0;
    world.relay.presenceOf = async () => ((queries += 1), 'missing');
    const answers = await Promise.all(Array.from({ length: 50 }, () => me.status('killed')));
    expect(new Set(answers)).toEqual(new Set(['dead']));
    expect(queries).toBe(1);
  });
});

describe('a fenced worker', () => {
  /** Suspends this worker for a while, in which another worker fences it. */
  async function suspendUntilFenced() {
    const { announce } = world.relay;
    world.relay.announce = () => new Promise(() => {});
    world.relay.onPublish = () => new Promise(() => {});
    await world.timer.advance(8_000);
    world.relay.announce = announce;
    world.relay.onPublish = (inTransit) => inTransit.deliver();
    await world.relay.fence('me');
  }

  it('reports the fencing once, after its next announcement', async () => {
    let reports = 0;
    me.onFenced(() => (reports += 1));
    await world.relay.leave('me');
    await world.timer.advance(3_000);
    expect(reports).toBe(1);
    expect([me.isSelfFenced, me.checkOwnLiveness(), await me.status('me')]).toEqual([true, false, 'dead']);
  });

  it('detects the fencing after a suspension before it serves anything', async () => {
    await suspendUntilFenced();
    expect(await me.checkOwnLiveness()).toBe(false);
  });

  it('does not query the relay while its last announcement is recent', () => {
    expect(me.checkOwnLiveness()).toBe(true);
  });

  it('continues to serve when the relay cannot be reached', async () => {
    await suspendUntilFenced();
    world.relay.outage = notAttempted();
    const isAlive = me.checkOwnLiveness();
    await world.timer.advance(1_500);
    expect(await isAlive).toBe(true);
  });

  it.each([
    ['its connection has broken', notAttempted],
    ['the reply is late', maybeAttempted],
  ])('serves nothing after a suspension when its first announcement fails because %s', async (_, failure) => {
    await suspendUntilFenced();
    world.relay.outage = failure();
    // The heartbeat that was due during the suspension.
    world.relay.breakConnections();
    await world.timer.advance(200);
    const isAlive = me.checkOwnLiveness();
    world.relay.outage = undefined;
    await world.timer.advance(1_000);
    expect(await isAlive).toBe(false);
  });
});

it('a worker that leaves is dead for the others at once, and stays dead', async () => {
  const other = await world.node('other');
  await world.timer.advance(10_000);
  await other.membership.leave();
  await world.timer.advance(10_000);
  expect(await world.relay.presenceOf('other')).toBe('fenced');
  expect(await me.status('other')).toBe('dead');
});
