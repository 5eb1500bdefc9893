import { afterEach, describe, expect, it } from '@jest/globals';
import { result } from '#lib/mcp-protocol';
import { SystemClock } from '#lib/time';
import {
  callerOf,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  remoteServer,
} from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { ServerHealth, UpstreamPool } from '../connections/index.js';
import { NEVER_ABORTED } from '../session-pool/testing.js';
import { limits } from './calls-fixture.js';
import { ParkedCalls } from './parked-calls.js';
import type { UpstreamCall } from './upstream-call.js';
import { UpstreamCalls } from './upstream-calls.js';

const server = remoteServer('a');
const call: UpstreamCall = {
  server,
  request: { method: 'tools/call', params: { name: 'x' } },
  caller: callerOf('me'),
  client: LEGACY_CLIENT,
  requestId: 1,
  clientRepeatsCall: false,
};

let pool: UpstreamPool;

afterEach(() => pool.close());

function world() {
  const connector = new FakeConnector();
  const registry = new FakeRegistry([server]);
  const config = limits();
  pool = new UpstreamPool(connector, config, registry, new SystemClock());
  const calls = new UpstreamCalls(
    pool,
    config,
    new ParkedCalls(config, config, new SystemClock()),
    new ServerHealth(registry, new SystemClock()),
    new SystemClock(),
  );
  return { connector, calls };
}

describe('a call without a session', () => {
  it('is not executed when its client has already disconnected', async () => {
    const { connector, calls } = world();
    const outcome = await calls.runWithoutSession(call, new RecordingSink(), AbortSignal.abort());
    expect(outcome).toMatchObject({ error: { code: -31002 } });
    expect(connector.opened).toEqual([]);
  });

  it('is executed over an upstream connection', async () => {
    const { connector, calls } = world();
    expect(await calls.runWithoutSession(call, new RecordingSink(), NEVER_ABORTED)).toEqual({
      ...result({}),
      serverEra: 'legacy',
    });
    expect(connector.opened[0]?.sent).toHaveLength(1);
  });
});
