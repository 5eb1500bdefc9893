import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { failure, result, type Outcome } from '#lib/mcp-protocol';
import { SystemClock } from '#lib/time';
import {
  callerOf,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  remoteServer,
  unreachable,
} from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { ParkedCalls } from './parked-calls.js';
import { ServerHealth, UpstreamPool } from '../connections/index.js';
import { NOT_HELD } from '../connections/testing.js';
import { TooManyCalls, createSession } from '../session-pool/testing.js';
import { limits } from './calls-fixture.js';
import type { UpstreamCall } from './upstream-call.js';
import { UpstreamCalls } from './upstream-calls.js';

const BROKEN_OFF = {
  code: -31_002,
  message:
    'The call began but could not continue after its questions. Its outcome is unknown; check before you repeat it.',
  data: { outcome: 'unknown', retriable: false },
};

const server = remoteServer('a');
const call: UpstreamCall = {
  server,
  request: { method: 'tools/call', params: { name: 'echo' } },
  caller: callerOf('me'),
  client: LEGACY_CLIENT,
  requestId: 7,
  clientRepeatsCall: false,
};

let pool: UpstreamPool;

let logged: unknown[];

beforeEach(() => {
  logged = [];
  Logger.overrideLogger({
    log: () => undefined,
    warn: (text: unknown) => void logged.push(text),
    error: () => undefined,
  });
});
afterEach(() => {
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
  return pool.close();
});

it.each<[string, () => Outcome, object]>([
  ['becomes unreachable', () => unreachable('a'), BROKEN_OFF],
  [
    'rejects further calls',
    () => {
      throw new TooManyCalls(1);
    },
    BROKEN_OFF,
  ],
  ['loses its connection at another worker', () => NOT_HELD, BROKEN_OFF],
  [
    'requires an undeclared capability',
    () => ({ kind: 'error', error: { code: -32_021, message: 'no' } }),
    { code: -31_002, data: { outcome: 'unknown', retriable: false } },
  ],
  [
    'returns an error of its own',
    () => ({ kind: 'error', error: { code: -32_000, message: 'Full.' } }),
    { code: -32_000, message: 'Full.' },
  ],
])('a call is never started twice when its server %s after its questions', async (_what, then, error) => {
  const { outcome, rounds } = await continueWith(then);
  expect(outcome).toMatchObject({ kind: 'error', error });
  expect(rounds).toBe(2);
});

it('the log names the code with which a call could not continue, and nothing that its server said', async () => {
  const requiredCapabilities = { swordfish: {} };
  await continueWith(() => failure({ code: -32_021, message: 'swordfish', data: { requiredCapabilities } }));
  expect(logged).toEqual(['Server a: a call could not continue after its questions (error -31004).']);
});

/** Runs a call whose server ends so after its questions. */
async function continueWith(then: () => Outcome) {
  const connector = new FakeConnector();
  connector.eras.set('a', 'modern');
  const config = limits({});
  pool = new UpstreamPool(connector, config, new FakeRegistry([server]), new SystemClock());
  const calls = new UpstreamCalls(
    pool,
    config,
    new ParkedCalls(config, config, new SystemClock()),
    new ServerHealth(new FakeRegistry(), new SystemClock()),
    new SystemClock(),
  );
  let rounds = 0;
  connector.respond = () => {
    rounds += 1;
    return rounds === 1 ? result({ resultType: 'input_required', requestState: 'one' }) : then();
  };
  const outcome = await calls.runInSession(createSession(), call, new RecordingSink());
  return { outcome, rounds };
}
