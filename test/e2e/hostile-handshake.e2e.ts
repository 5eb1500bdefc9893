/** Servers that cannot be reached, or fail before any call: nothing ran, and the client is told so. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { startHostileServer, type HostileServer, type HostileServerOptions } from '#lib/testing/hostile-server';
import { scaledDuration } from '#lib/testing/machine-speed';
import { CLIENT_TRANSPORTS, rawClient, type ClientTransport, type RawAnswer } from '#lib/testing/raw-client';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { errorOf } from '../support/verdict.js';

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

/** Nobody listens there, and the system never hands it out: a port that was free a moment ago may be another test's. */
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

/** The first answer that a client gets that wants to call a tool: to its handshake, or else to the call. */
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

/** An error of our own, or the server's, with the request's id; never a success, an address or a lie about the call. */
function expectRefusal(answer: RawAnswer): void {
  expect(answer.answers).toHaveLength(1);
  expect(answer.answers[0]?.['result']).toBeUndefined();
  expect(answer.answers[0]?.['id']).toBe(answer.id);
  expect([-31002, -31004, -31005, 4711]).toContain(errorOf(answer).code);
  expect(JSON.stringify(errorOf(answer))).not.toMatch(/127\.0\.0\.1|nowhere\.invalid|\/nowhere\/at/);
}

describe('a server that cannot be reached', () => {
  it('is named in an error that carries the id of the request for the log', async () => {
    for (const { answer } of await answersFor('dead-port')) {
      expect(errorOf(answer).data).toMatchObject({ server: 'dead-port', requestId: expect.any(String) });
    }
  });

  it.each(['dead-port', 'dead-events', 'dead-name', 'no-tls', 'dead-command', 'short-lived'])('%s', async (slug) => {
    for (const { answer } of await answersFor(slug)) {
      expectRefusal(answer);
      expect(errorOf(answer).code).toBe(-31004);
      expect(errorOf(answer).data).toMatchObject({ outcome: 'not_executed', server: slug });
    }
  });
});

describe.each(
  Object.entries(OPTIONS).map(([slug, { era, transport, misbehave }]) => [
    `${JSON.stringify(misbehave)} (${era} ${transport})`,
    slug,
  ]),
)('a server that misbehaves at %s', (_what, slug) => {
  it('fails the client without running the tool', async () => {
    for (const { answer } of await answersFor(slug)) {
      expectRefusal(answer);
      if (errorOf(answer).code === 4711) continue;
      expect(errorOf(answer).data).toMatchObject({ outcome: 'not_executed', server: slug });
    }
    expect(servers.get(slug)?.counters.runs(slug)).toBe(0);
  });
});
