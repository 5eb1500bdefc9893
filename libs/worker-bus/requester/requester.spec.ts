import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BusWorld, deferred, SECRET, maybeAttempted, notAttempted } from '../bus-world-fixture.js';
import type { BusContext } from '../bus.js';
import type { BusNode } from '../bus-node.js';
import { FrameMac } from '../frames/frame-mac.js';
import { Outbox } from '../frames/outbox.js';

const UNREACHABLE = { kind: 'not-executed', cause: 'unreachable' };
const UNAVAILABLE = { kind: 'not-executed', cause: 'unavailable' };
const unknown = (cause: string) => ({ kind: 'unknown', cause });
const order = { to: 'owner', pattern: 'do', payload: { some: 'thing' } };

let world: BusWorld;
let asker: BusNode;
let runs: unknown[];
let serve: (payload: unknown, context: BusContext) => unknown;

beforeEach(async () => {
  world = new BusWorld();
  runs = [];
  serve = () => 'served';
  asker = await world.node('asker');
  await world.node('owner', (payload, context) => {
    runs.push(payload);
    return serve(payload, context);
  });
});

afterEach(() => world.stop());

const losing = (kind: string) => {
  world.relay.onPublish = (passing) => (passing.frame.kind === kind ? Promise.resolve(1) : passing.deliver());
};

