/** The limit of upstream sessions that one principal's clients without a session can open at a legacy server. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { ANONYMOUS, OutcomeError } from '#lib/extension-kit';
import { result, type ClientProfile, type Outcome } from '#lib/mcp-protocol';
import { SystemClock } from '#lib/time';
import {
  callerOf,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  MODERN_CLIENT,
  remoteServer,
  settled,
  unreachable,
} from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { ParkedCalls } from './parked-calls.js';
import { type ConnectionScope, ServerHealth, UpstreamPool } from '../connections/index.js';
import { createSession, NEVER_ABORTED } from '../session-pool/testing.js';
import { limits } from './calls-fixture.js';
import type { UpstreamCall } from './upstream-call.js';
import { UpstreamCalls } from './upstream-calls.js';

const server = remoteServer('a');
const other = remoteServer('b');
const REFUSED = {
  code: -31_003,
  httpStatus: 429,
  message:
    'Session limit reached for server a (2); the call was not executed. Close sessions that you do not need, or wait, then retry.',
  data: { outcome: 'not_executed', retriable: true, server: 'a' },
};

let pool: UpstreamPool;

afterEach(() => pool.close());

function world(era: 'legacy' | 'modern' = 'legacy') {
  const connector = new FakeConnector();
  connector.eras.set('a', era);
  const config = limits({ maxUpstreamSessionsPerPrincipal: 2 });
  pool = new UpstreamPool(connector, config, new FakeRegistry([server, other]), new SystemClock());
  const calls = new UpstreamCalls(
    pool,
    config,
    new ParkedCalls(config, config, new SystemClock()),
    new ServerHealth(new FakeRegistry(), new SystemClock()),
    new SystemClock(),
  );
  return { connector, calls };
}

/** The scope of a client with unique capabilities, which needs an upstream session of its own. */
function scopeOf(subject: string, declared: string, caller = callerOf(subject)): ConnectionScope {
  const client: ClientProfile = { ...MODERN_CLIENT, capabilities: { experimental: { [declared]: {} } } };
  return { caller, client, session: undefined };
}

const use = (scope: ConnectionScope) => pool.use(server, scope, async () => undefined);

describe('the sessions of one principal at a legacy server', () => {
  it('limits the upstream sessions in use per principal and server', async () => {
    const { connector } = world();
    const held = [await pool.hold(server, scopeOf('me', '1')), await pool.hold(server, scopeOf('me', '2'))];
    await expect(pool.hold(server, scopeOf('me', '3'))).rejects.toMatchObject(REFUSED);
    expect(connector.opened).toHaveLength(2);
    await use(scopeOf('you', '3'));
    await pool.use(other, scopeOf('me', '3'), async () => undefined);
    // An open session is still shared.
    await use(scopeOf('me', '1'));
    for (const { release } of held) release();
    await use(scopeOf('me', '3'));
  });

  it('evicts the upstream session that was idle for longest to open another one', async () => {
    const { connector } = world();
    await use(scopeOf('me', '1'));
    const held = await pool.hold(server, scopeOf('me', '2'));
    held.release();
    await use(scopeOf('me', '3'));
    expect(connector.opened.map(({ closed }) => closed)).toEqual([true, false, false]);
    await use(scopeOf('me', '2'));
    expect(connector.opened).toHaveLength(3);
  });

  it('frees the slot of an upstream session that failed to open or died', async () => {
    const { connector } = world();
    connector.beforeOpening = () => Promise.reject(new OutcomeError(unreachable('a')));
    for (const declared of ['1', '2', '3']) await expect(use(scopeOf('me', declared))).rejects.toThrow(/reached/);
    connector.beforeOpening = async () => undefined;
    for (const declared of ['1', '2']) await pool.hold(server, scopeOf('me', declared));
    connector.live[0]?.breakOff();
    await use(scopeOf('me', '3'));
  });

  it('does not count upstream sessions of gateway sessions, nor connections to modern servers', async () => {
    const legacy = world();
    for (let count = 0; count < 4; count += 1) {
      await pool.hold(server, { caller: callerOf('me'), client: LEGACY_CLIENT, session: createSession() });
    }
    expect(legacy.connector.opened).toHaveLength(4);
    await pool.close();
    const modern = world('modern');
    for (const declared of ['1', '2', '3', '4']) await pool.hold(server, scopeOf('me', declared));
    expect(modern.connector.opened).toHaveLength(1);
  });
});

describe('parallel calls of anonymous clients, which share no connection', () => {
  const call = { server, request: { method: 'tools/call', params: { name: 'x' } }, caller: ANONYMOUS } as const;
  const base: UpstreamCall = { ...call, client: MODERN_CLIENT, requestId: 1, clientRepeatsCall: false };

  it('rejects anonymous calls beyond the limit before they execute, and accepts one when another has ended', async () => {
    const { connector, calls } = world();
    const held = Promise.withResolvers<Outcome>();
    connector.respond = () => held.promise;
    const run = () => calls.runWithoutSession(base, new RecordingSink(), NEVER_ABORTED);
    const running = [run(), run()];
    await settled();
    const { httpStatus, ...error } = REFUSED;
    expect(await run()).toMatchObject({ kind: 'error', httpStatus, error });
    held.resolve(result({ content: [] }));
    expect(await Promise.all(running)).toMatchObject([result({ content: [] }), result({ content: [] })]);
    expect(await run()).toMatchObject(result({ content: [] }));
    expect(connector.opened).toHaveLength(3);
  });
});
