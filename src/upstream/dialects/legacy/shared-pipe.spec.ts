import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { McpNotification } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import { Deadlines } from '../../channels/deadlines.js';
import { pingServer } from '../../ping-server.js';
import { BLOCKED_BY_QUESTION } from '../../upstream.errors.js';
import { ScriptedPipe, flushMicrotasks } from '../pipe-fixture.js';
import { LegacyConnection } from './legacy-connection.js';
import { LegacyPipeLink } from './legacy-pipe-link.js';

const CLIENT = { revision: '2025-11-25', capabilities: { roots: {} } };
const REQUEST_MS = 10_000;
const NEVER = new AbortController().signal;
const log = (data: string) => ({ method: 'notifications/message', params: { level: 'info', data } });

/** Identity of a principal (`me`) or of one of its clients (`me/phone`). */
const identity = (client: string) => ({ principal: client.split('/')[0]!, client });

describe('a shared pipe to a legacy server', () => {
  let clock: ManualClock;
  let deadlines: Deadlines;
  let pipe: ScriptedPipe;
  let connection: LegacyConnection;
  let uncorrelatedLogs: unknown[];
  let ambiguousQuestions: number;
  let callsMayMove: boolean;

  const open = (): void => {
    pipe = new ScriptedPipe();
    uncorrelatedLogs = [];
    ambiguousQuestions = 0;
    connection = new LegacyConnection({
      profile: { era: 'legacy', revision: CLIENT.revision, capabilities: {} },
      client: CLIENT,
      context: { server: 'shop', clock, deadlines, requestMs: REQUEST_MS, connectMs: REQUEST_MS },
      events: {
        notify: ({ params }) => void uncorrelatedLogs.push(params['data']),
        closed: () => undefined,
        ambiguousQuestion: () => void ambiguousQuestions++,
        callsMayMove,
      },
      link: (host) => new LegacyPipeLink(pipe, host),
      nextId: () => pipe.nextId(),
      suspectEra: () => undefined,
    });
  };
  /** Starts a call; the pipe sends it once earlier calls have ended. */
  const callOf = (client: string, signal = NEVER, answer = async () => ({ result: { roots: [] } })) => {
    const logs: unknown[] = [];
    const questions: string[] = [];
    const reply = {
      notify: ({ params }: McpNotification) => void logs.push(params['data']),
      answerQuestion: async ({ method }: { method: string }) => {
        questions.push(method);
        return answer();
      },
    };
    const request = {
      method: 'tools/call',
      params: { name: 'any' },
      client: CLIENT,
      asker: identity(client),
      logLevel: 'debug',
    } as const;
    const outcome = connection.request(request, reply, signal);
    return { logs, questions, outcome };
  };
  /**
   * Cancels a call. The server reads the cancellation, answers the ping that follows, and continues to work on the
   * call.
   */
  const cancelCallOf = async (client: string): Promise<number | undefined> => {
    const controller = new AbortController();
    callOf(client, controller.signal);
    const id = pipe.idsOf('tools/call').at(-1);
    controller.abort();
    pipe.emit({ id: pipe.idsOf('ping').at(-1), result: {} });
    await flushMicrotasks();
    return id;
  };
  const sendQuestion = async (id: string): Promise<unknown> => {
    pipe.emit({ id, method: 'roots/list' });
    await flushMicrotasks();
    return pipe.findAnswer(id);
  };

  beforeEach(async () => {
    clock = new ManualClock();
    deadlines = new Deadlines(clock);
    callsMayMove = false;
    open();
    await flushMicrotasks();
  });

  afterEach(() => {
    deadlines.clear();
  });

  it('rejects a question that its client did not declare with the standard text and the missing capability', async () => {
    callOf('me');
    pipe.emit({ id: 'q', method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } });
    await flushMicrotasks();
    expect(pipe.findAnswer('q')).toMatchObject({
      error: { code: -32601, message: 'Method not found: The client did not declare sampling' },
    });
  });

  it('rejects a late question of a cancelled call instead of forwarding it to another principal', async () => {
    await cancelCallOf('other');
    const mine = callOf('me');
    expect(await sendQuestion('late')).toMatchObject({ error: { code: -32600 } });
    expect(mine.questions).toEqual([]);
    expect(ambiguousQuestions).toBe(1);
  });

  it('rejects a question long after another principal timed out at a server that answers no pings', async () => {
    callOf('other');
    await clock.advance(5 * REQUEST_MS);
    await flushMicrotasks();
    const mine = callOf('me');
    expect(await sendQuestion('late')).toMatchObject({ error: { code: -32600 } });
    expect(mine.questions).toEqual([]);
  });

  it('forwards questions again once the server has answered the cancelled call', async () => {
    const id = await cancelCallOf('other');
    pipe.emit({ id, result: {} });
    const mine = callOf('me');
    expect(await sendQuestion('in time')).toMatchObject({ result: { roots: [] } });
    expect(mine.questions).toEqual(['roots/list']);
    expect(ambiguousQuestions).toBe(0);
  });

  it('forwards questions to the principal whose own call was cancelled', async () => {
    await cancelCallOf('me/phone');
    expect(await sendQuestion('between calls')).toMatchObject({ error: { code: -32600 } });
    const mine = callOf('me');
    expect(await sendQuestion('mine')).toMatchObject({ result: { roots: [] } });
    expect(mine.questions).toEqual(['roots/list']);
  });

  it('ends a call immediately when the answer to its question cannot be delivered', async () => {
    const mine = callOf('me');
    pipe.acceptsOneWay = false;
    await sendQuestion('undeliverable');
    const why = expect.stringContaining('could not be delivered');
    expect(await mine.outcome).toMatchObject({ error: { code: -31_002, message: why } });
  });

  it('delivers log messages after a cancelled call to no other principal', async () => {
    await cancelCallOf('other');
    const mine = callOf('me');
    pipe.emit(log('ambiguous'));
    await flushMicrotasks();
    expect([mine.logs, uncorrelatedLogs]).toEqual([[], ['ambiguous']]);
  });

  it('delivers log messages after a cancelled call to another client of the same principal', async () => {
    await cancelCallOf('me/phone');
    const mine = callOf('me');
    pipe.emit(log('mine'));
    await flushMicrotasks();
    expect(mine.logs).toEqual(['mine']);
  });

  it('delivers questions and log messages of a call during and after a health check that the server did not answer', async () => {
    const mine = callOf('me');
    const timeout = new AbortController();
    const ping = pingServer(connection, timeout.signal);
    pipe.emit(log('during'));
    timeout.abort();
    expect(await ping).toMatchObject({ kind: 'error', error: { code: -31_002 } });
    pipe.emit(log('after'));
    expect(await sendQuestion('after')).toMatchObject({ result: { roots: [] } });
    expect([mine.logs, mine.questions]).toEqual([['during', 'after'], ['roots/list']]);
    expect([uncorrelatedLogs, ambiguousQuestions]).toEqual([[], 0]);
  });

  describe('with a question that its client does not answer', () => {
    const unanswered = () => new Promise<never>(() => undefined);
    /** A call whose question stays open. */
    const blockWith = async (client: string) => {
      const call = callOf(client, NEVER, unanswered);
      pipe.emit({ id: 'open', method: 'roots/list' });
      await flushMicrotasks();
      return call;
    };
    const sentCalls = () => pipe.idsOf('tools/call').length;

    it('rejects the calls of other principals at once, also those that were waiting, so that they can move', async () => {
      callsMayMove = true;
      open();
      const blocking = callOf('other', NEVER, unanswered);
      const waiting = callOf('me');
      pipe.emit({ id: 'open', method: 'roots/list' });
      await flushMicrotasks();
      expect(blocking.questions).toEqual(['roots/list']);
      expect(await waiting.outcome).toBe(BLOCKED_BY_QUESTION);
      expect(await callOf('me').outcome).toBe(BLOCKED_BY_QUESTION);
      expect(connection.blockingCall()).toEqual({ asker: identity('other') });
      expect(sentCalls()).toBe(1);
    });

    it('lets the other calls of its own principal wait', async () => {
      callsMayMove = true;
      open();
      await blockWith('me');
      const waiting = callOf('me/phone');
      pipe.emit({ id: pipe.idsOf('tools/call')[0], result: { done: 1 } });
      await flushMicrotasks();
      expect(connection.blockingCall()).toBeUndefined();
      pipe.emit({ id: pipe.idsOf('tools/call')[1], result: { done: 2 } });
      expect(await waiting.outcome).toMatchObject({ result: { done: 2 } });
    });

    it('lets calls wait where no other connection may serve them', async () => {
      await blockWith('other');
      const waiting = callOf('me');
      expect(sentCalls()).toBe(1);
      pipe.emit({ id: pipe.idsOf('tools/call')[0], result: {} });
      await flushMicrotasks();
      pipe.emit({ id: pipe.idsOf('tools/call')[1], result: { done: 2 } });
      expect(await waiting.outcome).toMatchObject({ result: { done: 2 } });
    });
  });
});
