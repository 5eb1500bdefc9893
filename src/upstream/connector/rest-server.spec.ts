import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject, Outcome } from '#lib/mcp-protocol';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { REST_ANSWERS, startRestServer, TINY_PNG, type RestTestServer } from '#lib/testing/rest-server';
import { until } from '../../../test/support/until.js';
import type { RestServer, RestTool } from '../../registry/index.js';
import type { UpstreamConnection } from '../upstream-connection.js';
import { NEVER, RecordedReply, CLIENT_WITHOUT_CAPABILITIES, toolCall, ConnectorHarness } from './connector-fixture.js';

const tool = (name: string, more: Partial<RestTool> = {}): RestTool => ({
  name,
  method: 'GET',
  path: name,
  inputSchema: { type: 'object', additionalProperties: true },
  ...more,
});

/** One tool for each path. */
const TOOLS = [...Object.keys(REST_ANSWERS), '/hang', '/cut', '/half', '/flood', '/redirect'].map((path) => tool(path));

/** A reference by a name that no schema has: only compiling finds it. */
const UNUSABLE: JsonObject = { type: 'object', properties: { a: { $ref: '#none' }, b: { $anchor: 'other' } } };
const MANY: JsonObject = { type: 'object', properties: { a: { items: { oneOf: [{ type: 'string' }, {}] } } } };

const ECHOES = [
  tool('find', { path: '/echo/{id}', title: 'Find', description: 'Finds.' }),
  tool('make', { path: '/echo', method: 'POST' }),
  tool('head', { path: '/object', method: 'HEAD' }),
  tool('unusable', { path: '/echo', inputSchema: UNUSABLE }),
  tool('many', { path: '/echo', method: 'POST', inputSchema: MANY }),
];

