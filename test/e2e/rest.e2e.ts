/** Plain HTTP endpoints as tools: for every client a failure is never reported as a success, and nothing runs twice. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { CLIENT_TRANSPORTS, rawClient, type RawAnswer, type RawClient } from '#lib/testing/raw-client';
import { REST_ANSWERS, startRestServer, type RestTestServer } from '#lib/testing/rest-server';
import { CLIENTS } from '../matrix/clients.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { textOf } from '../support/sdk-client.js';
import { until } from '../support/until.js';
import { errorOf } from '../support/answer-checks.js';

const PATHS = [...Object.keys(REST_ANSWERS), '/hang', '/cut', '/half', '/redirect'];

const OPEN = { additionalProperties: true };

const TOOLS: Readonly<Record<string, object>> = {
  find: {
    description: 'Finds a bill.',
    path: '/echo/{id}',
    inputSchema: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'], ...OPEN },
  },
  make: { method: 'POST', path: '/echo', inputSchema: { type: 'object', ...OPEN } },
  mapped: {
    method: 'POST',
    path: '/echo/{id}',
    headers: { 'X-Tenant': '{tenant}', Authorization: 'Bearer of-the-tool' },
    query: { page: '{page}' },
    body: { sum: '{sum}', note: 'for {tenant}' },
    result: '$.headers',
    outputSchema: { type: 'object', properties: { 'x-tenant': { type: 'string' } } },
  },
  'picks-nothing': { path: '/echo', result: '$.nowhere.at.all' },
  'no-object': { path: '/array', outputSchema: { type: 'object' } },
  'no-json': { path: '/text', outputSchema: { type: 'object' } },
  ...Object.fromEntries(PATHS.map((path) => [path.slice(1), { path }])),
};

let server: RestTestServer;
let gateway: TestGateway;

/** No process listens on this port, and the system never assigns it. */
const DEAD_URL = 'http://127.0.0.1:1';

const configuration = () => ({
  servers: {
    billing: {
      transport: 'rest',
      url: server.url,
      headers: { Authorization: 'Bearer of-the-gateway' },
      timeouts: { request: '10s' },
      tools: TOOLS,
    },
    hasty: { transport: 'rest', url: server.url, timeouts: { request: '200ms' }, tools: { hang: { path: '/hang' } } },
    dead: { transport: 'rest', url: DEAD_URL, tools: { any: { path: '/any' } } },
  },
});

beforeAll(async () => {
  server = await startRestServer();
  gateway = await startGateway(configuration());
});

afterAll(async () => {
  await gateway.close();
  await server.close();
});

const ENDPOINTS = [
  {
    endpoint: 'its own endpoint',
    pathOf: (slug: string) => `/servers/${slug}`,
    nameOf: (_: string, own: string) => own,
  },
  { endpoint: 'the endpoint of all', pathOf: () => '', nameOf: (slug: string, own: string) => `${slug}__${own}` },
];

const CELLS = CLIENT_TRANSPORTS.flatMap((transport) => ENDPOINTS.map((endpoint) => ({ transport, ...endpoint })));

