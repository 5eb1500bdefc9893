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
import { child, NEVER, remote, Reply, textOf, toolCall, Workbench } from './connector-fixture.js';

const SETUPS = [
  { carrier: 'modern-http', era: 'modern', transport: 'http' },
  { carrier: 'legacy-http', era: 'legacy', transport: 'http' },
  { carrier: 'sse', era: 'legacy', transport: 'sse' },
] as const satisfies { carrier: Carrier; era: 'legacy' | 'modern'; transport: 'http' | 'sse' }[];

function expectOutcome(outcome: Outcome, expected: Expectation): void {
  if (expected.kind === 'result') {
    expect(textOf(outcome)).toBe(expected.text);
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

const isPatient = (behaviour: Behaviour, carrier: Carrier): boolean => behaviour.waits?.includes(carrier) === true;

/** For calls that are answered: never reached, so that a full machine is not taken for a silent server. */
const AMPLE = { connectMs: scaleDeadline(10_000), requestMs: scaleDeadline(30_000) };
/** For calls that nothing ends but their time. */
const SHORT = { connectMs: scaleDeadline(10_000), requestMs: scaleDeadline(800) };

/** Behaviours whose outcome does not wait for the end of the request's time. */
const atOnce = (carrier: Carrier): Behaviour[] =>
  behavioursOf(carrier).filter((behaviour) => !isPatient(behaviour, carrier));

/** All the others, side by side: none of them may disturb another. */
async function expectTimeouts(connection: UpstreamConnection, carrier: Carrier): Promise<void> {
  const patient = behavioursOf(carrier).filter((behaviour) => isPatient(behaviour, carrier));
  const outcomes = patient.map(async (behaviour) => {
    const outcome = await connection.request(toolCall(behaviour.name), new Reply(), NEVER);
    expectOutcome(outcome, expectationOf(behaviour, carrier));
  });
  await Promise.all(outcomes);
  expect(connection.closed).toBe(false);
}

describe.each(SETUPS)('a hostile server over $carrier', ({ carrier, era, transport }) => {
  const bench = new Workbench({ maxMessageBytes: 1_048_576 });
  let server: HostileServer;
  let connection: UpstreamConnection | undefined;

  const definitionFor = (timeouts: RemoteServer['timeouts']): RemoteServer =>
    remote(server.url, { transport, timeouts });

  beforeAll(async () => {
    server = await startHostileServer({ era, transport });
  });

  afterAll(async () => {
    await bench.close();
    await server.close();
  });

  it.each(atOnce(carrier))('$name', async (behaviour) => {
    if (connection?.closed !== false) connection = await bench.open(definitionFor(AMPLE));
    const outcome = await connection.request(toolCall(behaviour.name), new Reply(), NEVER);
    expectOutcome(outcome, expectationOf(behaviour, carrier));
    expect(connection.closed).toBe(behaviour.ends?.includes(carrier) === true);
  });

  it('is given up after its time where it says nothing that counts', async () => {
    await expectTimeouts(await bench.open(definitionFor(SHORT)), carrier);
  });
});

describe.each([
  { carrier: 'stdio-legacy', era: 'legacy' },
  { carrier: 'stdio-modern', era: 'modern' },
] as const)('a hostile child process, $carrier', ({ carrier, era }) => {
  const bench = new Workbench({ maxMessageBytes: 1_048_576 });
  const folder = mkdtempSync(join(tmpdir(), 'hostile-'));
  let connection: UpstreamConnection | undefined;

  afterAll(async () => {
    await bench.close();
    rmSync(folder, { recursive: true });
  });

  function definitionFor(slug: string, timeouts = AMPLE): StdioServer {
    const { command, args, env } = hostileCommand(era, join(folder, 'ledger'));
    return child(command, args, { slug, env, timeouts });
  }

  it.each(atOnce(carrier))('$name', async (behaviour) => {
    // One that kills its process gets a server of its own: the back-off would meet the next one.
    const isDeadly = behaviour.ends?.includes(carrier) === true;
    if (connection?.closed !== false) connection = await bench.open(definitionFor('lasting'));
    const subject = isDeadly ? await bench.open(definitionFor(behaviour.name)) : connection;
    const outcome = await subject.request(toolCall(behaviour.name), new Reply(), NEVER);
    expectOutcome(outcome, expectationOf(behaviour, carrier));
    expect(subject.closed).toBe(isDeadly);
  });

  it('is given up after its time where it says nothing that counts', async () => {
    await expectTimeouts(await bench.open(definitionFor('waiting', SHORT)), carrier);
  });
});
