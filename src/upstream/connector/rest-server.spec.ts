import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject, Outcome } from '#lib/mcp-protocol';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { REST_ANSWERS, startRestServer, TINY_PNG, type RestTestServer } from '#lib/testing/rest-server';
import { until } from '../../../test/support/until.js';
import type { RestServer, RestTool } from '../../registry/index.js';
import type { UpstreamConnection } from '../upstream-connection.js';
import { NEVER, Reply, SILENT_CLIENT, toolCall, Workbench } from './connector-fixture.js';

const tool = (name: string, more: Partial<RestTool> = {}): RestTool => ({
  name,
  method: 'GET',
  path: name,
  inputSchema: { type: 'object' },
  ...more,
});

/** One tool for each path. */
const TOOLS = [...Object.keys(REST_ANSWERS), '/hang', '/cut', '/half', '/flood', '/redirect'].map((path) => tool(path));

const ECHOES = [
  tool('find', { path: '/echo/{id}', title: 'Find', description: 'Finds.' }),
  tool('make', { path: '/echo', method: 'POST' }),
  tool('look', { path: '/object', method: 'HEAD' }),
];

function restServer(url: string, more: Partial<RestServer> = {}): RestServer {
  return {
    slug: 'subject',
    enabled: true,
    shared: false,
    public: false,
    timeouts: { connectMs: scaleDeadline(5_000), requestMs: scaleDeadline(10_000) },
    transport: 'rest',
    url,
    headers: { Authorization: 'Bearer of-the-gateway' },
    tools: [...ECHOES, ...TOOLS],
    ...more,
  };
}

let server: RestTestServer;
let connection: UpstreamConnection;
const bench = new Workbench({ maxMessageBytes: 1_048_576 });

beforeAll(async () => {
  server = await startRestServer();
  connection = await bench.open(restServer(server.url));
});

afterAll(async () => {
  await bench.close();
  await server.close();
});

const ask = (method: string, params: JsonObject = {}) =>
  connection.request({ method, params, client: SILENT_CLIENT }, new Reply(), NEVER);

const call = (name: string, args: JsonObject = {}, signal = NEVER) =>
  connection.request(toolCall(name, args), new Reply(), signal);

const text = (words: string) => ({ content: [{ type: 'text', text: words }] });
const failed = (outcome: Outcome) => (outcome.kind === 'error' ? outcome.error : undefined);

describe('a REST server', () => {
  it('is met without a word to the endpoints', async () => {
    const before = server.arrivals.length;
    const definition = restServer(server.url);
    expect(await bench.connector.era(definition, NEVER)).toBe('modern');
    const { profile } = await bench.open(definition);
    expect(profile).toMatchObject({ era: 'modern', capabilities: { tools: {} }, serverInfo: { name: 'subject' } });
    expect(await ask('ping')).toEqual({ kind: 'result', result: {} });
    expect(await ask('server/discover')).toMatchObject({
      result: { supportedVersions: [profile.revision], capabilities: profile.capabilities },
    });
    expect(server.arrivals).toHaveLength(before);
  });

  it('lists its tools as they are declared, without their requests, and nothing else', async () => {
    const { result } = (await ask('tools/list')) as unknown as { result: { tools: JsonObject[] } };
    const inputSchema = { type: 'object' };
    expect(result.tools.slice(0, 2)).toEqual([
      { name: 'find', title: 'Find', description: 'Finds.', inputSchema },
      { name: 'make', inputSchema },
    ]);
    expect(result.tools).toHaveLength(ECHOES.length + TOOLS.length);
    for (const list of ['prompts', 'resources']) {
      expect(await ask(`${list}/list`)).toEqual({ kind: 'result', result: { [list]: [] } });
    }
  });

  it('knows no other method and no other tool, and says so in few words', async () => {
    expect(failed(await ask('completion/complete'))?.code).toBe(-32_601);
    expect(failed(await ask('initialize'))?.code).toBe(-32_601);
    expect(failed(await call('none'))).toEqual({ code: -32_602, message: 'Unknown tool: none' });
    expect(failed(await ask('tools/call', { name: 7 }))?.code).toBe(-32_602);
    expect(failed(await call('x'.repeat(10_000)))?.message.length).toBeLessThan(300);
  });

  it('can be listened to: its tools change with the configuration', async () => {
    const listening = await connection.listen({ toolsListChanged: true, promptsListChanged: true }, () => undefined);
    expect(listening.honoured).toEqual({ toolsListChanged: true });
    await listening.close();
  });

  it('serves no more once it is closed', async () => {
    const closed = await bench.open(restServer(server.url));
    await closed.close();
    const outcome = await closed.request(toolCall('find', { id: 1 }), new Reply(), NEVER);
    expect(failed(outcome)).toMatchObject({ code: -31_004, data: { outcome: 'not_executed', server: 'subject' } });
  });
});

