import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { OutcomeError } from '#lib/extension-kit';
import { result, type Answer, type Outcome } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import { callerOf, LEGACY_CLIENT, settled, type SentRequest } from '../../test/support/fake-upstream.js';
import { sessionLost } from '../upstream/testing.js';
import { LinkedBus } from './linked-bus-fixture.js';
import {
  CLIENT_WITH_ROOTS,
  NEVER_ABORTED,
  connectionOwner,
  RecordingReply,
  server,
  createToolCall,
} from './connection-owner-fixture.js';
import { LEASE_TTL_MS, PoolPattern } from './pool-orders.js';
import { isNotRun } from './connections.errors.js';
import { RemoteConnection } from './remote-connection.js';

const LOGGED = { method: 'notifications/message', params: { level: 'info', data: 'hello' } };
const LIST_CHANGED = { method: 'notifications/tools/list_changed', params: {} };

let there: ReturnType<typeof connectionOwner>;
let clock: ManualClock;
let bus: LinkedBus;
let ends: string[];
let notified: string[];

const connect = (client = LEGACY_CLIENT, caller = callerOf('me'), time = clock): Promise<RemoteConnection> =>
  RemoteConnection.open(
    bus,
    { worker: 'there', server, caller, client },
    { notify: ({ method }) => void notified.push(method), closed: (reason) => void ends.push(reason) },
    time,
  );

const child = () => {
  const [opened] = there.connector.opened;
  if (!opened) throw new Error('Nothing was opened');
  return opened;
};

/** Returns true when the owner closes the connection because it has no users. */
function isUnused(): boolean {
  there.pool.evictIdle(clock.now() + 1_000);
  return child().closed;
}

/** Starts a call whose server has sent its client a question. */
async function askOverPart() {
  there.connector.respond = async ({ reply, signal }) => {
    const given = await reply.answerQuestion({ method: 'roots/list', params: {} }, signal);
    return result({ given: 'result' in given ? given.result : {} });
  };
  const connection = await connect(CLIENT_WITH_ROOTS);
  const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<Answer>()];
  const reply = new RecordingReply(() => {
    asked.resolve();
    return answered.promise;
  });
  const outcome = connection.request(createToolCall({ client: CLIENT_WITH_ROOTS }), reply, NEVER_ABORTED);
  await asked.promise;
  return { outcome, give: answered.resolve };
}

beforeEach(() => {
  [ends, notified] = [[], []];
  clock = new ManualClock();
  there = connectionOwner(clock);
  bus = new LinkedBus('here');
  bus.workers.set('there', there.serves);
});

afterEach(async () => {
  await there.pool.close();
});

describe('a connection that another worker owns', () => {
  it('is shared by all its users and reports the profile of the server', async () => {
    const [one, other] = [await connect(), await connect()];
    expect(one.profile).toEqual(child().profile);
    expect(other.profile).toEqual(one.profile);
    await connect(LEGACY_CLIENT, callerOf('you'));
    expect(there.connector.opened).toHaveLength(2);
  });

  it('does not forward the claims and roles of a token', async () => {
    await connect(LEGACY_CLIENT, { ...callerOf('me'), claims: { email: 'me@example.org' }, roles: ['admin'] });
    expect(JSON.stringify(bus.orders)).not.toMatch(/example\.org|admin/);
  });

  it('stays open at its owner when a lease is released, until no lease is left', async () => {
    const [one, other] = [await connect(), await connect()];
    await one.close();
    expect([one.closed, isUnused()]).toEqual([true, false]);
    await other.close();
    expect([isUnused(), ends]).toEqual([true, []]);
  });

  it('reports why it cannot be opened', async () => {
    const error = { code: -31004, message: 'No', data: { outcome: 'not_executed', retriable: true } };
    there.connector.beforeOpening = () => Promise.reject(new OutcomeError({ kind: 'error', error, httpStatus: 502 }));
    await expect(connect()).rejects.toMatchObject({ code: -31004, data: { outcome: 'not_executed' } });
  });

  it.each([
    ['the worker dies', 'owner-dead', -31001],
    ['Redis fails', 'relay', -31007],
  ] as const)('cannot be opened when %s; no call has run then', async (_name, cause, code) => {
    there.connector.beforeOpening = () => new Promise(() => undefined);
    const opening = connect();
    bus.failInFlight(cause);
    await expect(opening).rejects.toMatchObject({ code, data: { outcome: 'not_executed', retriable: true } });
  });

  it('cannot be opened when its worker is not running; no call has run then', async () => {
    bus.workers.clear();
    await expect(connect()).rejects.toMatchObject({ code: -31001, data: { outcome: 'not_executed', retriable: true } });
  });

  it('forwards the server’s own notifications while only one principal uses it', async () => {
    await connect();
    child().emitNotification(LOGGED);
    await settled();
    expect(notified).toEqual([LOGGED.method]);
  });

  it('forwards the notifications of clients to the server', async () => {
    const connection = await connect();
    expect(await connection.notify({ method: 'notifications/roots/list_changed', params: {} })).toEqual(result({}));
    expect(child().sentNotifications.map(({ method }) => method)).toEqual(['notifications/roots/list_changed']);
  });
});

