import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BusWorld, deferred, maybeAttempted, notAttempted } from './bus-world-fixture.js';
import type { BusContext } from './bus.js';
import type { BusNode } from './bus-node.js';
import { MAX_FRAME_BYTES, WINDOW_BYTES } from './protocol.js';

const order = { to: 'owner', pattern: 'do', payload: 'thing' };
const KIB = 1024;

let world: BusWorld;
let requester: BusNode;
let owner: BusNode;
let serve: (context: BusContext) => unknown;

beforeEach(async () => {
  world = new BusWorld();
  requester = await world.node('requester');
  owner = await world.node('owner', (_, context) => serve(context), { limits: { waitingBytes: 4 * 1024 * KIB } });
});

afterEach(() => world.stop());

const text = (bytes: number) => 'x'.repeat(bytes);

/** Returns the number of bytes of the events and ends that were sent. */
const sentBytes = () =>
  [...world.publishedFrames('event'), ...world.publishedFrames('end')].reduce(
    (sum, { payload }) => sum + payload.length,
    0,
  );

describe('a value', () => {
  it('of 10 MB arrives complete, in frames of at most 64 KiB', async () => {
    const value = text(10_000_000);
    let largest = 0;
    world.relay.onPublish = ({ bytes, deliver }) => {
      largest = Math.max(largest, bytes.length);
      return deliver();
    };
    serve = () => ({ value });
    const end = await requester.request(order).end;
    expect(end).toEqual({ kind: 'value', value: { value } });
    expect(largest).toBe(MAX_FRAME_BYTES);
  });

  it('of multi-byte characters survives being split anywhere', async () => {
    const value = '€𝄞'.repeat(50_000);
    serve = () => value;
    expect(await requester.request(order).end).toEqual({ kind: 'value', value });
  });
});

describe('a slow consumer', () => {
  it('receives at most one window, and the handler waits', async () => {
    let emitted = 0;
    serve = async ({ emit }) => {
      for (; emitted < 100; emitted += 1) await emit(text(64 * KIB));
      return 'end';
    };
    const consumer = deferred();
    const events: unknown[] = [];
    const exchange = requester.request(order, (event) => {
      events.push(event);
      return consumer.promise;
    });
    await world.settle();
    expect(events).toHaveLength(1);
    expect(sentBytes()).toBeLessThanOrEqual(WINDOW_BYTES);
    expect(emitted).toBeLessThan(20);
    consumer.resolve();
    expect(await exchange.end).toEqual({ kind: 'value', value: 'end' });
    expect(events).toHaveLength(100);
  });

  it('receives one event after the other, and the end after all events', async () => {
    serve = ({ emit }) => {
      for (const step of [1, 2, 3]) void emit(step);
      return 'end';
    };
    const received: unknown[] = [];
    const exchange = requester.request(order, async (event) => {
      received.push(`begin ${String(event)}`);
      await new Promise<void>((resolve) => void world.timer.after(10, resolve));
      received.push(`end ${String(event)}`);
    });
    void exchange.end.then(() => received.push('over'));
    await world.timer.advance(100);
    expect(received).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3', 'over']);
  });

  it('loses nothing when the relay breaks after the end has arrived', async () => {
    serve = ({ emit }) => (void emit('event'), 'end');
    const consumer = deferred();
    const exchange = requester.request(order, () => consumer.promise);
    await world.settle();
    world.relay.breakConnections();
    consumer.resolve();
    expect(await exchange.end).toEqual({ kind: 'value', value: 'end' });
  });

  it('continues after a lost credit, because the owner probes', async () => {
    let isLosing = true;
    world.relay.onPublish = ({ frame, deliver }) =>
      isLosing && frame.kind === 'credit' ? Promise.reject(maybeAttempted()) : deliver();
    serve = async ({ emit }) => {
      for (let count = 0; count < 40; count += 1) await emit(text(64 * KIB));
      return 'end';
    };
    const exchange = requester.request(order, () => {});
    expect(await world.endWithin(500, exchange)).toBeUndefined();
    isLosing = false;
    expect(await world.endWithin(1_000, exchange)).toEqual({ kind: 'value', value: 'end' });
  });

  it('that has ended does not block its owner for ever, even if the cancel is lost', async () => {
    let signal: AbortSignal | undefined;
    serve = async (context) => {
      ({ signal } = context);
      while (!signal.aborted) await context.emit(text(64 * KIB));
    };
    world.relay.onPublish = ({ frame, deliver }) =>
      frame.kind === 'cancel' ? Promise.reject(maybeAttempted()) : deliver();
    requester.request(order, () => new Promise(() => {}));
    await world.settle();
    world.relay.breakConnections();
    await world.timer.advance(6_000);
    expect(signal?.aborted).toBe(false);
    world.relay.onPublish = (inTransit) => inTransit.deliver();
    await world.timer.advance(1_000);
    expect(signal?.reason).toMatchObject({ why: 'cancelled' });
  });
});

