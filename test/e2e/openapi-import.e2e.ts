/** Import of an API as tools: here the gateway's own admin API, from its own OpenAPI document. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { CLIENTS } from '../matrix/clients.js';
import { AdminClient } from '../support/admin-client.js';
import { openApiOf } from '../support/admin-operations.js';
import { startGateway, type TestGateway } from '../support/gateway.js';

let gateway: TestGateway;
let admin: AdminClient;

beforeAll(async () => {
  gateway = await startGateway({ env: { ISTHMUS_ALLOWED_NETWORKS: '127.0.0.0/8' }, servers: {} });
  admin = new AdminClient(gateway, ['admin']);
  const document = await openApiOf(admin, gateway);
  const body = { document, operations: ['* /admin/v1/teams*'], url: gateway.url };
  const { status, json } = await admin.send(gateway, 'POST', '/openapi-imports', { body });
  expect([status, json['skipped']]).toEqual([200, []]);
  const headers = { Authorization: `Bearer ${await gateway.token({ roles: ['admin'] })}` };
  const entry = { ...(json['entry'] as JsonObject), headers };
  expect(await admin.send(gateway, 'POST', '/servers', { body: { slug: 'own', entry } })).toMatchObject({
    status: 201,
  });
});

afterAll(() => gateway?.close());

it.each(CLIENTS)('$name manages teams with tools that were imported from an OpenAPI document', async (kind) => {
  const client = await kind.connect({ url: `${gateway.url}/servers/own/${kind.path}`, token: await gateway.token() });
  const slug = `team-${CLIENTS.indexOf(kind)}`;
  const names = (await client.list('tools')).map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(['getTeams', 'postTeams', 'getTeamsSlug', 'putTeamsSlug', 'deleteTeamsSlug']),
  );
  const made = await client.call('postTeams', { slug, entry: { members: ['ada'] } });
  expect(made).toMatchObject({ structuredContent: { slug, version: expect.any(Number) } });
  const listed = await client.call('getTeams', { q: slug, limit: 1 });
  expect(listed.structuredContent).toMatchObject({ items: [{ slug }] });
  expect(await client.call('deleteTeamsSlug', { slug })).toMatchObject({ isError: true });
  expect(await client.call('deleteTeamsSlug', { slug, 'if-match': '*' })).not.toHaveProperty('isError');
  await client.close();
});

it.each<[JsonObject, number, RegExp]>([
  [{ document: { swagger: '1.2' } }, 422, /must be OpenAPI 3 or Swagger 2.0/],
  [{ document: 'a: [b' }, 422, /neither JSON nor YAML/],
  [{ document: { openapi: '3.0.0', paths: {} } }, 422, /contains no complete server URL/],
  [
    { document: { openapi: '3.0.0', paths: {} }, url: 'https://a.example.com' },
    422,
    /None of the operations can become a tool/,
  ],
  [{ document: 'text' }, 422, /must be an object/],
  [{ document: 7 }, 400, /document must be an object or a string/],
  [{ document: {}, operations: [] }, 400, /operations/],
  [{ document: {}, url: 'ftp://a' }, 400, /url/],
])('the OpenAPI import rejects %j', async (body, status, expected) => {
  const answer = await admin.send(gateway, 'POST', '/openapi-imports', { body });
  expect(answer.status).toBe(status);
  expect(JSON.stringify(answer.json)).toMatch(expected);
});
