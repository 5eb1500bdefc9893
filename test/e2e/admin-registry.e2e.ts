import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { CLIENTS } from '../matrix/clients.js';
import { AdminClient, type AdminAnswer, type AdminRequest } from '../support/admin-client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { textOf, type SdkClient } from '../support/sdk-client.js';

const SECRET = 'a-credential-that-must-stay-secret';
const RFC_3339 = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);

let server: ReferenceServer;
let gateway: TestGateway;
let admin: AdminClient;
const clients: SdkClient[] = [];
const responses: string[] = [];

beforeAll(async () => {
  server = await startReferenceServer({ era: 'modern', transport: 'http' });
});

afterAll(() => server.close());

beforeEach(async () => {
  gateway = await startGateway({
    env: { ISTHMUS_ALLOWED_NETWORKS: '127.0.0.0/8' },
    servers: { 'in-file': { transport: 'http', url: server.url, headers: { 'X-Key': SECRET } } },
  });
  admin = new AdminClient(gateway, ['admin']);
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await gateway.close();
  // No response of the admin API may contain a credential.
  expect(responses.splice(0).join('\n')).not.toContain(SECRET);
});

async function send(verb: string, path: string, request?: AdminRequest): Promise<AdminAnswer> {
  const answer = await admin.send(gateway, verb, path, request);
  responses.push(JSON.stringify([answer.json, Array.from(answer.headers)]));
  return answer;
}

const entry = (more: JsonObject = {}): JsonObject => ({ transport: 'http', url: server.url, ...more });
const create = (slug: string, written: unknown = entry(), path = '/servers') =>
  send('POST', path, { body: { slug, entry: written } });
const matching = ({ headers }: AdminAnswer) => ({ 'if-match': headers.get('etag') ?? '' });
const slugsIn = ({ json }: AdminAnswer) => (json['items'] as JsonObject[]).map(({ slug }) => slug);

async function connect(): Promise<SdkClient> {
  const [kind] = CLIENTS;
  if (!kind) throw new Error('There is no kind of client.');
  const client = await kind.connect({ url: `${gateway.url}/${kind.path}`, token: await gateway.token() });
  clients.push(client);
  return client;
}