describe('a call of a REST tool', () => {
  it('is one request, with the credentials of the server and none of the arguments in a header', async () => {
    const before = server.arrivals.length;
    const { result } = (await call('find', { id: 'a/b', state: 'open' })) as { result: JsonObject };
    expect(result['structuredContent']).toMatchObject({
      method: 'GET',
      address: '/echo/a%2Fb?state=open',
      headers: {
        authorization: 'Bearer of-the-gateway',
        accept: 'application/json, */*;q=0.8',
        'user-agent': expect.stringMatching(/^isthmus\//),
      },
      body: '',
    });
    expect(result['structuredContent']).not.toHaveProperty('headers.content-type');
    expect(server.arrivals).toHaveLength(before + 1);
  });

  it('sends a body as JSON', async () => {
    expect(await call('make', { a: ['ü', null] })).toMatchObject({
      result: {
        structuredContent: {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"a":["ü",null]}',
        },
      },
    });
  });

  it('whose arguments make no request is refused, and nothing is sent', async () => {
    const before = server.arrivals.length;
    expect(failed(await call('find'))).toEqual({ code: -32_602, message: 'The argument id is missing.' });
    expect(failed(await call('find', { id: '..' }))?.code).toBe(-32_602);
    expect(server.arrivals).toHaveLength(before);
  });

  it.each<[string, JsonObject]>([
    ['/object', { ...text('{"bill":7,"open":true}'), structuredContent: { bill: 7, open: true } }],
    ['/problem-json', { ...text('{"a":1}'), structuredContent: { a: 1 } }],
    ['/with-mark', { ...text('{"a":1}'), structuredContent: { a: 1 } }],
    ['/untyped-json', { ...text('{"a":1}'), structuredContent: { a: 1 } }],
    ['/array', text('[1,2]')],
    ['/null', text('null')],
    ['/text', text('Grüße')],
    ['/latin-text', text('Grüße')],
    ['/html', text('<p>hello</p>')],
    ['/untyped-text', text('hello')],
    ['/empty', text('')],
    ['/empty-json', text('')],
    ['look', text('')],
    ['/image', { content: [{ type: 'image', data: TINY_PNG.toString('base64'), mimeType: 'image/png' }] }],
    ['/sound', { content: [{ type: 'audio', data: 'AQL/', mimeType: 'audio/wav' }] }],
  ])('that is answered by %s has the result %j', async (name, result) => {
    expect(await call(name)).toEqual({ kind: 'result', result });
  });

  it('keeps the digits of large numbers', async () => {
    const outcome = await call('/large-number');
    expect(JSON.stringify(outcome)).toContain('"structuredContent":{"id":12345678901234567890}');
  });

  it.each([
    ['/bytes', 'application/pdf', 'JVD/'],
    ['/untyped-bytes', 'application/octet-stream', 'Af8='],
  ])('that is answered by %s holds a resource of the type %s', async (name, mimeType, blob) => {
    expect(await call(name)).toMatchObject({
      result: { content: [{ type: 'resource', resource: { uri: expect.any(String), mimeType, blob } }] },
    });
  });
});

