import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import { CLIENT_TRANSPORTS, LegacyRawClient, messagesIn, rawClient, SseRawClient } from '#lib/testing/raw-client';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { eventsIn } from '../support/events-in.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { until } from '../support/until.js';

const REVISIONS = ['2025-03-26', '2025-06-18', '2025-11-25'];
const WATCHED = 'test://watched-resource';

let servers: Record<'old' | 'young' | 'counted' | 'restarted' | 'streamed', ReferenceServer>;
let gateway: TestGateway;
const clients: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  servers = {
    old: await startReferenceServer({ era: 'legacy', transport: 'http' }),
    young: await startReferenceServer({ era: 'modern', transport: 'http' }),
    counted: await startReferenceServer({ era: 'legacy', transport: 'http' }),
    restarted: await startReferenceServer({ era: 'legacy', transport: 'http' }),
    streamed: await startReferenceServer({ era: 'legacy', transport: 'sse' }),
  };
  const transportOf = (slug: string) => (slug === 'streamed' ? 'sse' : 'http');
  const entries = Object.entries(servers).map(([slug, { url }]) => [slug, { transport: transportOf(slug), url }]);
  gateway = await startGateway({ servers: Object.fromEntries(entries) });
});

afterAll(async () => {
  for (const client of clients) await client.close();
  await gateway.close();
  await Promise.all(Object.values(servers).map((server) => server.close()));
});

async function connected(path = '/servers/old', { revision = '2025-11-25', subject = 'tester' } = {}) {
  const token = await gateway.token({ subject });
  const client = new LegacyRawClient(`${gateway.url}${path}/mcp`, { token, revision });
  clients.push(client);
  await client.connect();
  return client;
}

/** Sends a raw request in the session of `client`, optionally at another endpoint or as another principal. */
async function send(client: LegacyRawClient, verb: 'GET' | 'POST' | 'DELETE', more: SendMore = {}) {
  const { path = '/servers/old', message, headers = {}, sender = client, signal } = more;
  const body = message && JSON.stringify(message);
  const all = { ...client.headers, 'content-type': 'application/json', ...headers };
  return sender.http.request(verb, `${gateway.url}${path}/mcp`, all, body, signal);
}

interface SendMore {
  readonly path?: string;
  readonly message?: JsonObject;
  readonly headers?: Record<string, string>;
  /** The client whose token is sent. */
  readonly sender?: LegacyRawClient;
  readonly signal?: AbortSignal;
}

const callOf = (id: string, name: string, args: JsonObject): JsonObject => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args, _meta: { progressToken: `of ${id}` } },
});

describe.each(REVISIONS)('a session of revision %s', (revision) => {
  it('is negotiated, and serves calls', async () => {
    const client = await connected('/servers/old', { revision });
    const { answers } = await client.request('tools/call', { name: 'all_content', arguments: {} });
    const link = revision === '2025-03-26' ? 'text' : 'resource_link';
    const content = ['text', 'image', 'audio', 'resource', link].map((type) => ({ type }));
    expect(answers).toMatchObject([{ result: { content } }]);
  });

  it.each(['old', 'young'] as const)(
    'delivers the remaining messages of a call to the %s server when the client resumes',
    async (slug) => {
      const path = `/servers/${slug}`;
      const client = await connected(path, { revision });
      const cut = new AbortController();
      const key = `${slug} ${revision}`;
      const held = await send(client, 'POST', { path, message: callOf('held', 'hold', { key }), signal: cut.signal });
      const first = await eventsIn(held.body).next();
      expect(first.value).toMatchObject({
        message: { method: 'notifications/progress', params: { progressToken: 'of held' } },
      });
      cut.abort();
      servers[slug].world.release(key);
      const rest = await send(client, 'GET', { path, headers: { 'last-event-id': first.value?.id ?? 'none' } });
      expect(rest.statusCode).toBe(200);
      const messages = messagesIn('text/event-stream', await rest.body.text());
      expect(messages).toMatchObject([{ id: 'held', result: { content: [{ text: `released ${key}` }] } }]);
    },
  );
});