describe('the admin API for servers', () => {
  it('creates, disables and deletes a server; each change is in effect when it is answered', async () => {
    const client = await connect();
    const created = await create('mine', entry({ title: 'Mine', headers: { Authorization: SECRET } }));
    expect(created).toMatchObject({ status: 201 });
    expect(created.headers.get('location')).toBe('/admin/v1/servers/mine');
    expect(created.json).toEqual({
      slug: 'mine',
      managed: false,
      version: expect.any(Number),
      createdAt: RFC_3339,
      updatedAt: RFC_3339,
      usable: true,
      faults: [],
      warnings: [],
      entry: entry({ title: 'Mine', headers: { Authorization: '[kept]' } }),
    });
    expect(textOf(await client.call('mine__echo', { text: 'new' }))).toBe('new');
    expect(await send('POST', '/servers/mine/disable')).toMatchObject({
      status: 200,
      json: { entry: { enabled: false } },
    });
    await expect(client.call('mine__echo', { text: 'out' })).rejects.toThrow(/Unknown tool/);
    const enabled = await send('POST', '/servers/mine/enable');
    expect(await send('POST', '/servers/mine/enable')).toMatchObject({ json: { version: enabled.json['version'] } });
    expect(textOf(await client.call('mine__echo', { text: 'back' }))).toBe('back');
    expect((await send('DELETE', '/servers/mine', { headers: matching(enabled) })).status).toBe(204);
    expect((await send('GET', '/servers/mine')).status).toBe(404);
  });

  it('replaces an entry and keeps the credentials that were read as [kept]', async () => {
    await create('mine', entry({ headers: { Authorization: SECRET, 'X-Other': 'other' } }));
    const read = await send('GET', '/servers/mine');
    const changed = {
      ...(read.json['entry'] as JsonObject),
      title: 'Changed',
      headers: { Authorization: '[kept]', 'X-Other': 'new' },
    };
    const answer = await send('PUT', '/servers/mine', { body: { entry: changed }, headers: matching(read) });
    expect(answer).toMatchObject({ status: 200, json: { entry: { title: 'Changed' } } });
    const stored = await gateway.store.servers.find('mine');
    expect(stored?.source).toMatchObject({ headers: { Authorization: SECRET, 'X-Other': 'new' } });
  });

  it.each([
    ['another name', { headers: { 'X-New': '[kept]' } }, 'headers.X-New'],
    ['arguments', { transport: 'stdio', command: 'x', args: ['[kept]'] }, 'args.0'],
    ['a member that is not an object', { headers: '[kept]' }, 'headers'],
  ])('rejects [kept] without a stored value: %s', async (_name, more, place) => {
    const read = await create('mine');
    const written = { ...entry(), ...more };
    const answer = await send('PUT', '/servers/mine', { body: { entry: written }, headers: matching(read) });
    expect(answer.status).toBe(422);
    expect(answer.json['errors']).toEqual([
      expect.stringMatching(new RegExp(`^${place.replaceAll('.', '\\.')}: "\\[kept\\]" refers to`)),
    ]);
  });

  it.each([
    ['POST', '/servers/mine/disable', {}],
    ['POST', '/servers/mine/enable', {}],
    ['PUT', '/servers/mine', { 'if-match': '*' }],
    ['DELETE', '/servers/mine', { 'if-match': '*' }],
  ])('%s %s with the headers %j applies to an entry that changes at the same time', async (verb, path, headers) => {
    await create('mine', entry({ enabled: path.endsWith('disable') }));
    const { servers } = gateway.store;
    const find = servers.find.bind(servers);
    const changed = jest.spyOn(servers, 'find').mockImplementationOnce(async (slug) => {
      const stored = await find(slug);
      await servers.replace(slug, { ...stored!.source, title: 'Changed meanwhile' }, stored!.version);
      return stored;
    });
    const body = verb === 'PUT' ? { entry: entry({ title: 'Mine' }) } : undefined;
    const answer = await send(verb, path, { headers, ...(body && { body }) });
    expect(answer).toMatchObject({ status: verb === 'DELETE' ? 204 : 200 });
    if (verb === 'POST') expect(answer.json).toMatchObject({ entry: { title: 'Changed meanwhile' } });
    expect(changed.mock.calls.length).toBeGreaterThan(1);
    changed.mockRestore();
  });

  it('enables and disables only the version that If-Match names', async () => {
    const first = await create('mine');
    const second = await send('POST', '/servers/mine/disable', { headers: matching(first) });
    expect(second).toMatchObject({ status: 200, json: { entry: { enabled: false } } });
    expect(await send('POST', '/servers/mine/enable', { headers: matching(first) })).toMatchObject({ status: 412 });
    expect(await send('POST', '/servers/mine/enable', { headers: matching(second) })).toMatchObject({ status: 200 });
  });

  it('rejects a change of a version that is not current', async () => {
    const first = await create('mine');
    const body = { entry: entry({ title: 'Second' }) };
    const second = await send('PUT', '/servers/mine', { body, headers: matching(first) });
    expect(second.status).toBe(200);
    expect(await send('PUT', '/servers/mine', { body, headers: matching(first) })).toMatchObject({ status: 412 });
    expect(await send('PUT', '/servers/mine', { body })).toMatchObject({
      status: 428,
      json: { detail: expect.stringContaining('If-Match') },
    });
    expect(await send('DELETE', '/servers/mine')).toMatchObject({ status: 428 });
    expect(await send('DELETE', '/servers/mine', { headers: matching(first) })).toMatchObject({ status: 412 });
    expect(
      await send('GET', '/servers/mine', { headers: { 'if-none-match': `W/${matching(second)['if-match']}` } }),
    ).toMatchObject({ status: 304 });
    expect(
      await send('GET', '/servers/mine', { headers: { 'if-none-match': matching(first)['if-match'] } }),
    ).toMatchObject({ status: 200 });
    expect((await send('DELETE', '/servers/mine', { headers: { 'if-match': '*' } })).status).toBe(204);
  });

  it('filters and paginates servers', async () => {
    for (const slug of ['b', 'a', 'd']) await create(slug, entry({ title: `Title of ${slug}` }));
    await create('c', entry({ enabled: false }));
    const all = ['a', 'b', 'c', 'd', 'in-file'];
    expect(slugsIn(await send('GET', '/servers'))).toEqual(all);
    expect((await admin.all(gateway, '/servers', 2)).map(({ slug }) => slug)).toEqual(all);
    expect(slugsIn(await send('GET', '/servers?managed=true'))).toEqual(['in-file']);
    expect(slugsIn(await send('GET', '/servers?enabled=false'))).toEqual(['c']);
    expect(slugsIn(await send('GET', '/servers?transport=stdio'))).toEqual([]);
    expect(slugsIn(await send('GET', '/servers?q=TITLE%20OF%20D'))).toEqual(['d']);
    for (const query of ['cursor=x', 'managed=perhaps', 'limit=0', 'color=red']) {
      expect(await send('GET', `/servers?${query}`)).toMatchObject({ status: 400 });
    }
  });

  it('creates virtual servers, and rejects the deletion of servers that they use', async () => {
    const mine = await create('mine');
    const team = await create('team', { servers: ['mine'], tools: ['mine__echo'] }, '/virtual-servers');
    expect(team).toMatchObject({ status: 201, json: { entry: { servers: ['mine'] } } });
    const refused = await send('DELETE', '/servers/mine', { headers: matching(mine) });
    expect(refused).toMatchObject({
      status: 409,
      json: { reason: 'entry_in_use', detail: expect.stringContaining('team') },
    });
    const body = { entry: { servers: ['mine', 'in-file'] } };
    const wider = await send('PUT', '/virtual-servers/team', { body, headers: matching(team) });
    expect(wider).toMatchObject({ status: 200, json: body });
    expect(slugsIn(await send('GET', '/virtual-servers'))).toEqual(['team']);
    expect((await send('DELETE', '/virtual-servers/team', { headers: matching(wider) })).status).toBe(204);
    expect((await send('DELETE', '/servers/mine', { headers: matching(mine) })).status).toBe(204);
  });

  it('rejects changes of entries that the configuration file declares', async () => {
    const read = await send('GET', '/servers/in-file');
    expect(read.json).toMatchObject({ managed: true, entry: { headers: { 'X-Key': '[kept]' } } });
    for (const [verb, path, request] of [
      ['PUT', '/servers/in-file', { body: { entry: entry() }, headers: matching(read) }],
      ['DELETE', '/servers/in-file', { headers: matching(read) }],
      ['POST', '/servers/in-file/disable', {}],
    ] as const) {
      const answer = await send(verb, path, request);
      expect(answer).toMatchObject({
        status: 409,
        json: { reason: 'entry_managed', detail: expect.stringContaining('configuration file') },
      });
    }
  });

  it('answers 415 for a body that is not JSON', async () => {
    const headers = { 'content-type': 'text/plain' };
    expect(await send('POST', '/servers', { body: 'slug=mine', headers })).toMatchObject({ status: 415 });
  });

  it('answers 404 for an unknown route to an admin, and 401 without a token', async () => {
    for (const verb of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      expect(await send(verb, '/nothing/here')).toMatchObject({ status: 404, json: { title: 'Not Found' } });
      expect(
        (await fetch(`${gateway.url}/admin/v1/nothing/here`, { method: verb, body: verb === 'GET' ? null : '{' }))
          .status,
      ).toBe(401);
    }
  });

  it.each([
    ['invalid JSON', '{', 400],
    ['an empty body', '', 400],
    ['a list', [], 400],
    ['no slug', { entry: {} }, 400],
    ['no entry', { slug: 'mine' }, 400],
    ['an unknown member', { slug: 'mine', entry: {}, color: 'red' }, 400],
    ['a slug with invalid characters', { slug: 'a/b', entry: { transport: 'http', url: 'http://a.example' } }, 422],
    ['an unknown transport', { slug: 'mine', entry: { transport: 'pigeon' } }, 422],
    [
      'a forbidden header as credential',
      { slug: 'mine', entry: { transport: 'http', url: 'http://a.example', headers: { Host: SECRET } } },
      422,
    ],
    ['a body over the size limit', { slug: 'mine', entry: { title: 'x'.repeat(34_000_000) } }, 413],
    ['a stdio command', { slug: 'mine', entry: { transport: 'stdio', command: 'id' } }, 422],
    ['a slug that is taken', { slug: 'in-file', entry: { transport: 'http', url: 'http://a.example' } }, 409],
  ])('rejects %s with a problem document and creates nothing', async (_name, body, status) => {
    const answer = await send('POST', '/servers', { body });
    expect(answer).toMatchObject({ status, json: { status, title: expect.any(String), detail: expect.any(String) } });
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(slugsIn(await send('GET', '/servers'))).toEqual(['in-file']);
  });
});
