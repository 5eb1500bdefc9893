import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { McpNotification } from '#lib/mcp-protocol';
import { Deadlines } from '../../channels/deadlines.js';
import type { UpstreamConnection } from '../../upstream-connection.js';
import { ScriptedPipe, flushMicrotasks } from '../pipe-fixture.js';
import { ModernPipeConnection } from './modern-pipe-connection.js';

const CLIENT = { revision: '2026-07-28', capabilities: {} };
const REQUEST_MS = 1_000;
const NEVER = new AbortController().signal;
const log = (data: string) => ({ method: 'notifications/message', params: { level: 'info', data } });

const QUIET = { method: 'tools/call', params: { name: 'any' }, client: CLIENT };

/** A principal, or one of its clients: `me`, `me/phone`. */
const of = (client: string) => ({ principal: client.split('/')[0]!, client });

describe('log messages of a process that several clients share', () => {
  let deadlines: Deadlines;
  let pipe: ScriptedPipe;
  let connection: UpstreamConnection;

  const heardBy = (asker: string, signal = NEVER): unknown[] => {
    const heard: unknown[] = [];
    const reply = {
      notify: ({ params }: McpNotification) => void heard.push(params['data']),
      answerQuestion: async () => ({ result: {} }),
    };
    const request = { ...QUIET, asker: of(asker), logLevel: 'debug' } as const;
    void connection.request(request, reply, signal);
    return heard;
  };
  const open = (): void => {
    pipe = new ScriptedPipe();
    const profile = { era: 'modern', revision: CLIENT.revision, capabilities: {} } as const;
    const surroundings = { server: 'shop', deadlines, requestMs: REQUEST_MS, connectMs: REQUEST_MS };
    const events = { notify: () => undefined, closed: () => undefined };
    connection = new ModernPipeConnection(pipe, profile, surroundings, events);
  };
  const isCancelled = (asker: string): void => {
    const leave = new AbortController();
    heardBy(asker, leave.signal);
    leave.abort();
  };

  beforeEach(() => {
    jest.useFakeTimers();
    deadlines = new Deadlines();
    open();
  });

  afterEach(() => {
    deadlines.clear();
    jest.useRealTimers();
  });

  it('are told to the only call', () => {
    const heard = heardBy('me');
    pipe.emit(log('mine'));
    expect(heard).toEqual(['mine']);
  });

  it('are told to nobody else while the server may be at work on a call that was cancelled', async () => {
    isCancelled('somebody else');
    const heard = heardBy('me');
    pipe.emit(log('about the cancelled call'));
    expect(heard).toEqual([]);
    const [cancelled] = pipe.idsOf('tools/call');
    pipe.emit({ id: cancelled, result: { resultType: 'complete' } });
    pipe.emit(log('mine'));
    await flushMicrotasks();
    expect(heard).toEqual(['mine']);
  });

  it('are told to nobody else after a call whose time was over, however long ago', () => {
    heardBy('somebody else');
    jest.advanceTimersByTime(10 * REQUEST_MS);
    const heard = heardBy('me');
    pipe.emit(log('about the call that took too long'));
    expect(heard).toEqual([]);
  });

  it('are still told to the principal whose call was cancelled', () => {
    isCancelled('me/phone');
    const heard = heardBy('me');
    pipe.emit(log('mine, one way or the other'));
    expect(heard).toHaveLength(1);
  });

  it('are told again after a whole time-out if the call that was cancelled had asked for none', () => {
    const leave = new AbortController();
    const quiet = { ...QUIET, asker: of('somebody else') };
    const nobody = { notify: () => undefined, answerQuestion: async () => ({ result: {} }) };
    void connection.request(quiet, nobody, leave.signal);
    leave.abort();
    const early = heardBy('me');
    pipe.emit(log('whose?'));
    expect(early).toEqual([]);
    jest.advanceTimersByTime(REQUEST_MS + 200);
    const heard = heardBy('me');
    pipe.emit(log('mine'));
    expect(heard).toEqual(['mine']);
  });
});