describe('the GET stream of a session', () => {
  it('delivers missed events once when the client resumes', async () => {
    const client = await connected();
    const { old } = servers;
    const touch = () => client.request('tools/call', { name: 'touch_resource', arguments: {} });
    await client.request('resources/subscribe', { uri: WATCHED });
    const cut = new AbortController();
    const stream = await send(client, 'GET', { signal: cut.signal });
    const events = eventsIn(stream.body);
    await touch();
    const { value: before } = await events.next();
    expect(before).toMatchObject({ message: { method: 'notifications/resources/updated', params: { uri: WATCHED } } });
    cut.abort();
    await touch();
    const resumed = eventsIn((await send(client, 'GET', { headers: { 'last-event-id': before?.id ?? 'none' } })).body);
    old.world.toggleExtra('prompts');
    const methods: unknown[] = [];
    while (methods.at(-1) !== 'notifications/prompts/list_changed') {
      methods.push((await resumed.next()).value?.message['method']);
    }
    expect(methods.filter((method) => method === 'notifications/resources/updated')).toHaveLength(1);
  });

  it('cannot be resumed with a gap', async () => {
    const client = await connected();
    for (const unknown of ['999-999', 'nonsense']) {
      const refused = await send(client, 'GET', { headers: { 'last-event-id': unknown } });
      expect(refused.statusCode).toBe(400);
      expect(await refused.body.json()).toMatchObject({ error: { message: expect.stringContaining('Last-Event-ID') } });
    }
  });
});

describe('a session', () => {
  it('ends with DELETE, at the gateway and at the server', async () => {
    const path = '/servers/counted';
    const client = await connected(path);
    await client.request('tools/call', { name: 'echo', arguments: { text: 'here' } });
    const { openSessions } = servers.counted;
    const deleted = await send(client, 'DELETE', { path });
    expect(deleted.statusCode).toBe(204);
    const message = callOf('late', 'echo', { text: 'late' });
    for (const [verb, more] of [
      ['POST', { path, message }],
      ['GET', { path }],
      ['DELETE', { path }],
    ] as const) {
      expect((await send(client, verb, more)).statusCode).toBe(404);
    }
    await until(() => servers.counted.openSessions === openSessions - 1);
    expect(servers.counted.calls.of('echo').started).toBe(1);
  });

  it('is answered 404 for other principals and at other endpoints', async () => {
    const client = await connected();
    const stranger = await connected('/servers/old', { subject: 'stranger' });
    const message = callOf('mine', 'echo', { text: 'mine' });
    const started = servers.old.calls.of('echo').started;
    for (const [verb, more] of [
      ['POST', { message, sender: stranger }],
      ['GET', { sender: stranger }],
      ['DELETE', { sender: stranger }],
      ['POST', { message, path: '/servers/young' }],
      ['POST', { message, path: '' }],
      ['DELETE', { path: '' }],
    ] as const) {
      const refused = await send(client, verb, more);
      expect(refused.statusCode).toBe(404);
      expect(await refused.body.json()).toEqual({
        jsonrpc: '2.0',
        id: verb === 'POST' ? 'mine' : null,
        error: { code: -32_600, message: 'Session not found. Initialize a new one.' },
      });
    }
    expect(servers.old.calls.of('echo').started).toBe(started);
    const still = await client.request('tools/call', { name: 'echo', arguments: { text: 'still here' } });
    expect(still.answers).toMatchObject([{ result: { content: [{ text: 'still here' }] } }]);
  });

  it('receives no answers of other sessions', async () => {
    const client = await connected('/servers/old');
    const stranger = await connected('/servers/old', { subject: 'stranger' });
    const answers = await Promise.all([
      client.request('tools/call', { name: 'echo', arguments: { text: 'one' } }),
      stranger.request('tools/call', { name: 'echo', arguments: { text: 'two' } }),
    ]);
    expect(answers.map(({ answers: [answer] }) => answer)).toMatchObject([
      { result: { content: [{ text: 'one' }] } },
      { result: { content: [{ text: 'two' }] } },
    ]);
  });

  it('of HTTP+SSE receives all progress before the answer', async () => {
    const client = new SseRawClient(`${gateway.url}/servers/old/sse`, { token: await gateway.token() });
    clients.push(client);
    await client.connect();
    const { answers } = await client.request('tools/call', {
      name: 'slow',
      arguments: { durationMs: 3, steps: 3 },
      _meta: { progressToken: 'p' },
    });
    expect(answers).toMatchObject([{ result: { content: [{ text: 'done after 3 steps' }] } }]);
    const params = [1, 2, 3].map((progress) => ({ params: { progressToken: 'p', progress } }));
    expect(client.others.filter(({ method }) => method === 'notifications/progress')).toMatchObject(params);
  });

  it('of HTTP+SSE ends with its stream', async () => {
    const client = new SseRawClient(`${gateway.url}/servers/old/sse`, { token: await gateway.token() });
    clients.push(client);
    await client.connect();
    const answer = await client.request('tools/call', { name: 'echo', arguments: { text: 'streamed' } });
    expect(answer.answers).toMatchObject([{ result: { content: [{ text: 'streamed' }] } }]);
    const stranger = await connected('/servers/old', { subject: 'stranger' });
    const foreign = await stranger.http.post(client.messagesUrl, {}, { jsonrpc: '2.0', id: 1, method: 'ping' });
    expect(foreign.status).toBe(404);
    await client.close();
    const owner = await connected('/servers/old');
    const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
    await until(async () => (await owner.http.post(client.messagesUrl, {}, ping)).status === 404);
  });
});

