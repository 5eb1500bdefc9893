import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BusWorld, deferred, SECRET, maybeAttempted, notAttempted, type FrameInTransit } from '../bus-world-fixture.js';
import type { BusContext } from '../bus.js';
import type { BusNode } from '../bus-node.js';
import { FrameCipher } from '../frames/frame-cipher.js';
import { Outbox, type OutgoingFrame } from '../frames/outbox.js';
import { encodeRequest } from '../frames/request-message.js';

const order = { to: 'owner', pattern: 'do', payload: 'thing' };
const UNREACHABLE = { kind: 'not-executed', cause: 'unreachable' };

let world: BusWorld;
let requester: BusNode;
let owner: BusNode;
let runs: unknown[];
let serve: (payload: unknown, context: BusContext) => unknown;
let refusal: { readonly reason: string; readonly detail?: unknown } | undefined;

beforeEach(async () => {
  world = new BusWorld();
  runs = [];
  serve = () => 'served';
  refusal = undefined;
  requester = await world.node('requester');
  const handle = async (_pattern: string, payload: unknown, context: BusContext) => {
    runs.push(payload);
    return serve(payload, context);
  };
  owner = await world.node('owner', undefined, { service: { admit: () => refusal, handle } });
});

afterEach(() => world.stop());

/** Withholds frames of this kind and returns them to the test. */
function catching(kind: string): { readonly caught: FrameInTransit[] } {
  const caught: FrameInTransit[] = [];
  world.relay.onPublish = (inTransit) => {
    if (inTransit.frame.kind !== kind) return inTransit.deliver();
    caught.push(inTransit);
    return Promise.resolve(1);
  };
  return { caught };
}

describe('a frame of the inbox', () => {
  it('that arrives twice runs once, even long after the first', async () => {
    const again: FrameInTransit[] = [];
    world.relay.onPublish = async (inTransit) => {
      if (inTransit.frame.kind === 'request') again.push(inTransit);
      return inTransit.deliver();
    };
    expect(await requester.request(order).end).toMatchObject({ kind: 'value' });
    await again[0]?.deliver();
    await world.timer.advance(19_000);
    await again[0]?.deliver();
    await world.timer.advance(30_000);
    // The id is no longer remembered, but the request can no longer be claimed.
    await again[0]?.deliver();
    await world.settle();
    expect(runs).toEqual(['thing']);
    expect(world.observed.drops).toEqual(['repeated', 'repeated', 'verdict']);
  });

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['is altered', (bytes) => Buffer.concat([bytes.subarray(0, -1), Buffer.of(bytes.at(-1)! ^ 1)])],
    ['is cut short', (bytes) => bytes.subarray(0, 10)],
    ['has another tag', (bytes) => Buffer.concat([bytes.subarray(0, 24), Buffer.alloc(16), bytes.subarray(40)])],
  ])('that %s is dropped', async (_, change) => {
    world.relay.onPublish = ({ frame, bytes, deliver }) => deliver(frame.kind === 'request' ? change(bytes) : bytes);
    expect(await world.endWithin(500, requester.request(order))).toEqual(UNREACHABLE);
    expect(runs).toEqual([]);
    expect(world.observed.drops).toContain('seal');
  });

  it('that was sealed for another worker, or another box, is dropped', async () => {
    const other = await world.node('other', (payload) => runs.push(payload));
    const { caught } = catching('request');
    requester.request({ ...order, to: 'owner' });
    const [frame] = caught;
    world.relay.onPublish = ({ deliver }) => deliver(frame?.bytes);
    await world.relay.publish({ worker: 'other', box: 'inbox' }, frame?.bytes ?? Buffer.alloc(0));
    await world.relay.publish({ worker: 'owner', box: 'replies' }, frame?.bytes ?? Buffer.alloc(0));
    await world.settle();
    expect(runs).toEqual([]);
    expect(world.observed.drops).toEqual(['seal', 'seal']);
    expect(other.load.served).toBe(0);
  });

  it.each<[string, OutgoingFrame]>([
    ['is not a request', { kind: 'request', request: 'r', payload: Buffer.from('nonsense') }],
    ['belongs to the replies', { kind: 'end', request: 'r' }],
    ['is not the first part', { kind: 'request', request: 'r', number: 1, payload: Buffer.from('rest') }],
  ])('that %s is dropped without effect on other requests', async (_, outgoing) => {
    const outbox = new Outbox('requester', world.relay, new FrameCipher(SECRET));
    await outbox.send({ worker: 'owner', box: 'inbox' }, outgoing);
    await world.settle();
    expect(world.observed.drops).toHaveLength(1);
    expect(await requester.request(order).end).toMatchObject({ kind: 'value' });
  });
});