describe('a request', () => {
  it('is accepted, says what precedes the end, and ends with the value of the handler', async () => {
    serve = (payload, context) => {
      void context.emit({ step: 1 });
      void context.emit({ step: 2 });
      return { for: payload, by: context.requester };
    };
    const events: unknown[] = [];
    const exchange = asker.request(order, (event) => void events.push(event));
    expect(await exchange.accepted).toBe(true);
    expect(await exchange.end).toEqual({ kind: 'value', value: { for: { some: 'thing' }, by: 'asker' } });
    expect(events).toEqual([{ step: 1 }, { step: 2 }]);
    await world.settle();
    expect(asker.load).toEqual({ asked: 0, served: 0 });
  });

  it('keeps the digits of integers beyond the safe range, and tells no value from null', async () => {
    serve = (payload) => payload;
    const payload = { id: (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON('12345678901234567890') };
    const end = await asker.request({ ...order, payload }).end;
    expect(JSON.stringify(end)).toContain('"id":12345678901234567890');
    expect(await asker.request({ ...order, payload: null }).end).toEqual({ kind: 'value', value: null });
    expect(await asker.request({ ...order, payload: undefined }).end).toEqual({ kind: 'value', value: undefined });
  });

  it('may be to itself', async () => {
    expect(await asker.request({ ...order, to: 'asker' }).end).toEqual({ kind: 'value', value: 'served' });
  });

  it('that nobody hears is taken back at once', async () => {
    const exchange = asker.request({ ...order, to: 'nobody' });
    expect(await world.endWithin(0, exchange)).toEqual(UNREACHABLE);
    expect(await exchange.accepted).toBe(false);
  });

  it('that more than one hears raises an alarm and goes on', async () => {
    world.relay.onPublish = async (passing) => (await passing.deliver()) + (passing.frame.kind === 'request' ? 1 : 0);
    expect(await asker.request(order).end).toMatchObject({ kind: 'value' });
    expect(world.observed.alarms).toEqual(['2 workers hear the inbox of owner.']);
  });

  it('that nobody accepts is taken back after half a second, and never runs afterwards', async () => {
    const late = deferred();
    world.relay.onPublish = async (passing) => {
      if (passing.frame.kind !== 'request') return passing.deliver();
      void late.passed.then(() => passing.deliver());
      return 1;
    };
    const exchange = asker.request(order);
    expect(await world.endWithin(499, exchange)).toBeUndefined();
    expect(await world.endWithin(1, exchange)).toEqual(UNREACHABLE);
    late.open();
    await world.settle();
    expect(runs).toEqual([]);
  });

  it('whose ACCEPT was lost goes on: its owner has claimed it', async () => {
    const work = deferred<string>();
    serve = () => work.passed;
    losing('accept');
    const exchange = asker.request(order);
    expect(await world.endWithin(2_000, exchange)).toBeUndefined();
    expect(await exchange.accepted).toBe(true);
    work.open('late');
    expect(await exchange.end).toEqual({ kind: 'value', value: 'late' });
  });

  it('counts as accepted by whatever its owner says', async () => {
    losing('accept');
    expect(await world.endWithin(0, asker.request(order))).toMatchObject({ kind: 'value' });
  });

  it('of which a frame is missing ends as a gap, and is cancelled', async () => {
    let signal: AbortSignal | undefined;
    serve = async (_, context) => {
      ({ signal } = context);
      for (let step = 0; step < 3; step += 1) await context.emit({ step });
      await new Promise(() => {});
    };
    world.relay.onPublish = ({ frame, deliver }) =>
      frame.kind === 'event' && frame.number === 1 ? Promise.resolve(1) : deliver();
    const events: unknown[] = [];
    const exchange = asker.request(order, (event) => void events.push(event));
    expect(await world.endWithin(0, exchange)).toEqual(unknown('gap'));
    expect(events).toEqual([{ step: 0 }]);
    await world.settle();
    expect(signal?.reason).toMatchObject({ why: 'cancelled' });
  });

  it('drops frames that come twice or late', async () => {
    serve = async (_, context) => {
      for (let step = 0; step < 3; step += 1) await context.emit(step);
      return 'end';
    };
    const earlier: (() => Promise<number>)[] = [];
    world.relay.onPublish = async ({ to, deliver }) => {
      const receivers = await deliver();
      if (to.box !== 'replies') return receivers;
      for (const again of [...earlier, deliver]) await again();
      earlier.push(deliver);
      return receivers;
    };
    const events: unknown[] = [];
    const end = await asker.request(order, (event) => void events.push(event)).end;
    expect(end).toEqual({ kind: 'value', value: 'end' });
    expect(events).toEqual([0, 1, 2]);
  });

  it('takes no answer from a worker that was not asked', async () => {
    let name = '';
    serve = () => new Promise(() => {});
    world.relay.onPublish = (passing) => {
      if (passing.frame.kind === 'request') name = passing.frame.request;
      return passing.deliver();
    };
    const exchange = asker.request(order);
    await exchange.accepted;
    // A third worker, which draws the same name for a request that it refuses.
    const third = new Outbox('third', world.relay, new FrameMac(SECRET));
    await third.send(
      { worker: 'asker', box: 'replies' },
      { kind: 'end', request: name, payload: Buffer.from('\0"x"') },
    );
    expect(await world.endWithin(1_000, exchange)).toBeUndefined();
    expect(world.observed.drops).toContain('address');
  });
});

describe('without the relay', () => {
  it('nothing is sent by a worker that has not proven that it hears', async () => {
    world.relay.onPublish = ({ frame, deliver }) => (frame.kind === 'canary' ? Promise.resolve(1) : deliver());
    const deaf = await Promise.all([world.node('deaf'), world.timer.advance(1_000)]).then(([node]) => node);
    expect(await deaf.request(order).end).toEqual(UNAVAILABLE);
    expect(world.publishedFrames('request')).toEqual([]);
  });

  it('a request that was certainly not published is not executed', async () => {
    world.relay.onPublish = ({ frame, deliver }) =>
      frame.kind === 'request' ? Promise.reject(notAttempted()) : deliver();
    expect(await world.endWithin(0, asker.request(order))).toEqual(UNAVAILABLE);
  });

  it('a request that may have been published is taken back', async () => {
    world.relay.onPublish = ({ frame, deliver }) =>
      frame.kind === 'request' ? Promise.reject(maybeAttempted()) : deliver();
    expect(await world.endWithin(0, asker.request(order))).toEqual(UNREACHABLE);
  });

  it('a request that may have been published and was claimed goes on', async () => {
    world.relay.onPublish = async ({ frame, deliver }) => {
      await deliver();
      if (frame.kind === 'request') throw maybeAttempted();
      return 1;
    };
    expect(await asker.request(order).end).toMatchObject({ kind: 'value' });
    expect(runs).toHaveLength(1);
  });

  it.each([
    ['did not say', maybeAttempted],
    ['cannot be asked', notAttempted],
  ])('the fate of a request is unknown when the relay %s whether it was taken back', async (_, failure) => {
    losing('request');
    world.relay.onRevoke = () => Promise.reject(failure());
    expect(await world.endWithin(1_000, asker.request(order))).toEqual(unknown('relay'));
  });

  it('taking back is tried again while it certainly was not tried', async () => {
    losing('request');
    let failures = 3;
    world.relay.onRevoke = (revoke) => ((failures -= 1) >= 0 ? Promise.reject(notAttempted()) : revoke());
    expect(await world.endWithin(750, asker.request(order))).toEqual(UNREACHABLE);
  });

  it('the fate of a request that was sent under another generation is unknown', async () => {
    losing('request');
    const exchange = asker.request(order);
    world.relay.startNewGeneration();
    expect(await world.endWithin(500, exchange)).toEqual(unknown('relay'));
  });

  it('everything under way ends at once when a connection breaks, and the owner hears of it', async () => {
    const signals: AbortSignal[] = [];
    serve = (_, context) => new Promise(() => signals.push(context.signal));
    const exchanges = [asker.request(order), asker.request(order)];
    await world.settle();
    world.relay.breakConnections();
    for (const { end } of exchanges) expect(await end).toEqual(unknown('relay'));
    await world.settle();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });
});

describe('an owner that is gone', () => {
  it('leaves unknown what it had accepted', async () => {
    serve = () => new Promise(() => {});
    const exchange = asker.request(order);
    await world.timer.advance(10_000);
    await world.relay.leave('owner');
    expect(await world.endWithin(1_000, exchange)).toEqual(unknown('owner-dead'));
  });

  it('has what it did not accept taken back', async () => {
    losing('request');
    await world.timer.advance(10_000);
    await world.relay.leave('owner');
    await world.timer.advance(900);
    expect(await world.endWithin(499, asker.request(order))).toEqual(UNREACHABLE);
  });
});

describe('a budget', () => {
  it('that is over ends what was accepted as unknown, and stops its owner', async () => {
    let signal: AbortSignal | undefined;
    serve = (_, context) => new Promise(() => ({ signal } = context));
    const exchange = asker.request({ ...order, budgetMs: 3_000 });
    expect(await world.endWithin(2_999, exchange)).toBeUndefined();
    expect(await world.endWithin(1, exchange)).toEqual(unknown('deadline'));
    await world.settle();
    expect(signal?.aborted).toBe(true);
  });

  it('that is over before anybody accepted has the request taken back', async () => {
    losing('request');
    expect(await world.endWithin(200, asker.request({ ...order, budgetMs: 200 }))).toEqual(UNREACHABLE);
  });

  it('that is over while a request is being taken back ends it as unknown if that is too late', async () => {
    serve = () => new Promise(() => {});
    losing('accept');
    const answer = deferred();
    world.relay.onRevoke = (revoke) => answer.passed.then(revoke);
    const exchange = asker.request({ ...order, budgetMs: 600 });
    await world.timer.advance(650);
    exchange.cancel();
    answer.open();
    expect(await world.endWithin(0, exchange)).toEqual(unknown('deadline'));
  });
});

describe('cancelling', () => {
  it('before anybody accepted takes the request back', async () => {
    losing('request');
    const exchange = asker.request(order);
    exchange.cancel();
    expect(await world.endWithin(0, exchange)).toEqual({ kind: 'not-executed', cause: 'cancelled' });
  });

  it('what is just being accepted keeps it from being started', async () => {
    const answer = deferred();
    world.relay.onClaim = async (claim) => {
      const verdict = await claim();
      await answer.passed;
      return verdict;
    };
    const exchange = asker.request(order);
    expect(await exchange.accepted).toBe(true);
    exchange.cancel();
    await world.settle();
    answer.open();
    expect(await world.endWithin(0, exchange)).toEqual({ kind: 'not-executed', cause: 'cancelled' });
    expect(runs).toEqual([]);
  });

  it('what was claimed before it could be taken back reaches the handler', async () => {
    serve = (_, { signal }) => new Promise((resolve) => (signal.onabort = () => resolve(signal.reason.why)));
    losing('accept');
    const exchange = asker.request(order);
    await world.settle();
    exchange.cancel();
    expect(await world.endWithin(0, exchange)).toEqual({ kind: 'value', value: 'cancelled' });
  });

  it('after ACCEPT reaches the handler, whose end comes all the same', async () => {
    serve = (_, { signal }) => new Promise((resolve) => (signal.onabort = () => resolve(signal.reason.why)));
    const exchange = asker.request(order);
    await world.settle();
    exchange.cancel();
    expect(await world.endWithin(0, exchange)).toEqual({ kind: 'value', value: 'cancelled' });
  });

  it('is told again until somebody has heard it', async () => {
    serve = (_, { signal }) => new Promise((resolve) => (signal.onabort = () => resolve('stopped')));
    const exchange = asker.request(order);
    await world.settle();
    let failures = 2;
    world.relay.onPublish = ({ frame, deliver }) =>
      frame.kind === 'cancel' && (failures -= 1) >= 0 ? Promise.reject(notAttempted()) : deliver();
    exchange.cancel();
    expect(await world.endWithin(1_000, exchange)).toEqual({ kind: 'value', value: 'stopped' });
  });
});

describe('an end', () => {
  it('of a handler that throws is a failure and nothing else', async () => {
    serve = () => {
      throw new Error('with a secret');
    };
    expect(await asker.request(order).end).toEqual({ kind: 'failed' });
  });

  it('of a handler whose value is no JSON is a failure', async () => {
    serve = () => 1n;
    expect(await asker.request(order).end).toEqual({ kind: 'failed' });
  });
});

it('a worker that stops ends what it asked, and asks no more', async () => {
  serve = () => new Promise(() => {});
  const exchange = asker.request(order);
  await exchange.accepted;
  asker.stop();
  expect(await exchange.end).toEqual(unknown('relay'));
  expect(await asker.request(order).end).toEqual(UNAVAILABLE);
});
