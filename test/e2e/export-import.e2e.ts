/** Export and import of the configuration, from one gateway to another; and the settings of a gateway. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { CLIENTS } from '../matrix/clients.js';
import { AdminClient } from '../support/admin-client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { until } from '../support/until.js';

const SECRET = 'a-credential-that-must-stay-secret';
const MINE = { transport: 'http', url: 'https://mine.example.com/mcp', headers: { Authorization: SECRET } };

const ending: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

interface Installation {
  readonly gateway: TestGateway;
  readonly folder: string;
  send(verb: string, path: string, body?: JsonObject): ReturnType<AdminClient['send']>;
}

/** `credentials`: the text of the secret that encrypts them; by default each installation has its own. */
async function install(
  servers: Record<string, object> = {},
  credentials?: string,
  env: Record<string, string> = {},
): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-exchange-'));
  ending.push(() => rm(folder, { recursive: true, force: true }));
  if (credentials !== undefined) await writeFile(join(folder, 'credentials.secret'), credentials, { mode: 0o600 });
  const gateway = await startGateway({ env: { ISTHMUS_DATA_DIR: folder, ...env }, servers });
  ending.push(() => gateway.close());
  const admin = new AdminClient(gateway, ['admin']);
  return {
    gateway,
    folder,
    send: (verb, path, body) => admin.send(gateway, verb, path, { ...(body && { body }) }),
  };
}

const secretOf = ({ folder }: Installation) => readFile(join(folder, 'credentials.secret'), 'utf8');
const writtenOf = async ({ gateway }: Installation, slug: string) => (await gateway.store.servers.find(slug))?.source;

async function filled(): Promise<Installation> {
  const one = await install({ declared: { transport: 'http', url: 'https://declared.example.com/mcp' } });
  const entries: [string, string, JsonObject][] = [
    ['servers', 'mine', MINE],
    ['virtual-servers', 'desk', { servers: ['mine'] }],
    ['teams', 'mine', { members: ['ada'] }],
    ['policies', 'none', { effect: 'deny', teams: ['mine'] }],
    ['limits', 'few', { rate: '5/1m' }],
  ];
  for (const [collection, slug, entry] of entries) {
    expect(await one.send('POST', `/${collection}`, { slug, entry })).toMatchObject({ status: 201 });
  }
  return one;
}

const ALL = ['servers.mine', 'virtualServers.desk', 'teams.mine', 'policies.none', 'limits.few'];

