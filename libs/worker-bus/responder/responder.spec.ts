import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BusWorld, deferred, SECRET, maybeAttempted, notAttempted, type FrameInTransit } from '../bus-world-fixture.js';
import type { BusContext } from '../bus.js';
import type { BusNode } from '../bus-node.js';
import { FrameMac } from '../frames/frame-mac.js';
import { Outbox, type OutgoingFrame } from '../frames/outbox.js';
import { encodeRequest } from '../frames/request-message.js';

const order = { to: 'owner', pattern: 'do', payload: 'thing' };
const UNREACHABLE = { kind: 'not-executed', cause: 'unreachable' };

let world: BusWorld;
let asker: BusNode;
let owner: BusNode;
let runs: unknown[];
let serve: (payload: unknown, context: BusContext) => unknown;
let refusal: { readonly reason: string; readonly detail?: unknown } | undefined;

beforeEach(async () => {
  world = new BusWorld();
  runs = [];
  serve = () => 'served';
  refusal = undefined;
  asker = await world.node('asker');
  const handle = async (_pattern: string, payload: unknown, context: BusContext) => {
    runs.push(payload);
    return serve(payload, context);
  };
  owner = await world.node('owner', undefined, { service: { admit: () => refusal, handle } });
});

afterEach(() => world.stop());

/** Keeps the next frame of this kind back, and hands it to the test. */
function catching(kind: string): { readonly caught: FrameInTransit[] } {
  const caught: FrameInTransit[] = [];
  world.relay.onPublish = (passing) => {
    if (passing.frame.kind !== kind) return passing.deliver();
    caught.push(passing);
    return Promise.resolve(1);
  };
  return { caught };
}

describe('a frame of the inbox', () => {
  it('that comes twice runs once, long after the first as well', async () => {
    const again: FrameInTransit[] = [];
    world.relay.onPublish = async (passing) => {
      if (passing.frame.kind === 'request') again.push(passing);
      return passing.deliver();
    };
    expect(await asker.request(order).end).toMatchObject({ kind: 'value' });
    await again[0]?.deliver();
    await world.timer.advance(19_000);
    await again[0]?.deliver();
    await world.timer.advance(30_000);
    // It is forgotten by now; but nobody can claim it any more.
    await again[0]?.deliver();
    await world.settle();
    expect(runs).toEqual(['thing']);
    expect(world.observed.drops).toEqual(['repeated', 'repeated', 'verdict']);
  });

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['is altered', (bytes) => Buffer.concat([bytes.subarray(0, -1), Buffer.from('!')])],
    ['is cut short', (bytes) => bytes.subarray(0, 10)],
    ['has another seal', (bytes) => Buffer.concat([Buffer.alloc(16), bytes.subarray(16)])],
  ])('that %s is dropped', async (_, change) => {
    world.relay.onPublish = ({ frame, bytes, deliver }) => deliver(frame.kind === 'request' ? change(bytes) : bytes);
    expect(await world.endWithin(500, asker.request(order))).toEqual(UNREACHABLE);
    expect(runs).toEqual([]);
    expect(world.observed.drops).toContain('mac');
  });

  it('that was sealed for another worker, or another box, is dropped', async () => {
    const other = await world.node('other', (payload) => runs.push(payload));
    const { caught } = catching('request');
    asker.request({ ...order, to: 'owner' });
    const [frame] = caught;
    world.relay.onPublish = ({ deliver }) => deliver(frame?.bytes);
    await world.relay.publish({ worker: 'other', box: 'inbox' }, frame?.bytes ?? Buffer.alloc(0));
    await world.relay.publish({ worker: 'owner', box: 'replies' }, frame?.bytes ?? Buffer.alloc(0));
    await world.settle();
    expect(runs).toEqual([]);
    expect(world.observed.drops).toEqual(['mac', 'mac']);
    expect(other.load.served).toBe(0);
  });

  it.each<[string, OutgoingFrame]>([
    ['is no request', { kind: 'request', request: 'r', payload: Buffer.from('nonsense') }],
    ['is for the replies', { kind: 'end', request: 'r' }],
    ['begins in the middle', { kind: 'request', request: 'r', number: 1, payload: Buffer.from('rest') }],
  ])('that %s is dropped, and hurts nobody', async (_, note) => {
    const outbox = new Outbox('asker', world.relay, new FrameMac(SECRET));
    await outbox.send({ worker: 'owner', box: 'inbox' }, note);
    await world.settle();
    expect(world.observed.drops).toHaveLength(1);
    expect(await asker.request(order).end).toMatchObject({ kind: 'value' });
  });
});

