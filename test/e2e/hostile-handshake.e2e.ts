/** Servers that are unreachable or fail before any call: nothing runs, and the client learns that. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import {
  behaviourNamed,
  startHostileServer,
  type HostileServer,
  type HostileServerOptions,
} from '#lib/testing/hostile-server';
import { scaledDuration } from '#lib/testing/machine-speed';
import { CLIENT_TRANSPORTS, rawClient, type ClientTransport, type RawAnswer } from '#lib/testing/raw-client';
import { toMisbehaviour } from '../support/behaviour-title.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { errorOf } from '../support/answer-checks.js';

const WRONGS = ['http-401-detail', 'http-403-nothing', 'http-429-nest', 'http-500-html', 'http-503-retry-nest'];
const BREACHES = ['body-null', 'body-html', 'foreign-id', 'result-null', 'stream-cut', 'reset', 'silence'];

const ERRORS = ['plain-error', 'error-text-data', 'error-null-data'];

const OPTIONS: Record<string, HostileServerOptions> = Object.fromEntries([
  ...[...WRONGS, ...BREACHES, ...ERRORS].map((name, index) => [
    `handshake-${index}`,
    { era: 'legacy', transport: 'http', misbehave: { initialize: name } },
  ]),
  ...[...WRONGS, ...BREACHES, ...ERRORS].map((name, index) => [
    `discovery-${index}`,
    { era: 'modern', transport: 'http', misbehave: { 'server/discover': name } },
  ]),
  ...[...WRONGS, 'result-null', 'silence'].map((name, index) => [
    `events-${index}`,
    { era: 'legacy', transport: 'sse', misbehave: { initialize: name } },
  ]),
]);

const servers = new Map<string, HostileServer>();
let gateway: TestGateway;
let token: string;

/** No process listens on this port, and the system never assigns it; a port found free may be taken by another test. */
const DEAD_PORT = 1;

const TIMEOUTS = { connect: scaledDuration(1_000), request: scaledDuration(1_000) };

beforeAll(async () => {
  const definitions: Record<string, JsonObject> = {
    'dead-port': { transport: 'http', url: `http://127.0.0.1:${DEAD_PORT}/mcp`, timeouts: TIMEOUTS },
    'dead-events': { transport: 'sse', url: `http://127.0.0.1:${DEAD_PORT}/sse`, timeouts: TIMEOUTS },
    'dead-name': { transport: 'http', url: 'http://nowhere.invalid/mcp', timeouts: TIMEOUTS },
    'dead-command': { transport: 'stdio', command: '/nowhere/at/all', timeouts: TIMEOUTS },
    'short-lived': { transport: 'stdio', command: process.execPath, args: ['-e', ''], timeouts: TIMEOUTS },
  };
  for (const [slug, options] of Object.entries(OPTIONS)) {
    const server = await startHostileServer(options);
    servers.set(slug, server);
    definitions[slug] = { transport: options.transport, url: server.url, timeouts: TIMEOUTS };
  }
  const [first] = [...servers.values()];
  const plain = first?.url.replace('http:', 'https:') ?? '';
  definitions['no-tls'] = { transport: 'http', url: plain, timeouts: TIMEOUTS };
  gateway = await startGateway({ servers: definitions });
  token = await gateway.token();
});

afterAll(async () => {
  await gateway?.close();
  for (const server of servers.values()) await server.close();
});

/** The first error that a client receives: from its handshake, or else from its call. */
async function firstAnswer(transport: ClientTransport, slug: string): Promise<RawAnswer> {
  const client = rawClient(transport, `${gateway.url}/servers/${slug}`, { token });
  try {
    const handshake = await client.connect();
    if (handshake !== undefined && (handshake.status >= 300 || handshake.answers[0]?.['error'] !== undefined)) {
      return handshake;
    }
    return await client.request('tools/call', { name: 'good', arguments: { call: slug } });
  } finally {
    await client.close();
  }
}

const answersFor = (slug: string) =>
  Promise.all(CLIENT_TRANSPORTS.map(async (transport) => ({ transport, answer: await firstAnswer(transport, slug) })));

/** Expects an error of the gateway or of the server with the request's id: no success, no address, no false outcome. */
function expectRefusal(answer: RawAnswer): void {
  expect(answer.answers).toHaveLength(1);
  expect(answer.answers[0]?.['result']).toBeUndefined();
  expect(answer.answers[0]?.['id']).toBe(answer.id);
  expect([-31002, -31004, -31005, 4711]).toContain(errorOf(answer).code);
  expect(JSON.stringify(errorOf(answer))).not.toMatch(/127\.0\.0\.1|nowhere\.invalid|\/nowhere\/at/);
}

describe('an unreachable server', () => {
  it('is named in an error that contains the request id of the log', async () => {
    for (const { answer } of await answersFor('dead-port')) {
      expect(errorOf(answer).data).toMatchObject({ server: 'dead-port', requestId: expect.any(String) });
    }
  });

  it.each([
    ['a closed port (HTTP)', 'dead-port'],
    ['a closed port (HTTP+SSE)', 'dead-events'],
    ['a host name that does not resolve', 'dead-name'],
    ['an https URL without TLS', 'no-tls'],
    ['a command that does not exist', 'dead-command'],
    ['a command that exits immediately', 'short-lived'],
  ])('behind %s causes an error that says "not executed"', async (_what, slug) => {
    for (const { answer } of await answersFor(slug)) {
      expectRefusal(answer);
      expect(errorOf(answer).code).toBe(-31004);
      expect(errorOf(answer).data).toMatchObject({ outcome: 'not_executed', server: slug });
    }
  });
});

function toTitle({ era, transport, misbehave }: HostileServerOptions): string {
  const [[method, name] = ['', '']] = Object.entries(misbehave ?? {});
  const behaviour = behaviourNamed(name);
  return `a ${era} server over ${transport} that, when it receives ${method}, ${behaviour && toMisbehaviour(behaviour)}`;
}

describe.each(Object.entries(OPTIONS).map(([slug, options]) => [toTitle(options), slug]))('%s', (_title, slug) => {
  it('causes an error for every client, and runs no tool', async () => {
    for (const { answer } of await answersFor(slug)) {
      expectRefusal(answer);
      if (errorOf(answer).code === 4711) continue;
      expect(errorOf(answer).data).toMatchObject({ outcome: 'not_executed', server: slug });
    }
    expect(servers.get(slug)?.counters.runs(slug)).toBe(0);
  });
});
