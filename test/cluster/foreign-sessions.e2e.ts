/** @waits */
/** Every worker answers a foreign session id exactly as an unknown one, and sends no order about it to another worker. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { startRestServer, type RestTestServer } from '#lib/testing/rest-server';
import { AdminClient } from '../support/admin-client.js';
import { startCluster, type TestCluster } from '../support/cluster.js';
import { FrameReader } from '../support/bus-frames.js';
import { LegacyClientViaIngress, SseClientViaIngress } from '../support/forwarding-clients.js';
import { RedisMonitor } from '../support/redis-monitor.js';
import { until } from '../support/until.js';

const CALL = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'api__object', arguments: {} } };
const OWN_CALL = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'object', arguments: {} } };
const NOTIFICATION = { jsonrpc: '2.0', method: 'notifications/roots/list_changed' };
/** A session id consists of a version, the owner, a random part, a key, a revision and a seal. */
const ID_LENGTH = 71;

let redis: RunningRedis;
let server: RestTestServer;
let cluster: TestCluster;
let monitor: RedisMonitor;
let reader: FrameReader;
let alice: string;
let bob: string;
let http: LegacyClientViaIngress;
let sse: SseClientViaIngress;
let httpId: string;
let sseId: string;
/** A personal access token of alice for one server, and a session that was opened with it. */
let limited: string;
let limitedClient: LegacyClientViaIngress;
let limitedId: string;

beforeAll(async () => {
  redis = await startRedis();
  server = await startRestServer();
  const api = { transport: 'rest', url: server.url, tools: { object: { path: '/object' } } };
  cluster = await startCluster({ workers: 2, redis: redis.url, servers: { api } });
  [alice, bob] = [await cluster.token({ subject: 'alice' }), await cluster.token({ subject: 'bob' })];
  const [home = '', door = ''] = doors();
  http = new LegacyClientViaIngress(home, door, { token: alice });
  sse = new SseClientViaIngress(home, door, { token: alice });
  await http.connect();
  await sse.connect();
  httpId = http.headers['mcp-session-id'] ?? '';
  sseId = new URL(sse.messagesUrl).searchParams.get('sessionId') ?? '';
  limited = await createLimitedToken();
  limitedClient = new LegacyClientViaIngress(home, door, { token: limited });
  await limitedClient.connect();
  limitedId = limitedClient.headers['mcp-session-id'] ?? '';
  monitor = await RedisMonitor.open(redis.port);
  reader = await FrameReader.open(cluster.folder);
});

afterAll(async () => {
  await http?.close();
  await sse?.close();
  await limitedClient?.close();
  monitor?.close();
  await cluster?.stop();
  await redis?.stop();
  await server?.close();
});

/** Creates a personal access token of alice for one server. Resolves once every worker accepts it. */
async function createLimitedToken(): Promise<string> {
  const [owner] = cluster.workers;
  const order = { body: { title: 'limited', servers: ['api'] } };
  const { json } = await new AdminClient(cluster, ['user'], 'alice').send(owner!, 'POST', '/tokens', order);
  const token = json['token'] as string;
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
  for (const door of doors())
    await until(
      async () => (await answerTo(door, { verb: 'POST', path: '/rpc', token, message: ping })).status === 200,
    );
  return token;
}

/** The URLs of the owner and of the other worker. */
const doors = (): string[] => cluster.workers.map(({ url }) => url);

interface Attempt {
  readonly verb: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly token: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly message?: object;
}

