import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuthWorld, INVALID } from './auth-fixture.js';

let world: AuthWorld;

beforeAll(async () => {
  world = await AuthWorld.open();
});

afterAll(() => world.close());

describe('CallerAuthenticator, for a request without a valid token,', () => {
  const METADATA = 'http://localhost:4444/.well-known/oauth-protected-resource';

  it.each([undefined, '', 'Basic dXNlcjpwYXNz', 'Bearers abc'])(
    'responds to the authorization header %j with a challenge that names the metadata URL',
    async (authorization) => {
      const { authenticator } = world.gateway();
      await expect(async () =>
        authenticator.authenticate(authorization, '/mcp', 'localhost:4444'),
      ).rejects.toMatchObject({
        httpStatus: 401,
        wwwAuthenticate: `Bearer resource_metadata="${METADATA}/mcp"`,
      });
    },
  );

  const MALFORMED = ['Bearer', 'Bearer ', 'Bearer a b', 'Bearer "a"'];
  it.each(MALFORMED)('rejects the authorization header %j as an invalid token', async (authorization) => {
    const { authenticator } = world.gateway();
    await expect(async () => authenticator.authenticate(authorization)).rejects.toMatchObject(INVALID);
  });

  it('names the requested endpoint in the challenge and ignores an invalid path or Host header', async () => {
    const { authenticator } = world.gateway();
    const challenge = async (endpoint: string, host: string) => {
      const fault: unknown = await Promise.resolve(authenticator.authenticate(undefined, endpoint, host)).catch(
        (e: unknown) => e,
      );
      return (fault as { wwwAuthenticate: string }).wwwAuthenticate;
    };
    expect(await challenge('/servers/weather/mcp', '[::1]:4444')).toBe(
      'Bearer resource_metadata="http://[::1]:4444/.well-known/oauth-protected-resource/servers/weather/mcp"',
    );
    expect(await challenge('/mcp", x="', 'evil", x="y')).toBe(
      'Bearer resource_metadata="http://127.0.0.1:4444/.well-known/oauth-protected-resource"',
    );
  });

  it('names the required scopes in the challenge, and answers 403 when a valid token lacks them', async () => {
    const { authenticator, issuer } = world.gateway({ requiredScopes: ['mcp:use', 'mcp:read'] });
    await expect(async () => authenticator.authenticate(undefined)).rejects.toMatchObject({
      wwwAuthenticate: expect.stringContaining('scope="mcp:use mcp:read"'),
    });
    const lacking = await issuer.issue({ subject: 'me', scopes: ['mcp:use'], expiresInSeconds: 60 });
    await expect(async () => authenticator.authenticate(`Bearer ${lacking}`)).rejects.toMatchObject({
      httpStatus: 403,
      code: -31009,
      wwwAuthenticate: expect.stringMatching(/^Bearer error="insufficient_scope", .*scope="mcp:use mcp:read"/),
    });
    const sufficient = await issuer.issue({ subject: 'me', expiresInSeconds: 60 });
    expect(await authenticator.authenticate(`Bearer ${sufficient}`)).toMatchObject({ scopes: ['mcp:use', 'mcp:read'] });
  });
});
