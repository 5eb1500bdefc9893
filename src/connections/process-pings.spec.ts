import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { result, toFaultOutcome } from '#lib/mcp-protocol';
import { SystemClock } from '#lib/time';
import { callerOf, childServer, FakeConnector, FakeRegistry, LEGACY_CLIENT } from '../../test/support/fake-upstream.js';
import { createSession } from '../session-pool/testing.js';
import { limits } from './connections-fixture.js';
import { UpstreamPool } from './upstream-pool.js';

const NEVER = new AbortController().signal;
const child = childServer('child', { isolation: 'session' });
const UNANSWERED = new Promise<never>(() => undefined);

let connector: FakeConnector;
let pool: UpstreamPool;

beforeEach(() => {
  connector = new FakeConnector();
  pool = new UpstreamPool(connector, limits(), new FakeRegistry([child]), new SystemClock());
});

afterEach(() => pool.close());

/** Starts a process for each of these sessions. */
async function startProcesses(count: number): Promise<void> {
  for (let started = 0; started < count; started += 1) {
    const caller = callerOf(`user${started}`);
    const session = createSession({ caller, client: LEGACY_CLIENT });
    (await pool.hold(child, { caller, client: LEGACY_CLIENT, session })).release();
  }
}

const pings = () => connector.opened.flatMap(({ sent }) => sent).filter(({ request }) => request.method === 'ping');

it('a server of which no process runs is not pinged', () => {
  expect(pool.pingProcesses('child', NEVER)).toBeUndefined();
});

it('a server answers as soon as one of its processes does', async () => {
  await startProcesses(3);
  const last = connector.opened[2];
  connector.respond = (_sent, connection) => (connection === last ? result({ pong: true }) : UNANSWERED);
  expect(await pool.pingProcesses('child', NEVER)).toMatchObject({ kind: 'result', result: { pong: true } });
});

it('a server of which all processes fail does not answer', async () => {
  await startProcesses(2);
  connector.respond = () => toFaultOutcome('lost', 'it hangs');
  expect(await pool.pingProcesses('child', NEVER)).toMatchObject({ kind: 'error', httpStatus: expect.any(Number) });
  expect(pings()).toHaveLength(2);
});

it('a check pings at most 16 processes', async () => {
  await startProcesses(20);
  await pool.pingProcesses('child', NEVER);
  expect(pings()).toHaveLength(16);
});