/** The whole answer without the date header. */
async function answerTo(door: string, { verb, path, token, headers, message }: Attempt) {
  const response = await fetch(door + path, {
    method: verb,
    headers: {
      authorization: `Bearer ${token}`,
      accept: verb === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
      ...(message && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(message && { body: JSON.stringify(message) }),
  });
  const answerHeaders = [...response.headers].filter(([name]) => name !== 'date');
  return { status: response.status, headers: Object.fromEntries(answerHeaders), body: await response.text() };
}

/** Every request that names a session, over streamable HTTP. */
function overHttp(id: string, token: string, base = ''): Attempt[] {
  const path = `${base}/mcp`;
  const headers = { 'mcp-session-id': id };
  const call = base === '' ? CALL : OWN_CALL;
  return [
    { verb: 'POST', path, token, headers, message: call },
    { verb: 'POST', path, token, headers, message: NOTIFICATION },
    { verb: 'POST', path, token, headers, message: { jsonrpc: '2.0', id: 1, result: {} } },
    { verb: 'GET', path, token, headers },
    { verb: 'GET', path, token, headers: { ...headers, 'last-event-id': '1' } },
    { verb: 'DELETE', path, token, headers },
  ];
}

/** The same over HTTP+SSE. */
function overSse(id: string, token: string, base = ''): Attempt[] {
  const path = `${base}/messages?sessionId=${encodeURIComponent(id)}`;
  const call = base === '' ? CALL : OWN_CALL;
  return [call, NOTIFICATION].map((message) => ({ verb: 'POST', path, token, message }));
}

/** The same id with one character replaced by another of the same alphabet. */
function altered(id: string, at: number): string {
  return id.slice(0, at) + (id[at] === 'A' ? 'B' : 'A') + id.slice(at + 1);
}

/** Session ids that were never issued. */
const UNISSUED_ID = 'no-session-has-this-name';

const TRIES: readonly (readonly [name: string, attempts: () => Attempt[], unknown: () => Attempt[]])[] = [
  ['of another principal', () => overHttp(httpId, bob), () => overHttp(UNISSUED_ID, bob)],
  ['of another principal, over HTTP+SSE', () => overSse(sseId, bob), () => overSse(UNISSUED_ID, bob)],
  [
    'at another endpoint',
    () => overHttp(httpId, alice, '/servers/api'),
    () => overHttp(UNISSUED_ID, alice, '/servers/api'),
  ],
  [
    'at another endpoint, over HTTP+SSE',
    () => overSse(sseId, alice, '/servers/api'),
    () => overSse(UNISSUED_ID, alice, '/servers/api'),
  ],
  ['of HTTP+SSE, over streamable HTTP', () => overHttp(sseId, alice), () => overHttp(UNISSUED_ID, alice)],
  ['of streamable HTTP, over HTTP+SSE', () => overSse(httpId, alice), () => overSse(UNISSUED_ID, alice)],
  [
    'of a token for all servers, with a token for some',
    () => overHttp(httpId, limited),
    () => overHttp(UNISSUED_ID, limited),
  ],
  [
    'of a token for all servers, with a token for some, over HTTP+SSE',
    () => overSse(sseId, limited),
    () => overSse(UNISSUED_ID, limited),
  ],
  [
    'of a token for some servers, with a token for all',
    () => overHttp(limitedId, alice),
    () => overHttp(UNISSUED_ID, alice),
  ],
  ['cut short', () => overHttp(httpId.slice(0, -1), alice), () => overHttp(UNISSUED_ID, alice)],
  ['made longer', () => overHttp(`${httpId}A`, alice), () => overHttp(UNISSUED_ID, alice)],
  ['padded', () => overHttp(`${httpId}=`, alice), () => overHttp(UNISSUED_ID, alice)],
];

describe.each(['its owner', 'the other worker'])('a session id in a request at %s', (place) => {
  const target = (): string => doors()[place === 'its owner' ? 0 : 1] ?? '';

  beforeEach(async () => {
    await monitor.settled();
    monitor.commands.length = 0;
  });

  async function expectUnasked(ids: readonly string[]): Promise<void> {
    await monitor.settled();
    expect(reader.framesIn(monitor.commands)).toEqual([]);
    const commands = monitor.commands.map((command) => command.join(' ')).join('\n');
    expect(ids.filter((id) => commands.includes(id))).toEqual([]);
  }

  it.each(TRIES)('is unknown when it is %s', async (_name, attempts, unknown) => {
    const answers = await Promise.all(attempts().map((attempt) => answerTo(target(), attempt)));
    const [reference = ''] = doors();
    const expected = await Promise.all(unknown().map((attempt) => answerTo(reference, attempt)));
    expect(answers).toEqual(expected);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 404));
    await expectUnasked([httpId, sseId]);
  });

  it('is unknown when any of its characters is altered', async () => {
    expect(httpId).toHaveLength(ID_LENGTH);
    const [attempt] = overHttp(UNISSUED_ID, alice);
    if (!attempt) throw new Error('There is an attempt');
    const expected = await answerTo(doors()[0] ?? '', attempt);
    const ids = Array.from(httpId, (_character, at) => altered(httpId, at));
    for (const id of ids)
      expect(await answerTo(target(), { ...attempt, headers: { 'mcp-session-id': id } })).toEqual(expected);
    await expectUnasked([httpId, ...ids]);
  });

  it('runs nothing when it is foreign, and still works for its own principal', async () => {
    const before = server.runs('/object');
    expect(before).toBe(place === 'its owner' ? 0 : 3);
    for (const client of [http, sse, limitedClient]) {
      const { answers } = await client.request('tools/call', CALL.params);
      expect(answers).toMatchObject([{ result: { content: [{ type: 'text' }] } }]);
    }
    expect(server.runs('/object')).toBe(before + 3);
    await monitor.settled();
    // Proves that the checks above would have seen a call.
    expect(reader.framesIn(monitor.commands).filter(({ kind }) => kind === 'request')).toHaveLength(3);
  });
});