describe('a request over a connection that another worker owns', () => {
  const answer = (respond: (sent: SentRequest) => Outcome | Promise<Outcome>) => (there.connector.respond = respond);

  it('is forwarded unchanged, and so is its outcome', async () => {
    const error = { code: -32602, message: 'Unknown tool', data: { tool: 'any' } };
    answer(({ request }) => (request.method === 'tools/call' ? { kind: 'error', error } : result({ tools: [] })));
    const connection = await connect();
    const request = createToolCall({ progressToken: 'p', parameterHeaders: { 'Mcp-Param-A': 1 } });
    expect(await connection.request(request, new RecordingReply(), NEVER_ABORTED)).toEqual({ kind: 'error', error });
    expect(child().sent[0]?.request).toEqual(request);
    expect(
      await connection.request(createToolCall({ method: 'tools/list' }), new RecordingReply(), NEVER_ABORTED),
    ).toEqual(result({ tools: [] }));
  });

  it('is preceded by its events in the order of the server', async () => {
    answer(async ({ reply }) => {
      reply.opened?.(100);
      await reply.notify(LOGGED);
      reply.interrupted?.();
      return result({});
    });
    const reply = new RecordingReply();
    await (await connect()).request(createToolCall(), reply, NEVER_ABORTED);
    expect(reply.received).toEqual(['opened 100', LOGGED.method, 'interrupted']);
  });

  it('has no time budget while its client can be asked questions', async () => {
    answer(async ({ reply }) => {
      const given = await reply.answerQuestion({ method: 'roots/list', params: {} }, NEVER_ABORTED);
      return result({ given: 'result' in given ? given.result : {} });
    });
    const connection = await connect(CLIENT_WITH_ROOTS);
    const reply = new RecordingReply(async () => ({ result: { roots: [] } }));
    const outcome = await connection.request(createToolCall({ client: CLIENT_WITH_ROOTS }), reply, NEVER_ABORTED);
    expect(outcome).toEqual(result({ given: { roots: [] } }));
    const budgets = bus.orders.filter(({ pattern }) => pattern === PoolPattern.request).map(({ budgetMs }) => budgetMs);
    expect(budgets).toEqual([undefined]);
  });

  it('informs the server that the client did not answer a question', async () => {
    answer(async ({ reply }) => {
      const given = await reply.answerQuestion({ method: 'roots/list', params: {} }, NEVER_ABORTED).catch(() => 'none');
      return result({ given: given as string });
    });
    const connection = await connect(CLIENT_WITH_ROOTS);
    const reply = new RecordingReply(() => Promise.reject(new Error('too late')));
    expect(await connection.request(createToolCall(), reply, NEVER_ABORTED)).toEqual(result({ given: 'none' }));
  });

  it('withdraws a question at the client when the server withdraws it', async () => {
    const asked = Promise.withResolvers<void>();
    const withdraw = new AbortController();
    answer(async ({ reply }) => {
      await reply.answerQuestion({ method: 'roots/list', params: {} }, withdraw.signal).catch(() => undefined);
      return result({});
    });
    const withdrawn = Promise.withResolvers<void>();
    const reply = new RecordingReply((_question, signal) => {
      asked.resolve();
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          withdrawn.resolve();
          reject(new Error('withdrawn'));
        });
      });
    });
    const outcome = (await connect(CLIENT_WITH_ROOTS)).request(createToolCall(), reply, NEVER_ABORTED);
    await asked.promise;
    withdraw.abort();
    await withdrawn.promise;
    expect(await outcome).toEqual(result({}));
    expect(bus.orders.some(({ pattern }) => pattern === PoolPattern.answer)).toBe(false);
  });

  it('is cancelled at the owner when its caller aborts it', async () => {
    answer(() => new Promise(() => undefined));
    const controller = new AbortController();
    const outcome = (await connect()).request(createToolCall(), new RecordingReply(), controller.signal);
    while (child().sent.length === 0) await settled();
    controller.abort();
    expect(await outcome).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown' } } });
    expect(child().sent[0]?.signal.aborted).toBe(true);
  });

  it('is not sent when its caller aborted it before', async () => {
    const outcome = await (await connect()).request(createToolCall(), new RecordingReply(), AbortSignal.abort());
    expect(outcome).toMatchObject({ error: { data: { outcome: 'not_executed' } } });
    expect(child().sent).toEqual([]);
  });

  it('has the time budget of its server plus the margin for delivery', async () => {
    await (await connect()).request(createToolCall(), new RecordingReply(), NEVER_ABORTED);
    const sent = bus.orders.find(({ pattern }) => pattern === PoolPattern.request);
    expect(sent?.budgetMs).toBe(server.timeouts.connectMs + server.timeouts.requestMs + 5_000);
  });

  it('is rejected when another worker uses its lease', async () => {
    await connect();
    const { part } = Object(bus.orders[0]?.payload) as { part: string };
    const otherWorker = new LinkedBus('other worker');
    otherWorker.workers.set('there', there.serves);
    const payload = { part, call: 'c', request: createToolCall() };
    const { end } = otherWorker.request({ to: 'there', pattern: PoolPattern.request, payload });
    expect(await end).toMatchObject({ value: { kind: 'not-held' } });
    expect(child().sent).toEqual([]);
  });
});

