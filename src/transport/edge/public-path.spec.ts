import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result } from '#lib/mcp-protocol';
import { remoteServer } from '../../../test/support/fake-upstream.js';
import { HttpWorld } from '../../../test/support/http-world.js';

const BASE = 'https://mcp.example.com/team/tools';
const PATH = '/team/tools';
const METADATA = '/.well-known/oauth-protected-resource';
const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };

let world: HttpWorld;

beforeAll(async () => {
  Logger.overrideLogger(false);
  world = await HttpWorld.open([remoteServer('a')], { ISTHMUS_PUBLIC_URL: `${BASE}/` });
  world.connector.respond = () => result({ tools: [] });
});

afterAll(() => world.close());

describe.each([
  ['passed on', PATH],
  ['removed by a proxy', ''],
])('a gateway below a path that is %s', (_way, prefix) => {
  it('serves its endpoints', async () => {
    for (const path of ['/rpc', '/servers/a/rpc', '/servers/a/rpc?x=1'])
      expect(await world.post(prefix + path, LIST)).toMatchObject({ status: 200, json: { result: { tools: [] } } });
    expect((await world.request('GET', `${prefix}/health/ready`)).status).toBe(200);
    expect((await world.request('GET', `${prefix}/unknown`)).status).toBe(404);
  });

  it.each(['', '/servers/a'])('announces the address for messages below the path at %s/sse', async (base) => {
    const abort = new AbortController();
    const stream = await world.stream('GET', `${prefix}${base}/sse`, { signal: abort.signal });
    const endpoint = (await stream.next())?.data ?? '';
    expect(endpoint).toMatch(new RegExp(`^${PATH}${base}/messages\\?sessionId=`));
    expect((await world.post(endpoint, LIST)).status).toBe(202);
    abort.abort();
  });

  it.each(['/mcp', '/servers/a/mcp'])('challenges with the metadata of %s below the path', async (path) => {
    const { status, headers } = await world.post(prefix + path, LIST, { headers: { authorization: 'Bearer x' } });
    const metadata = `${BASE}${METADATA}${path}`;
    expect([status, headers.get('www-authenticate')]).toEqual([401, expect.stringContaining(`"${metadata}"`)]);
    const found = await world.request('GET', `${prefix}${METADATA}${path}`);
    expect(await found.json()).toMatchObject({ resource: BASE + path });
  });

  it('answers refusals of the admin API as problem documents', async () => {
    const headers = { origin: 'https://evil.example.com' };
    const response = await world.request('GET', `${prefix}/admin/v1/servers`, { headers });
    expect([response.status, response.headers.get('content-type')]).toEqual([403, 'application/problem+json']);
  });

  it('names pages below the path, and leads browsers to one of them', async () => {
    const page = await (await world.request('GET', `${prefix}/`, { headers: { accept: 'application/json' } })).json();
    const { documentation } = (page as { admin: { documentation: string } }).admin;
    expect([documentation, (await world.request('GET', documentation)).status]).toEqual([`${PATH}/admin/v1/docs`, 200]);
    const headers = { accept: 'text/html' };
    const { url } = await world.request('GET', `${prefix}/`, { headers });
    expect(new URL(url).pathname).toBe(`${PATH}/admin/ui/`);
  });
});

describe('a gateway below a path', () => {
  it('serves the metadata at the URL that clients derive from a resource', async () => {
    for (const path of ['', '/mcp', '/servers/a/mcp']) {
      const found = await world.request('GET', `${METADATA}${PATH}${path}`);
      expect(await found.json()).toMatchObject({ resource: BASE + path });
    }
    expect((await world.request('GET', `${METADATA}/other/mcp`)).status).toBe(404);
  });
});
