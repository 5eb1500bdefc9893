import { afterEach, describe, expect, it } from '@jest/globals';
import { ANONYMOUS, OutcomeError, type Caller } from '#lib/extension-kit';
import { metaOf, toFaultOutcome, result, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import {
  callerOf,
  childServer,
  LEGACY_CLIENT,
  MODERN_CLIENT,
  remoteServer,
  settled,
  unreachable,
} from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { accessTo, createSession, NEVER_ABORTED } from '../session-pool/testing.js';
import { callOf, CALLED_SERVER, closeCalls, openCalls } from './calls-fixture.js';

const other = remoteServer('b');
afterEach(closeCalls);

const PROGRESS = { method: 'notifications/progress', params: { progress: 1 } };
const log = (level: string) => ({ method: 'notifications/message', params: { level } });

describe('a call of a session', () => {
  it('returns the outcome of the server after its notifications', async () => {
    const { connector, calls } = openCalls();
    connector.respond = async ({ reply }) => {
      await reply.notify(PROGRESS);
      return result({ content: [] });
    };
    const sink = new RecordingSink();
    const session = createSession();
    const outcome = await calls.runInSession(session, callOf(), sink);
    expect(sink.summary).toEqual(['opened', PROGRESS.method]);
    expect(outcome).toMatchObject({ ...result({ content: [] }), eventId: '1-2' });
    expect(session.isIdle).toBe(true);
  });

  it('cancels a call when its session cancels the request id', async () => {
    const { connector, calls } = openCalls();
    connector.respond = () => new Promise<Outcome>(() => undefined);
    const session = createSession();
    const outcome = calls.runInSession(session, callOf(), new RecordingSink());
    await settled();
    session.cancel(7);
    expect(await outcome).toEqual({ ...toFaultOutcome('aborted'), cancelled: true });
    expect(session.isIdle).toBe(true);
  });

  it('sends a call that was cancelled before it began to no server', async () => {
    const { connector, calls } = openCalls();
    const session = createSession();
    session.cancel(7);
    const outcome = await calls.runInSession(session, callOf(), new RecordingSink());
    expect(outcome).toMatchObject({ kind: 'error', error: { code: -31004, data: { outcome: 'not_executed' } } });
    expect(connector.opened).toEqual([]);
    expect(session.isIdle).toBe(true);
  });

  it('sends the log level of the session to the server and filters log messages below it', async () => {
    const { connector, calls } = openCalls();
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

  it('looks up what its caller may receive only where the entry of the server allows unknown messages', async () => {
    const open = remoteServer('a', { allowUnknownMethods: true });
    for (const [server, lookUps] of [[CALLED_SERVER, []] as const, [open, ['a']] as const]) {
      const { connector, calls } = openCalls('legacy', [server]);
      const asked: string[] = [];
      const session = createSession();
      session.access = accessTo(
        () => true,
        (slug) => asked.push(slug) > 0,
      );
      await calls.runInSession(session, callOf({}, { server }), new RecordingSink());
      expect(asked).toEqual(lookUps);
      expect(connector.opened[0]?.sent[0]?.request.acceptsUnknown === true).toBe(lookUps.length > 0);
    }
  });

  it('does not raise the log level of a connection that another session shares', async () => {
    const child = childServer('a');
    const { connector, calls } = openCalls('legacy', [child]);
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

  it('identifies the client of a call, except an anonymous client without a session', async () => {
    const { connector, calls } = openCalls('modern');
    const session = createSession();
    const unknown = createSession({ caller: ANONYMOUS });
    await calls.runInSession(session, callOf(), new RecordingSink());
    await calls.runInSession(unknown, callOf({}, { caller: ANONYMOUS }), new RecordingSink());
    const runWithout = (caller: Caller) =>
      calls.runWithoutSession(callOf({}, { caller }), new RecordingSink(), NEVER_ABORTED);
    await runWithout(callerOf('me'));
    await runWithout(ANONYMOUS);
    const me = `principal ${callerOf('me').key}`;
    expect(connector.opened[0]?.sent.map(({ request }) => request.asker)).toEqual([
      { principal: me, client: `session ${session.id}` },
      { principal: `session ${unknown.id}`, client: `session ${unknown.id}` },
      { principal: me, client: me },
      undefined,
    ]);
  });

  it('sends a question of the server to the client and returns the answer to the server', async () => {
    const { connector, calls } = openCalls();
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

  it('forwards progress on an open question only to its server, under the token of that server (session-pool/README.md, invariant 6)', async () => {
    const { connector, calls } = openCalls('legacy', [CALLED_SERVER, other]);
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
    expect(connector.opened.map(({ server: { slug }, sentNotifications }) => [slug, sentNotifications])).toEqual([
      ['a', []],
      ['b', [progressOn(0)]],
    ]);
    session.answerQuestion(1, { result: { roots: [] } });
    await running[0];
  });

  it('sends no event and rejects questions during a silent call', async () => {
    const { connector, calls } = openCalls();
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

  it('forwards the opening and the interruption of the server’s stream to the client', async () => {
    const { connector, calls } = openCalls();
    connector.respond = async ({ reply }) => {
      reply.opened?.(5);
      reply.interrupted?.();
      return result({});
    };
    const sink = new RecordingSink();
    await calls.runInSession(createSession(), callOf(), sink);
    expect(sink.events).toMatchObject([{ kind: 'opened', retryMs: 5 }, { kind: 'interrupted' }]);
  });

  it('does not count a call that failed by a defect as in flight', async () => {
    const { connector, calls } = openCalls();
    connector.respond = () => {
      throw new TypeError('a defect');
    };
    const session = createSession();
    await expect(calls.runInSession(session, callOf(), new RecordingSink())).rejects.toThrow('a defect');
    expect(session.isIdle).toBe(true);
  });

  it('sends an internal error to a client that resumed a call that fails by a defect', async () => {
    const { connector, calls } = openCalls();
    const defect = Promise.withResolvers<Outcome>();
    connector.respond = ({ reply }) => {
      reply.opened?.();
      return defect.promise;
    };
    const session = createSession();
    const running = calls.runInSession(session, callOf(), new RecordingSink());
    await settled();
    const resumed = new RecordingSink();
    session.resume('1-0', resumed);
    defect.reject(new TypeError('a defect'));
    await expect(running).rejects.toThrow('a defect');
    expect(resumed.events).toMatchObject([{ kind: 'answer', id: 7, outcome: { error: { code: -32603 } } }]);
    expect(resumed.ended).toBe(true);
  });

  it('returns the failure of a server that cannot be reached', async () => {
    const { connector, calls } = openCalls();
    connector.beforeOpening = () => Promise.reject(new OutcomeError(unreachable('a')));
    expect(await calls.runInSession(createSession(), callOf(), new RecordingSink())).toEqual(unreachable('a'));
  });
});

describe('a call without a session', () => {
  it('forwards log messages only at or above the log level that the request sets', async () => {
    const { connector, calls } = openCalls('modern');
    connector.respond = async ({ reply }) => {
      for (const level of ['debug', 'error']) await reply.notify(log(level));
      await reply.notify(PROGRESS);
      return result({});
    };
    const [withoutLevel, withLevel] = [new RecordingSink(), new RecordingSink()];
    const client = MODERN_CLIENT;
    await calls.runWithoutSession(callOf({}, { client }), withoutLevel, NEVER_ABORTED);
    await calls.runWithoutSession(callOf({ logLevel: 'warning' }, { client }), withLevel, NEVER_ABORTED);
    expect(withoutLevel.summary).toEqual([PROGRESS.method]);
    expect(withLevel.events).toMatchObject([{ notification: log('error') }, { notification: PROGRESS }]);
  });

  it('cancels a call without a session when its client disconnects', async () => {
    const { connector, calls } = openCalls('modern');
    connector.respond = () => new Promise<Outcome>(() => undefined);
    const client = new AbortController();
    const outcome = calls.runWithoutSession(callOf(), new RecordingSink(), client.signal);
    await settled();
    client.abort();
    expect(await outcome).toEqual(toFaultOutcome('aborted'));
  });

  it('rejects a live question to a client without a session', async () => {
    const { connector, calls } = openCalls();
    connector.respond = async ({ reply, signal }) =>
      result({
        answer: await reply.answerQuestion({ method: 'roots/list', params: {} }, signal),
      } as unknown as JsonObject);
    expect(await calls.runWithoutSession(callOf(), new RecordingSink(), NEVER_ABORTED)).toMatchObject({
      result: { answer: { error: { code: -32601 } } },
    });
  });
});

describe('questions that end a call', () => {
  const inputRequired = result({ resultType: 'input_required', inputRequests: { a: { method: 'roots/list' } } });
  const client = { ...LEGACY_CLIENT, capabilities: { roots: {} } };

  it('returns the questions to a client that repeats its calls', async () => {
    const { connector, calls } = openCalls('modern');
    connector.respond = () => inputRequired;
    expect(
      await calls.runWithoutSession(callOf({}, { clientRepeatsCall: true }), new RecordingSink(), NEVER_ABORTED),
    ).toEqual({ ...inputRequired, serverEra: 'modern' });
  });

  it('sends the questions to a client that cannot repeat its calls', async () => {
    const { connector, calls } = openCalls('modern');
    connector.respond = ({ request }) => (request.params['inputResponses'] ? result({ ok: true }) : inputRequired);
    const session = createSession({ client });
    const sink = new RecordingSink();
    const outcome = calls.runInSession(session, callOf({}, { client }), sink);
    await sink.until(({ summary }) => summary.includes('question 1'));
    session.answerQuestion(1, { result: { roots: [] } });
    expect(await outcome).toMatchObject({ result: { ok: true } });
  });

  it('withdraws the questions when the call is cancelled', async () => {
    const { connector, calls } = openCalls('modern');
    connector.respond = () => inputRequired;
    const session = createSession({ client });
    const sink = new RecordingSink();
    const outcome = calls.runInSession(session, callOf({}, { client }), sink);
    await sink.until(({ summary }) => summary.includes('question 1'));
    session.cancel(7);
    expect(await outcome).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown' } } });
    expect(sink.summary.at(-1)).toBe('notifications/cancelled');
  });

  it('returns an error when the server requests input beyond the round limit', async () => {
    const { connector, calls, clock } = openCalls('modern');
    connector.respond = () => result({ resultType: 'input_required' });
    const outcome = calls.runInSession(createSession(), callOf(), new RecordingSink());
    await clock.advance(100);
    expect(await outcome).toMatchObject({ error: { code: -31005 } });
  });

  it('ignores `input_required` in the result of a legacy server, which is not called twice', async () => {
    const { connector, calls } = openCalls('legacy');
    connector.respond = () => inputRequired;
    expect(
      await calls.runInSession(createSession({ client }), callOf({}, { client }), new RecordingSink()),
    ).toMatchObject(inputRequired);
    expect(connector.opened[0]?.sent).toHaveLength(1);
  });
});

describe('a list that is merged from several servers', () => {
  it('does not query a server that does not declare the capability of a list', async () => {
    const { connector, calls } = openCalls();
    connector.capabilities.set('a', { tools: {} });
    const list = (method: string, silent: boolean) =>
      calls.runWithoutSession(
        callOf({ method, params: {} }, silent ? { silent } : {}),
        new RecordingSink(),
        NEVER_ABORTED,
      );
    expect(await list('prompts/list', true)).toMatchObject(result({ prompts: [] }));
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
  ] as const)('translates an error of a %s server to the codes of the client’s era', async (era, client, code) => {
    const { connector, calls } = openCalls(era);
    connector.respond = () => notFound;
    const call = callOf({ method: 'resources/read', params: { uri: 'x:y' } }, { client });
    expect(await calls.runWithoutSession(call, new RecordingSink(), NEVER_ABORTED)).toMatchObject({ error: { code } });
  });
});
