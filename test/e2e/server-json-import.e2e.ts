/** Import of the description of a server in a registry: from the document to a server that answers calls. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { CLIENTS } from '../matrix/clients.js';
import { AdminClient } from '../support/admin-client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';

let server: ReferenceServer;
let gateway: TestGateway;
let admin: AdminClient;

beforeAll(async () => {
  server = await startReferenceServer({ era: 'modern', transport: 'http' });
  gateway = await startGateway({ env: { ISTHMUS_ALLOWED_NETWORKS: '127.0.0.0/8' }, servers: {} });
  admin = new AdminClient(gateway, ['admin']);
});

afterAll(async () => {
  await gateway?.close();
  await server?.close();
});

const convert = (body: JsonObject) => admin.send(gateway, 'POST', '/server-json-imports', { body });

it('converts a remote with its inputs to a server that answers calls', async () => {
  const { host, pathname } = new URL(server.url);
  const document = {
    name: 'com.example/echo',
    version: '1.0.0',
    packages: [
      { registryType: 'npm', identifier: '@example/echo', version: '1.0.0', transport: { type: 'stdio' } },
      { registryType: 'mcpb', identifier: 'https://example.com/echo.mcpb', transport: { type: 'stdio' } },
    ],
    remotes: [
      {
        type: 'streamable-http',
        url: `http://{host}${pathname}`,
        variables: { host: { isRequired: true } },
        headers: [{ name: 'X-Key', isRequired: true, isSecret: true }],
      },
    ],
  };
  const first = await convert({ document });
  expect([first.status, first.json]).toMatchObject([200, { choice: 'remotes[0]', slug: 'echo' }]);
  const asked = first.json['inputs'] as { input: string; isMissing: boolean }[];
  expect(asked.map(({ isMissing }) => isMissing)).toEqual([true, true]);
  const [key, place] = ['remotes[0].headers[0]', 'remotes[0].variables.host'];
  const filled = await convert({ document, inputs: { [place]: host, [key]: 'k' } });
  const { slug, entry } = filled.json;
  expect(await admin.send(gateway, 'POST', '/servers', { body: { slug, entry } })).toMatchObject({ status: 201 });
  const [kind] = CLIENTS;
  const client = await kind!.connect({ url: `${gateway.url}/servers/echo/mcp`, token: await gateway.token() });
  expect((await client.list('tools')).length).toBeGreaterThan(0);
  await client.close();

  const program = await convert({ document, choice: 'packages[0]' });
  expect(program.json).toMatchObject({
    entry: { transport: 'stdio', command: 'npx', args: ['-y', '@example/echo@1.0.0'] },
    skipped: [{ member: 'packages[0]', reason: expect.stringContaining('ISTHMUS_ADMIN_MAY_START_PROGRAMS') }],
  });
});

it.each<[JsonObject, number, RegExp]>([
  [{ document: 7 }, 400, /document must be an object or a string/],
  [{ document: {}, inputs: { a: 1 } }, 400, /inputs must map/],
  [{ document: '{' }, 422, /document cannot be read/],
  [{ document: { name: 'a', remotes: [{ type: 'sse' }] } }, 422, /remotes\[0\]\.url must be/],
  [
    { document: { name: 'a', remotes: [{ type: 'sse', url: 'http://10.0.0.1/' }] } },
    422,
    /remotes\[0\]\.url names an address/,
  ],
  [
    { document: { name: 'a', packages: [{ registryType: 'mcpb', identifier: 'a', transport: { type: 'stdio' } }] } },
    422,
    /packages\[0\] cannot be imported. An mcpb package/,
  ],
])('refuses %j', async (body, status, expected) => {
  const answer = await convert(body);
  expect(answer.status).toBe(status);
  expect(JSON.stringify(answer.json)).toMatch(expected);
});
