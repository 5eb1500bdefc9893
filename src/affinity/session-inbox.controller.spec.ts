import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { GatewayError } from '#lib/extension-kit';
import { result, type Outcome } from '#lib/mcp-protocol';
import { callerOf, remoteServer } from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { until } from '../../test/support/until.js';
import { CallProgress } from '../telemetry/index.js';
import type { LocatedSession } from './session-router.js';
import { createCall, BINDING, WorkerCluster, SERVER, type TestWorker } from './worker-cluster-fixture.js';
import { SessionPattern } from './session-orders.js';

const LOGGED = { method: 'notifications/message', params: { level: 'info', data: 'hello' } };
const TOOLS = { method: 'notifications/tools/list_changed', params: {} };
const UPDATED = { method: 'notifications/resources/updated', params: { uri: 'file:///x' } };
const RESOURCE = { server: SERVER, own: 'file:///x', uri: 'a+file:///x' };
const NEVER = new AbortController().signal;
const UNKNOWN = expect.objectContaining({ httpStatus: 404, message: 'Session not found. Initialize a new one.' });

let cluster: WorkerCluster;
let owner: TestWorker;
let other: TestWorker;

/** Locates the session on the worker that does not own it. */
async function elsewhere(id: string): Promise<LocatedSession> {
  const session = await other.router.locate(id, BINDING);
  expect(session.location).toBe('remote');
  return session;
}

const opened = async (): Promise<LocatedSession> => elsewhere(owner.open().id);
const sent = () => owner.connector.opened.flatMap((connection) => connection.sent);

beforeEach(async () => {
  cluster = new WorkerCluster();
  owner = await cluster.start();
  other = await cluster.start();
  Logger.overrideLogger(false);
});

