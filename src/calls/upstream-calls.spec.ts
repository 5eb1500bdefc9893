import { afterEach, describe, expect, it } from '@jest/globals';
import { ANONYMOUS, OutcomeError, type Caller } from '#lib/extension-kit';
import { metaOf, outcomeOfFault, result, type JsonObject, type McpRequest, type Outcome } from '#lib/mcp-protocol';
import {
  callerOf,
  childServer,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  MODERN_CLIENT,
  remoteServer,
  settled,
  unreachable,
} from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { ManualTimer } from '#lib/testing/manual-timer';
import type { ServerDefinition } from '../registry/index.js';
import { ParkedCalls } from './parked-calls.js';
import { NOT_HELD, ServerHealth, UpstreamPool } from '../connections/index.js';
import { createSession, NEVER_ABORTED } from '../session-pool/testing.js';
import { limits } from './calls-fixture.js';
import { UpstreamCalls, type UpstreamCall } from './upstream-calls.js';

const server = remoteServer('a');
const other = remoteServer('b');
const open: UpstreamPool[] = [];

function world(era: 'legacy' | 'modern' = 'legacy', servers: readonly ServerDefinition[] = [server]) {
  const connector = new FakeConnector();
  connector.eras.set('a', era);
  const config = limits({ maxQuestionRounds: 2 });
  const pool = new UpstreamPool(connector, config, new FakeRegistry(servers));
  open.push(pool);
  const timer = new ManualTimer();
  const health = new ServerHealth(new FakeRegistry());
  return { connector, timer, calls: new UpstreamCalls(pool, config, new ParkedCalls(config, config), health, timer) };
}

afterEach(async () => {
  for (const pool of open.splice(0)) await pool.close();
});

const callOf = (request: Partial<McpRequest> = {}, more: Partial<UpstreamCall> = {}): UpstreamCall => ({
  server,
  request: { method: 'tools/call', params: { name: 'echo' }, ...request },
  caller: callerOf('me'),
  client: LEGACY_CLIENT,
  requestId: 7,
  clientRepeatsCall: false,
  ...more,
});

const PROGRESS = { method: 'notifications/progress', params: { progress: 1 } };
const log = (level: string) => ({ method: 'notifications/message', params: { level } });