describe('an export of the configuration', () => {
  it('can be imported into another gateway, with encrypted credentials', async () => {
    const one = await filled();
    const { json: exported } = await one.send('GET', '/export');
    expect(JSON.stringify(exported)).not.toContain(SECRET);
    expect(exported).toMatchObject({ managed: { servers: { declared: expect.anything() } } });
    const other = await install({}, await secretOf(one));
    const would = await other.send('POST', '/import', { ...exported, dryRun: true });
    expect(would).toMatchObject({ status: 200, json: { created: ALL, updated: [], deleted: [], unchanged: [] } });
    expect(await writtenOf(other, 'mine')).toBeUndefined();
    expect(await other.send('POST', '/import', exported)).toMatchObject({ status: 200, json: { created: ALL } });
    expect(await writtenOf(other, 'mine')).toEqual(MINE);
    expect(await other.send('POST', '/import', exported)).toMatchObject({ json: { created: [], unchanged: ALL } });
  });

  it('transfers no credentials to an installation with another secret, nor to another host', async () => {
    const one = await filled();
    const { json: exported } = await one.send('GET', '/export');
    const stranger = await install();
    expect(await stranger.send('POST', '/import', exported)).toMatchObject({
      status: 422,
      json: { errors: [expect.stringMatching(/^servers\.mine\.headers\.Authorization: "\[kept\]" refers to/)] },
    });
    const moved = {
      servers: { mine: { ...MINE, url: 'https://elsewhere.example.com/', headers: { Authorization: '[kept]' } } },
    };
    const thief = await install({}, await secretOf(one));
    for (const installation of [one, thief]) {
      expect(await installation.send('POST', '/import', { ...exported, entries: moved })).toMatchObject({
        status: 422,
      });
    }
  });

  it('is imported completely or not at all', async () => {
    const one = await filled();
    const entries = {
      teams: { fresh: { members: [] } },
      servers: { declared: { transport: 'http', url: 'https://other.example.com/mcp' } },
      policies: { broken: { effect: 'perhaps' } },
    };
    const refused = await one.send('POST', '/import', { entries });
    expect(refused).toMatchObject({
      status: 422,
      json: {
        errors: [expect.stringMatching(/^servers\.declared: The configuration file declares this entry differently/)],
      },
    });
    const { servers: _servers, ...rest } = entries;
    expect(await one.send('POST', '/import', { entries: rest })).toMatchObject({
      status: 422,
      json: { errors: [expect.stringMatching(/^policies\.broken\.effect/)] },
    });
    expect(await one.send('GET', '/teams/fresh')).toMatchObject({ status: 404 });
  });

  it('replaces existing entries on request, except those of the configuration file', async () => {
    const one = await filled();
    const entries = { servers: { mine: { ...MINE, title: 'Mine' } } };
    expect(await one.send('POST', '/import', { entries, replace: true })).toMatchObject({
      json: { created: [], updated: ['servers.mine'], deleted: expect.arrayContaining(ALL.slice(1)) },
    });
    expect((await one.send('GET', '/servers')).json['items']).toMatchObject([{ slug: 'declared' }, { slug: 'mine' }]);
    // A virtual server without its server would be invalid.
    await one.send('POST', '/virtual-servers', { slug: 'desk', entry: { servers: ['mine'] } });
    const without = { entries: { virtualServers: { desk: { servers: ['mine'] } } }, replace: true };
    expect(await one.send('POST', '/import', without)).toMatchObject({ status: 422 });
  });

  it.each([
    [{}, 400],
    [{ entries: { planets: {} } }, 422],
    [{ entries: { servers: [] } }, 422],
    [{ entries: { servers: { a: null } } }, 422],
    [{ format: 2, entries: {} }, 400],
  ])('is rejected when it is %j', async (body, status) => {
    expect((await (await install()).send('POST', '/import', body)).status).toBe(status);
  });
});

