import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AuthConfig } from './auth.config.js';
import { AuthWorld, FOREIGN, ISSUER, KeySetServer, LOCAL, rsa, signWith } from './auth-fixture.js';
import type { GatewayConfig } from '../gateway.config.js';

const HOST = 'localhost:4444';
const PUBLIC = 'https://mcp.example.com';
/** Paths of requests, with the path of the resource that each of them belongs to. */
const RESOURCES: readonly (readonly [string, string | undefined])[] = [
  ['/mcp', '/mcp'],
  ['/sse', '/sse'],
  ['/messages', '/sse'],
  ['/message', '/sse'],
  ['/rpc', '/rpc'],
  ...['a', 'b'].flatMap((slug) =>
    ['mcp', 'sse', 'rpc'].map((name) => [`/servers/${slug}/${name}`, `/servers/${slug}/${name}`] as const),
  ),
  ['/servers/a/messages', '/servers/a/sse'],
  ['/servers/a/mcp/', '/servers/a/mcp'],
  ['/admin/v1/servers', undefined],
  ['/admin/v1/servers/a/mcp', undefined],
  ['/servers/%61/mcp', undefined],
];

let world: AuthWorld;
const keySet = new KeySetServer();
const pair = rsa('first');

beforeAll(async () => {
  world = await AuthWorld.open();
  keySet.keys = [pair.jwk];
  await keySet.listen();
});

afterAll(async () => {
  await keySet.close();
  await world.close();
});

const open = (address: Partial<GatewayConfig> = {}, settings: Partial<AuthConfig> = {}) =>
  world.gateway({ jwksUrl: keySet.url, issuer: ISSUER, ...settings }, address);

const issuers = [
  ['the configured issuer', (aud: string | string[]) => signWith(pair, { ...FOREIGN, aud })],
  ['the gateway itself', (aud: string | string[]) => world.sign({ ...LOCAL, aud })],
] as const;

type Authenticator = ReturnType<typeof open>['authenticator'];

async function statusAt(authenticator: Authenticator, token: string, path: string, host = HOST): Promise<number> {
  try {
    await authenticator.authenticate(`Bearer ${token}`, path, host);
    return 200;
  } catch (cause) {
    return (cause as { httpStatus: number }).httpStatus;
  }
}

describe.each(issuers)('a token of %s', (_name, sign) => {
  it.each([
    ['under the Host header of a request', {}, HOST],
    ['under the public URL', { publicUrl: PUBLIC }, 'internal:8080'],
  ])(
    'for the resource of an endpoint %s is accepted there, again from the cache, and nowhere else',
    async (_way, address, host) => {
      const { authenticator, resource } = open(address);
      for (const advertised of new Set(RESOURCES.map(([, of]) => of))) {
        if (advertised === undefined) continue;
        const token = await sign(resource.metadata(advertised, host)!.resource);
        // Twice, so that the second pass meets the callers that the first one has cached.
        for (const [path, of] of [...RESOURCES, ...RESOURCES]) {
          const status = await statusAt(authenticator, token, path, host);
          expect([advertised, path, status]).toEqual([advertised, path, of === advertised ? 200 : 401]);
        }
      }
    },
  );

  it('for several endpoints is accepted at each of them', async () => {
    const { authenticator } = open();
    const token = await sign(['/mcp', '/servers/a/mcp'].map((path) => `http://${HOST}${path}`));
    for (const path of ['/mcp', '/servers/a/mcp', '/mcp']) {
      expect(await statusAt(authenticator, token, path)).toBe(200);
    }
    expect(await statusAt(authenticator, token, '/servers/b/mcp')).toBe(401);
  });

  it('for an endpoint is accepted in no other header, wherever the endpoint is named beside it', async () => {
    const { authenticator, resource } = open();
    const advertised = resource.metadata('/mcp', HOST)!.resource;
    const token = await sign(advertised);
    expect(await statusAt(authenticator, token, '/mcp')).toBe(200);
    const headers = [
      `${advertised} Bearer ${token}`,
      `Bearer ${token}\n${advertised}`,
      `Bearer ${token} ${advertised}`,
    ];
    for (const header of headers) {
      for (const [path] of RESOURCES) {
        const admitted = (async () => authenticator.authenticate(header, path, HOST))();
        await expect(admitted).rejects.toMatchObject({ httpStatus: 401 });
      }
    }
  });

  it('for the gateway as a whole is accepted at every endpoint', async () => {
    const { authenticator, resource } = open();
    for (const audience of [resource.metadata('', HOST)!.resource, `http://${HOST}/`]) {
      const token = await sign(audience);
      for (const [path] of RESOURCES) expect(await statusAt(authenticator, token, path)).toBe(200);
    }
  });

  it.each([
    ['https://mcp.example.com/mcp', HOST, {}],
    ['http://localhost:5555/mcp', HOST, {}],
    ['http://LOCALHOST:4444/mcp', HOST, {}],
    ['http://localhost:4444/mcp#x', HOST, {}],
    ['http://localhost:4444/', HOST, { publicUrl: PUBLIC }],
    ['http://localhost:4444/mcp', HOST, { publicUrl: PUBLIC }],
    // Without a public URL, a Host header must not select the service whose tokens are accepted.
    ['http://other.example/mcp', 'other.example', {}],
    ['http://other.example:99999/mcp', 'other.example:99999', {}],
  ])('for %s is refused by a gateway that is not called so (Host: %s, %j)', async (audience, host, address) => {
    const { authenticator } = open(address);
    expect(await statusAt(authenticator, await sign(audience), '/mcp', host)).toBe(401);
  });
});

it('a listed audience is accepted at every endpoint besides the resources of endpoints', async () => {
  const { authenticator } = open({ publicUrl: PUBLIC }, { audience: ['api://isthmus'] });
  const token = await signWith(pair, { ...FOREIGN, aud: 'api://isthmus' });
  for (const [path] of RESOURCES) expect(await statusAt(authenticator, token, path)).toBe(200);
  const other = await signWith(pair, { ...FOREIGN, aud: `${PUBLIC}/mcp` });
  expect(await statusAt(authenticator, other, '/mcp')).toBe(200);
  expect(await statusAt(authenticator, other, '/sse')).toBe(401);
});