describe.each(CELLS)('a REST tool, called over $transport at $endpoint', ({ transport, pathOf, nameOf }) => {
  const clients = new Map<string, RawClient>();

  const clientOf = async (slug: string): Promise<RawClient> => {
    const known = clients.get(slug);
    if (known !== undefined) return known;
    const client = rawClient(transport, gateway.url + pathOf(slug), { token: await gateway.token() });
    clients.set(slug, client);
    await client.connect();
    return client;
  };

  const call = async (own: string, args: JsonObject = {}, slug = 'billing'): Promise<RawAnswer> => {
    const client = await clientOf(slug);
    return client.request('tools/call', { name: nameOf(slug, own), arguments: args });
  };

  afterAll(() => Promise.all(Array.from(clients.values(), (client) => client.close())));

  /** The only result, with the id of the request. */
  function resultOf({ id, answers }: RawAnswer): JsonObject {
    expect(answers).toEqual([{ jsonrpc: '2.0', id, result: expect.anything() }]);
    return answers[0]?.['result'] as JsonObject;
  }

  function expectError(answer: RawAnswer, code: number, data: JsonObject, status: number): void {
    expect(answer.answers).toEqual([{ jsonrpc: '2.0', id: answer.id, error: expect.anything() }]);
    expect(errorOf(answer)).toMatchObject({ code, data: { ...data, requestId: expect.any(String) } });
    if (transport === 'rpc') expect(answer.status).toBe(status);
  }

  it.each<[string, number, string]>([
    ['401', 401, 'Unauthorized request'],
    ['403', 403, 'Not yours'],
    ['404', 404, 'No such bill'],
    ['418', 418, 'A teapot'],
    ['422', 422, 'Unprocessable Entity'],
    ['429', 429, 'slow_down'],
    ['500', 500, 'Oops'],
    ['502', 502, '<h1>Bad gateway</h1>'],
    ['503', 503, 'Service Unavailable'],
    ['400-null', 400, 'null'],
    ['400-array', 400, '["a"]'],
    ['400-text', 400, 'No amount'],
  ])('returns a failed result with status and detail when the API answers %s', async (own, status, detail) => {
    const before = server.runs(`/${own}`);
    expect(resultOf(await call(own))).toMatchObject({
      isError: true,
      content: [{ type: 'text', text: `Upstream answered HTTP ${status}: ${detail}` }],
      _meta: { 'isthmus/httpStatus': status, 'isthmus/detail': detail },
    });
    expect(server.runs(`/${own}`)).toBe(before + 1);
  });

  it('returns the Retry-After of a 429 in milliseconds', async () => {
    expect(resultOf(await call('429'))).toMatchObject({ _meta: { 'isthmus/retryAfterMs': 3_000 } });
  });

  it.each<[string, JsonObject]>([
    [
      'object',
      { content: [{ type: 'text', text: '{"bill":7,"open":true}' }], structuredContent: { bill: 7, open: true } },
    ],
    ['array', { content: [{ type: 'text', text: '[1,2]' }] }],
    ['null', { content: [{ type: 'text', text: 'null' }] }],
    ['text', { content: [{ type: 'text', text: 'Grüße' }] }],
    ['empty', { content: [{ type: 'text', text: '' }] }],
  ])('returns the response of the API as its result when the API answers with "%s"', async (own, expected) => {
    const answered = resultOf(await call(own));
    expect(answered).toMatchObject(expected);
    expect(answered).not.toHaveProperty('isError');
  });

  it('sends its arguments as configured, and returns the configured part of the response', async () => {
    const { structuredContent, content } = resultOf(await call('mapped', { id: 7, tenant: 'a', page: 2, sum: 1.5 }));
    expect(structuredContent).toMatchObject({ 'x-tenant': 'a', authorization: 'Bearer of-the-tool' });
    expect(content).toEqual([{ type: 'text', text: JSON.stringify(structuredContent) }]);
    expect(server.arrivals.at(-1)).toMatchObject({ address: '/echo/7?page=2', body: '{"sum":1.5,"note":"for a"}' });
  });

  it.each(['picks-nothing', 'no-object', 'no-json'])(
    'returns a protocol error when the response does not have the configured form: %s',
    async (own) => {
      expectError(await call(own), -31_005, { outcome: 'unknown', retriable: false, server: 'billing' }, 502);
    },
  );

  it('sends its arguments in path, query or body, with the credentials of the server', async () => {
    expect(resultOf(await call('find', { id: 'a/b', open: true }))).toMatchObject({
      structuredContent: { address: '/echo/a%2Fb?open=true', headers: { authorization: 'Bearer of-the-gateway' } },
    });
    expect(resultOf(await call('make', { amount: 1 }))).toMatchObject({
      structuredContent: { method: 'POST', body: '{"amount":1}' },
    });
  });

  it('rejects a missing argument by its name, and an unknown tool, without a request to the API', async () => {
    const before = server.arrivals.length;
    const missing = errorOf(await call('find'));
    expect(missing).toMatchObject({ code: -32_602, message: 'The argument id is missing.' });
    expect(errorOf(await call('none'))).toMatchObject({
      code: -32_602,
      message: expect.stringMatching(/Unknown tool/),
    });
    expect(server.arrivals).toHaveLength(before);
  });

  it.each([
    ['cut', -31_002, 504],
    ['half', -31_005, 502],
    ['html-as-json', -31_005, 502],
    ['redirect', -31_004, 502],
  ])(
    'returns an error with an unknown outcome after one request when the response ends in "%s"',
    async (own, code, status) => {
      const before = server.runs(`/${own}`);
      expectError(await call(own), code, { outcome: 'unknown', retriable: false, server: 'billing' }, status);
      expect(server.runs(`/${own}`)).toBe(before + 1);
      expect(server.trapped).toBe(0);
    },
  );

  it('returns an error with an unknown outcome when the API does not answer in time', async () => {
    expectError(await call('hang', {}, 'hasty'), -31_002, { outcome: 'unknown', server: 'hasty' }, 504);
  });

  it('returns an error that says "not executed" when the API is unreachable', async () => {
    expectError(
      await call('any', {}, 'dead'),
      -31_004,
      { outcome: 'not_executed', retriable: true, server: 'dead' },
      502,
    );
  });

  it('is listed as it was configured', async () => {
    const client = await clientOf('billing');
    const { tools } = resultOf(await client.request('tools/list')) as { tools: JsonObject[] };
    const { path: _path, ...declared } = TOOLS['find'] as { path: string };
    const names = tools.map(({ name }) => name);
    expect(tools[names.indexOf(nameOf('billing', 'find'))]).toEqual({ name: nameOf('billing', 'find'), ...declared });
    expect(names).toEqual(expect.arrayContaining(Object.keys(TOOLS).map((own) => nameOf('billing', own))));
  });

  it('belongs to a server whose handshake sends no request to the API', async () => {
    const before = server.arrivals.length;
    const client = await clientOf('billing');
    for (const list of ['prompts', 'resources']) {
      expect(resultOf(await client.request(`${list}/list`))).toMatchObject({ [list]: [] });
    }
    expect(server.arrivals).toHaveLength(before);
  });
});