describe.each(['restarted', 'streamed'] as const)('a client of the %s server, which forgot its sessions,', (slug) => {
  const server = () => servers[slug];
  const startedCalls = () => server().calls.of('echo').started;

  describe.each(['', `/servers/${slug}`])('at the endpoint "%s"', (path) => {
    const echo = path === '' ? `${slug}__echo` : 'echo';

    it.each(CLIENT_TRANSPORTS)('continues over %s, and each of its calls runs once', async (transport) => {
      const client = rawClient(transport, `${gateway.url}${path}`, { token: await gateway.token() });
      clients.push(client);
      await client.connect();
      const call = async (text: string) =>
        (await client.request('tools/call', { name: echo, arguments: { text } })).answers;
      expect(await call('before')).toMatchObject([{ result: { content: [{ text: 'before' }] } }]);
      const before = startedCalls();
      await server().forgetSessions();
      const texts = ['one', 'two', 'three'];
      expect(await Promise.all(texts.map(call))).toMatchObject(
        texts.map((text) => [{ result: { content: [{ text }] } }]),
      );
      expect(startedCalls()).toBe(before + texts.length);
      await server().forgetSessions();
      const { answers } = await client.request('tools/list');
      expect(JSON.stringify(answers)).toContain(`"${echo}"`);
    });
  });

  it('subscribes to a resource, and hears of its changes after the next restart too', async () => {
    const path = `/servers/${slug}`;
    const client = await connected(path);
    const stream = eventsIn((await send(client, 'GET', { path })).body);
    await client.request('tools/call', { name: 'echo', arguments: { text: 'first' } });
    for (let restart = 0; restart < 2; restart += 1) {
      await server().forgetSessions();
      const { answers } = await client.request('resources/subscribe', { uri: WATCHED });
      expect(answers).toMatchObject([{ result: {} }]);
      await client.request('tools/call', { name: 'touch_resource', arguments: {} });
      let heard: unknown;
      while (heard !== 'notifications/resources/updated') heard = (await stream.next()).value?.message['method'];
    }
  });
});

describe('a JSON-RPC batch', () => {
  const batch = [
    callOf('one', 'echo', { text: 'one' }),
    callOf('two', 'echo', { text: 'two' }),
    { jsonrpc: '2.0', method: 'notifications/initialized' },
  ];

  const post = (client: LegacyRawClient) =>
    client.http.request(
      'POST',
      `${gateway.url}/servers/old/mcp`,
      { ...client.headers, 'content-type': 'application/json' },
      JSON.stringify(batch),
    );

  it('is answered at revision 2025-03-26', async () => {
    const answered = await post(await connected('/servers/old', { revision: '2025-03-26' }));
    const answers = messagesIn(answered.headers['content-type'] as string, await answered.body.text());
    const contents = answers.map(({ id, result }) => [id, isJsonObject(result) ? result['content'] : undefined]);
    expect(Object.fromEntries(contents)).toEqual({
      one: [{ type: 'text', text: 'one' }],
      two: [{ type: 'text', text: 'two' }],
    });
  });

  it('is rejected at all other revisions', async () => {
    const refused = await post(await connected('/servers/old', { revision: '2025-11-25' }));
    expect(refused.statusCode).toBe(400);
    await refused.body.dump();
  });
});