describe('a claim', () => {
  it('that is too late by the clock of the relay is dropped', async () => {
    const { caught } = catching('request');
    world.relay.onRevoke = () => Promise.reject(maybeAttempted());
    requester.request(order);
    await world.timer.advance(10_000);
    await caught[0]?.deliver();
    await world.settle();
    expect([runs, owner.load.served]).toEqual([[], 0]);
  });

  it('of a request that was revoked while its owner was suspended is lost', async () => {
    const { caught } = catching('request');
    expect(await world.endWithin(500, requester.request(order))).toEqual(UNREACHABLE);
    await caught[0]?.deliver();
    await world.settle();
    expect(runs).toEqual([]);
  });

  it('under a generation other than that of the request is dropped', async () => {
    const { caught } = catching('request');
    requester.request(order);
    world.relay.startNewGeneration();
    await caught[0]?.deliver();
    await world.settle();
    expect(runs).toEqual([]);
  });

  it('is not made by a fenced worker', async () => {
    await world.relay.leave('owner');
    await world.timer.advance(1_000);
    expect(await world.endWithin(500, requester.request(order))).toEqual(UNREACHABLE);
    expect(runs).toEqual([]);
  });

  it.each([
    ['was executed', true],
    ['was not executed', false],
  ])('that %s and whose reply is lost never runs, and the requester learns that', async (_, isDone) => {
    world.relay.onClaim = async (claim) => {
      if (isDone) await claim();
      throw maybeAttempted();
    };
    const { caught } = catching('nothing');
    const exchange = requester.request(order);
    expect(await world.endWithin(0, exchange)).toEqual({ kind: 'not-executed', cause: 'unavailable' });
    world.relay.onClaim = (claim) => claim();
    await world.settle();
    expect([runs, caught]).toEqual([[], []]);
  });
});

describe('a refusal', () => {
  it('runs nothing, claims nothing, and contains the reason', async () => {
    refusal = { reason: 'session_gone', detail: { newOwner: 'x' } };
    let claims = 0;
    world.relay.onClaim = (claim) => ((claims += 1), claim());
    const exchange = requester.request(order);
    expect(await exchange.end).toEqual({ kind: 'refused', ...refusal });
    expect(await exchange.accepted).toBe(false);
    expect([runs, claims]).toEqual([[], 0]);
  });

  it.each<[string, () => { reason: string }]>([
    ['has a detail that JSON cannot represent', () => ({ reason: 'odd', detail: 1n })],
    [
      'fails',
      () => {
        throw new Error('no');
      },
    ],
  ])('that %s still refuses the request', async (_, admit) => {
    await world.node('odd', () => runs.push('ran'), { service: { admit, handle: async () => 'ran' } });
    expect((await requester.request({ ...order, to: 'odd' }).end).kind).toBe('refused');
    expect(runs).toEqual([]);
  });

  it('omits a detail that is too large', async () => {
    refusal = { reason: 'much', detail: 'x'.repeat(100_000) };
    expect(await requester.request(order).end).toEqual({ kind: 'refused', reason: 'much' });
  });

  it('that is lost makes the requester revoke the request', async () => {
    refusal = { reason: 'session_gone' };
    world.relay.onPublish = ({ frame, deliver }) =>
      frame.kind === 'refuse' ? Promise.reject(notAttempted()) : deliver();
    expect(await world.endWithin(500, requester.request(order))).toEqual(UNREACHABLE);
  });
});

describe('requests of one queue', () => {
  /** Withholds claims until the test decides them, in any order. */
  function heldClaims() {
    const held: (() => void)[] = [];
    world.relay.onClaim = async (claim) => {
      const answer = deferred();
      held.push(() => answer.resolve());
      await answer.promise;
      return claim();
    };
    return held;
  }

  it('start in the order in which they were sent, whatever the order of the claims', async () => {
    serve = () => new Promise(() => {});
    const held = heldClaims();
    for (const payload of ['first', 'second', 'third']) requester.request({ ...order, payload, queue: 's' });
    requester.request({ ...order, payload: 'of another queue', queue: 't' });
    requester.request({ ...order, payload: 'of none' });
    await world.settle();
    expect(held).toHaveLength(5);
    for (const answer of held.toReversed()) {
      answer();
      await world.settle();
    }
    expect(runs).toEqual(['of none', 'of another queue', 'first', 'second', 'third']);
  });

  it('do not wait for a request that was dropped', async () => {
    const held = heldClaims();
    const first = requester.request({ ...order, payload: 'first', queue: 's' });
    requester.request({ ...order, payload: 'second', queue: 's' });
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
    requester.request({ ...order, payload, queue: 's' });
    requester.request({ ...order, payload: 'short', queue: 's' });
    await world.settle();
    expect(runs.map((run) => String(run).length)).toEqual([300_000, 5]);
  });
});