describe.each(CLIENTS)('$name with a REST server', (kind) => {
  const connect = async () =>
    kind.connect({ url: `${gateway.url}/servers/billing/${kind.path}`, token: await gateway.token() });

  it('lists and calls its tools', async () => {
    const client = await connect();
    expect(client.serverName).toBe('billing');
    expect(client.capabilities).toHaveProperty('tools');
    expect((await client.list('tools')).map(({ name }) => name)).toEqual(expect.arrayContaining(['find', 'make']));
    expect(textOf(await client.call('text'))).toBe('Grüße');
    expect(await client.call('image')).toMatchObject({ content: [{ type: 'image', mimeType: 'image/png' }] });
    expect(await client.call('401')).toMatchObject({ isError: true });
    await client.close();
  });

  it('aborts the request to the API when it cancels the call', async () => {
    const client = await connect();
    const [runs, before] = [server.runs('/hang'), server.abandoned];
    const leaving = new AbortController();
    const call = client.call('hang', {}, { signal: leaving.signal }).catch((cause: unknown) => cause);
    await until(() => server.runs('/hang') > runs);
    leaving.abort();
    expect(await call).toBeInstanceOf(Error);
    await until(() => server.abandoned > before);
    await client.close();
  });
});

it('the request to the API is aborted when a plain JSON-RPC client disconnects', async () => {
  const [runs, before] = [server.runs('/hang'), server.abandoned];
  const leaving = new AbortController();
  const call = fetch(`${gateway.url}/rpc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await gateway.token()}` },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'billing__hang' } }),
    signal: leaving.signal,
  }).catch((cause: unknown) => cause);
  await until(() => server.runs('/hang') > runs);
  leaving.abort();
  expect(await call).toMatchObject({ name: 'AbortError' });
  await until(() => server.abandoned > before);
});

describe.each(CLIENTS)('$name, while the tools of a REST server change', (kind) => {
  it('receives a list change and lists the new tools', async () => {
    const young = (...tools: string[]) => ({
      servers: {
        api: {
          transport: 'rest',
          url: server.url,
          tools: Object.fromEntries(tools.map((own) => [own, { path: '/text' }])),
        },
      },
    });
    const changing = await startGateway(young('one'));
    const client = await kind.connect({
      url: `${changing.url}/servers/api/${kind.path}`,
      token: await changing.token(),
    });
    await client.watch({ lists: true });
    let more = 0;
    const change = () => changing.configure(young('one', `more_${++more}`));
    await client.received.untilReceivedAfter(change, 'notifications/tools/list_changed');
    await until(async () => (await client.list('tools')).some(({ name }) => name === `more_${more}`));
    expect(textOf(await client.call(`more_${more}`))).toBe('Grüße');
    await client.close();
    await changing.close();
  });
});
