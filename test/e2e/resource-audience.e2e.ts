/** A client follows the protected resource metadata (RFC 9728), obtains a token for that resource, and is admitted. */
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SignJWT } from 'jose';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { CLIENTS } from '../matrix/clients.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { textOf } from '../support/sdk-client.js';

const ISSUER = 'https://issuer.example.com';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const keys = [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', use: 'sig', alg: 'ES256' }];
const keySet = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys }));
});

let server: ReferenceServer;
let gateway: TestGateway;

beforeAll(async () => {
  await new Promise<void>((resolve) => keySet.listen(0, '127.0.0.1', resolve));
  const { port } = keySet.address() as AddressInfo;
  server = await startReferenceServer({ era: 'modern', transport: 'http' });
  const entry = { transport: 'http', url: server.url };
  gateway = await startGateway({
    servers: { one: entry, two: entry },
    env: {
      ISTHMUS_AUTH_JWKS_URL: `http://127.0.0.1:${port}/jwks`,
      ISTHMUS_AUTH_ISSUER: ISSUER,
      ISTHMUS_AUTH_AUDIENCE: 'api://other',
    },
  });
});

afterAll(async () => {
  await gateway?.close();
  await server?.close();
  keySet.close();
});

/** What a client learns from the 401 of a URL, and the token that the authorization server issues for it. */
async function obtainToken(path: string, method = 'POST'): Promise<string> {
  const refused = await fetch(`${gateway.url}${path}`, { method });
  const [, metadataUrl = ''] = /resource_metadata="([^"]+)"/.exec(refused.headers.get('www-authenticate') ?? '') ?? [];
  const metadata = (await (await fetch(metadataUrl)).json()) as { resource: string; authorization_servers: string[] };
  expect(metadata).toMatchObject({ resource: gateway.url + path, authorization_servers: [ISSUER] });
  return new SignJWT({ roles: ['admin'] })
    .setProtectedHeader({ alg: 'ES256', kid: 'k' })
    .setIssuer(ISSUER)
    .setSubject('ada')
    .setAudience(metadata.resource)
    .setExpirationTime('10m')
    .sign(privateKey);
}

describe.each(CLIENTS)('$name', (kind) => {
  it.each(['', '/servers/one'])('calls a tool with a token for the resource that %s advertises', async (base) => {
    const path = `${base}/${kind.path}`;
    const token = await obtainToken(path, kind.path === 'sse' ? 'GET' : 'POST');
    const client = await kind.connect({ url: gateway.url + path, token });
    const name = base === '' ? 'one__echo' : 'echo';
    expect(textOf(await client.call(name, { text: 'in' }))).toBe('in');
    await client.close();
  });
});

it('a token for the resource of one endpoint is refused at every other endpoint and at the admin API', async () => {
  const token = await obtainToken('/servers/one/mcp');
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const statusOf = async (path: string, method: string) =>
    (await fetch(`${gateway.url}${path}`, { method, headers, ...(method === 'POST' && { body: '{}' }) })).status;
  for (const path of ['/mcp', '/rpc', '/servers/two/mcp', '/servers/one/rpc', '/servers/one/messages']) {
    expect([path, await statusOf(path, 'POST')]).toEqual([path, 401]);
  }
  for (const path of ['/sse', '/servers/one/sse', '/admin/v1/servers', '/admin/v1/audit', '/admin/v1/openapi.json']) {
    expect([path, await statusOf(path, 'GET')]).toEqual([path, 401]);
  }
  expect(await statusOf('/servers/one/mcp', 'POST')).toBe(400);
});
