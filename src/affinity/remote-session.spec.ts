import { describe, expect, it } from '@jest/globals';
import { result, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { WorkerBus, type BusEnd, type BusExchange, type BusOrder } from '#lib/worker-bus';
import { callerOf, LEGACY_CLIENT, remoteServer } from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { RemoteSession } from './remote-session.js';

const server = remoteServer('a');
const order = { session: 'id', caller: callerOf('me'), endpoint: 'a' };

interface Sent {
  readonly order: BusOrder;
  readonly emit: (event: unknown) => void | Promise<void>;
  readonly end: (end: BusEnd) => void;
  cancelled: boolean;
}

/** A bus whose other end is the spec. */
class ScriptedBus extends WorkerBus {
  readonly sent: Sent[] = [];
  /** Ends every request at once. */
  reply: ((order: BusOrder) => BusEnd) | undefined;

  override request(what: BusOrder, onEvent: (event: unknown) => void | Promise<void> = () => undefined): BusExchange {
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

function world(reply?: ScriptedBus['reply'], heir?: string) {
  const bus = new ScriptedBus();
  bus.reply = reply;
  const route = { order, owner: 'owner', revision: '2025-11-25' };
  return { bus, session: new RemoteSession(route, { bus, findNewOwner: async () => heir }) };
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

describe('a call of a session that lives elsewhere', () => {
  it('travels to the owner with all that it needs and no token', async () => {
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

  it('gives its events on as they come, and waits for a slow client', async () => {
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

  it('is told when another connection took its stream over', async () => {
    const { bus, session } = world();
    const sink = new RecordingSink();
    void session.call(callOf(1), sink);
    void bus.last.emit({ kind: 'ended' });
    expect(sink.ended).toBe(true);
  });

  const ends: [string, BusEnd, JsonObject][] = [
    ['nobody was there', { kind: 'not-executed', cause: 'unreachable' }, { code: -31001, outcome: 'not_executed' }],
    ['Redis is away', { kind: 'not-executed', cause: 'unavailable' }, { code: -31007, outcome: 'not_executed' }],
    ['Redis failed in between', { kind: 'unknown', cause: 'relay' }, { code: -31002, outcome: 'unknown' }],
    ['the owner died', { kind: 'unknown', cause: 'owner-gone' }, { code: -31002, outcome: 'unknown' }],
    ['the time is over', { kind: 'unknown', cause: 'deadline' }, { code: -31002, outcome: 'unknown' }],
    ['a frame is missing', { kind: 'unknown', cause: 'gap' }, { code: -31002, outcome: 'unknown' }],
    ['the handler threw', { kind: 'failed' }, { code: -32603, outcome: 'unknown' }],
    ['the value is no outcome', { kind: 'value', value: {} }, { code: -32603, outcome: 'unknown' }],
    ['the value is nothing', { kind: 'value', value: null }, { code: -32603, outcome: 'unknown' }],
  ];

  it.each(ends)('fails truthfully when %s', async (_name, end, { code, outcome }) => {
    const { session } = world(() => end);
    expect(await session.call(callOf(1), new RecordingSink())).toMatchObject({
      kind: 'error',
      error: { code, data: { outcome } },
    });
  });

  it('is refused with 503 where nothing was run, which the client learns from the HTTP status too', async () => {
    const { session } = world(() => ({ kind: 'not-executed', cause: 'unreachable' }));
    expect(await session.call(callOf(1), new RecordingSink())).toMatchObject({ refused: true, httpStatus: 503 });
    const { session: other } = world(() => ({ kind: 'unknown', cause: 'relay' }));
    expect(await other.call(callOf(1), new RecordingSink())).not.toHaveProperty('refused');
  });

  it.each<[string, BusEnd]>([
    ['refuses it', { kind: 'refused', reason: 'session_gone' }],
    ['finds it gone', { kind: 'value', value: { kind: 'gone' } }],
  ])('is refused with 404 when the owner %s', async (_name, end) => {
    const { session } = world(() => end);
    expect(await session.call(callOf(1), new RecordingSink())).toMatchObject({ refused: true, httpStatus: 404 });
  });

  it('is refused with 503 by an owner that leaves, when nobody has the session yet', async () => {
    const { session } = world(() => ({ kind: 'refused', reason: 'leaving' }));
    expect(await session.call(callOf(1), new RecordingSink())).toMatchObject({ refused: true, httpStatus: 503 });
  });
});

describe('a session that was given to another worker', () => {
  it.each<[string, BusEnd]>([
    ['refuses', { kind: 'refused', reason: 'session_moved', detail: 'heir' }],
    ['answers', { kind: 'value', value: { kind: 'moved', to: 'heir' } }],
  ])('is followed there when its old owner %s', async (_name, moved) => {
    const { bus, session } = world(({ to }) => (to === 'owner' ? moved : done()));
    expect(await session.call(callOf(1), new RecordingSink())).toEqual(result({}));
    expect(bus.sent.map(({ order: { to } }) => to)).toEqual(['owner', 'heir']);
  });

  it.each<[string, BusEnd]>([
    ['is not there any more', { kind: 'not-executed', cause: 'unreachable' }],
    ['takes leave', { kind: 'refused', reason: 'leaving' }],
  ])('is followed there when its old owner %s', async (_name, nobody) => {
    const { bus, session } = world(({ to }) => (to === 'owner' ? nobody : done()), 'heir');
    expect(await session.call(callOf(1), new RecordingSink())).toEqual(result({}));
    expect(bus.sent.map(({ order: { to } }) => to)).toEqual(['owner', 'heir']);
  });

  it('is not followed with an order that may have run', async () => {
    const { bus, session } = world(() => ({ kind: 'unknown', cause: 'owner-gone' }), 'heir');
    expect(await session.call(callOf(1), new RecordingSink())).toMatchObject({ error: { code: -31002 } });
    expect(bus.sent).toHaveLength(1);
  });

  it('is not followed for ever', async () => {
    const { bus, session } = world(() => ({ kind: 'refused', reason: 'session_moved', detail: 'heir' }));
    await expect(session.cancel(1)).rejects.toEqual(UNKNOWN);
    expect(bus.sent.length).toBeLessThan(10);
  });
});

describe('everything else of a session that lives elsewhere', () => {
  it('travels the same way, and is done once the owner has done it', async () => {
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

  it('fails as it would here', async () => {
    const refused = { kind: 'error', error: { code: -31003, message: 'Full' }, httpStatus: 429 } as const;
    const { session } = world(() => value(refused));
    const wanted = expect.objectContaining({ code: -31003, message: 'Full', httpStatus: 429 });
    await expect(session.setLogLevel('debug')).rejects.toEqual(wanted);
  });
});

describe('a stream of a session that lives elsewhere', () => {
  it('is open once the owner has found it, and ends with it', async () => {
    const { bus, session } = world();
    const sink = new RecordingSink();
    const opening = session.openStream(sink, '1-3');
    expect(bus.last.order.payload).toMatchObject({ lastEventId: '1-3' });
    expect(bus.last.order).not.toHaveProperty('budgetMs');
    void bus.last.emit({ kind: 'opened', eventId: '1-4' });
    void bus.last.emit({ kind: 'found', standing: true });
    expect((await opening).isServerStream).toBe(true);
    expect(sink.summary).toEqual(['opened']);
    bus.last.end({ kind: 'unknown', cause: 'owner-gone' });
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    expect(sink.ended).toBe(true);
  });

  it('is let go of when its client has left', async () => {
    const { bus, session } = world();
    const opening = session.openStream(new RecordingSink());
    void bus.last.emit({ kind: 'found', standing: true });
    (await opening).detach();
    expect(bus.last.cancelled).toBe(true);
  });

  it('has run nothing when its owner is lost before it was found', async () => {
    const { session } = world(() => ({ kind: 'unknown', cause: 'owner-gone' }));
    const wanted = expect.objectContaining({ code: -31001, httpStatus: 503 });
    await expect(session.openStream(new RecordingSink())).rejects.toEqual(wanted);
  });

  it('is refused where the owner refuses', async () => {
    const gone = { kind: 'error', error: { code: -32600, message: 'No events are kept' }, httpStatus: 400 } as const;
    const { session } = world(() => value(gone));
    const wanted = expect.objectContaining({ message: 'No events are kept', httpStatus: 400 });
    const sink = new RecordingSink();
    await expect(session.openStream(sink, '9-9')).rejects.toEqual(wanted);
    expect(sink.ended).toBe(false);
  });
});
