/** Personal access tokens, from their creation to their revocation. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { CLIENTS, type ClientKind } from '../matrix/clients.js';
import { AdminClient, answerOf, type AdminAnswer } from '../support/admin-client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { textOf, type SdkClient } from '../support/sdk-client.js';

let server: ReferenceServer;
let gateway: TestGateway;
let ada: AdminClient;
let admin: AdminClient;
const clients: SdkClient[] = [];

beforeAll(async () => {
  server = await startReferenceServer({ era: 'modern', transport: 'http' });
});

afterAll(() => server.close());

beforeEach(async () => {
  const entry = { transport: 'http', url: server.url };
  const env = { ISTHMUS_ALLOWED_NETWORKS: '127.0.0.0/8' };
  gateway = await startGateway({ servers: { one: entry, two: entry }, env });
  ada = new AdminClient(gateway, ['user', 'operator'], 'ada');
  admin = new AdminClient(gateway, ['admin'], 'root');
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await gateway.close();
});

const create = (who: AdminClient, body: JsonObject = { title: 'build' }) =>
  who.send(gateway, 'POST', '/tokens', { body });
const textIn = ({ json }: AdminAnswer) => json['token'] as string;
const idsIn = ({ json }: AdminAnswer) => (json['items'] as JsonObject[]).map(({ id }) => id);

async function connect(kind: ClientKind, token: string, slug?: string): Promise<SdkClient> {
  const url = slug === undefined ? `${gateway.url}/${kind.path}` : `${gateway.url}/servers/${slug}/${kind.path}`;
  const client = await kind.connect({ url, token });
  clients.push(client);
  return client;
}

const withToken = async (token: string, path: string, method = 'GET', body?: JsonObject) =>
  answerOf(
    await fetch(`${gateway.url}/admin/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    }),
  );

describe.each(CLIENTS)('$name with a personal access token', (kind) => {
  it('calls tools of the servers that the token permits, until the token is revoked', async () => {
    const made = await create(ada, { title: 'one only', servers: ['one'] });
    expect(made).toMatchObject({ status: 201, json: { subject: 'ada', servers: ['one'], roles: [] } });
    const client = await connect(kind, textIn(made));
    expect(textOf(await client.call('one__echo', { text: 'in' }))).toBe('in');
    await expect(client.call('two__echo', { text: 'out' })).rejects.toThrow(/Unknown tool/);
    expect(JSON.stringify(await client.list('tools'))).not.toContain('two__');
    await expect(connect(kind, textIn(made), 'two')).rejects.toThrow();
    expect(await ada.send(gateway, 'DELETE', made.headers.get('location')!.replace('/admin/v1', ''))).toMatchObject({
      status: 204,
    });
    await expect(client.call('one__echo', { text: 'late' })).rejects.toThrow();
    await expect(connect(kind, textIn(made))).rejects.toThrow();
  });
});

describe('a personal access token', () => {
  it('is returned once, with Cache-Control: no-store', async () => {
    const made = await create(ada);
    expect(made.headers.get('cache-control')).toBe('no-store');
    const id = made.json['id'] as string;
    const { token: _token, ...rest } = made.json;
    expect((await ada.get(gateway, `/tokens/${id}`)).json).toEqual(rest);
    expect((await ada.get(gateway, '/tokens')).json).toEqual({ items: [rest] });
  });

  it('has no more roles and scopes than its creator', async () => {
    expect(await create(ada, { title: 'a', roles: ['admin'] })).toMatchObject({ status: 403 });
    expect(await create(ada, { title: 'a', scopes: ['more'] })).toMatchObject({ status: 403 });
    expect(await create(ada, { title: 'a', subject: 'bob' })).toMatchObject({ status: 403 });
    const mine = textIn(await create(ada, { title: 'a', roles: ['operator'] }));
    expect(await withToken(mine, '/servers')).toMatchObject({ status: 200 });
    expect(await withToken(mine, '/audit')).toMatchObject({ status: 403 });
    const bare = textIn(await create(ada));
    expect(await withToken(bare, '/servers')).toMatchObject({ status: 403 });
  });

  it('does not include roles that its subject gets from a team', async () => {
    const team = { slug: 'ops', entry: { members: ['ada'], roles: ['auditor'] } };
    expect(await admin.send(gateway, 'POST', '/teams', { body: team })).toMatchObject({ status: 201 });
    expect(await ada.get(gateway, '/audit')).toMatchObject({ status: 200 });
    expect(await withToken(textIn(await create(ada)), '/audit')).toMatchObject({ status: 403 });
  });

  it('keeps requested team roles only as long as its subject is a member of the team', async () => {
    const team = { slug: 'ops', entry: { members: ['ada'], roles: ['auditor'] } };
    await admin.send(gateway, 'POST', '/teams', { body: team });
    const guarded = { slug: 'guarded', entry: { transport: 'http', url: server.url, team: 'ops' } };
    expect(await admin.send(gateway, 'POST', '/servers', { body: guarded })).toMatchObject({ status: 201 });
    const made = await create(ada, { title: 'a', roles: ['auditor', 'operator'] });
    expect(made).toMatchObject({ status: 201, json: { roles: ['operator'], teamRoles: ['auditor'] } });
    const client = await connect(CLIENTS[0]!, textIn(made), 'guarded');
    expect(textOf(await client.call('echo', { text: 'in' }))).toBe('in');
    expect(await withToken(textIn(made), '/audit')).toMatchObject({ status: 200 });
    const left = { entry: { members: ['bob'], roles: ['auditor'] } };
    await admin.send(gateway, 'PUT', '/teams/ops', { body: left, headers: { 'if-match': '*' } });
    expect(await withToken(textIn(made), '/audit')).toMatchObject({ status: 403 });
    expect(await withToken(textIn(made), '/servers')).toMatchObject({ status: 200 });
    await expect(connect(CLIENTS[0]!, textIn(made), 'guarded')).rejects.toThrow();
  });

  it('can manage only itself when it is restricted to some servers', async () => {
    const made = await create(admin, { title: 'a', roles: ['admin'], servers: ['one'] });
    expect(await withToken(textIn(made), '/servers')).toMatchObject({
      status: 403,
      json: { detail: expect.stringMatching(/restricted to calls of some servers/) },
    });
    const others = await create(ada);
    expect(idsIn(await withToken(textIn(made), '/tokens'))).toEqual([made.json['id']]);
    const path = others.headers.get('location')!.replace('/admin/v1', '');
    expect(await withToken(textIn(made), path)).toMatchObject({ status: 404 });
    expect(await withToken(textIn(made), path, 'DELETE')).toMatchObject({ status: 404 });
    expect(await ada.get(gateway, path)).toMatchObject({ status: 200 });
  });

  it('cannot create another token', async () => {
    const mine = textIn(await create(ada, { title: 'a', roles: ['user'] }));
    expect(await withToken(mine, '/tokens', 'POST', { title: 'more' })).toMatchObject({
      status: 403,
      json: { detail: expect.stringMatching(/cannot create another one/) },
    });
  });

  it('with an elevated role lives at most as long as the maximum for elevated roles', async () => {
    for (const roles of [['operator'], ['user', 'operator']]) {
      expect(await create(ada, { title: 'a', expiresIn: '31d', roles })).toMatchObject({
        status: 422,
        json: { detail: 'expiresIn must be at most 30d for a token with these roles.' },
      });
    }
    expect(await create(admin, { title: 'a', expiresIn: '31d', subject: 'bob', roles: ['auditor'] })).toMatchObject({
      status: 422,
    });
    expect(await create(ada, { title: 'a', expiresIn: '30d', roles: ['operator'] })).toMatchObject({ status: 201 });
    expect(await create(ada, { title: 'a', expiresIn: '365d', roles: ['user'] })).toMatchObject({ status: 201 });
  });

  it('is revoked with all others of its subject by an admin, and the audit log names the subject', async () => {
    const mine = [await create(ada), await create(ada)];
    const his = await create(admin, { title: 'for bob', subject: 'bob', roles: ['user'] });
    expect(await ada.send(gateway, 'DELETE', '/subjects/isthmus/bob/tokens')).toMatchObject({ status: 403 });
    const other = await admin.send(
      gateway,
      'DELETE',
      `/subjects/${encodeURIComponent('https://idp.example')}/ada/tokens`,
    );
    expect(other).toMatchObject({ status: 200, json: { revoked: [] } });
    const revoked = await admin.send(gateway, 'DELETE', '/subjects/isthmus/ada/tokens');
    const revokedIds = new Set(revoked.json['revoked'] as string[]);
    expect(revokedIds).toEqual(new Set(mine.map(({ json }) => json['id'])));
    for (const each of mine) expect(await withToken(textIn(each), '/tokens')).toMatchObject({ status: 401 });
    expect(await withToken(textIn(his), '/tokens')).toMatchObject({ status: 200 });
    const records = await new AdminClient(gateway, ['auditor']).get(
      gateway,
      '/audit?path=/admin/v1/subjects/isthmus/ada',
    );
    expect(records.json).toMatchObject({ items: [{ subject: 'root', method: 'DELETE', outcome: 'done' }] });
  });

  it('is visible to and revocable by its subject and admins only', async () => {
    const bob = new AdminClient(gateway, ['user'], 'bob');
    const mine = await create(ada);
    const his = await create(admin, { title: 'for bob', subject: 'bob', roles: ['auditor'] });
    const path = `/tokens/${mine.json['id'] as string}`;
    expect(idsIn(await bob.get(gateway, '/tokens'))).toEqual([his.json['id']]);
    expect(await bob.get(gateway, path)).toMatchObject({ status: 404 });
    expect(await bob.send(gateway, 'DELETE', path)).toMatchObject({ status: 404 });
    const auditor = new AdminClient(gateway, ['auditor'], 'eve');
    expect(idsIn(await auditor.get(gateway, '/tokens'))).toHaveLength(2);
    expect(idsIn(await auditor.get(gateway, '/tokens?subject=ada'))).toEqual([mine.json['id']]);
    expect(await auditor.send(gateway, 'DELETE', path)).toMatchObject({ status: 403 });
    expect(await admin.send(gateway, 'DELETE', path)).toMatchObject({ status: 204 });
    expect(await admin.send(gateway, 'DELETE', path)).toMatchObject({ status: 404 });
  });

  it.each<[JsonObject, number, RegExp]>([
    [{}, 400, /title/],
    [{ title: '' }, 400, /title/],
    [{ title: 'a', expiresIn: 'soon' }, 400, /expiresIn must be a duration/],
    [{ title: 'a', expiresIn: 30 }, 400, /expiresIn must be a duration/],
    [{ title: 'a', expiresIn: '400d' }, 422, /at most 365d/],
    [{ title: 'a', expiresIn: '0s' }, 422, /longer than zero/],
    [{ title: 'a', servers: ['on'] }, 422, /Did you mean one/],
    [{ title: 'a', roles: 'admin' }, 400, /roles must be an array/],
  ])('is not created from %j', async (body, status, expected) => {
    const answer = await create(ada, body);
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.json)).toMatch(expected);
  });
});