describe('a call of a session', () => {
  it('is answered with what the server says, preceded by what the server said before', async () => {
    const { connector, calls } = world();
    connector.respond = async ({ reply }) => {
      await reply.notify(PROGRESS);
      return result({ content: [] });
    };
    const sink = new RecordingSink();
    const session = createSession();
    const outcome = await calls.runInSession(session, callOf(), sink);
    expect(sink.summary).toEqual(['opened', PROGRESS.method]);
    expect(outcome).toEqual({ ...result({ content: [] }), eventId: '1-2' });
    expect(session.isIdle).toBe(true);
  });

  it('is cancelled by the session’s own words', async () => {
    const { connector, calls } = world();
    connector.respond = () => new Promise<Outcome>(() => undefined);
    const session = createSession();
    const outcome = calls.runInSession(session, callOf(), new RecordingSink());
    await settled();
    session.cancel(7);
    expect(await outcome).toEqual(outcomeOfFault('aborted'));
    expect(session.isIdle).toBe(true);
  });

  it('reaches no server where it was cancelled before it began', async () => {
    const { connector, calls } = world();
    const session = createSession();
    session.cancel(7);
    const outcome = await calls.runInSession(session, callOf(), new RecordingSink());
    expect(outcome).toMatchObject({ kind: 'error', error: { code: -31004, data: { outcome: 'not_executed' } } });
    expect(connector.opened).toEqual([]);
    expect(session.isIdle).toBe(true);
  });

  it('hears no log message below the level of its session, which the server is told', async () => {
    const { connector, calls } = world();
    connector.respond = async ({ reply }) => {
      for (const level of ['debug', 'error']) await reply.notify(log(level));
      return result({});
    };
    const session = createSession();
    session.logLevel = 'warning';
    const sink = new RecordingSink();
    await calls.runInSession(session, callOf(), sink);
    expect(sink.events.slice(1)).toMatchObject([{ notification: log('error') }]);
    expect(connector.opened[0]?.sent.map(({ request }) => request.logLevel)).toEqual(['warning']);
  });

  it('does not silence another session that shares the connection by setting its own level', async () => {
    const child = childServer('a');
    const { connector, calls } = world('legacy', [child]);
    for (const level of ['debug', 'error']) {
      const set = callOf({ method: 'logging/setLevel', params: { level } }, { server: child });
      await calls.runInSession(createSession(), set, new RecordingSink());
    }
    expect(connector.opened).toHaveLength(1);
    expect(connector.opened[0]?.sent.map(({ request }) => request.params)).toEqual([
      { level: 'debug' },
      { level: 'debug' },
    ]);
  });

  it('says whose it is, as far as clients can be told apart', async () => {
    const { connector, calls } = world('modern');
    const session = createSession();
    const unknown = createSession({ caller: ANONYMOUS });
    await calls.runInSession(session, callOf(), new RecordingSink());
    await calls.runInSession(unknown, callOf({}, { caller: ANONYMOUS }), new RecordingSink());
    const alone = (caller: Caller) =>
      calls.runWithoutSession(callOf({}, { caller }), new RecordingSink(), NEVER_ABORTED);
    await alone(callerOf('me'));
    await alone(ANONYMOUS);
    const me = `principal ${callerOf('me').key}`;
    expect(connector.opened[0]?.sent.map(({ request }) => request.asker)).toEqual([
      { principal: me, client: `session ${session.id}` },
      { principal: `session ${unknown.id}`, client: `session ${unknown.id}` },
      { principal: me, client: me },
      undefined,
    ]);
  });

  it('asks the client what the server asks, and withdraws the question when the call ends', async () => {
    const { connector, calls } = world();
    connector.respond = async ({ reply, signal }) => {
      const answer = await reply.answerQuestion({ method: 'roots/list', params: {} }, signal);
      return result({ answer } as unknown as JsonObject);
    };
    const session = createSession();
    const sink = new RecordingSink();
    const first = calls.runInSession(session, callOf(), sink);
    await sink.until(({ summary }) => summary.includes('question 1'));
    session.answerQuestion(1, { result: { roots: [] } });
    expect(await first).toMatchObject({ result: { answer: { result: { roots: [] } } } });
  });

  it('brings the client’s progress on a question to the server that asked, under its own token, while it is open', async () => {
    const { connector, calls } = world('legacy', [server, other]);
    connector.respond = async ({ reply, signal }) => {
      await reply.answerQuestion({ method: 'roots/list', params: { _meta: { progressToken: 0, kept: true } } }, signal);
      return result({});
    };
    const session = createSession();
    const sink = new RecordingSink();
    const running = [callOf(), callOf({}, { server: other })].map((call) => calls.runInSession(session, call, sink));
    await sink.until(({ summary }) => summary.includes('question 2'));
    const tokens = sink.events.flatMap((event) => (event.kind === 'question' ? [metaOf(event.question.params)] : []));
    expect(tokens).toEqual([1, 2].map((progressToken) => ({ progressToken, kept: true })));
    const progressOn = (progressToken: number) => ({ method: PROGRESS.method, params: { progressToken, progress: 1 } });
    for (const token of [2, 0, 3]) await session.notifyServers(progressOn(token));
    session.answerQuestion(2, { result: { roots: [] } });
    await running[1];
    await session.notifyServers(progressOn(2));
    expect(connector.opened.map(({ server: { slug }, told }) => [slug, told])).toEqual([
      ['a', []],
      ['b', [progressOn(0)]],
    ]);
    session.answerQuestion(1, { result: { roots: [] } });
    await running[0];
  });

  it('lets nothing precede its outcome, and asks nobody, when it is silent', async () => {
    const { connector, calls } = world();
    let answer: unknown;
    connector.respond = async ({ reply, signal }) => {
      await reply.notify(PROGRESS);
      reply.opened?.(5);
      reply.interrupted?.();
      answer = await reply.answerQuestion({ method: 'roots/list', params: {} }, signal);
      return result({});
    };
    const sink = new RecordingSink();
    await calls.runInSession(createSession(), callOf({}, { silent: true }), sink);
    expect(sink.events).toEqual([]);
    expect(answer).toMatchObject({ error: { code: -32601 } });
  });

  it('tells the client that the stream is open and interrupted as the server does', async () => {
    const { connector, calls } = world();
    connector.respond = async ({ reply }) => {
      reply.opened?.(5);
      reply.interrupted?.();
      return result({});
    };
    const sink = new RecordingSink();
    await calls.runInSession(createSession(), callOf(), sink);
    expect(sink.events).toMatchObject([{ kind: 'opened', retryMs: 5 }, { kind: 'interrupted' }]);
  });

  it('counts no longer once it failed, even by a defect', async () => {
    const { connector, calls } = world();
    connector.respond = () => {
      throw new TypeError('a defect');
    };
    const session = createSession();
    await expect(calls.runInSession(session, callOf(), new RecordingSink())).rejects.toThrow('a defect');
    expect(session.isIdle).toBe(true);
  });

  it('that fails by a defect tells a client that took it over', async () => {
    const { connector, calls } = world();
    const defect = Promise.withResolvers<Outcome>();
    connector.respond = ({ reply }) => {
      reply.opened?.();
      return defect.promise;
    };
    const session = createSession();
    const running = calls.runInSession(session, callOf(), new RecordingSink());
    await settled();
    const back = new RecordingSink();
    session.resume('1-0', back);
    defect.reject(new TypeError('a defect'));
    await expect(running).rejects.toThrow('a defect');
    expect(back.events).toMatchObject([{ kind: 'answer', id: 7, outcome: { error: { code: -32603 } } }]);
    expect(back.ended).toBe(true);
  });

  it('is not run at a server that cannot be reached', async () => {
    const { connector, calls } = world();
    connector.beforeOpening = () => Promise.reject(new OutcomeError(unreachable('a')));
    expect(await calls.runInSession(createSession(), callOf(), new RecordingSink())).toEqual(unreachable('a'));
  });
});

