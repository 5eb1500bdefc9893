import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BusWorld, deferred, SECRET, maybeAttempted, notAttempted } from '../bus-world-fixture.js';
import type { BusContext } from '../bus.js';
import type { BusNode } from '../bus-node.js';
import { FrameCipher } from '../frames/frame-cipher.js';
import { Outbox } from '../frames/outbox.js';

const UNREACHABLE = { kind: 'not-executed', cause: 'unreachable' };
const UNAVAILABLE = { kind: 'not-executed', cause: 'unavailable' };
const unknown = (cause: string) => ({ kind: 'unknown', cause });
const order = { to: 'owner', pattern: 'do', payload: { some: 'thing' } };

let world: BusWorld;
let requester: BusNode;
let runs: unknown[];
let serve: (payload: unknown, context: BusContext) => unknown;

beforeEach(async () => {
  world = new BusWorld();
  runs = [];
  serve = () => 'served';
  requester = await world.node('requester');
  await world.node('owner', (payload, context) => {
    runs.push(payload);
    return serve(payload, context);
  });
});

afterEach(() => world.stop());

const losing = (kind: string) => {
  world.relay.onPublish = (inTransit) => (inTransit.frame.kind === kind ? Promise.resolve(1) : inTransit.deliver());
};

describe('a request', () => {
  it('is accepted, receives the events of the handler, and ends with its value', async () => {
    serve = (payload, context) => {
      void context.emit({ step: 1 });
      void context.emit({ step: 2 });
      return { for: payload, by: context.requester };
    };
    const events: unknown[] = [];
    const exchange = requester.request(order, (event) => void events.push(event));
    expect(await exchange.accepted).toBe(true);
    expect(await exchange.end).toEqual({ kind: 'value', value: { for: { some: 'thing' }, by: 'requester' } });
    expect(events).toEqual([{ step: 1 }, { step: 2 }]);
    await world.settle();
    expect(requester.load).toEqual({ sent: 0, served: 0 });
  });

  it('reports how long its acceptance took, and nothing when it was not accepted', async () => {
    const latencies: number[] = [];
    requester.onAccepted((latencyMs) => void latencies.push(latencyMs));
    await requester.request(order).end;
    await requester.request({ ...order, to: 'nowhere' }).end;
    expect(latencies).toEqual([expect.any(Number)]);
    expect(latencies[0]).toBeGreaterThanOrEqual(0);
  });

  it('keeps the digits of integers beyond the safe range, and distinguishes undefined from null', async () => {
    serve = (payload) => payload;
    const payload = { id: (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON('12345678901234567890') };
    const end = await requester.request({ ...order, payload }).end;
    expect(JSON.stringify(end)).toContain('"id":12345678901234567890');
    expect(await requester.request({ ...order, payload: null }).end).toEqual({ kind: 'value', value: null });
    expect(await requester.request({ ...order, payload: undefined }).end).toEqual({ kind: 'value', value: undefined });
  });

  it('may be sent to the own worker', async () => {
    expect(await requester.request({ ...order, to: 'requester' }).end).toEqual({ kind: 'value', value: 'served' });
  });

  it('that no worker receives is revoked at once', async () => {
    const exchange = requester.request({ ...order, to: 'absent' });
    expect(await world.endWithin(0, exchange)).toEqual(UNREACHABLE);
    expect(await exchange.accepted).toBe(false);
  });

  it('that several workers receive raises an alarm and continues', async () => {
    world.relay.onPublish = async (inTransit) =>
      (await inTransit.deliver()) + (inTransit.frame.kind === 'request' ? 1 : 0);
    expect(await requester.request(order).end).toMatchObject({ kind: 'value' });
    expect(world.observed.alarms).toEqual(['2 workers receive the inbox of owner.']);
  });

  it('that no worker accepts is revoked after half a second, and never runs afterwards', async () => {
    const late = deferred();
    world.relay.onPublish = async (inTransit) => {
      if (inTransit.frame.kind !== 'request') return inTransit.deliver();
      void late.promise.then(() => inTransit.deliver());
      return 1;
    };
    const exchange = requester.request(order);
    expect(await world.endWithin(499, exchange)).toBeUndefined();
    expect(await world.endWithin(1, exchange)).toEqual(UNREACHABLE);
    late.resolve();
    await world.settle();
    expect(runs).toEqual([]);
  });

  it('whose ACCEPT was lost continues, because its owner has claimed it', async () => {
    const work = deferred<string>();
    serve = () => work.promise;
    losing('accept');
    const exchange = requester.request(order);
    expect(await world.endWithin(2_000, exchange)).toBeUndefined();
    expect(await exchange.accepted).toBe(true);
    work.resolve('late');
    expect(await exchange.end).toEqual({ kind: 'value', value: 'late' });
  });

  it('counts as accepted once any frame of its owner arrives', async () => {
    losing('accept');
    expect(await world.endWithin(0, requester.request(order))).toMatchObject({ kind: 'value' });
  });

  it('ends with a gap when a frame is missing, and is cancelled at its owner', async () => {
    let signal: AbortSignal | undefined;
    serve = async (_, context) => {
      ({ signal } = context);
      for (let step = 0; step < 3; step += 1) await context.emit({ step });
      await new Promise(() => {});
    };
    world.relay.onPublish = ({ frame, deliver }) =>
      frame.kind === 'event' && frame.number === 1 ? Promise.resolve(1) : deliver();
    const events: unknown[] = [];
    const exchange = requester.request(order, (event) => void events.push(event));
    expect(await world.endWithin(0, exchange)).toEqual(unknown('gap'));
    expect(events).toEqual([{ step: 0 }]);
    await world.settle();
    expect(signal?.reason).toMatchObject({ why: 'cancelled' });
  });

  it('drops repeated and late frames', async () => {
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
    const end = await requester.request(order, (event) => void events.push(event)).end;
    expect(end).toEqual({ kind: 'value', value: 'end' });
    expect(events).toEqual([0, 1, 2]);
  });

  it('drops answers of a worker other than its owner', async () => {
    let name = '';
    serve = () => new Promise(() => {});
    world.relay.onPublish = (inTransit) => {
      if (inTransit.frame.kind === 'request') name = inTransit.frame.request;
      return inTransit.deliver();
    };
    const exchange = requester.request(order);
    await exchange.accepted;
    // A third worker sends an end with the id of this request.
    const third = new Outbox('third', world.relay, new FrameCipher(SECRET));
    await third.send(
      { worker: 'requester', box: 'replies' },
      { kind: 'end', request: name, payload: Buffer.from('\0"x"') },
    );
    expect(await world.endWithin(1_000, exchange)).toBeUndefined();
    expect(world.observed.drops).toContain('address');
  });
});

describe('without the relay', () => {
  it('a worker without a proven subscription sends nothing', async () => {
    world.relay.onPublish = ({ frame, deliver }) => (frame.kind === 'canary' ? Promise.resolve(1) : deliver());
    const unproven = await Promise.all([world.node('unproven'), world.timer.advance(1_000)]).then(([node]) => node);
    expect(await unproven.request(order).end).toEqual(UNAVAILABLE);
    expect(world.publishedFrames('request')).toEqual([]);
  });

  it('a request that was certainly not published is not executed', async () => {
    world.relay.onPublish = ({ frame, deliver }) =>
      frame.kind === 'request' ? Promise.reject(notAttempted()) : deliver();
    expect(await world.endWithin(0, requester.request(order))).toEqual(UNAVAILABLE);
  });

  it('a request that may have been published is revoked', async () => {
    world.relay.onPublish = ({ frame, deliver }) =>
      frame.kind === 'request' ? Promise.reject(maybeAttempted()) : deliver();
    expect(await world.endWithin(0, requester.request(order))).toEqual(UNREACHABLE);
  });

  it('a request that may have been published and was claimed continues', async () => {
    world.relay.onPublish = async ({ frame, deliver }) => {
      await deliver();
      if (frame.kind === 'request') throw maybeAttempted();
      return 1;
    };
    expect(await requester.request(order).end).toMatchObject({ kind: 'value' });
    expect(runs).toHaveLength(1);
  });

  it.each([
    ['does not confirm the revocation', maybeAttempted],
    ['cannot be reached for the revocation', notAttempted],
  ])('the outcome of a request is unknown when the relay %s', async (_, failure) => {
    losing('request');
    world.relay.onRevoke = () => Promise.reject(failure());
    expect(await world.endWithin(1_000, requester.request(order))).toEqual(unknown('relay'));
  });

  it('a revocation that certainly was not executed is retried', async () => {
    losing('request');
    let failures = 3;
    world.relay.onRevoke = (revoke) => ((failures -= 1) >= 0 ? Promise.reject(notAttempted()) : revoke());
    expect(await world.endWithin(750, requester.request(order))).toEqual(UNREACHABLE);
  });

  it('the outcome of a request that was sent under another generation is unknown', async () => {
    losing('request');
    const exchange = requester.request(order);
    world.relay.startNewGeneration();
    expect(await world.endWithin(500, exchange)).toEqual(unknown('relay'));
  });

  it('every request in flight ends at once when a connection breaks, and is cancelled at its owner', async () => {
    const signals: AbortSignal[] = [];
    serve = (_, context) => new Promise(() => signals.push(context.signal));
    const exchanges = [requester.request(order), requester.request(order)];
    await world.settle();
    world.relay.breakConnections();
    for (const { end } of exchanges) expect(await end).toEqual(unknown('relay'));
    await world.settle();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });
});

describe('a dead owner', () => {
  it('leaves the outcome of accepted requests unknown', async () => {
    serve = () => new Promise(() => {});
    const exchange = requester.request(order);
    await world.timer.advance(10_000);
    await world.relay.leave('owner');
    expect(await world.endWithin(1_000, exchange)).toEqual(unknown('owner-dead'));
  });

  it('causes requests that it has not accepted to be revoked', async () => {
    losing('request');
    await world.timer.advance(10_000);
    await world.relay.leave('owner');
    await world.timer.advance(900);
    expect(await world.endWithin(499, requester.request(order))).toEqual(UNREACHABLE);
  });
});

describe('a budget', () => {
  it('that runs out ends an accepted request as unknown, and aborts its handler', async () => {
    let signal: AbortSignal | undefined;
    serve = (_, context) => new Promise(() => ({ signal } = context));
    const exchange = requester.request({ ...order, budgetMs: 3_000 });
    expect(await world.endWithin(2_999, exchange)).toBeUndefined();
    expect(await world.endWithin(1, exchange)).toEqual(unknown('deadline'));
    await world.settle();
    expect(signal?.aborted).toBe(true);
  });

  it('that runs out before the request is accepted revokes the request', async () => {
    losing('request');
    expect(await world.endWithin(200, requester.request({ ...order, budgetMs: 200 }))).toEqual(UNREACHABLE);
  });

  it('that runs out during a revocation that comes too late ends the request as unknown', async () => {
    serve = () => new Promise(() => {});
    losing('accept');
    const answer = deferred();
    world.relay.onRevoke = (revoke) => answer.promise.then(revoke);
    const exchange = requester.request({ ...order, budgetMs: 600 });
    await world.timer.advance(650);
    exchange.cancel();
    answer.resolve();
    expect(await world.endWithin(0, exchange)).toEqual(unknown('deadline'));
  });
});

describe('cancelling', () => {
  it('before the request is accepted revokes it', async () => {
    losing('request');
    const exchange = requester.request(order);
    exchange.cancel();
    expect(await world.endWithin(0, exchange)).toEqual({ kind: 'not-executed', cause: 'cancelled' });
  });

  it('while the claim is being decided keeps the handler from starting', async () => {
    const answer = deferred();
    world.relay.onClaim = async (claim) => {
      const verdict = await claim();
      await answer.promise;
      return verdict;
    };
    const exchange = requester.request(order);
    expect(await exchange.accepted).toBe(true);
    exchange.cancel();
    await world.settle();
    answer.resolve();
    expect(await world.endWithin(0, exchange)).toEqual({ kind: 'not-executed', cause: 'cancelled' });
    expect(runs).toEqual([]);
  });

  it('reaches the handler if the request was claimed before it could be revoked', async () => {
    serve = (_, { signal }) => new Promise((resolve) => (signal.onabort = () => resolve(signal.reason.why)));
    losing('accept');
    const exchange = requester.request(order);
    await world.settle();
    exchange.cancel();
    expect(await world.endWithin(0, exchange)).toEqual({ kind: 'value', value: 'cancelled' });
  });

  it('after ACCEPT reaches the handler, whose end still arrives', async () => {
    serve = (_, { signal }) => new Promise((resolve) => (signal.onabort = () => resolve(signal.reason.why)));
    const exchange = requester.request(order);
    await world.settle();
    exchange.cancel();
    expect(await world.endWithin(0, exchange)).toEqual({ kind: 'value', value: 'cancelled' });
  });

  it('is repeated until a worker receives the cancel', async () => {
    serve = (_, { signal }) => new Promise((resolve) => (signal.onabort = () => resolve('stopped')));
    const exchange = requester.request(order);
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
    expect(await requester.request(order).end).toEqual({ kind: 'failed' });
  });

  it('of a handler whose value JSON cannot represent is a failure', async () => {
    serve = () => 1n;
    expect(await requester.request(order).end).toEqual({ kind: 'failed' });
  });
});

it('a worker that stops ends its requests, and sends no more', async () => {
  serve = () => new Promise(() => {});
  const exchange = requester.request(order);
  await exchange.accepted;
  requester.stop();
  expect(await exchange.end).toEqual(unknown('relay'));
  expect(await requester.request(order).end).toEqual(UNAVAILABLE);
});
