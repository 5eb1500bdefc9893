import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { McpNotification } from '#lib/mcp-protocol';
import { Deadlines } from '../../channels/deadlines.js';
import { ScriptedPipe, flushMicrotasks } from '../pipe-fixture.js';
import { LegacyConnection } from './legacy-connection.js';
import { LegacyPipeLink } from './legacy-pipe-link.js';

const CLIENT = { revision: '2025-11-25', capabilities: { roots: {} } };
const REQUEST_MS = 10_000;
const NEVER = new AbortController().signal;
const log = (data: string) => ({ method: 'notifications/message', params: { level: 'info', data } });

/** A principal, or one of its clients: `me`, `me/phone`. */
const of = (client: string) => ({ principal: client.split('/')[0]!, client });

describe('a pipe to a legacy server that several clients share', () => {
  let deadlines: Deadlines;
  let pipe: ScriptedPipe;
  let connection: LegacyConnection;
  let unrelated: unknown[];
  let doubts: number;

  const open = (): void => {
    pipe = new ScriptedPipe();
    unrelated = [];
    doubts = 0;
    connection = new LegacyConnection({
      profile: { era: 'legacy', revision: CLIENT.revision, capabilities: {} },
      client: CLIENT,
      context: { server: 'shop', deadlines, requestMs: REQUEST_MS, connectMs: REQUEST_MS },
      events: {
        notify: ({ params }) => void unrelated.push(params['data']),
        closed: () => undefined,
        ambiguousQuestion: () => void doubts++,
      },
      link: (host) => new LegacyPipeLink(pipe, host),
      nextId: () => pipe.nextId(),
      suspectEra: () => undefined,
    });
  };
  /** A call that is under way once the turns before it are over. */
  const callOf = (asker: string, signal = NEVER) => {
    const heard: unknown[] = [];
    const asked: string[] = [];
    const reply = {
      notify: ({ params }: McpNotification) => void heard.push(params['data']),
      answerQuestion: async ({ method }: { method: string }) => {
        asked.push(method);
        return { result: { roots: [] } };
      },
    };
    const request = {
      method: 'tools/call',
      params: { name: 'any' },
      client: CLIENT,
      asker: of(asker),
      logLevel: 'debug',
    } as const;
    const outcome = connection.request(request, reply, signal);
    return { heard, asked, outcome };
  };
  /** The server reads the cancellation, answers the ping that follows, and works on. */
  const isCancelled = async (asker: string): Promise<number | undefined> => {
    const leave = new AbortController();
    callOf(asker, leave.signal);
    const id = pipe.idsOf('tools/call').at(-1);
    leave.abort();
    pipe.emit({ id: pipe.idsOf('ping').at(-1), result: {} });
    await flushMicrotasks();
    return id;
  };
  const asks = async (id: string): Promise<unknown> => {
    pipe.emit({ id, method: 'roots/list' });
    await flushMicrotasks();
    return pipe.findAnswer(id);
  };

  beforeEach(async () => {
    jest.useFakeTimers({ doNotFake: ['queueMicrotask'] });
    deadlines = new Deadlines();
    open();
    await flushMicrotasks();
  });

  afterEach(() => {
    deadlines.clear();
    jest.useRealTimers();
  });

  it('brings a late question of a cancelled call to no other principal', async () => {
    await isCancelled('somebody else');
    const mine = callOf('me');
    expect(await asks('late')).toMatchObject({ error: { code: -32600 } });
    expect(mine.asked).toEqual([]);
    expect(doubts).toBe(1);
  });

  it('brings it to no other principal however late it is, and whether or not the server answers pings', async () => {
    callOf('somebody else');
    jest.advanceTimersByTime(5 * REQUEST_MS);
    await flushMicrotasks();
    const mine = callOf('me');
    expect(await asks('late')).toMatchObject({ error: { code: -32600 } });
    expect(mine.asked).toEqual([]);
  });

  it('brings questions again once the server has answered the cancelled call', async () => {
    const id = await isCancelled('somebody else');
    pipe.emit({ id, result: {} });
    const mine = callOf('me');
    expect(await asks('in time')).toMatchObject({ result: { roots: [] } });
    expect(mine.asked).toEqual(['roots/list']);
    expect(doubts).toBe(0);
  });

  it('brings the principal whose call was cancelled what the server asks, as a pipe of its own would', async () => {
    await isCancelled('me/phone');
    expect(await asks('between calls')).toMatchObject({ error: { code: -32600 } });
    const mine = callOf('me');
    expect(await asks('mine')).toMatchObject({ result: { roots: [] } });
    expect(mine.asked).toEqual(['roots/list']);
  });

  it('ends a call at once whose server cannot be given the answer to its question', async () => {
    const mine = callOf('me');
    pipe.acceptsOneWay = false;
    await asks('in vain');
    const why = expect.stringContaining('could not be delivered');
    expect(await mine.outcome).toMatchObject({ error: { code: -31_002, message: why } });
  });

  it('brings log messages of a cancelled call to no other principal', async () => {
    await isCancelled('somebody else');
    const mine = callOf('me');
    pipe.emit(log('whose?'));
    await flushMicrotasks();
    expect([mine.heard, unrelated]).toEqual([[], ['whose?']]);
  });

  it('brings them to another client of the same principal', async () => {
    await isCancelled('me/phone');
    const mine = callOf('me');
    pipe.emit(log('mine'));
    await flushMicrotasks();
    expect(mine.heard).toEqual(['mine']);
  });
});