describe('a claim', () => {
  it('that comes too late by the clock of the relay is dropped', async () => {
    const { caught } = catching('request');
    world.relay.onRevoke = () => Promise.reject(maybeAttempted());
    asker.request(order);
    await world.timer.advance(10_000);
    await caught[0]?.deliver();
    await world.settle();
    expect([runs, owner.load.served]).toEqual([[], 0]);
  });

  it('of a request that was taken back while its owner was stopped is lost', async () => {
    const { caught } = catching('request');
    expect(await world.endWithin(500, asker.request(order))).toEqual(UNREACHABLE);
    await caught[0]?.deliver();
    await world.settle();
    expect(runs).toEqual([]);
  });

  it('under another generation than that of the request is dropped', async () => {
    const { caught } = catching('request');
    asker.request(order);
    world.relay.startNewGeneration();
    await caught[0]?.deliver();
    await world.settle();
    expect(runs).toEqual([]);
  });

  it('is not made by a worker that was declared gone', async () => {
    await world.relay.leave('owner');
    await world.timer.advance(1_000);
    expect(await world.endWithin(500, asker.request(order))).toEqual(UNREACHABLE);
    expect(runs).toEqual([]);
  });

  it.each([
    ['was carried out', true],
    ['was not carried out', false],
  ])('whose answer is lost never runs, whether it %s or not, and the requester is told so', async (_, isDone) => {
    world.relay.onClaim = async (claim) => {
      if (isDone) await claim();
      throw maybeAttempted();
    };
    const { caught } = catching('nothing');
    const exchange = asker.request(order);
    expect(await world.endWithin(0, exchange)).toEqual({ kind: 'not-executed', cause: 'unavailable' });
    world.relay.onClaim = (claim) => claim();
    await world.settle();
    expect([runs, caught]).toEqual([[], []]);
  });
});

describe('a refusal', () => {
  it('runs nothing, claims nothing, and says why', async () => {
    refusal = { reason: 'session_gone', detail: { heir: 'x' } };
    let claims = 0;
    world.relay.onClaim = (claim) => ((claims += 1), claim());
    const exchange = asker.request(order);
    expect(await exchange.end).toEqual({ kind: 'refused', ...refusal });
    expect(await exchange.accepted).toBe(false);
    expect([runs, claims]).toEqual([[], 0]);
  });

  it.each<[string, () => { reason: string }]>([
    ['cannot be said', () => ({ reason: 'odd', detail: 1n })],
    [
      'fails',
      () => {
        throw new Error('no');
      },
    ],
  ])('that %s hurts nobody', async (_, admit) => {
    await world.node('odd', () => runs.push('ran'), { service: { admit, handle: async () => 'ran' } });
    expect((await asker.request({ ...order, to: 'odd' }).end).kind).toBe('refused');
    expect(runs).toEqual([]);
  });

  it('goes without a detail that is too long', async () => {
    refusal = { reason: 'much', detail: 'x'.repeat(100_000) };
    expect(await asker.request(order).end).toEqual({ kind: 'refused', reason: 'much' });
  });

  it('that is lost is made up for by taking the request back', async () => {
    refusal = { reason: 'session_gone' };
    world.relay.onPublish = ({ frame, deliver }) =>
      frame.kind === 'refuse' ? Promise.reject(notAttempted()) : deliver();
    expect(await world.endWithin(500, asker.request(order))).toEqual(UNREACHABLE);
  });
});

describe('requests of one queue', () => {
  /** Claims that the test answers, in its own order. */
  function heldClaims() {
    const held: (() => void)[] = [];
    world.relay.onClaim = async (claim) => {
      const answer = deferred();
      held.push(() => answer.open());
      await answer.passed;
      return claim();
    };
    return held;
  }

  it('start in the order in which they were sent, however their claims are answered', async () => {
    serve = () => new Promise(() => {});
    const held = heldClaims();
    for (const payload of ['first', 'second', 'third']) asker.request({ ...order, payload, queue: 's' });
    asker.request({ ...order, payload: 'of another queue', queue: 't' });
    asker.request({ ...order, payload: 'of none' });
    await world.settle();
    expect(held).toHaveLength(5);
    for (const answer of held.toReversed()) {
      answer();
      await world.settle();
    }
    expect(runs).toEqual(['of none', 'of another queue', 'first', 'second', 'third']);
  });

  it('do not wait for one that is dropped', async () => {
    const held = heldClaims();
    const first = asker.request({ ...order, payload: 'first', queue: 's' });
    asker.request({ ...order, payload: 'second', queue: 's' });
    await world.settle();
    first.cancel();
    held[1]?.();
    await world.settle();
    expect(runs).toEqual([]);
    held[0]?.();
    await world.settle();
    expect(runs).toEqual(['second']);
  });

  it('arrive in order even when the first has many parts', async () => {
    const payload = 'x'.repeat(300_000);
    asker.request({ ...order, payload, queue: 's' });
    asker.request({ ...order, payload: 'short', queue: 's' });
    await world.settle();
    expect(runs.map((run) => String(run).length)).toEqual([300_000, 5]);
  });
});