describe('a remote connection that is lost', () => {
  it('closes once when it closes at its owner; the next request is not executed', async () => {
    const connection = await connect();
    child().breakOff();
    await settled();
    await settled();
    expect([connection.closed, ends.length]).toEqual([true, 1]);
    expect(await connection.request(createToolCall(), new RecordingReply(), NEVER_ABORTED)).toMatchObject({
      error: { code: -31001, data: { outcome: 'not_executed', retriable: true } },
    });
    await expect(connection.subscribe({}, () => undefined)).rejects.toMatchObject({ code: -31001 });
  });

  it('is replaced for a request that the server refused because it had lost the session', async () => {
    const lost = sessionLost(server.slug) as Extract<Outcome, { kind: 'error' }>;
    const connection = await connect();
    there.connector.respond = () => {
      child().breakOff();
      return lost;
    };
    const outcome = await connection.request(createToolCall(), new RecordingReply(), NEVER_ABORTED);
    expect(isNotRun(outcome)).toBe(true);
    // If the repetition fails, too, the client receives the same error as at the owner of the connection.
    expect(outcome).toEqual(lost);
    expect([connection.closed, ends.length]).toEqual([true, 1]);
    there.connector.beforeSubscribing = async () => Promise.reject(new OutcomeError(lost));
    const next = await connect();
    const refused = await next.subscribe({}, () => undefined).catch((cause: unknown) => cause);
    expect(refused instanceof OutcomeError && isNotRun(refused.outcome)).toBe(true);
    expect(next.closed).toBe(true);
  });

  it.each(['owner-dead', 'relay'] as const)('reports in-flight calls as unknown when it ends by %s', async (cause) => {
    there.connector.respond = () => new Promise(() => undefined);
    const connection = await connect();
    const outcome = connection.request(createToolCall(), new RecordingReply(), NEVER_ABORTED);
    while (child().sent.length === 0) await settled();
    bus.failInFlight(cause);
    expect(await outcome).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown', retriable: false } } });
    expect([connection.closed, ends.length]).toEqual([true, 1]);
  });

  it('closes when the worker of a call is dead', async () => {
    const connection = await connect();
    bus.workers.clear();
    expect(await connection.request(createToolCall(), new RecordingReply(), NEVER_ABORTED)).toMatchObject({
      error: { code: -31001, data: { outcome: 'not_executed' } },
    });
    expect([connection.closed, ends.length]).toEqual([true, 1]);
  });
});