describe('item settings in an export', () => {
  const ALLOWED = { ISTHMUS_ALLOWED_NETWORKS: '127.0.0.0/8' };
  const path = (name: string) => `/tools/mine/${name}`;
  let server: ReferenceServer;

  beforeEach(async () => {
    server = await startReferenceServer({ era: 'modern', transport: 'http' });
    ending.push(() => server.close());
  });

  async function installed(): Promise<Installation> {
    const one = await install({}, undefined, ALLOWED);
    const entry = { transport: 'http', url: server.url, toolChanges: 'quarantine' };
    expect(await one.send('POST', '/servers', { slug: 'mine', entry })).toMatchObject({ status: 201 });
    // The test of the server reads its lists.
    expect((await one.send('POST', '/servers/mine/test')).json).toMatchObject({ reachable: true });
    return one;
  }

  async function listed({ gateway }: Installation): Promise<string[]> {
    const client = await CLIENTS[0]!.connect({ url: `${gateway.url}/servers/mine/mcp`, token: await gateway.token() });
    ending.push(() => client.close());
    return ((await client.list('tools')) as unknown as { name: string }[]).map(({ name }) => name);
  }

  async function presented(): Promise<Installation> {
    const one = await installed();
    await one.send('POST', `${path('add')}/disable`);
    await one.send('PUT', `${path('echo')}/presentation`, { name: 'say', description: 'Says it again.' });
    return one;
  }

  it('include names, descriptions, disabled items and approvals', async () => {
    const one = await presented();
    const { json: exported } = await one.send('GET', '/export');
    server.world.setDescription('test_simple_text', 'Another text.');
    const other = await install({}, await secretOf(one), ALLOWED);
    const counted = { items: { created: (exported['items'] as unknown[]).length, updated: 0, reset: 0, unchanged: 0 } };
    expect(await other.send('POST', '/import', { ...exported, dryRun: true })).toMatchObject({ json: counted });
    expect(await other.send('GET', path('echo'))).toMatchObject({ status: 404 });
    expect(await other.send('POST', '/import', exported)).toMatchObject({ status: 200, json: counted });
    const names = await listed(other);
    expect(names).toContain('say');
    for (const hidden of ['echo', 'add', 'test_simple_text']) expect(names).not.toContain(hidden);
    await until(async () => (await other.send('GET', path('test_simple_text'))).json['status'] === 'quarantined');
    expect((await other.send('GET', '/export')).json['items']).toHaveLength((exported['items'] as unknown[]).length);
    expect(await other.send('POST', '/import', exported)).toMatchObject({
      json: { items: { created: 0, updated: 0 } },
    });
  });

  it('are reset by an import that replaces everything, and stay when the import contains no items', async () => {
    const one = await presented();
    expect(await one.send('POST', '/import', { entries: {} })).toMatchObject({ status: 200 });
    expect(await one.send('GET', path('add'))).toMatchObject({ json: { isDisabled: true } });
    const { json: exported } = await one.send('GET', '/export');
    const reset = await one.send('POST', '/import', { ...exported, items: [], replace: true });
    expect(reset).toMatchObject({ status: 200, json: { items: { created: 0, updated: 0, reset: 2, unchanged: 0 } } });
    expect(await listed(one)).toEqual(expect.arrayContaining(['add', 'echo']));
  });

  it('are validated before anything is changed', async () => {
    const one = await presented();
    const { json: exported } = await one.send('GET', '/export');
    const items = (exported['items'] as JsonObject[]).filter(({ kind }) => kind === 'tools');
    const [first, second] = items;
    const wrong: [JsonObject[], RegExp][] = [
      [
        [{ ...first, approved: { name: 'other' } }],
        /^items\.0\.approved: must be an exported definition whose name is/,
      ],
      [
        [
          { ...first, shownName: 'say' },
          { ...second, shownName: 'say' },
        ],
        /^items\.0\.shownName: Another item/,
      ],
    ];
    const entries = { teams: { fresh: { members: [] } } };
    for (const [faulty, message] of wrong) {
      const refused = await one.send('POST', '/import', { entries, items: faulty });
      expect(refused).toMatchObject({
        status: 422,
        json: { errors: expect.arrayContaining([expect.stringMatching(message)]) },
      });
    }
    for (const faulty of [{ ...first, kind: 'planets' }, { ...first, colour: 'red' }, 'add']) {
      expect(await one.send('POST', '/import', { entries, items: [faulty] })).toMatchObject({ status: 400 });
    }
    expect(await one.send('GET', '/teams/fresh')).toMatchObject({ status: 404 });
  });
});

describe('the settings in the admin API', () => {
  it('are listed with their effective values, without secrets', async () => {
    const gateway = await startGateway({ env: { ISTHMUS_ALLOWED_NETWORKS: '10.0.0.0/8,127.0.0.1/32' }, servers: {} });
    ending.push(() => gateway.close());
    const auditor = new AdminClient(gateway, ['auditor']);
    const items = (await auditor.get(gateway, '/settings')).json['items'] as JsonObject[];
    const of = (name: string) => items.find((item) => item['name'] === name);
    expect(of('ISTHMUS_ALLOWED_NETWORKS')).toMatchObject({ value: '10.0.0.0/8,127.0.0.1/32', isDefault: false });
    expect(of('ISTHMUS_AUDIT_RETENTION')).toEqual({ name: 'ISTHMUS_AUDIT_RETENTION', value: '90d', isDefault: true });
    expect(of('ISTHMUS_DATABASE_URL')).toEqual({ name: 'ISTHMUS_DATABASE_URL', value: null, isDefault: true });
  });
});