describe('the buffer of a reply stream', () => {
  it('is bounded: an overflow ends the exchange with a gap and aborts the handler', async () => {
    let signal: AbortSignal | undefined;
    serve = (context) => {
      ({ signal } = context);
      for (let count = 0; count < 200; count += 1) void context.emit(text(64 * KIB));
      return new Promise(() => {});
    };
    const exchange = requester.request(order, () => new Promise(() => {}));
    expect(await world.endWithin(0, exchange)).toEqual({ kind: 'unknown', cause: 'gap' });
    expect(signal?.reason).toMatchObject({ why: 'overflow' });
    expect(sentBytes()).toBeLessThanOrEqual(WINDOW_BYTES);
  });

  it('reports an overflow after everything that was sent before it', async () => {
    serve = ({ emit }) => {
      for (let count = 0; count < 200; count += 1) void emit(text(64 * KIB));
      return 'too late';
    };
    let received = 0;
    const exchange = requester.request(order, async () => {
      received += 1;
      await world.settle();
    });
    expect(await exchange.end).toEqual({ kind: 'unknown', cause: 'gap' });
    expect(received).toBeLessThan(200);
    await world.settle();
    expect(owner.load.served).toBe(0);
  });

  it('accepts a single value of any size', async () => {
    serve = async ({ emit }) => {
      await emit(text(8 * 1024 * KIB));
      return 'end';
    };
    let length = 0;
    const exchange = requester.request(order, (event) => void (length = String(event).length));
    expect(await exchange.end).toEqual({ kind: 'value', value: 'end' });
    expect(length).toBe(8 * 1024 * KIB);
  });

  it('ends the exchange with a gap if JSON cannot represent an event', async () => {
    serve = ({ emit }) => (void emit(1n), 'end');
    expect(await requester.request(order).end).toEqual({ kind: 'unknown', cause: 'gap' });
  });

  it('ends the exchange with a gap if the listener fails', async () => {
    serve = ({ emit }) => (void emit('event'), 'end');
    const failing = () => {
      throw new Error('no');
    };
    expect(await requester.request(order, failing).end).toEqual({ kind: 'unknown', cause: 'gap' });
    expect(await requester.request(order, () => Promise.reject(new Error('no'))).end).toEqual({
      kind: 'unknown',
      cause: 'gap',
    });
  });
});

describe('an answer that could not be published', () => {
  it('is published again unchanged until the relay is back', async () => {
    serve = ({ emit }) => (void emit('event'), 'end');
    let failures = 20;
    world.relay.onPublish = async ({ frame, deliver }) => {
      if (!['event', 'end'].includes(frame.kind) || (failures -= 1) < 0) return deliver();
      // Every other attempt is published although it fails.
      if (failures % 2 === 0) await deliver();
      throw maybeAttempted();
    };
    const events: unknown[] = [];
    const exchange = requester.request(order, (event) => void events.push(event));
    expect(await world.endWithin(5_000, exchange)).toEqual({ kind: 'value', value: 'end' });
    expect(events).toEqual(['event']);
  });

  it('aborts the handler after seven seconds', async () => {
    let why: unknown;
    serve = (context) => {
      context.signal.onabort = () => ({ why } = context.signal.reason);
      void context.emit('event');
      return new Promise(() => {});
    };
    world.relay.onPublish = ({ frame, deliver }) =>
      frame.kind === 'event' ? Promise.reject(notAttempted()) : deliver();
    requester.request(order);
    await world.timer.advance(6_800);
    expect(why).toBeUndefined();
    await world.timer.advance(400);
    expect(why).toBe('relay');
  });
});

it('leaves neither requests nor timers behind once every exchange has ended', async () => {
  serve = async ({ emit }) => {
    await emit(text(3 * 1024 * KIB));
    return text(2 * 1024 * KIB);
  };
  const idle = world.timer.pending;
  for (let count = 0; count < 3; count += 1) {
    await requester.request({ ...order, queue: 'q', budgetMs: 60_000 }, () => {}).end;
  }
  await world.timer.advance(25_000);
  expect([requester.load, owner.load]).toEqual([
    { sent: 0, served: 0 },
    { sent: 0, served: 0 },
  ]);
  expect(world.timer.pending).toBe(idle);
});