describe('a request of many parts', () => {
  it('never runs if one part is lost', async () => {
    world.relay.onPublish = ({ frame, deliver }) =>
      frame.kind === 'request' && frame.number === 2 ? Promise.resolve(1) : deliver();
    expect(await world.endWithin(500, requester.request({ ...order, payload: 'x'.repeat(300_000) }))).toEqual(
      UNREACHABLE,
    );
    expect(runs).toEqual([]);
  });

  it('is dropped if its last part never arrives', async () => {
    world.relay.onPublish = ({ frame, deliver }) =>
      frame.kind === 'request' && !frame.more ? Promise.resolve(1) : deliver();
    requester.request({ ...order, payload: 'x'.repeat(300_000) });
    await world.settle();
    expect(owner.load.served).toBe(1);
    await world.timer.advance(10_000);
    expect(owner.load.served).toBe(0);
  });

  it('is dropped if it exceeds the buffer for parts', async () => {
    const small = await world.node('small', () => runs.push('ran'), { limits: { partialBytes: 100_000 } });
    const exchange = requester.request({ ...order, to: 'small', payload: 'x'.repeat(300_000) });
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

  it('is aborted when the requester is dead', async () => {
    const reason = waiting();
    await world.timer.advance(10_000);
    requester.request(order);
    await world.settle();
    await world.relay.leave('requester');
    requester.stop();
    await world.timer.advance(1_000);
    expect(reason()).toMatchObject({ why: 'requester-dead' });
    expect(owner.load.served).toBe(0);
  });

  it('is aborted when the budget runs out by the clock of the owner', async () => {
    const reason = waiting();
    world.relay.onPublish = ({ frame, deliver }) => (frame.kind === 'cancel' ? Promise.resolve(1) : deliver());
    requester.request({ ...order, budgetMs: 1_000 });
    await world.timer.advance(1_000);
    expect(reason()).toMatchObject({ why: 'deadline' });
  });

  it('is aborted when the worker stops', async () => {
    const reason = waiting();
    requester.request(order);
    await world.settle();
    owner.stop();
    expect(reason()).toMatchObject({ why: 'stopped' });
  });

  it('is aborted when no worker receives its events until the retries end', async () => {
    let why: unknown;
    serve = (_, context) => {
      context.signal.onabort = () => ({ why } = context.signal.reason);
      void context.emit('unreceived');
      return new Promise(() => {});
    };
    world.relay.onPublish = ({ frame, deliver }) => (frame.kind === 'event' ? Promise.resolve(0) : deliver());
    requester.request(order);
    await world.timer.advance(6_000);
    expect(why).toBeUndefined();
    await world.timer.advance(1_500);
    expect(why).toBe('requester-dead');
  });
});

it('an answer that no worker received is published again: both workers may have had different masters', async () => {
  const events: unknown[] = [];
  serve = (_, context) => {
    void context.emit('event');
    return 'served';
  };
  world.relay.onPublish = ({ frame, deliver }) => (frame.kind === 'event' ? Promise.resolve(0) : deliver());
  const { end } = requester.request(order, (event) => void events.push(event));
  await world.timer.advance(3_000);
  world.relay.onPublish = ({ deliver }) => deliver();
  await world.timer.advance(200);
  expect(await end).toEqual({ kind: 'value', value: 'served' });
  expect(events).toEqual(['event']);
});

it('a request that names a queue or a budget of the wrong kind is dropped', async () => {
  const terms = requester.membership.ticketTerms() ?? { generation: '', notAfter: 0 };
  const payload = encodeRequest({ ...terms, pattern: 'do', budgetMs: 'long' as unknown as number }, 'x');
  await new Outbox('requester', world.relay, new FrameCipher(SECRET)).send(
    { worker: 'owner', box: 'inbox' },
    { kind: 'request', request: 'r', payload },
  );
  await world.settle();
  expect(runs).toEqual([]);
});

describe('a worker that leaves', () => {
  const LONG = 'x'.repeat(3_000_000);

  it('sends the ends that handlers have returned, whatever their size', async () => {
    serve = () => LONG;
    let left: Promise<void> | undefined;
    world.relay.onPublish = (inTransit) => {
      if (inTransit.frame.kind === 'end') left ??= owner.leave();
      return inTransit.deliver();
    };
    const { end } = requester.request(order);
    await world.timer.advance(2_000);
    await left;
    expect(await end).toEqual({ kind: 'value', value: LONG });
  });

  it('does not wait for a requester that consumes nothing', async () => {
    serve = () => LONG;
    world.relay.onPublish = (inTransit) =>
      inTransit.frame.kind === 'credit' ? Promise.resolve(1) : inTransit.deliver();
    const { end } = requester.request(order);
    await world.settle();
    const left = owner.leave();
    await world.timer.advance(10_000);
    await left;
    expect(await end).toMatchObject({ kind: 'unknown', cause: 'owner-dead' });
  });
});
