/** @waits */
/** A server that fails before any call causes the same error at every worker, whichever worker connects: nothing ran. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { startHostileServer, type HostileServer, type HostileServerOptions } from '#lib/testing/hostile-server';
import { scaledDuration } from '#lib/testing/machine-speed';
import { CLIENT_TRANSPORTS, rawClient, type ClientTransport, type RawAnswer } from '#lib/testing/raw-client';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { startCluster, type TestCluster } from '../support/cluster.js';
import { errorOf, comparableAnswer } from '../support/answer-checks.js';

const WRONGS = ['http-401-detail', 'http-403-nothing', 'http-429-nest', 'http-500-html', 'http-503-retry-nest'];
const BREACHES = ['body-null', 'body-html', 'foreign-id', 'result-null', 'stream-cut', 'reset', 'plain-error'];
const EVENTS = [...WRONGS, 'result-null'];

const misbehaving = (era: 'legacy' | 'modern', transport: 'http' | 'sse', method: string, names: readonly string[]) =>
  names.map((name) => [`${era}-${transport}-${name}`, { era, transport, misbehave: { [method]: name } }] as const);

const OPTIONS = new Map<string, HostileServerOptions>([
  ...misbehaving('legacy', 'http', 'initialize', [...WRONGS, ...BREACHES]),
  ...misbehaving('modern', 'http', 'server/discover', [...WRONGS, ...BREACHES]),
  ...misbehaving('legacy', 'sse', 'initialize', EVENTS),
]);

const TIMEOUTS = { connect: scaledDuration(2_000), request: scaledDuration(2_000) };
const DEAD: Readonly<Record<string, JsonObject>> = {
  'dead-port': { transport: 'http', url: 'http://127.0.0.1:1/mcp', timeouts: TIMEOUTS },
  'dead-events': { transport: 'sse', url: 'http://127.0.0.1:1/sse', timeouts: TIMEOUTS },
  'dead-command': { transport: 'stdio', command: '/nowhere/at/all', timeouts: TIMEOUTS },
};

const servers = new Map<string, HostileServer>();
let redis: RunningRedis;
let cluster: TestCluster;

beforeAll(async () => {
  redis = await startRedis();
  const definitions: Record<string, JsonObject> = { ...DEAD };
  for (const [slug, options] of OPTIONS) {
    const server = await startHostileServer(options);
    servers.set(slug, server);
    definitions[slug] = { transport: options.transport, url: server.url, timeouts: TIMEOUTS };
  }
  cluster = await startCluster({ workers: 2, redis: redis.url, servers: definitions });
});

afterAll(async () => {
  await cluster?.stop();
  await redis?.stop();
  for (const server of servers.values()) await server.close();
});

/** The first error that a client receives: from its handshake, or else from its call. */
async function firstAnswer(transport: ClientTransport, base: string, token: string): Promise<RawAnswer> {
  const client = rawClient(transport, base, { token });
  try {
    const handshake = await client.connect();
    const hasFailed = handshake && (handshake.status >= 300 || handshake.answers[0]?.['error'] !== undefined);
    return hasFailed ? handshake : await client.request('tools/call', { name: 'good', arguments: { call: base } });
  } finally {
    await client.close();
  }
}

/** The answers of both workers to the same principal. One of the workers connects on behalf of the other. */
async function answersFor(slug: string, transport: ClientTransport): Promise<RawAnswer[]> {
  const token = await cluster.token({ subject: crypto.randomUUID() });
  const answers: RawAnswer[] = [];
  for (const { url } of cluster.workers) answers.push(await firstAnswer(transport, `${url}/servers/${slug}`, token));
  return answers;
}

describe.each([...OPTIONS.keys(), ...Object.keys(DEAD)])('a handshake with the failing server %s', (slug) => {
  it.each(CLIENT_TRANSPORTS)('returns the same error at both workers over %s', async (transport) => {
    const answers = await answersFor(slug, transport);
    for (const answer of answers) {
      expect(answer.answers).toHaveLength(1);
      expect(answer.answers[0]).not.toHaveProperty('result');
      expect(answer.answers[0]?.['id']).toBe(answer.id);
      const { code, data, message } = errorOf(answer);
      expect([-31_004, -31_005, 4711]).toContain(code);
      if (code !== 4711) expect(data).toMatchObject({ outcome: 'not_executed', server: slug });
      expect(message + JSON.stringify(data)).not.toMatch(/127\.0\.0\.1|\/nowhere\/at/);
    }
    const [one, other] = answers.map((answer) => ({ status: answer.status, ...comparableAnswer(answer) }));
    expect(other).toEqual(one);
    for (const { url } of cluster.workers)
      expect(servers.get(slug)?.counters.runs(`${url}/servers/${slug}`) ?? 0).toBe(0);
  });
});