afterEach(async () => {
  await cluster.close();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

describe('a call that arrives at a worker that does not own its session', () => {
  it('runs at the owner, with the session and the client profile of the owner', async () => {
    owner.connector.respond = ({ request }) => result({ received: request.params });
    const client = { revision: '2025-11-25', capabilities: { roots: {} } };
    const session = await elsewhere(owner.open({ client }).id);
    expect(await session.call(createCall(1), new RecordingSink())).toEqual({
      ...result({ received: { name: 'x' } }),
      serverEra: 'legacy',
    });
    expect(owner.connector.opened.map((connection) => connection.client.capabilities)).toEqual([{ roots: {} }]);
    expect(other.connector.opened).toEqual([]);
    expect(session.client.revision).toBe('2025-11-25');
  });

  it('reports to the record of the request who ran it, and how long the server and the client took', async () => {
    const progress = new CallProgress(cluster.clock);
    const started = Promise.withResolvers<void>();
    owner.connector.respond = async ({ reply }) => {
      started.resolve();
      await owner.clock.sleep(40);
      await reply.answerQuestion({ method: 'roots/list', params: {} }, NEVER);
      return result({});
    };
    const session = await opened();
    const sink = new RecordingSink();
    const outcome = session.call(createCall(1, { progress }), sink);
    await started.promise;
    await cluster.clock.advance(40);
    await until(() => sink.events.some(({ kind }) => kind === 'question'));
    await cluster.clock.advance(500);
    const [question] = sink.events.flatMap((event) => (event.kind === 'question' ? [event] : []));
    await session.answer(question?.id ?? 0, { result: { roots: [] } });
    expect(await outcome).toEqual({ ...result({}), eventId: '1-2', serverEra: 'legacy' });
    expect(progress).toMatchObject({ forwardedTo: owner.name, serverEra: 'legacy' });
    expect(progress.toReport()).toMatchObject({ serverMs: 40, clientMs: 500 });
  });

  it('forwards notifications with event ids, and the questions of the server', async () => {
    owner.connector.respond = async ({ reply }) => {
      await reply.notify(LOGGED);
      const answer = await reply.answerQuestion({ method: 'roots/list', params: {} }, NEVER);
      return result({ answer: 'result' in answer ? answer.result : {} });
    };
    const session = await opened();
    const sink = new RecordingSink();
    const outcome = session.call(createCall(1), sink);
    await sink.until(({ events }) => events.some(({ kind }) => kind === 'question'));
    const question = sink.events.find((event) => event.kind === 'question');
    await session.answer(question?.kind === 'question' ? question.id : 0, { result: { roots: [] } });
    expect(await outcome).toMatchObject({ ...result({ answer: { roots: [] } }), eventId: '1-3' });
    expect(sink.eventIds).toEqual(['1-0', '1-1', '1-2']);
  });

  it('has no time limit while its client answers questions one after the other', async () => {
    owner.connector.respond = async ({ reply }) => {
      for (let round = 1; round <= 4; round += 1)
        await reply.answerQuestion({ method: 'roots/list', params: {} }, NEVER);
      return result({});
    };
    const session = await opened();
    const sink = new RecordingSink();
    let isOver = false;
    const outcome = session.call(createCall(1), sink).finally(() => (isOver = true));
    for (let round = 1; round <= 4; round += 1) {
      await until(() => isOver || sink.summary.includes(`question ${round}`));
      await cluster.clock.advance(180_000);
      await session.answer(round, { result: { roots: [] } });
    }
    expect(await outcome).toMatchObject({ kind: 'result' });
  });

  it('ends with an unknown outcome when its owner dies while the client answers a question', async () => {
    owner.connector.respond = ({ reply }) =>
      reply.answerQuestion({ method: 'roots/list', params: {} }, NEVER).then(() => result({}));
    const sink = new RecordingSink();
    const outcome = (await opened()).call(createCall(1), sink);
    await until(() => sink.summary.includes('question 1'));
    await cluster.clock.advance(180_000);
    await cluster.relay.leave(owner.name);
    await cluster.clock.advance(2_000);
    expect(await outcome).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown' } } });
  });

  it('starts in the order of arrival among the calls of its session', async () => {
    const session = await opened();
    const ids = Array.from({ length: 20 }, (_, index) => index);
    owner.connector.respond = ({ request }) => result({ name: request.params['name'] });
    await Promise.all(
      ids.map((id) =>
        session.call(createCall(id, { request: { method: 'tools/call', params: { name: id } } }), new RecordingSink()),
      ),
    );
    expect(sent().map(({ request }) => request.params['name'])).toEqual(ids);
  });

  it('is cancelled at the server by its client’s cancellation only', async () => {
    owner.connector.respond = () => new Promise<Outcome>(() => undefined);
    const session = await opened();
    const outcome = session.call(createCall(7), new RecordingSink());
    await until(() => sent().length === 1);
    await session.cancel(8);
    expect(sent()[0]?.signal.aborted).toBe(false);
    await session.cancel(7);
    expect(await outcome).toMatchObject({ error: { code: -31002 } });
    expect(sent()[0]?.signal.aborted).toBe(true);
  });

  it('reaches no server when its cancellation arrives first, on any worker', async () => {
    const { id } = owner.open();
    const [here, there] = [await owner.router.locate(id, BINDING), await elsewhere(id)];
    await there.cancel(1);
    await here.cancel(2);
    const outcomes = [here.call(createCall(1), new RecordingSink()), there.call(createCall(2), new RecordingSink())];
    const cancelled = { kind: 'error', error: { data: { outcome: 'not_executed' } } };
    expect(await Promise.all(outcomes)).toMatchObject([cancelled, cancelled]);
    expect(sent()).toEqual([]);
  });

  it('fails with the server’s own error', async () => {
    owner.connector.respond = () => ({
      kind: 'error',
      error: { code: -32042, message: 'Visit first', data: { a: 1 } },
    });
    const session = await opened();
    expect(await session.call(createCall(1), new RecordingSink())).toEqual({
      kind: 'error',
      error: { code: -32042, message: 'Visit first', data: { a: 1 } },
    });
  });

  it('fails with an internal error when the handler throws, without the text of the exception', async () => {
    owner.connector.respond = () => {
      throw new TypeError('a secret of ours');
    };
    const session = await opened();
    const outcome = await session.call(createCall(1), new RecordingSink());
    expect(outcome).toMatchObject({ kind: 'error', error: { code: -32603, data: { outcome: 'unknown' } } });
    expect(JSON.stringify(outcome)).not.toContain('secret');
  });

  it('is not executed when its owner does not have the server configured or enabled', async () => {
    const session = await opened();
    const data = { outcome: 'not_executed', server: 'new' };
    expect(await session.call(createCall(1, { server: remoteServer('new') }), new RecordingSink())).toMatchObject({
      error: { code: -31004, data },
    });
    owner.registry.configure([{ ...SERVER, enabled: false }]);
    expect(await session.call(createCall(2), new RecordingSink())).toMatchObject({ error: { code: -31004 } });
    expect(sent()).toEqual([]);
  });
});

describe('other messages of a client at a worker that does not own its session', () => {
  it('forward a notification to the servers that the session uses', async () => {
    const session = await opened();
    await session.call(createCall(1), new RecordingSink());
    const roots = { method: 'notifications/roots/list_changed', params: {} };
    await session.notify(roots);
    expect(owner.connector.opened[0]?.sentNotifications).toEqual([roots]);
  });

  it('set the log level of the session at its owner', async () => {
    const session = await opened();
    await session.setLogLevel('error');
    expect(owner.sessions.find(session.id)?.logLevel).toBe('error');
  });

  it('prevent the session from being evicted as idle', async () => {
    const session = await opened();
    const local = owner.sessions.find(session.id);
    if (local) local.lastUsedAt = 0;
    await session.touch();
    owner.sessions.evictIdle(cluster.clock.now());
    expect(owner.sessions.find(session.id)?.isEnded).toBe(false);
  });

  it('subscribe the session to a resource, and its stream receives the updates on any worker', async () => {
    const session = await opened();
    const sink = new RecordingSink();
    await session.openStream(sink);
    await session.subscribe(RESOURCE);
    await until(() => owner.connector.opened.some(({ listeners }) => listeners.length > 0));
    owner.connector.opened[0]?.emitChange(UPDATED);
    // The change is announced once its burst has ended.
    await cluster.clock.advance(1_000);
    await sink.until(({ events }) => events.length === 2);
    expect(sink.events[1]).toMatchObject({ notification: { ...UPDATED, params: { uri: RESOURCE.uri } } });
    await session.unsubscribe(RESOURCE);
    const filters = owner.connector.opened.flatMap(({ listeners }) => listeners.map(({ filter }) => filter));
    expect(filters.filter(({ resourceSubscriptions }) => resourceSubscriptions)).toEqual([]);
  });

  it('report the server’s refusal of a subscription', async () => {
    owner.connector.honours = () => ({});
    const [here, there] = [owner.open(), await opened()];
    const { code, message, httpStatus } = (await here
      .subscribe(RESOURCE)
      .catch((cause: unknown) => cause)) as GatewayError;
    await expect(there.subscribe(RESOURCE)).rejects.toMatchObject({ code, message, httpStatus });
  });

  it('end the session for all workers', async () => {
    const session = await opened();
    await session.end();
    expect(owner.sessions.size).toBe(0);
    expect(await session.call(createCall(1), new RecordingSink())).toMatchObject({ refused: true, httpStatus: 404 });
    await expect(session.end()).rejects.toEqual(UNKNOWN);
    expect(() => owner.router.locate(session.id, BINDING)).toThrow(UNKNOWN);
  });
});

describe('a stream that is opened at a worker that does not own its session', () => {
  it('is the server stream of the session and receives changes until the session ends', async () => {
    const session = await opened();
    const sink = new RecordingSink();
    const stream = await session.openStream(sink);
    expect(stream.isServerStream).toBe(true);
    await until(() => owner.connector.opened.some(({ listeners }) => listeners.length > 0));
    owner.sessions.find(session.id)?.notify(TOOLS);
    await sink.until(({ events }) => events.length === 2);
    expect(sink.summary).toEqual(['opened', TOOLS.method]);
    await session.end();
    await sink.until(({ ended }) => ended);
  });

  it('is detached at the owner when its client disconnects', async () => {
    const session = await opened();
    const stream = await session.openStream(new RecordingSink());
    const local = owner.sessions.find(session.id);
    expect(local?.isIdle).toBe(false);
    stream.detach();
    await until(() => local?.isIdle === true);
  });

  it('resumes after the last event without a gap or a repetition', async () => {
    const session = await opened();
    const cut = new RecordingSink();
    (await session.openStream(cut)).detach();
    const local = owner.sessions.find(session.id);
    await until(() => local?.isIdle === true);
    local?.notify(LOGGED);
    local?.notify(TOOLS);
    const sink = new RecordingSink();
    expect((await session.openStream(sink, '1-1')).isServerStream).toBe(true);
    await sink.until(({ events }) => events.length === 1);
    expect([sink.summary, sink.eventIds]).toEqual([[TOOLS.method], ['1-2']]);
  });

  it('receives the answer of a call whose own stream was cut', async () => {
    const answer = Promise.withResolvers<Outcome>();
    owner.connector.respond = async ({ reply }) => {
      await reply.notify(LOGGED);
      return answer.promise;
    };
    const session = await opened();
    const [cut, rest] = [new RecordingSink(), new RecordingSink()];
    const call = session.call(createCall(1), cut);
    await cut.until(({ events }) => events.length === 2);
    expect((await session.openStream(rest, '1-1')).isServerStream).toBe(false);
    await cut.until(({ ended }) => ended);
    answer.resolve(result({ late: true }));
    await rest.until(({ ended }) => ended);
    expect(rest.summary).toEqual(['answer 1']);
    expect(await call).toMatchObject(result({ late: true }));
  });

  it('is refused when events in between are no longer stored', async () => {
    const session = await opened();
    await expect(session.openStream(new RecordingSink(), '9-9')).rejects.toMatchObject({ httpStatus: 400 });
  });

  it('is refused for a session that has ended', async () => {
    const session = await opened();
    owner.sessions.find(session.id)?.end();
    await expect(session.openStream(new RecordingSink())).rejects.toEqual(UNKNOWN);
  });
});

describe('the owner of a session', () => {
  const order = (pattern: string, payload: object) => {
    const { node } = other.server;
    return node.request({ to: owner.name, pattern, payload }).end;
  };

  it('rejects an order for another principal or endpoint, even from a genuine worker', async () => {
    const { id } = owner.open();
    const unknown = { kind: 'value', value: { kind: 'gone' } };
    const foreign = [
      { caller: callerOf('you'), endpoint: BINDING.endpoint },
      { caller: BINDING.caller, endpoint: 'default' },
    ];
    for (const binding of foreign)
      expect(await order(SessionPattern.end, { session: id, ...binding })).toEqual(unknown);
    expect(owner.sessions.size).toBe(1);
  });

  it('rejects an invalid handoff payload', async () => {
    expect(await order(SessionPattern.adopt, { payload: 'rubbish' })).toMatchObject({
      value: { kind: 'error', error: { code: -32602 } },
    });
    expect(owner.sessions.size).toBe(0);
  });

  it('refuses an order for an unknown session before it is claimed', async () => {
    const end = await order(SessionPattern.call, {
      session: 'never',
      caller: BINDING.caller,
      endpoint: BINDING.endpoint,
    });
    expect(end).toEqual({ kind: 'refused', reason: 'session_gone' });
  });
});
