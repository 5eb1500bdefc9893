import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { McpNotification } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import { Deadlines } from '../../channels/deadlines.js';
import { pingServer } from '../../ping-server.js';
import type { UpstreamConnection } from '../../upstream-connection.js';
import { ScriptedPipe, flushMicrotasks } from '../pipe-fixture.js';
import { ModernPipeConnection } from './modern-pipe-connection.js';

const CLIENT = { revision: '2026-07-28', capabilities: {} };
const REQUEST_MS = 1_000;
const NEVER = new AbortController().signal;
const log = (data: string) => ({ method: 'notifications/message', params: { level: 'info', data } });

const TOOL_CALL = { method: 'tools/call', params: { name: 'any' }, client: CLIENT };

/** Identity of a principal (`me`) or of one of its clients (`me/phone`). */
const identity = (client: string) => ({ principal: client.split('/')[0]!, client });

describe('log messages of a modern server process that several clients share', () => {
  let clock: ManualClock;
  let deadlines: Deadlines;
  let pipe: ScriptedPipe;
  let connection: UpstreamConnection;

  const logsOf = (client: string, signal = NEVER): unknown[] => {
    const logs: unknown[] = [];
    const reply = {
      notify: ({ params }: McpNotification) => void logs.push(params['data']),
      answerQuestion: async () => ({ result: {} }),
    };
    const request = { ...TOOL_CALL, asker: identity(client), logLevel: 'debug' } as const;
    void connection.request(request, reply, signal);
    return logs;
  };
  const open = (): void => {
    pipe = new ScriptedPipe();
    const profile = { era: 'modern', revision: CLIENT.revision, capabilities: {} } as const;
    const surroundings = { server: 'shop', clock, deadlines, requestMs: REQUEST_MS, connectMs: REQUEST_MS };
    const events = { notify: () => undefined, closed: () => undefined };
    connection = new ModernPipeConnection(pipe, profile, surroundings, events);
  };
  const cancelCallOf = (client: string): void => {
    const controller = new AbortController();
    logsOf(client, controller.signal);
    controller.abort();
  };

  beforeEach(() => {
    clock = new ManualClock();
    deadlines = new Deadlines(clock);
    open();
  });

  afterEach(() => {
    deadlines.clear();
  });

  it('are delivered to the only in-flight call', () => {
    const logs = logsOf('me');
    pipe.emit(log('mine'));
    expect(logs).toEqual(['mine']);
  });

  it('are delivered to the only call of a client during and after a health check that the server did not answer', async () => {
    const logs = logsOf('me');
    const timeout = new AbortController();
    const ping = pingServer(connection, timeout.signal);
    pipe.emit(log('during'));
    timeout.abort();
    expect(await ping).toMatchObject({ kind: 'error', error: { code: -31_002 } });
    pipe.emit(log('after'));
    expect(logs).toEqual(['during', 'after']);
  });

  it('are delivered to no other principal until the server answers a cancelled call', async () => {
    cancelCallOf('other');
    const logs = logsOf('me');
    pipe.emit(log('about the cancelled call'));
    expect(logs).toEqual([]);
    const [cancelled] = pipe.idsOf('tools/call');
    pipe.emit({ id: cancelled, result: { resultType: 'complete' } });
    pipe.emit(log('mine'));
    await flushMicrotasks();
    expect(logs).toEqual(['mine']);
  });

  it('are delivered to no other principal after a call timed out, even much later', async () => {
    logsOf('other');
    await clock.advance(10 * REQUEST_MS);
    const logs = logsOf('me');
    pipe.emit(log('about the call that timed out'));
    expect(logs).toEqual([]);
  });

  it('are still delivered to the principal whose call was cancelled', () => {
    cancelCallOf('me/phone');
    const logs = logsOf('me');
    pipe.emit(log('about either call of mine'));
    expect(logs).toHaveLength(1);
  });

  it('are delivered again one request timeout after a cancelled call that requested no log messages', async () => {
    const controller = new AbortController();
    const withoutLogs = { ...TOOL_CALL, asker: identity('other') };
    const ignoringReply = { notify: () => undefined, answerQuestion: async () => ({ result: {} }) };
    void connection.request(withoutLogs, ignoringReply, controller.signal);
    controller.abort();
    const early = logsOf('me');
    pipe.emit(log('about an unknown call'));
    expect(early).toEqual([]);
    await clock.advance(REQUEST_MS + 200);
    const logs = logsOf('me');
    pipe.emit(log('mine'));
    expect(logs).toEqual(['mine']);
  });
});
