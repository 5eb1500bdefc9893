/** Calls that the unanswered question of another principal blocks (ADR 34). */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { result } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import {
  callerOf,
  childServer,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  type FakeConnection,
} from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { ServerHealth, toCallIdentity, UpstreamPool } from '../connections/index.js';
import { createSession } from '../session-pool/testing.js';
import { limits } from './calls-fixture.js';
import { ParkedCalls } from './parked-calls.js';
import type { UpstreamCall } from './upstream-call.js';
import { UpstreamCalls } from './upstream-calls.js';

const server = childServer('child', { isolation: 'none' });

/** A connector whose connections are free when the pool selects them, and blocked when they get the call. */
class BlockingConnector extends FakeConnector {
  /** Number of the connections that the question of another principal will block. */
  blocked = 0;

  override async open(...args: Parameters<FakeConnector['open']>) {
    const connection = (await super.open(...args)) as FakeConnection;
    if (this.opened.length > this.blocked) return connection;
    const request = connection.request.bind(connection);
    connection.request = (...sent) => {
      connection.blocking = { asker: toCallIdentity({ caller: callerOf('ada'), session: undefined }) };
      return request(...sent);
    };
    return connection;
  }
}

let connector: BlockingConnector;
let pool: UpstreamPool;
let calls: UpstreamCalls;

beforeEach(() => {
  connector = new BlockingConnector();
  connector.respond = () => result({ content: [] });
  const [clock, config] = [new ManualClock(), limits({ maxChildProcesses: 32 })];
  pool = new UpstreamPool(connector, config, new FakeRegistry([server]), clock);
  const health = new ServerHealth(new FakeRegistry(), clock);
  calls = new UpstreamCalls(pool, config, new ParkedCalls(config, config, clock), health, clock);
});

afterEach(() => pool.close());

const call: UpstreamCall = {
  server,
  request: { method: 'tools/call', params: { name: 'echo' } },
  caller: callerOf('bob'),
  client: LEGACY_CLIENT,
  requestId: 7,
  clientRepeatsCall: false,
};

const countSent = () => connector.opened.map(({ sent }) => sent.length);

describe('a call that the question of another principal blocks', () => {
  it('runs once, over the first connection that nobody blocks', async () => {
    connector.blocked = 2;
    const session = createSession({ caller: call.caller });
    expect(await calls.runInSession(session, call, new RecordingSink())).toMatchObject(result({ content: [] }));
    expect(countSent()).toEqual([0, 0, 1]);
    expect(connector.live).toHaveLength(3);
    expect(session.isIdle).toBe(true);
  });

  it('leaves the connection to the principal who asked, and the new one to the others', async () => {
    connector.blocked = 1;
    const run = (subject: string) =>
      calls.runWithoutSession(
        { ...call, caller: callerOf(subject) },
        new RecordingSink(),
        new AbortController().signal,
      );
    for (const subject of ['bob', 'ada', 'cid']) expect(await run(subject)).toMatchObject({ kind: 'result' });
    expect(countSent()).toEqual([1, 2]);
  });

  it('says so when it gets the next connection, because the owner of a placed connection selects it', async () => {
    connector.blocked = 1;
    const use = jest.spyOn(pool, 'use');
    await calls.runWithoutSession(call, new RecordingSink(), new AbortController().signal);
    expect(use.mock.calls.map(([, , , options]) => options?.isBlocked)).toEqual([false, true]);
  });

  it('is not executed when every connection that it gets is blocked', async () => {
    connector.blocked = Infinity;
    const { signal } = new AbortController();
    expect(await calls.runWithoutSession(call, new RecordingSink(), signal)).toMatchObject({
      httpStatus: 503,
      error: { code: -31_003, data: { outcome: 'not_executed', retriable: true } },
    });
    expect(countSent()).toEqual(Array.from({ length: 9 }, () => 0));
  });

  it('moves no further when its client disconnects', async () => {
    connector.blocked = Infinity;
    const client = new AbortController();
    connector.beforeOpening = async () => void (connector.opened.length === 2 && client.abort());
    expect(await calls.runWithoutSession(call, new RecordingSink(), client.signal)).toMatchObject({ kind: 'error' });
    expect(connector.opened.length).toBeLessThanOrEqual(3);
    expect(countSent().every((count) => count === 0)).toBe(true);
  });
});