describe('a connection lease', () => {
  it('is renewed while it is used and survives a failed renewal', async () => {
    // A lease whose renewal never becomes due.
    const connection = await connect(LEGACY_CLIENT, callerOf('me'), new ManualClock());
    const countRenewals = () => bus.countInFlight(PoolPattern.open);
    const renewed = await connect();
    expect(countRenewals()).toBe(2);
    await clock.advance(LEASE_TTL_MS / 3);
    await settled();
    await settled();
    expect([countRenewals(), bus.orders.length]).toEqual([2, 3]);
    const serves = bus.workers.get('there');
    bus.workers.clear();
    await clock.advance(LEASE_TTL_MS / 3);
    await settled();
    if (serves) bus.workers.set('there', serves);
    await clock.advance(LEASE_TTL_MS / 3);
    await settled();
    await settled();
    expect([renewed.closed, connection.closed, ends.length, countRenewals()]).toEqual([false, false, 0, 2]);
    child().emitNotification(LOGGED);
    await settled();
    expect(notified).toHaveLength(2);
  });

  it('delivers the answer to a question although an administrator closed the connection meanwhile', async () => {
    const { outcome, give } = await askOverPart();
    const [view] = there.pool.list({ after: 0, limit: 1 });
    expect(there.pool.closeBySerial(view?.serial ?? 0)).toBe(true);
    await settled();
    give({ result: { roots: [] } });
    expect(await outcome).toEqual(result({ given: { roots: [] } }));
  });

  it('cancels a call whose answer cannot be delivered', async () => {
    const { outcome, give } = await askOverPart();
    bus.workers.set('there', new Map([...there.serves, [PoolPattern.answer, async () => ({ kind: 'not-held' })]]));
    give({ result: { roots: [] } });
    expect(await outcome).toMatchObject({ kind: 'error' });
  });

  it('expires by itself when its release was lost', async () => {
    await connect();
    bus.failInFlight('relay');
    expect(isUnused()).toBe(false);
    bus.expire(PoolPattern.open);
    await settled();
    expect(isUnused()).toBe(true);
  });

  it('lasts until its last call is answered', async () => {
    const answered = Promise.withResolvers<Outcome>();
    there.connector.respond = () => answered.promise;
    const connection = await connect();
    const outcome = connection.request(createToolCall(), new RecordingReply(), NEVER_ABORTED);
    while (child().sent.length === 0) await settled();
    await connection.close();
    expect(isUnused()).toBe(false);
    answered.resolve(result({ late: true }));
    expect(await outcome).toEqual(result({ late: true }));
    expect(isUnused()).toBe(true);
  });
});

describe('a subscription at a connection that another worker owns', () => {
  it('forwards changes until it is closed', async () => {
    const connection = await connect();
    const changes: string[] = [];
    const listening = await connection.subscribe({ toolsListChanged: true }, ({ method }) => void changes.push(method));
    expect(listening.honoured).toEqual({ toolsListChanged: true });
    child().emitChange(LIST_CHANGED);
    await settled();
    await listening.close();
    child().emitChange(LIST_CHANGED);
    await settled();
    expect([changes, child().listeners.length, connection.closed]).toEqual([[LIST_CHANGED.method], 0, false]);
  });

  it('reports the resources that the server refused, with the server’s own error', async () => {
    const refusal = { kind: 'error', error: { code: -32002, message: 'No such resource' } } as const;
    there.connector.refuses = () => [{ uri: 'f:/x', refusal }];
    const connection = await connect();
    const listening = await connection.subscribe({ toolsListChanged: true }, () => undefined);
    expect(listening.refused).toEqual([{ uri: 'f:/x', refusal }]);
    await listening.close();
  });

  it('is refused with the server’s own error', async () => {
    const error = { code: -32002, message: 'No such resource' };
    there.connector.beforeSubscribing = () => Promise.reject(new OutcomeError({ kind: 'error', error }));
    const connection = await connect();
    await expect(connection.subscribe({}, () => undefined)).rejects.toMatchObject({ code: -32002 });
    expect(connection.closed).toBe(false);
  });

  it('closes the connection when it ends, so that its subscribers reconnect', async () => {
    const connection = await connect();
    await connection.subscribe({ toolsListChanged: true }, () => undefined);
    bus.failInFlight('gap', PoolPattern.listen);
    await settled();
    expect([connection.closed, ends.length]).toEqual([true, 1]);
    await settled();
    expect(child().listeners).toEqual([]);
  });
});