describe('a call without a session', () => {
  it('hears log messages only if it asked for them, and of the level it asked for', async () => {
    const { connector, calls } = world('modern');
    connector.respond = async ({ reply }) => {
      for (const level of ['debug', 'error']) await reply.notify(log(level));
      await reply.notify(PROGRESS);
      return result({});
    };
    const [deaf, curious] = [new RecordingSink(), new RecordingSink()];
    const client = MODERN_CLIENT;
    await calls.runWithoutSession(callOf({}, { client }), deaf, NEVER_ABORTED);
    await calls.runWithoutSession(callOf({ logLevel: 'warning' }, { client }), curious, NEVER_ABORTED);
    expect(deaf.summary).toEqual([PROGRESS.method]);
    expect(curious.events).toMatchObject([{ notification: log('error') }, { notification: PROGRESS }]);
  });

  it('is cancelled by its client’s leaving', async () => {
    const { connector, calls } = world('modern');
    connector.respond = () => new Promise<Outcome>(() => undefined);
    const leaving = new AbortController();
    const outcome = calls.runWithoutSession(callOf(), new RecordingSink(), leaving.signal);
    await settled();
    leaving.abort();
    expect(await outcome).toEqual(outcomeOfFault('aborted'));
  });

  it('answers a live question with a refusal', async () => {
    const { connector, calls } = world();
    connector.respond = async ({ reply, signal }) =>
      result({
        answer: await reply.answerQuestion({ method: 'roots/list', params: {} }, signal),
      } as unknown as JsonObject);
    expect(await calls.runWithoutSession(callOf(), new RecordingSink(), NEVER_ABORTED)).toMatchObject({
      result: { answer: { error: { code: -32601 } } },
    });
  });
});

describe('a call over a connection that another worker no longer has', () => {
  it('is made once more, as it certainly did not run', async () => {
    const { connector, calls } = world();
    const answers: Outcome[] = [NOT_HELD, result({ content: [] })];
    connector.respond = async () => answers.shift() ?? result({});
    expect(await calls.runWithoutSession(callOf(), new RecordingSink(), NEVER_ABORTED)).toEqual(
      result({ content: [] }),
    );
    expect(connector.opened.flatMap(({ sent }) => sent)).toHaveLength(2);
  });

  it('is not made for ever', async () => {
    const { connector, calls } = world();
    connector.respond = async () => NOT_HELD;
    expect(await calls.runWithoutSession(callOf(), new RecordingSink(), NEVER_ABORTED)).toEqual(NOT_HELD);
    expect(connector.opened.flatMap(({ sent }) => sent)).toHaveLength(2);
  });

  it('is never made again for an error of a server, whatever it looks like', async () => {
    const { connector, calls } = world();
    connector.respond = async () => structuredClone(NOT_HELD);
    expect(await calls.runWithoutSession(callOf(), new RecordingSink(), NEVER_ABORTED)).toEqual(NOT_HELD);
    expect(connector.opened.flatMap(({ sent }) => sent)).toHaveLength(1);
  });
});

