import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  behavioursOf,
  expectationOf,
  hostileCommand,
  startHostileServer,
  type Behaviour,
  type Carrier,
  type Expectation,
  type HostileServer,
} from '#lib/testing/hostile-server';
import type { JsonObject, Outcome } from '#lib/mcp-protocol';
import { scaleDeadline } from '#lib/testing/machine-speed';
import type { RemoteServer, StdioServer } from '../../registry/index.js';
import type { UpstreamConnection } from '../upstream-connection.js';
import {
  stdioServer,
  NEVER,
  httpServer,
  RecordedReply,
  toResultText,
  toolCall,
  ConnectorHarness,
} from './connector-fixture.js';

const SETUPS = [
  { carrier: 'modern-http', era: 'modern', transport: 'http' },
  { carrier: 'legacy-http', era: 'legacy', transport: 'http' },
  { carrier: 'sse', era: 'legacy', transport: 'sse' },
] as const satisfies { carrier: Carrier; era: 'legacy' | 'modern'; transport: 'http' | 'sse' }[];

function expectOutcome(outcome: Outcome, expected: Expectation): void {
  if (expected.kind === 'result') {
    expect(toResultText(outcome)).toBe(expected.text);
    return;
  }
  expect(outcome.kind).toBe('error');
  if (outcome.kind !== 'error') return;
  expect(outcome.error.code).toBe(expected.code);
  if (typeof expected.message === 'string') expect(outcome.error.message).toBe(expected.message);
  else if (expected.message !== undefined) expect(outcome.error.message).toMatch(expected.message);
  for (const [name, value] of Object.entries(expected.data ?? {})) {
    const actual = (outcome.error.data as JsonObject)[name];
    if (value instanceof RegExp) expect(actual).toMatch(value);
    else expect(actual).toEqual(value);
  }
  for (const text of expected.never ?? []) expect(JSON.stringify(outcome)).not.toContain(text);
}

const waitsForTimeout = (behaviour: Behaviour, carrier: Carrier): boolean =>
  behaviour.untilTimeout?.includes(carrier) === true;

/** For calls that are answered: never reached, so that a full machine is not taken for a silent server. */
const AMPLE = { connectMs: scaleDeadline(10_000), requestMs: scaleDeadline(30_000) };
/** For calls that nothing ends but their time. */
const SHORT = { connectMs: scaleDeadline(10_000), requestMs: scaleDeadline(800) };

/** Behaviours whose outcome does not wait for the request's timeout. */
const answeredBehaviours = (carrier: Carrier): Behaviour[] =>
  behavioursOf(carrier).filter((behaviour) => !waitsForTimeout(behaviour, carrier));

/** Runs all other behaviours concurrently: none of them may affect another. */
async function expectTimeouts(connection: UpstreamConnection, carrier: Carrier): Promise<void> {
  const waiting = behavioursOf(carrier).filter((behaviour) => waitsForTimeout(behaviour, carrier));
  const outcomes = waiting.map(async (behaviour) => {
    const outcome = await connection.request(toolCall(behaviour.name), new RecordedReply(), NEVER);
    expectOutcome(outcome, expectationOf(behaviour, carrier));
  });
  await Promise.all(outcomes);
  expect(connection.closed).toBe(false);
}

describe.each(SETUPS)('a connection to a hostile server over $carrier', ({ carrier, era, transport }) => {
  const bench = new ConnectorHarness({ maxMessageBytes: 1_048_576 });
  let server: HostileServer;
  let connection: UpstreamConnection | undefined;

  const definitionFor = (timeouts: RemoteServer['timeouts']): RemoteServer =>
    httpServer(server.url, { transport, timeouts });

  beforeAll(async () => {
    server = await startHostileServer({ era, transport });
  });

  afterAll(async () => {
    await bench.close();
    await server.close();
  });

  it.each(answeredBehaviours(carrier))('gives the specified outcome for the behaviour "$name"', async (behaviour) => {
    if (connection?.closed !== false) connection = await bench.open(definitionFor(AMPLE));
    const outcome = await connection.request(toolCall(behaviour.name), new RecordedReply(), NEVER);
    expectOutcome(outcome, expectationOf(behaviour, carrier));
    expect(connection.closed).toBe(behaviour.endsSession?.includes(carrier) === true);
  });

  it('ends every call as unknown after its timeout when the server sends no valid answer', async () => {
    await expectTimeouts(await bench.open(definitionFor(SHORT)), carrier);
  });
});

describe.each([
  { carrier: 'stdio-legacy', era: 'legacy' },
  { carrier: 'stdio-modern', era: 'modern' },
] as const)('a connection to a hostile child process over $carrier', ({ carrier, era }) => {
  const bench = new ConnectorHarness({ maxMessageBytes: 1_048_576 });
  const folder = mkdtempSync(join(tmpdir(), 'hostile-'));
  let connection: UpstreamConnection | undefined;

  afterAll(async () => {
    await bench.close();
    rmSync(folder, { recursive: true });
  });

  function definitionFor(slug: string, timeouts = AMPLE): StdioServer {
    const { command, args, env } = hostileCommand(era, join(folder, 'ledger'));
    return stdioServer(command, args, { slug, env, timeouts });
  }

  it.each(answeredBehaviours(carrier))('gives the specified outcome for the behaviour "$name"', async (behaviour) => {
    // A behaviour that ends its process uses its own server: the restart back-off would affect the next behaviour.
    const endsProcess = behaviour.endsSession?.includes(carrier) === true;
    if (connection?.closed !== false) connection = await bench.open(definitionFor('lasting'));
    const subject = endsProcess ? await bench.open(definitionFor(behaviour.name)) : connection;
    const outcome = await subject.request(toolCall(behaviour.name), new RecordedReply(), NEVER);
    expectOutcome(outcome, expectationOf(behaviour, carrier));
    expect(subject.closed).toBe(endsProcess);
  });

  it('ends every call as unknown after its timeout when the server sends no valid answer', async () => {
    await expectTimeouts(await bench.open(definitionFor('waiting', SHORT)), carrier);
  });
});
