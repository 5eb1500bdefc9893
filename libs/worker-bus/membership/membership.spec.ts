import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BusWorld, gate, unsaid, untried } from '../bus-world-fixture.js';
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
  world.relay.carry = ({ frame, deliver }) => (frame.kind === 'canary' ? Promise.resolve(1) : deliver());
};

describe('a worker', () => {
  it('is ready once it has heard its canary and the relay knows it', () => {
    expect(me.state).toBe('ready');
    expect(world.notes.availabilities).toEqual([true]);
    expect(me.isAlive('me')).toBe(true);
  });

  it('stays announced while it lives, and is not when it has stopped for the time of its announcement', async () => {
    await world.timer.advance(60_000);
    expect(await world.relay.stateOf('me')).toBe('alive');
    node.stop();
    await world.timer.advance(5_000);
    expect(await world.relay.stateOf('me')).toBe('missing');
    expect(me.state).toBe('unavailable');
  });

  it('is unavailable within a beat and a second when it is deaf, and asks for its subscription anew', async () => {
    loseCanaries();
    await world.timer.advance(2_000);
    expect(me.state).toBe('unavailable');
    const listens = world.relay.listens;
    world.relay.carry = (passing) => passing.deliver();
    await world.timer.advance(2_000);
    expect(me.state).toBe('ready');
    expect(world.relay.listens).toBeGreaterThan(listens);
  });

  it('is not proven by a canary from before the break', async () => {
    const late = gate();
    world.relay.carry = async ({ frame, deliver }) => {
      if (frame.kind === 'canary') await late.passed;
      return deliver();
    };
    await world.timer.advance(1_000);
    loseCanaries();
    world.relay.breakUp();
    late.open();
    await world.settle();
    expect(me.state).toBe('unavailable');
  });

  it('hears of a canary that more than one receives', async () => {
    world.relay.carry = async ({ deliver }) => 1 + (await deliver());
    await world.timer.advance(1_000);
    expect(world.notes.alarms).toEqual(['2 workers hear the inbox of me.']);
  });

  it('is ready at once after a break that is over', async () => {
    world.relay.breakUp();
    expect(me.state).toBe('unavailable');
    await world.settle();
    expect(me.state).toBe('ready');
  });

  it.each([
    ['cannot be reached', untried],
    ['does not answer', unsaid],
  ])('is unavailable while the relay %s, and back soon after it', async (_, failure) => {
    world.relay.outage = failure();
    await world.timer.advance(1_200);
    expect(me.state).toBe('unavailable');
    await world.timer.advance(60_000);
    world.relay.outage = undefined;
    await world.timer.advance(300);
    expect(me.state).toBe('ready');
    expect(world.notes.availabilities).toEqual([true, false, true]);
  });

  it('stays ready through one late answer of the relay', async () => {
    world.relay.outage = unsaid();
    await world.timer.advance(1_000);
    world.relay.outage = undefined;
    await world.timer.advance(5_000);
    expect(world.notes.availabilities).toEqual([true]);
  });

  it('starts without the relay, and comes up with it', async () => {
    world.relay.outage = untried();
    const late = await world.node('late');
    expect(late.membership.state).toBe('unavailable');
    expect(late.membership.ticketTerms()).toBeUndefined();
    world.relay.outage = undefined;
    await world.timer.advance(1_200);
    expect(late.membership.state).toBe('ready');
  });

  it('estimates the clock of the relay', async () => {
    await world.timer.advance(700);
    expect(me.ticketTerms()?.notAfter).toBe(world.timer.monotonicNow() + 10_000);
  });
});

