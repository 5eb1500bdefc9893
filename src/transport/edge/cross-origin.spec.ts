import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { remoteServer } from '../../../test/support/fake-upstream.js';
import { HttpWorld } from '../../../test/support/http-world.js';

const LOCAL = 'http://localhost:6274';
const CONFIGURED = 'https://app.example.com';
const FOREIGN = 'https://evil.example.com';
const CALL = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x' } };
const METADATA = '/.well-known/oauth-protected-resource';

let world: HttpWorld;

beforeAll(async () => {
  Logger.overrideLogger(false);
  world = await HttpWorld.open([remoteServer('a')], { ISTHMUS_ALLOWED_ORIGINS: CONFIGURED });
});

afterAll(() => world.close());

const wordsOf = (headers: Headers, name: string) =>
  (headers.get(name) ?? '')
    .toLowerCase()
    .split(',')
    .map((word) => word.trim());

const preflight = (path: string, origin: string, method = 'POST', requested = 'authorization') =>
  fetch(world.url + path, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': requested },
  });

describe('the preflight of an allowed origin', () => {
  it.each([
    '/mcp',
    '/servers/a/mcp',
    '/servers/unknown/mcp',
    '/sse',
    '/servers/a/sse',
    '/messages?sessionId=x',
    '/rpc',
    METADATA,
    `${METADATA}/servers/a/mcp`,
    '/admin/v1/servers',
    '/admin/v1/servers/a',
  ])('is answered without a token at %s', async (path) => {
    for (const origin of [LOCAL, 'http://127.0.0.1', CONFIGURED]) {
      const { status, headers } = await preflight(path, origin);
      expect([status, headers.get('access-control-allow-origin'), headers.get('vary')]).toEqual([
        204,
        origin,
        'Origin',
      ]);
      expect(wordsOf(headers, 'access-control-allow-methods')).toEqual(
        expect.arrayContaining(['get', 'post', 'put', 'patch', 'delete']),
      );
      expect(wordsOf(headers, 'access-control-allow-headers')).toEqual(
        expect.arrayContaining([
          'authorization',
          'content-type',
          'accept',
          'last-event-id',
          'mcp-session-id',
          'mcp-protocol-version',
          'mcp-method',
          'mcp-name',
          'if-match',
          'if-none-match',
          'idempotency-key',
        ]),
      );
    }
  });

  it('allows the parameter headers of tools, and no other header that it names', async () => {
    const requested = 'mcp-param-region, Mcp-Param-Tenant,x-api-key,mcp-bad"name,mcp-session-id';
    const { headers } = await preflight('/mcp', LOCAL, 'POST', requested);
    const allowed = wordsOf(headers, 'access-control-allow-headers');
    expect(allowed).toEqual(expect.arrayContaining(['mcp-param-region', 'mcp-param-tenant']));
    expect(allowed).not.toContain('x-api-key');
    expect(allowed).not.toContain('mcp-bad"name');
    expect(allowed.filter((name) => name === 'mcp-session-id')).toHaveLength(1);
  });
});

describe('a response to a page of an allowed origin', () => {
  const expectReadable = ({ headers }: { readonly headers: Headers }, origin = LOCAL) => {
    expect([headers.get('access-control-allow-origin'), headers.get('vary')]).toEqual([origin, 'Origin']);
    expect(wordsOf(headers, 'access-control-expose-headers')).toEqual(
      expect.arrayContaining([
        'mcp-session-id',
        'mcp-protocol-version',
        'www-authenticate',
        'retry-after',
        'etag',
        'location',
      ]),
    );
  };

  it.each<[number, string, string, Record<string, string>]>([
    [401, 'POST', '/mcp', { authorization: 'Bearer x' }],
    [401, 'POST', '/rpc', { authorization: 'Bearer x' }],
    [401, 'GET', '/sse', { authorization: 'Bearer x' }],
    [401, 'POST', '/messages', { authorization: 'Bearer x' }],
    [401, 'GET', '/admin/v1/servers', { authorization: 'Bearer x' }],
    [403, 'GET', '/admin/v1/servers', {}],
    [404, 'POST', '/servers/unknown/mcp', {}],
    [404, 'GET', '/unknown', {}],
    [405, 'PUT', '/mcp', {}],
    [415, 'POST', '/mcp', { 'content-type': 'text/plain' }],
    [200, 'GET', METADATA, {}],
    [200, 'GET', `${METADATA}/servers/a/mcp`, {}],
  ])('can be read: %i of %s %s', async (status, method, path, headers) => {
    const response = await world.request(method, path, { headers: { origin: LOCAL, ...headers } });
    expect(response.status).toBe(status);
    expectReadable(response);
  });

  it('can be read with its session id', async () => {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'page', version: '1' } };
    const message = { jsonrpc: '2.0', id: 0, method: 'initialize', params };
    const answer = await world.post('/mcp', message, { headers: { origin: CONFIGURED } });
    expect([answer.status, answer.headers.has('mcp-session-id')]).toEqual([200, true]);
    expectReadable(answer, CONFIGURED);
  });

  it.each(['/mcp', '/sse'])('can be read as an event stream of GET %s', async (path) => {
    const session = path === '/mcp' ? await world.session() : {};
    const abort = new AbortController();
    const headers = { ...session, origin: LOCAL, accept: 'text/event-stream' };
    const response = await world.request('GET', path, { headers, signal: abort.signal });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    expectReadable(response);
    abort.abort();
  });
});

describe('a response that no page may read', () => {
  it.each(['OPTIONS', 'GET', 'POST'])('is sent to a foreign origin for %s', async (method) => {
    const response = await world.request(method, '/mcp', { headers: { origin: FOREIGN } });
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([403, null]);
  });

  it('is sent to clients that are no browsers', async () => {
    const { headers } = await world.post('/rpc', CALL);
    expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});

it('tells caches that a readable response depends on the origin, also when the request has none', async () => {
  for (const path of [METADATA, '/'])
    expect(wordsOf((await world.request('GET', path)).headers, 'vary')).toContain('origin');
});

describe('responses of a draining worker', () => {
  it('can be read with the time of the next attempt', async () => {
    const draining = await HttpWorld.open([remoteServer('a')], { ISTHMUS_ALLOWED_ORIGINS: '*' });
    draining.startDraining();
    const { status, headers } = await draining.post('/rpc', CALL, { headers: { origin: FOREIGN } });
    expect([status, headers.get('retry-after'), headers.get('access-control-allow-origin')]).toEqual([
      503,
      '1',
      FOREIGN,
    ]);
    await draining.close();
  });
});