describe('a request of many parts', () => {
  it('of which one is lost never runs', async () => {
    world.relay.onPublish = ({ frame, deliver }) =>
      frame.kind === 'request' && frame.number === 2 ? Promise.resolve(1) : deliver();
    expect(await world.endWithin(500, asker.request({ ...order, payload: 'x'.repeat(300_000) }))).toEqual(UNREACHABLE);
    expect(runs).toEqual([]);
  });

  it('whose last part never comes is forgotten', async () => {
    world.relay.onPublish = ({ frame, deliver }) =>
      frame.kind === 'request' && !frame.more ? Promise.resolve(1) : deliver();
    asker.request({ ...order, payload: 'x'.repeat(300_000) });
    await world.settle();
    expect(owner.load.served).toBe(1);
    await world.timer.advance(10_000);
    expect(owner.load.served).toBe(0);
  });

  it('beyond what a worker holds of such parts is dropped', async () => {
    const small = await world.node('small', () => runs.push('ran'), { limits: { partialBytes: 100_000 } });
    const exchange = asker.request({ ...order, to: 'small', payload: 'x'.repeat(300_000) });
    expect(await world.endWithin(500, exchange)).toEqual(UNREACHABLE);
    expect([runs, small.load.served]).toEqual([[], 0]);
  });
});

describe('a context', () => {
  const waiting = () => {
    let signal: AbortSignal | undefined;
    serve = (_, context) => new Promise(() => ({ signal } = context));
    return () => signal?.reason as unknown;
  };

  it('is aborted when the requester is gone', async () => {
    const reason = waiting();
    await world.timer.advance(10_000);
    asker.request(order);
    await world.settle();
    await world.relay.leave('asker');
    asker.stop();
    await world.timer.advance(1_000);
    expect(reason()).toMatchObject({ why: 'requester-dead' });
    expect(owner.load.served).toBe(0);
  });

  it('is aborted when the budget is over, by its own clock', async () => {
    const reason = waiting();
    world.relay.onPublish = ({ frame, deliver }) => (frame.kind === 'cancel' ? Promise.resolve(1) : deliver());
    asker.request({ ...order, budgetMs: 1_000 });
    await world.timer.advance(1_000);
    expect(reason()).toMatchObject({ why: 'deadline' });
  });

  it('is aborted when the worker stops', async () => {
    const reason = waiting();
    asker.request(order);
    await world.settle();
    owner.stop();
    expect(reason()).toMatchObject({ why: 'stopped' });
  });

  it('is aborted when nobody receives what it says, for as long as it is said again', async () => {
    let why: unknown;
    serve = (_, context) => {
      context.signal.onabort = () => ({ why } = context.signal.reason);
      void context.emit('for nobody');
      return new Promise(() => {});
    };
    world.relay.onPublish = ({ frame, deliver }) => (frame.kind === 'event' ? Promise.resolve(0) : deliver());
    asker.request(order);
    await world.timer.advance(6_000);
    expect(why).toBeUndefined();
    await world.timer.advance(1_500);
    expect(why).toBe('requester-dead');
  });
});

it('an answer that nobody received is said again: both may have had different relays for a moment', async () => {
  const events: unknown[] = [];
  serve = (_, context) => {
    void context.emit('event');
    return 'served';
  };
  world.relay.onPublish = ({ frame, deliver }) => (frame.kind === 'event' ? Promise.resolve(0) : deliver());
  const { end } = asker.request(order, (event) => void events.push(event));
  await world.timer.advance(3_000);
  world.relay.onPublish = ({ deliver }) => deliver();
  await world.timer.advance(200);
  expect(await end).toEqual({ kind: 'value', value: 'served' });
  expect(events).toEqual(['event']);
});

it('a request that names a queue or a budget of the wrong kind is dropped', async () => {
  const terms = asker.membership.ticketTerms() ?? { generation: '', notAfter: 0 };
  const payload = encodeRequest({ ...terms, pattern: 'do', budgetMs: 'long' as unknown as number }, 'x');
  await new Outbox('asker', world.relay, new FrameMac(SECRET)).send(
    { worker: 'owner', box: 'inbox' },
    { kind: 'request', request: 'r', payload },
  );
  await world.settle();
  expect(runs).toEqual([]);
});

describe('a worker that leaves', () => {
  const LONG = 'x'.repeat(3_000_000);

  it('sends what it has answered, however long it is', async () => {
    serve = () => LONG;
    let left: Promise<void> | undefined;
    world.relay.onPublish = (passing) => {
      if (passing.frame.kind === 'end') left ??= owner.leave();
      return passing.deliver();
    };
    const { end } = asker.request(order);
    await world.timer.advance(2_000);
    await left;
    expect(await end).toEqual({ kind: 'value', value: LONG });
  });

  it('does not wait for who takes nothing', async () => {
    serve = () => LONG;
    world.relay.onPublish = (passing) => (passing.frame.kind === 'credit' ? Promise.resolve(1) : passing.deliver());
    const { end } = asker.request(order);
    await world.settle();
    const left = owner.leave();
    await world.timer.advance(10_000);
    await left;
    expect(await end).toMatchObject({ kind: 'unknown', cause: 'owner-dead' });
  });
});
