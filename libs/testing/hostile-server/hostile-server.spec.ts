import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { HttpCaller, LegacyRawClient, ModernRawClient, SseRawClient, type RawClient } from '#lib/testing/raw-client';
import { BEHAVIOURS, startHostileServer, type HostileServer, type HostileServerOptions } from './index.js';

const closing: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const each of closing.splice(0).toReversed()) await each.close();
});

function keep<T extends { close(): Promise<void> }>(resource: T): T {
  closing.push(resource);
  return resource;
}

const start = async (options: HostileServerOptions): Promise<HostileServer> => keep(await startHostileServer(options));

async function legacy(misbehave: HostileServerOptions['misbehave'] = {}) {
  const server = await start({ era: 'legacy', transport: 'http', misbehave });
  const client = keep(new LegacyRawClient(server.url));
  await client.connect();
  return { server, client };
}

async function modern() {
  const server = await start({ era: 'modern', transport: 'http' });
  return { server, client: keep(new ModernRawClient(server.url)) };
}

async function sse() {
  const server = await start({ era: 'legacy', transport: 'sse' });
  const client = keep(new SseRawClient(server.url, { timeoutMs: scaleDeadline(2_000) }));
  await client.connect();
  return { server, client };
}

const call = (client: RawClient, name: string, mark = name) =>
  client.request('tools/call', { name, arguments: { call: mark } });

describe('the table of hostile behaviours', () => {
  it('gives each behaviour a valid and unique tool name', () => {
    const names = BEHAVIOURS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !/^[a-z0-9-]{1,64}$/.test(name))).toEqual([]);
  });

  it('combines every rejecting HTTP status with every body', () => {
    for (const status of [401, 403, 404, 405, 406, 413, 415, 429, 500, 502, 503]) {
      const bodies = BEHAVIOURS.filter(({ name }) => name.startsWith(`http-${status}-`));
      expect(bodies.length).toBeGreaterThanOrEqual(18);
    }
  });
});

describe.each([
  ['legacy http', legacy],
  ['modern http', modern],
  ['sse', sse],
])('a hostile server over %s', (_name, open) => {
  it('lists its tools and executes a good call once', async () => {
    const { server, client } = await open();
    const list = await client.request('tools/list');
    const names = (list.answers[0]?.['result'] as { tools?: { name: string }[] } | undefined)?.tools?.map(
      ({ name }) => name,
    );
    expect(names).toEqual(BEHAVIOURS.map(({ name }) => name));
    expect((await call(client, 'good', 'mark')).answers[0]).toMatchObject({ result: { content: [{ text: 'done' }] } });
    expect(server.counters.runs('mark')).toBe(1);
  });

  it('answers with the status and body that the tool names', async () => {
    const { client } = await open();
    const answer = await call(client, 'http-503-retry-nest');
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('2');
    expect(JSON.parse(answer.body)).toEqual({ statusCode: 503, message: 'Who are you?', error: 'Unauthorized' });
  });

  it('resets the connection after the request has arrived', async () => {
    const { server, client } = await open();
    await expect(call(client, 'reset')).rejects.toThrow();
    expect(server.counters.runsOf('reset')).toBe(1);
  });

  it('redirects to traps that record the requests they receive', async () => {
    const { server, client } = await open();
    const caller = keep(new HttpCaller({ token: 'secret' }));
    for (const name of ['redirect-307-same-origin', 'redirect-308-other-origin']) {
      const answer = await call(client, name);
      const target = new URL(String(answer.headers.location), server.url);
      await caller.post(target.href, {}, { jsonrpc: '2.0', id: 1, method: 'tools/call' });
    }
    expect(server.counters.trapped.map(({ headers }) => headers['authorization'])).toEqual([
      'Bearer secret',
      'Bearer secret',
    ]);
  });
});

describe('a hostile server that answers in the HTTP response', () => {
  it.each([
    ['body-null', 'null'],
    ['body-empty', ''],
    ['status-204-nothing', ''],
    ['body-text', 'All is well'],
  ])('sends %s', async (name, body) => {
    const server = await start({ era: 'modern', transport: 'http' });
    const caller = keep(new HttpCaller({}));
    const params = { name, arguments: {} };
    const response = await caller.request(
      'POST',
      server.url,
      {},
      JSON.stringify({ id: 1, method: 'tools/call', params }),
    );
    expect(await response.body.text()).toBe(body);
  });

  it('cuts streams and sends bodies shorter than announced', async () => {
    const { client } = await legacy();
    const cut = await call(client, 'stream-cut');
    expect([cut.status, cut.answers.length, cut.others.length]).toEqual([200, 0, 1]);
    await expect(call(client, 'short-body')).rejects.toThrow();
    await expect(call(client, 'stream-reset')).rejects.toThrow();
  });

  it('answers twice in one stream', async () => {
    const { client } = await legacy();
    expect((await call(client, 'answers-twice')).answers).toHaveLength(2);
  });

  it('resumes a closed stream event by event', async () => {
    const { server, client } = await legacy();
    const answer = await call(client, 'stream-closed-after-each-event');
    expect(answer.answers).toMatchObject([{ id: answer.id, result: { content: [{ text: 'first' }] } }]);
    expect(answer.others).toHaveLength(3);
    expect(server.counters.arrivals.filter(({ verb }) => verb === 'GET')).toHaveLength(3);
  });

  it('rejects the resumption of a stream', async () => {
    const { server, client } = await legacy();
    expect((await call(client, 'stream-cut-with-ids')).answers).toHaveLength(0);
    expect(server.counters.arrivals.filter(({ verb }) => verb === 'GET')).toHaveLength(1);
  });

  it('answers 404 after it has forgotten a session', async () => {
    const { client } = await legacy();
    expect((await call(client, 'forgotten-session')).status).toBe(404);
    expect((await call(client, 'good')).status).toBe(404);
  });

  it('misbehaves in lists when configured to', async () => {
    const { client } = await legacy({ 'tools/list': 'http-502-html' });
    expect((await client.request('tools/list')).status).toBe(502);
  });

  it('floods no faster than the client reads and detects that the client left', async () => {
    const { server, client } = await modern();
    const { headers, message } = client.compose('tools/call', { name: 'endless-answer', arguments: {} });
    const stop = new AbortController();
    const response = await client.http.request('POST', server.url, headers, JSON.stringify(message), stop.signal);
    const [first] = await response.body.take(1).toArray();
    expect(String(first)).toContain('"text":"');
    stop.abort();
    while (server.counters.abandoned === 0) await pause(5);
    expect(server.counters.flooded).toBeLessThan(16 * 1024 * 1024);
  });
});

describe('a hostile server that sends a question', () => {
  it('reports how the client refused its question', async () => {
    const { client } = await sse();
    const answered = call(client, 'question-undeclared');
    while (client.others.length === 0) await pause(5);
    const question = client.others[0]?.['id'] ?? null;
    await client.post({ jsonrpc: '2.0', id: question, error: { code: -32601, message: 'No' } });
    expect((await answered).answers[0]).toMatchObject({ error: { code: 4712, data: { refusal: -32601 } } });
  });
});