function restServer(url: string, more: Partial<RestServer> = {}): RestServer {
  return {
    slug: 'subject',
    enabled: true,
    allowUnknownMethods: false,
    tasks: false,
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
const bench = new ConnectorHarness({ maxMessageBytes: 1_048_576 });

beforeAll(async () => {
  server = await startRestServer();
  connection = await bench.open(restServer(server.url));
});

afterAll(async () => {
  await bench.close();
  await server.close();
});

const send = (method: string, params: JsonObject = {}) =>
  connection.request({ method, params, client: CLIENT_WITHOUT_CAPABILITIES }, new RecordedReply(), NEVER);

const call = (name: string, args: JsonObject = {}, signal = NEVER) =>
  connection.request(toolCall(name, args), new RecordedReply(), signal);

const text = (value: string) => ({ content: [{ type: 'text', text: value }] });
const errorOf = (outcome: Outcome) => (outcome.kind === 'error' ? outcome.error : undefined);

describe('a connection to a REST server', () => {
  it('opens and answers discovery without a request to the endpoints', async () => {
    const before = server.arrivals.length;
    const definition = restServer(server.url);
    expect(await bench.resolveEra(definition)).toBe('modern');
    const { profile } = await bench.open(definition);
    expect(profile).toMatchObject({ era: 'modern', capabilities: { tools: {} }, serverInfo: { name: 'subject' } });
    expect(await send('ping')).toEqual({ kind: 'result', result: {} });
    expect(await send('server/discover')).toMatchObject({
      result: { supportedVersions: [profile.revision], capabilities: profile.capabilities },
    });
    expect(server.arrivals).toHaveLength(before);
  });

  it('lists the declared tools without their HTTP requests, and empty lists of other items', async () => {
    const { result } = (await send('tools/list')) as unknown as { result: { tools: JsonObject[] } };
    const inputSchema = { type: 'object', additionalProperties: true };
    expect(result.tools.slice(0, 2)).toEqual([
      { name: 'find', title: 'Find', description: 'Finds.', inputSchema },
      { name: 'make', inputSchema },
    ]);
    expect(result.tools).toHaveLength(ECHOES.length + TOOLS.length);
    for (const list of ['prompts', 'resources']) {
      expect(await send(`${list}/list`)).toEqual({ kind: 'result', result: { [list]: [] } });
    }
  });

  it('rejects unknown methods and unknown tools with a bounded message', async () => {
    expect(errorOf(await send('completion/complete'))?.code).toBe(-32_601);
    expect(errorOf(await send('initialize'))?.code).toBe(-32_601);
    expect(errorOf(await call('none'))).toEqual({ code: -32_602, message: 'Unknown tool: none' });
    expect(errorOf(await send('tools/call', { name: 7 }))?.code).toBe(-32_602);
    expect(errorOf(await call('x'.repeat(10_000)))?.message.length).toBeLessThan(300);
  });

  it('sends nothing for a tool whose schema cannot be compiled', async () => {
    const before = server.arrivals.length;
    expect(errorOf(await call('unusable'))).toEqual({
      code: -31_004,
      message:
        'The input schema of the tool unusable refers to "#none", which it does not contain. The call was not executed; its operator must correct the schema.',
      data: { outcome: 'not_executed', retriable: false, server: 'subject' },
    });
    expect(errorOf(await call('unusable'))?.code).toBe(-31_004);
    expect(server.arrivals).toHaveLength(before);
  });

  it('sends nothing for arguments whose check takes too long', async () => {
    const before = server.arrivals.length;
    expect(errorOf(await call('many', { a: Array.from({ length: 200_000 }, () => 1) }))).toEqual({
      code: -32_602,
      message: 'The arguments are too large for the schema of this tool.',
    });
    expect(server.arrivals).toHaveLength(before);
  });

  it('grants subscriptions to changes of the tool list', async () => {
    const subscription = await connection.subscribe(
      { toolsListChanged: true, promptsListChanged: true },
      () => undefined,
    );
    expect(subscription.honoured).toEqual({ toolsListChanged: true });
    await subscription.close();
  });

  it('rejects calls as not executed once it is closed', async () => {
    const closed = await bench.open(restServer(server.url));
    await closed.close();
    const outcome = await closed.request(toolCall('find', { id: 1 }), new RecordedReply(), NEVER);
    expect(errorOf(outcome)).toMatchObject({ code: -31_004, data: { outcome: 'not_executed', server: 'subject' } });
  });
});

describe('a call of a REST tool', () => {
  it("sends one request with the server's credentials and no argument in a header", async () => {
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

  it("sends the server's credentials to its own origin only", async () => {
    const other = await startRestServer();
    const url = `${server.url}?key=secret`;
    const tools = [
      tool('own', { url: `${server.url}/echo/v2`, path: '/a' }),
      tool('foreign', { url: `${other.url}/echo`, path: '/b', parameters: { id: { in: 'cookie' } } }),
    ];
    const both = await bench.open(restServer(url, { tools, headers: { Authorization: 'Bearer x', Cookie: 'own=1' } }));
    const arrived = async (name: string) => {
      const outcome = await both.request(toolCall(name, { id: 'c' }), new RecordedReply(), NEVER);
      return (outcome as { result: JsonObject }).result['structuredContent'];
    };
    expect(await arrived('own')).toMatchObject({
      address: '/echo/v2/a?key=secret&id=c',
      headers: { authorization: 'Bearer x', cookie: 'own=1' },
    });
    const foreign = await arrived('foreign');
    expect(foreign).toMatchObject({ address: '/echo/b', headers: { cookie: 'id=c' } });
    expect(foreign).not.toHaveProperty('headers.authorization');
    await both.close();
    await other.close();
  });

  it('requests the media types of the tool', async () => {
    const definition = restServer(server.url, {
      tools: [tool('csv', { path: '/echo', accept: 'text/csv, */*;q=0.8' })],
    });
    const connected = await bench.open({ ...definition, slug: 'csv' });
    const outcome = await connected.request(toolCall('csv'), new RecordedReply(), NEVER);
    expect(outcome).toMatchObject({
      result: { structuredContent: { headers: { accept: 'text/csv, */*;q=0.8' } } },
    });
    await connected.close();
  });

  it('sends the arguments of a POST tool as a JSON body', async () => {
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

  it('sends no request when its arguments are invalid', async () => {
    const before = server.arrivals.length;
    expect(errorOf(await call('find'))).toEqual({ code: -32_602, message: 'The argument id is missing.' });
    expect(errorOf(await call('find', { id: '..' }))?.code).toBe(-32_602);
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
    ['head', text('')],
    ['/image', { content: [{ type: 'image', data: TINY_PNG.toString('base64'), mimeType: 'image/png' }] }],
    ['/sound', { content: [{ type: 'audio', data: 'AQL/', mimeType: 'audio/wav' }] }],
  ])('converts the answer of %s to the result %j', async (name, result) => {
    expect(await call(name)).toEqual({ kind: 'result', result });
  });

  it('preserves the digits of large numbers in the result', async () => {
    const outcome = await call('/large-number');
    expect(JSON.stringify(outcome)).toContain('"structuredContent":{"id":12345678901234567890}');
  });

  it.each([
    ['/bytes', 'application/pdf', 'JVD/'],
    ['/untyped-bytes', 'application/octet-stream', 'Af8='],
  ])('converts the binary answer of %s to a resource of type %s', async (name, mimeType, blob) => {
    expect(await call(name)).toMatchObject({
      result: { content: [{ type: 'resource', resource: { uri: expect.any(String), mimeType, blob } }] },
    });
  });
});

describe('a call of a REST tool whose endpoint refuses', () => {
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
  ])('converts the refusal of %s to a tool error with status %i and detail %s', async (name, status, detail) => {
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

  it('passes on the retry delay of a 429 and the challenge of a 401', async () => {
    expect(await call('/429')).toMatchObject({ result: { _meta: { 'isthmus/retryAfterMs': 3_000 } } });
    expect(await call('/401')).toMatchObject({
      result: { _meta: { 'isthmus/wwwAuthenticate': 'Bearer realm="billing"' } },
    });
  });

  it('reports a redirect as an error and does not follow it', async () => {
    expect(errorOf(await call('/redirect'))).toMatchObject({
      code: -31_004,
      message: 'Upstream answered HTTP 307: Temporary Redirect',
      data: { outcome: 'unknown', httpStatus: 307, server: 'subject' },
    });
    expect(server.trapped).toBe(0);
    expect(errorOf(await call('/not-modified'))).toMatchObject({ code: -31_004, data: { httpStatus: 304 } });
  });
});

describe('a call of a REST tool without a usable answer', () => {
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
  ])('reports the answer of %s as error %i with unknown outcome after one request', async (name, code) => {
    const before = server.runs(name);
    expect(errorOf(await call(name))).toMatchObject({
      code,
      data: { outcome: 'unknown', retriable: false, server: 'subject' },
    });
    expect(server.runs(name)).toBe(before + 1);
  });

  it('ends as unknown after its timeout and aborts the request', async () => {
    const impatient = await bench.open(restServer(server.url, { timeouts: { connectMs: 5_000, requestMs: 200 } }));
    const before = server.abandoned;
    const outcome = await impatient.request(toolCall('/hang'), new RecordedReply(), NEVER);
    expect(errorOf(outcome)).toMatchObject({ code: -31_002, data: { outcome: 'unknown', server: 'subject' } });
    await until(() => server.abandoned > before);
  });

  it('aborts the request when the client cancels the call', async () => {
    const [before, runs] = [server.abandoned, server.runs('/hang')];
    const controller = new AbortController();
    const outcome = call('/hang', {}, controller.signal);
    await until(() => server.runs('/hang') > runs);
    controller.abort();
    expect(errorOf(await outcome)).toMatchObject({ code: -31_002, data: { outcome: 'unknown' } });
    await until(() => server.abandoned > before);
  });

  it('sends no request for a call that is already cancelled', async () => {
    const runs = server.runs('/object');
    expect(errorOf(await call('/object', {}, AbortSignal.abort()))).toMatchObject({
      data: { outcome: 'not_executed' },
    });
    expect(server.runs('/object')).toBe(runs);
  });

  it.each([
    ['a closed port', () => 'http://127.0.0.1:1'],
    ['an unknown host name', () => 'http://nowhere.invalid'],
    ['a server without TLS', () => server.url.replace('http:', 'https:')],
  ])('is not executed when the URL is %s, and the error names no address', async (_what, url) => {
    const elsewhere = new ConnectorHarness();
    const unreachable = await elsewhere.open(restServer(url()));
    const outcome = await unreachable.request(toolCall('/object'), new RecordedReply(), NEVER);
    expect(errorOf(outcome)).toMatchObject({
      code: -31_004,
      message: expect.not.stringMatching(/127\.0\.0\.1|nowhere\.invalid/),
      data: { outcome: 'not_executed', retriable: true, server: 'subject' },
    });
    await elsewhere.close();
  });

  it('is rejected when the limit of calls at the server is reached', async () => {
    const small = new ConnectorHarness({ calls: 1 });
    const crowded = await small.open(restServer(server.url));
    const controller = new AbortController();
    const first = crowded.request(toolCall('/hang'), new RecordedReply(), controller.signal);
    const second = await crowded.request(toolCall('/object'), new RecordedReply(), NEVER);
    expect(errorOf(second)).toMatchObject({ code: -31_003, data: { outcome: 'not_executed' } });
    controller.abort();
    await first;
    await small.close();
  });
});
