import { afterEach, describe, expect, it } from '@jest/globals';
import { result, type McpRequest, type Outcome } from '#lib/mcp-protocol';
import {
  callerOf,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  remoteServer,
} from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { ManualClock } from '#lib/testing/manual-clock';
import type { ServerDefinition } from '../registry/index.js';
import { ParkedCalls } from './parked-calls.js';
import { ServerHealth, UpstreamPool } from '../connections/index.js';
import { createSession, NEVER_ABORTED } from '../session-pool/testing.js';
import { NOT_HELD } from '../connections/testing.js';
import { sessionLost } from '../upstream/testing.js';
import { limits } from './calls-fixture.js';
import { UpstreamCalls, type UpstreamCall } from './upstream-calls.js';

const server = remoteServer('a');
const pools: UpstreamPool[] = [];

function world(era: 'legacy' | 'modern' = 'legacy', servers: readonly ServerDefinition[] = [server]) {
  const connector = new FakeConnector();
  connector.eras.set('a', era);
  const clock = new ManualClock();
  const config = limits({ maxQuestionRounds: 2 });
  const pool = new UpstreamPool(connector, config, new FakeRegistry(servers), clock);
  pools.push(pool);
  const health = new ServerHealth(new FakeRegistry(), clock);
  return {
    connector,
    clock,
    calls: new UpstreamCalls(pool, config, new ParkedCalls(config, config, clock), health, clock),
  };
}

afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
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

describe('a call over a connection that another worker no longer has', () => {
  it('repeats a call once over a new connection if its connection was not held, as it was not executed', async () => {
    const { connector, calls } = world();
    const answers: Outcome[] = [NOT_HELD, result({ content: [] })];
    connector.respond = async () => answers.shift() ?? result({});
    expect(await calls.runWithoutSession(callOf(), new RecordingSink(), NEVER_ABORTED)).toEqual(
      result({ content: [] }),
    );
    expect(connector.opened.flatMap(({ sent }) => sent)).toHaveLength(2);
  });

  it('repeats a call only once if the new connection is not held either', async () => {
    const { connector, calls } = world();
    connector.respond = async () => NOT_HELD;
    expect(await calls.runWithoutSession(callOf(), new RecordingSink(), NEVER_ABORTED)).toEqual(NOT_HELD);
    expect(connector.opened.flatMap(({ sent }) => sent)).toHaveLength(2);
  });

  it('does not repeat a call for an equal error of the server itself', async () => {
    const { connector, calls } = world();
    connector.respond = async () => structuredClone(NOT_HELD);
    expect(await calls.runWithoutSession(callOf(), new RecordingSink(), NEVER_ABORTED)).toEqual(NOT_HELD);
    expect(connector.opened.flatMap(({ sent }) => sent)).toHaveLength(1);
  });
});

describe('a call whose upstream session is lost', () => {
  it('is sent again once in a new session, and its client session goes on', async () => {
    const { connector, calls } = world();
    const answers: Outcome[] = [sessionLost('a'), result({ content: [] })];
    connector.respond = async (_sent, connection) => {
      const answer = answers.shift();
      if (answer?.kind === 'error') connection.breakOff();
      return answer ?? result({});
    };
    const session = createSession({ endpoint: 'a' });
    const outcome = await calls.runInSession(session, callOf(), new RecordingSink());
    expect(outcome).toMatchObject(result({ content: [] }));
    expect(connector.opened.map(({ sent }) => sent.length)).toEqual([1, 1]);
    expect(session.isEnded).toBe(false);
  });

  it('is sent no third time, and is reported as not executed', async () => {
    const { connector, calls } = world();
    connector.respond = async () => sessionLost('a');
    expect(await calls.runWithoutSession(callOf(), new RecordingSink(), NEVER_ABORTED)).toMatchObject({
      error: { code: -31004, data: { outcome: 'not_executed', retriable: true, server: 'a' } },
    });
    expect(connector.opened.flatMap(({ sent }) => sent)).toHaveLength(2);
  });

  it('is not sent again for an equal error of the server itself', async () => {
    const { connector, calls } = world();
    connector.respond = async () => structuredClone(sessionLost('a'));
    await calls.runWithoutSession(callOf(), new RecordingSink(), NEVER_ABORTED);
    expect(connector.opened.flatMap(({ sent }) => sent)).toHaveLength(1);
  });
});