describe('the others', () => {
  it('are alive while they are listed, and gone once they have left', async () => {
    await world.node('other');
    await world.timer.advance(10_000);
    expect([me.isAlive('other'), await me.whereIs('other')]).toEqual([true, 'alive']);
    const gone: string[] = [];
    me.onGone((worker) => gone.push(worker));
    await world.relay.leave('other');
    await world.timer.advance(1_000);
    expect(gone).toEqual(['other']);
    expect(await me.whereIs('other')).toBe('gone');
  });

  it('are listed as living for little longer than the list is young', async () => {
    await world.node('other');
    await world.timer.advance(1_000);
    world.relay.listing = () => Promise.reject(unsaid());
    await world.timer.advance(2_000);
    expect(me.isAlive('other')).toBe(false);
    expect(await me.whereIs('other')).toBe('alive');
  });

  it('that were killed are gone for good within seven seconds, by being declared so', async () => {
    const other = await world.node('other');
    await world.timer.advance(10_000);
    other.stop();
    await world.timer.advance(7_000);
    expect(await me.whereIs('other')).toBe('gone');
    expect(await world.relay.stateOf('other')).toBe('buried');
    // Known without the relay from now on.
    world.relay.outage = untried();
    expect(await me.whereIs('other')).toBe('gone');
  });

  it('are not concluded to be gone from a relay that has just begun anew', async () => {
    await world.timer.advance(10_000);
    world.relay.renew();
    const gone: string[] = [];
    me.onGone((worker) => gone.push(worker));
    me.watch('stranger');
    expect(await me.whereIs('stranger')).toBe('unsure');
    await world.timer.advance(5_000);
    expect(await me.whereIs('stranger')).toBe('unsure');
    expect(gone).toEqual([]);
    await world.timer.advance(2_000);
    expect(await me.whereIs('stranger')).toBe('gone');
    expect(gone).toContain('stranger');
  });

  it('are not concluded to be gone by one who could not reach the relay, and they perhaps not either', async () => {
    await world.node('other');
    await world.timer.advance(10_000);
    const gone: string[] = [];
    me.onGone((worker) => gone.push(worker));
    world.relay.outage = untried();
    await world.timer.advance(8_000);
    world.relay.outage = undefined;
    const { announce } = world.relay;
    // This worker is back, the other one is not yet.
    world.relay.announce = (worker, ttlMs) =>
      worker === 'other' ? Promise.reject(untried()) : announce.call(world.relay, worker, ttlMs);
    await world.timer.advance(1_000);
    expect(await me.whereIs('other')).toBe('unsure');
    expect([me.livingWorkers(), gone]).toEqual([['me', 'other'], []]);
    await world.timer.advance(7_000);
    expect(await me.whereIs('other')).toBe('gone');
    expect(gone).toContain('other');
  });

  it('that came after the list was asked for are not gone because it does not name them', async () => {
    await world.timer.advance(10_000);
    const answer = gate();
    world.relay.listing = async (list) => {
      const listed = await list();
      await answer.passed;
      return listed;
    };
    const gone: string[] = [];
    me.onGone((worker) => gone.push(worker));
    await world.timer.advance(1_000);
    world.relay.listing = (list) => list();
    await world.node('new');
    me.watch('new');
    answer.open();
    await world.timer.advance(3_000);
    expect(gone).toEqual([]);
  });

  it('are told of when they come and go, and not while the relay has just begun anew', async () => {
    const seen: string[] = [];
    me.onChange(() => seen.push(me.livingWorkers().toSorted().join(' ')));
    await world.timer.advance(10_000);
    await world.node('other');
    await world.timer.advance(1_000);
    expect(seen).toEqual(['me other']);
    world.relay.renew();
    world.relay.listing = async () => [];
    await world.timer.advance(3_000);
    expect(seen).toHaveLength(1);
    world.relay.listing = (list) => list();
    await world.timer.advance(10_000);
    expect(seen).toHaveLength(1);
    await world.relay.leave('other');
    await world.timer.advance(1_000);
    expect(seen).toEqual(['me other', 'me']);
  });

  it('that announce themselves while they are declared gone are alive', async () => {
    await world.timer.advance(10_000);
    world.relay.stateOf = async () => {
      await world.relay.announce('slow', 5_000);
      return 'missing';
    };
    expect(await me.whereIs('slow')).toBe('alive');
  });

  it('cannot be told of when the relay fails', async () => {
    world.relay.stateOf = () => Promise.reject(untried());
    await expect(me.whereIs('other')).rejects.toBeInstanceOf(Error);
  });

  it('are asked for once, however many want to know', async () => {
    await world.timer.advance(10_000);
    let asked = 0;
    world.relay.stateOf = async () => ((asked += 1), 'missing');
    const answers = await Promise.all(Array.from({ length: 50 }, () => me.whereIs('dead')));
    expect(new Set(answers)).toEqual(new Set(['gone']));
    expect(asked).toBe(1);
  });
});

describe('a worker that was declared gone', () => {
  /** Time in which this worker does nothing, while another declares it gone. */
  async function freezeUntilBuried() {
    const { announce } = world.relay;
    world.relay.announce = () => new Promise(() => {});
    world.relay.carry = () => new Promise(() => {});
    await world.timer.advance(8_000);
    world.relay.announce = announce;
    world.relay.carry = (passing) => passing.deliver();
    await world.relay.bury('me');
  }

  it('hears of it with its next announcement, once', async () => {
    let told = 0;
    me.onBuried(() => (told += 1));
    await world.relay.leave('me');
    await world.timer.advance(3_000);
    expect(told).toBe(1);
    expect([me.hasBeenBuried, me.checkPulse(), await me.whereIs('me')]).toEqual([true, false, 'gone']);
  });

  it('asks before it serves anything after a stop', async () => {
    await freezeUntilBuried();
    expect(await me.checkPulse()).toBe(false);
  });

  it('does not ask while its last announcement is young', () => {
    expect(me.checkPulse()).toBe(true);
  });

  it('serves on when the relay cannot be asked', async () => {
    await freezeUntilBuried();
    world.relay.outage = untried();
    expect(await me.checkPulse()).toBe(true);
  });
});

it('a worker that takes leave is gone for the others at once, and stays so', async () => {
  const other = await world.node('other');
  await world.timer.advance(10_000);
  await other.membership.leave();
  await world.timer.advance(10_000);
  expect(await world.relay.stateOf('other')).toBe('buried');
  expect(await me.whereIs('other')).toBe('gone');
});