describe('an endpoint that refuses', () => {
  it.each<[string, number, string]>([
    ['/400-null', 400, 'null'],
    ['/400-array', 400, '["a"]'],
    ['/400-text', 400, 'No amount'],
    ['/401', 401, 'Unauthorized request'],
    ['/403', 403, 'Not yours'],
    ['/404', 404, 'No such bill'],
    ['/418', 418, 'A teapot'],
    ['/422', 422, 'Unprocessable Entity'],
    ['/429', 429, 'slow_down'],
    ['/500', 500, 'Oops'],
    ['/502', 502, '<h1>Bad gateway</h1>'],
    ['/503', 503, 'Service Unavailable'],
  ])('with %s is a tool that failed with %i %s', async (name, status, detail) => {
    const before = server.runs(name);
    expect(await call(name)).toMatchObject({
      kind: 'result',
      result: {
        isError: true,
        ...text(`Upstream answered HTTP ${status}: ${detail}`),
        _meta: { 'isthmus/httpStatus': status, 'isthmus/detail': detail },
      },
    });
    expect(server.runs(name)).toBe(before + 1);
  });

  it('says when to come back, and where to log in', async () => {
    expect(await call('/429')).toMatchObject({ result: { _meta: { 'isthmus/retryAfterMs': 3_000 } } });
    expect(await call('/401')).toMatchObject({
      result: { _meta: { 'isthmus/wwwAuthenticate': 'Bearer realm="billing"' } },
    });
  });

  it('by a redirect is not followed', async () => {
    expect(failed(await call('/redirect'))).toMatchObject({
      code: -31_004,
      message: 'Upstream answered HTTP 307: Temporary Redirect',
      data: { outcome: 'unknown', httpStatus: 307, server: 'subject' },
    });
    expect(server.trapped).toBe(0);
    expect(failed(await call('/not-modified'))).toMatchObject({ code: -31_004, data: { httpStatus: 304 } });
  });
});

describe('an endpoint that gives no answer', () => {
  it.each([
    ['/broken-json', -31_005],
    ['/html-as-json', -31_005],
    ['/wrong-text', -31_005],
    ['/odd-charset', -31_005],
    ['/compressed', -31_005],
    ['/events', -31_005],
    ['/flood', -31_005],
    ['/half', -31_005],
    ['/cut', -31_002],
  ])('but %s is an error %i of unknown outcome, and is asked once', async (name, code) => {
    const before = server.runs(name);
    expect(failed(await call(name))).toMatchObject({
      code,
      data: { outcome: 'unknown', retriable: false, server: 'subject' },
    });
    expect(server.runs(name)).toBe(before + 1);
  });

  it('is given up when its time is over', async () => {
    const hasty = await bench.open(restServer(server.url, { timeouts: { connectMs: 5_000, requestMs: 200 } }));
    const before = server.abandoned;
    const outcome = await hasty.request(toolCall('/hang'), new Reply(), NEVER);
    expect(failed(outcome)).toMatchObject({ code: -31_002, data: { outcome: 'unknown', server: 'subject' } });
    await until(() => server.abandoned > before);
  });

  it('is left when the client leaves', async () => {
    const [before, runs] = [server.abandoned, server.runs('/hang')];
    const leaving = new AbortController();
    const outcome = call('/hang', {}, leaving.signal);
    await until(() => server.runs('/hang') > runs);
    leaving.abort();
    expect(failed(await outcome)).toMatchObject({ code: -31_002, data: { outcome: 'unknown' } });
    await until(() => server.abandoned > before);
  });

  it('is not asked for a client that has left', async () => {
    const runs = server.runs('/object');
    expect(failed(await call('/object', {}, AbortSignal.abort()))).toMatchObject({ data: { outcome: 'not_executed' } });
    expect(server.runs('/object')).toBe(runs);
  });

  it.each([
    ['a port where nobody listens', () => 'http://127.0.0.1:1'],
    ['a name that there is not', () => 'http://nowhere.invalid'],
    ['a server without TLS', () => server.url.replace('http:', 'https:')],
  ])('because it is %s was not reached', async (_what, url) => {
    const elsewhere = new Workbench();
    const unreachable = await elsewhere.open(restServer(url()));
    const outcome = await unreachable.request(toolCall('/object'), new Reply(), NEVER);
    expect(failed(outcome)).toMatchObject({
      code: -31_004,
      message: expect.not.stringMatching(/127\.0\.0\.1|nowhere\.invalid/),
      data: { outcome: 'not_executed', retriable: true, server: 'subject' },
    });
    await elsewhere.close();
  });

  it('that cannot take more calls is not asked', async () => {
    const small = new Workbench({ calls: 1 });
    const crowded = await small.open(restServer(server.url));
    const leaving = new AbortController();
    const first = crowded.request(toolCall('/hang'), new Reply(), leaving.signal);
    const second = await crowded.request(toolCall('/object'), new Reply(), NEVER);
    expect(failed(second)).toMatchObject({ code: -31_003, data: { outcome: 'not_executed' } });
    leaving.abort();
    await first;
    await small.close();
  });
});
