import { describe, expect, it } from '@jest/globals';
import { UnsecuredJWT } from 'jose';
import type { JsonObject } from '#lib/mcp-protocol';
import { credentialLifetimeOf } from './credential-expiry.js';
import { ServerKinds } from './server-kinds.js';

const tokenUntil = (seconds: number): string => new UnsecuredJWT({ exp: seconds, iat: 1_000 }).encode();

function lifetimeOf(entry: JsonObject) {
  const server = new ServerKinds().read('demo', entry, []);
  if (!server) throw new Error('The entry is invalid.');
  return credentialLifetimeOf(server);
}

describe('the lifetime of the credentials of a server', () => {
  it('is that of the JSON Web Token that expires first, wherever it is', () => {
    const remote = { transport: 'http', url: `https://a.example/mcp?token=${tokenUntil(5_000)}` };
    expect(lifetimeOf(remote)).toEqual({ issuedAt: 1_000_000, expiresAt: 5_000_000 });
    const headers = { Authorization: `Bearer ${tokenUntil(4_000)}`, 'X-Other': tokenUntil(6_000) };
    expect(lifetimeOf({ ...remote, headers })).toMatchObject({ expiresAt: 4_000_000 });
    const program = { transport: 'stdio', command: 'x', args: ['--token', tokenUntil(3_000)], env: { A: 'b' } };
    expect(lifetimeOf(program)).toMatchObject({ expiresAt: 3_000_000 });
  });

  it('is unknown for other credentials, and for a token that never expires', () => {
    const headers = {
      Authorization: `Bearer ${new UnsecuredJWT({}).encode()}`,
      'X-Key': 'a.b.c',
      'X-Version': '10.20.30',
    };
    expect(lifetimeOf({ transport: 'http', url: 'https://a.example/mcp', headers })).toBeUndefined();
  });
});