describe('questions that end a call', () => {
  const wanting = result({ resultType: 'input_required', inputRequests: { a: { method: 'roots/list' } } });
  const client = { ...LEGACY_CLIENT, capabilities: { roots: {} } };

  it('are the business of a client that repeats its calls', async () => {
    const { connector, calls } = world('modern');
    connector.respond = () => wanting;
    expect(
      await calls.runWithoutSession(callOf({}, { clientRepeatsCall: true }), new RecordingSink(), NEVER_ABORTED),
    ).toBe(wanting);
  });

  it('are put to any other client on the server’s behalf', async () => {
    const { connector, calls } = world('modern');
    connector.respond = ({ request }) => (request.params['inputResponses'] ? result({ ok: true }) : wanting);
    const session = createSession({ client });
    const sink = new RecordingSink();
    const outcome = calls.runInSession(session, callOf({}, { client }), sink);
    await sink.until(({ summary }) => summary.includes('question 1'));
    session.answerQuestion(1, { result: { roots: [] } });
    expect(await outcome).toMatchObject({ result: { ok: true } });
  });

  it('end with the call when that is cancelled', async () => {
    const { connector, calls } = world('modern');
    connector.respond = () => wanting;
    const session = createSession({ client });
    const sink = new RecordingSink();
    const outcome = calls.runInSession(session, callOf({}, { client }), sink);
    await sink.until(({ summary }) => summary.includes('question 1'));
    session.cancel(7);
    expect(await outcome).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown' } } });
    expect(sink.summary.at(-1)).toBe('notifications/cancelled');
  });

  it('without end are an error', async () => {
    const { connector, calls, timer } = world('modern');
    connector.respond = () => result({ resultType: 'input_required' });
    const outcome = calls.runInSession(createSession(), callOf(), new RecordingSink());
    await timer.advance(100);
    expect(await outcome).toMatchObject({ error: { code: -31005 } });
  });

  it('mean nothing in the answer of a legacy server, which is not called twice', async () => {
    const { connector, calls } = world('legacy');
    connector.respond = () => wanting;
    expect(await calls.runInSession(createSession({ client }), callOf({}, { client }), new RecordingSink())).toBe(
      wanting,
    );
    expect(connector.opened[0]?.sent).toHaveLength(1);
  });
});

describe('a list that is put together from several servers', () => {
  it('has nothing of a server that declares nothing of the kind, which is not asked', async () => {
    const { connector, calls } = world();
    connector.capabilities.set('a', { tools: {} });
    const list = (method: string, silent: boolean) =>
      calls.runWithoutSession(
        callOf({ method, params: {} }, silent ? { silent } : {}),
        new RecordingSink(),
        NEVER_ABORTED,
      );
    expect(await list('prompts/list', true)).toEqual(result({ prompts: [] }));
    expect(connector.opened[0]?.sent).toEqual([]);
    await list('tools/list', true);
    await list('prompts/list', false);
    expect(connector.live.flatMap(({ sent }) => sent)).toHaveLength(2);
  });
});

describe('an error', () => {
  const notFound = { kind: 'error', error: { code: -32002, message: 'Resource not found' } } as const;

  it.each([
    ['legacy', MODERN_CLIENT, -32602],
    ['legacy', LEGACY_CLIENT, -32002],
  ] as const)('of a %s server is told in the codes of the client’s era', async (era, client, code) => {
    const { connector, calls } = world(era);
    connector.respond = () => notFound;
    const call = callOf({ method: 'resources/read', params: { uri: 'x:y' } }, { client });
    expect(await calls.runWithoutSession(call, new RecordingSink(), NEVER_ABORTED)).toMatchObject({ error: { code } });
  });
});
