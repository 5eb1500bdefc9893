import { describe, expect, it } from '@jest/globals';
import { result, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { WorkerBus, type BusEnd, type BusExchange } from '#lib/worker-bus';
import type { BusRequest } from '#lib/worker-bus/testing';
import { ManualClock } from '#lib/testing/manual-clock';
import { callerOf, LEGACY_CLIENT, remoteServer } from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { RemoteSession } from './remote-session.js';

const server = remoteServer('a');
const order = { session: 'id', caller: callerOf('me'), endpoint: 'a' };

interface Sent {
  readonly order: BusRequest;
  readonly emit: (event: unknown) => void | Promise<void>;
  readonly end: (end: BusEnd) => void;
  cancelled: boolean;
}

/** A bus whose other end is the spec. */
class ScriptedBus extends WorkerBus {
  readonly sent: Sent[] = [];
  /** Ends every request at once. */
  reply: ((order: BusRequest) => BusEnd) | undefined;

  override request(what: BusRequest, onEvent: (event: unknown) => void | Promise<void> = () => undefined): BusExchange {
    const { promise: end, resolve } = Promise.withResolvers<BusEnd>();
    const sent: Sent = { order: what, emit: onEvent, end: resolve, cancelled: false };
    this.sent.push(sent);
    if (this.reply) resolve(this.reply(what));
    return { end, accepted: Promise.resolve(true), cancel: () => void (sent.cancelled = true) };
  }

  get last(): Sent {
    const sent = this.sent.at(-1);
    if (!sent) throw new Error('Nothing was sent.');
    return sent;
  }
}

function world(reply?: ScriptedBus['reply'], newOwner?: string) {
  const bus = new ScriptedBus();
  bus.reply = reply;
  const route = { order, owner: 'owner', revision: '2025-11-25' };
  const clock = new ManualClock();
  return { bus, clock, session: new RemoteSession(route, { bus, clock, findNewOwner: async () => newOwner }) };
}

const value = (outcome: Outcome): BusEnd => ({ kind: 'value', value: outcome });
const done = () => value(result({}));
const callOf = (requestId: number) => ({
  server,
  request: { method: 'tools/call', params: { name: 'x' } },
  caller: callerOf('me'),
  client: LEGACY_CLIENT,
  requestId,
  clientRepeatsCall: false,
});
const UNKNOWN = expect.objectContaining({ message: 'Session not found. Initialize a new one.', httpStatus: 404 });

describe('a call of a remote session', () => {
  it('sends everything that the owner needs, and no token', async () => {
    const { bus, session } = world(done);
    expect(await session.call(callOf(7), new RecordingSink())).toEqual(result({}));
    const { order: sent } = bus.last;
    expect(sent).toMatchObject({ to: 'owner', pattern: 'session.call', queue: 'id' });
    expect(sent).not.toHaveProperty('budgetMs');
    expect(sent.payload).toEqual({
      ...order,
      call: { server: 'a', request: { method: 'tools/call', params: { name: 'x' } }, requestId: 7 },
    });
  });

  it('forwards its events in order and applies the back pressure of the client', async () => {
    const { bus, session } = world();
    const drained = Promise.resolve();
    const sink = new RecordingSink();
    sink.emit = (event) => {
      sink.events.push(event);
      return drained;
    };
    const outcome = session.call(callOf(1), sink);
    expect(bus.last.emit({ kind: 'opened', eventId: '1-0' })).toBe(drained);
    bus.last.end(value({ ...result({ ok: true }), eventId: '1-1' }));
    expect(await outcome).toEqual({ kind: 'result', result: { ok: true }, eventId: '1-1' });
    expect(sink.events).toEqual([{ kind: 'opened', eventId: '1-0' }]);
  });

  it('ends its stream when another connection resumed it', async () => {
    const { bus, session } = world();
    const sink = new RecordingSink();
    void session.call(callOf(1), sink);
    void bus.last.emit({ kind: 'ended' });
    expect(sink.ended).toBe(true);
  });

  const ends: [string, BusEnd, JsonObject][] = [
    ['the owner is offline', { kind: 'not-executed', cause: 'unreachable' }, { code: -31001, outcome: 'not_executed' }],
    ['Redis is unavailable', { kind: 'not-executed', cause: 'unavailable' }, { code: -31007, outcome: 'not_executed' }],
    ['Redis fails during the call', { kind: 'unknown', cause: 'relay' }, { code: -31002, outcome: 'unknown' }],
    ['the owner dies', { kind: 'unknown', cause: 'owner-dead' }, { code: -31002, outcome: 'unknown' }],
    ['the time budget is exhausted', { kind: 'unknown', cause: 'deadline' }, { code: -31002, outcome: 'unknown' }],
    ['a frame is lost', { kind: 'unknown', cause: 'gap' }, { code: -31002, outcome: 'unknown' }],
    ['the handler throws', { kind: 'failed' }, { code: -32603, outcome: 'unknown' }],
    ['the reply is no outcome', { kind: 'value', value: {} }, { code: -32603, outcome: 'unknown' }],
    ['the reply is null', { kind: 'value', value: null }, { code: -32603, outcome: 'unknown' }],
  ];

  it.each(ends)('reports whether it was executed when %s', async (_name, end, { code, outcome }) => {
    const { session } = world(() => end);
    expect(await session.call(callOf(1), new RecordingSink())).toMatchObject({
      kind: 'error',
      error: { code, data: { outcome } },
    });
  });

  it('is marked as refused with HTTP status 503 only when it was not executed', async () => {
    const { session } = world(() => ({ kind: 'not-executed', cause: 'unreachable' }));
    expect(await session.call(callOf(1), new RecordingSink())).toMatchObject({ refused: true, httpStatus: 503 });
    const { session: other } = world(() => ({ kind: 'unknown', cause: 'relay' }));
    expect(await other.call(callOf(1), new RecordingSink())).not.toHaveProperty('refused');
  });

  it.each<[string, BusEnd]>([
    ['refuses the order', { kind: 'refused', reason: 'session_gone' }],
    ['replies that the session is unknown', { kind: 'value', value: { kind: 'gone' } }],
  ])('is refused with 404 when the owner %s', async (_name, end) => {
    const { session } = world(() => end);
    expect(await session.call(callOf(1), new RecordingSink())).toMatchObject({ refused: true, httpStatus: 404 });
  });

  it('is refused with 503 when the owner is draining and no new owner is recorded', async () => {
    const { session } = world(() => ({ kind: 'refused', reason: 'leaving' }));
    expect(await session.call(callOf(1), new RecordingSink())).toMatchObject({ refused: true, httpStatus: 503 });
  });
});

describe('a remote session that was handed off', () => {
  it.each<[string, BusEnd]>([
    ['refuses the order', { kind: 'refused', reason: 'session_moved', detail: 'new owner' }],
    ['replies', { kind: 'value', value: { kind: 'moved', to: 'new owner' } }],
  ])('sends the order to the new owner when the previous owner %s', async (_name, moved) => {
    const { bus, session } = world(({ to }) => (to === 'owner' ? moved : done()));
    expect(await session.call(callOf(1), new RecordingSink())).toEqual(result({}));
    expect(bus.sent.map(({ order: { to } }) => to)).toEqual(['owner', 'new owner']);
  });

  it.each<[string, BusEnd]>([
    ['is unreachable', { kind: 'not-executed', cause: 'unreachable' }],
    ['is draining', { kind: 'refused', reason: 'leaving' }],
  ])('sends the order to the new owner from the directory when the previous owner %s', async (_name, end) => {
    const { bus, session } = world(({ to }) => (to === 'owner' ? end : done()), 'new owner');
    expect(await session.call(callOf(1), new RecordingSink())).toEqual(result({}));
    expect(bus.sent.map(({ order: { to } }) => to)).toEqual(['owner', 'new owner']);
  });

  it('does not send an order again that may have run', async () => {
    const { bus, session } = world(() => ({ kind: 'unknown', cause: 'owner-dead' }), 'new owner');
    expect(await session.call(callOf(1), new RecordingSink())).toMatchObject({ error: { code: -31002 } });
    expect(bus.sent).toHaveLength(1);
  });

  it('follows only a bounded number of handoffs', async () => {
    const { bus, session } = world(() => ({ kind: 'refused', reason: 'session_moved', detail: 'new owner' }));
    await expect(session.cancel(1)).rejects.toEqual(UNKNOWN);
    expect(bus.sent.length).toBeLessThan(10);
  });
});

describe('other operations of a remote session', () => {
  it('are sent to the owner and resolve once the owner has executed them', async () => {
    const { bus, session } = world(done);
    const resource = { server, own: 'file:///x', uri: 'a+file:///x' };
    await session.cancel(1);
    await session.answer(2, { result: { action: 'accept' } });
    await session.notify({ method: 'notifications/roots/list_changed', params: {} });
    await session.touch();
    await session.setLogLevel('debug');
    await session.subscribe(resource);
    await session.unsubscribe(resource);
    await session.end();
    expect(bus.sent.map(({ order: { pattern } }) => pattern)).toEqual([
      'session.cancel',
      'session.answer',
      'session.notify',
      'session.touch',
      'session.log-level',
      'session.watch',
      'session.unwatch',
      'session.end',
    ]);
  });

  it('fail with the error of the owner', async () => {
    const refused = { kind: 'error', error: { code: -31003, message: 'Full' }, httpStatus: 429 } as const;
    const { session } = world(() => value(refused));
    const wanted = expect.objectContaining({ code: -31003, message: 'Full', httpStatus: 429 });
    await expect(session.setLogLevel('debug')).rejects.toEqual(wanted);
  });
});

describe('an answer to a question of a remote session', () => {
  const answer = { result: { action: 'accept' } };

  it.each<[string, BusEnd]>([
    ['the owner does not accept it', { kind: 'not-executed', cause: 'unreachable' }],
    ['Redis is unavailable', { kind: 'not-executed', cause: 'unavailable' }],
    ['the owner is draining', { kind: 'refused', reason: 'leaving' }],
  ])('is sent again while %s, because its client sends it only once', async (_name, end) => {
    const { bus, clock, session } = world(() => (bus.sent.length <= 3 ? end : done()));
    const sent = session.answer(2, answer);
    await clock.advance(1_000);
    await sent;
    expect(bus.sent).toHaveLength(4);
  });

  it.each<[string, BusEnd]>([
    ['may have arrived', { kind: 'unknown', cause: 'relay' }],
    ['belongs to an ended session', { kind: 'refused', reason: 'session_gone' }],
    ['was rejected by the owner', value({ kind: 'error', error: { code: -31003, message: 'Full' }, httpStatus: 429 })],
  ])('is sent once if it %s', async (_name, end) => {
    const { bus, session } = world(() => end);
    await expect(session.answer(2, answer)).rejects.toBeInstanceOf(Error);
    expect(bus.sent).toHaveLength(1);
  });

  it('fails as not executed once the owner has been unreachable for three seconds', async () => {
    const { clock, session } = world(() => ({ kind: 'not-executed', cause: 'unreachable' }));
    const sent = session.answer(2, answer).catch((error: unknown) => error);
    await clock.advance(3_100);
    expect(await sent).toMatchObject({ code: -31001, httpStatus: 503 });
  });
});

describe('a stream of a remote session', () => {
  it('opens once the owner has found it, and ends when the owner dies', async () => {
    const { bus, session } = world();
    const sink = new RecordingSink();
    const opening = session.openStream(sink, '1-3');
    expect(bus.last.order.payload).toMatchObject({ lastEventId: '1-3' });
    expect(bus.last.order).not.toHaveProperty('budgetMs');
    void bus.last.emit({ kind: 'opened', eventId: '1-4' });
    void bus.last.emit({ kind: 'found', standing: true });
    expect((await opening).isServerStream).toBe(true);
    expect(sink.summary).toEqual(['opened']);
    bus.last.end({ kind: 'unknown', cause: 'owner-dead' });
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    expect(sink.ended).toBe(true);
  });

  it('is detached at the owner when its client disconnects', async () => {
    const { bus, session } = world();
    const opening = session.openStream(new RecordingSink());
    void bus.last.emit({ kind: 'found', standing: true });
    (await opening).detach();
    expect(bus.last.cancelled).toBe(true);
  });

  it('fails with 503 when its owner dies before the stream was found', async () => {
    const { session } = world(() => ({ kind: 'unknown', cause: 'owner-dead' }));
    const wanted = expect.objectContaining({ code: -31001, httpStatus: 503 });
    await expect(session.openStream(new RecordingSink())).rejects.toEqual(wanted);
  });

  it('is refused with the error of the owner, without an event', async () => {
    const refusal = { kind: 'error', error: { code: -32600, message: 'Not stored' }, httpStatus: 400 } as const;
    const { session } = world(() => value(refusal));
    const wanted = expect.objectContaining({ message: 'Not stored', httpStatus: 400 });
    const sink = new RecordingSink();
    await expect(session.openStream(sink, '9-9')).rejects.toEqual(wanted);
    expect(sink.ended).toBe(false);
  });
});
