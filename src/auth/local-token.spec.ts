import type { JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuthWorld, encode, INVALID, ISSUER, LOCAL, secondsNow, captureRefusal } from './auth-fixture.js';

const NOW = secondsNow();

let world: AuthWorld;

beforeAll(async () => {
  world = await AuthWorld.open();
});

afterAll(() => world.close());

describe('CallerAuthenticator, for a token of the gateway itself,', () => {
  it('returns the caller with the claims of the token', async () => {
    const { authenticator, issuer } = world.gateway();
    const token = await issuer.issue({ subject: 'me@x', roles: ['admin'], scopes: ['a', 'b'], expiresInSeconds: 60 });
    expect(await authenticator.authenticate(`bearer ${token}`)).toMatchObject({
      principal: { issuer: 'isthmus', subject: 'me@x' },
      key: 'isthmus|me@x',
      anonymous: false,
      roles: ['admin'],
      scopes: ['a', 'b'],
      claims: { aud: 'isthmus', jti: expect.any(String) },
    });
  });

  it('verifies a token once and returns the cached caller synchronously afterwards', async () => {
    const { authenticator, issuer } = world.gateway();
    const header = `Bearer ${await issuer.issue({ subject: 'me', expiresInSeconds: 600 })}`;
    const caller = await authenticator.authenticate(header);
    expect(authenticator.authenticate(header)).toBe(caller);
  });

  it('verifies a token again after the cache lifetime', async () => {
    const { authenticator, issuer, clock } = world.gateway({ cacheTtlMs: 10_000 });
    const header = `Bearer ${await issuer.issue({ subject: 'me', expiresInSeconds: 600 })}`;
    await authenticator.authenticate(header);
    await clock.advance(9_999);
    expect(authenticator.authenticate(header)).not.toBeInstanceOf(Promise);
    await clock.advance(1);
    expect(authenticator.authenticate(header)).toBeInstanceOf(Promise);
  });

  it('does not cache a token beyond its own expiry', async () => {
    const { authenticator, issuer, clock } = world.gateway();
    const header = `Bearer ${await issuer.issue({ subject: 'me', expiresInSeconds: 30 })}`;
    await authenticator.authenticate(header);
    await clock.advance(30_000);
    expect(authenticator.authenticate(header)).toBeInstanceOf(Promise);
  });

  it.each<[string, JWTPayload, RegExp]>([
    ['that has expired', { ...LOCAL, exp: NOW - 31 }, /expired/],
    ['that is not valid yet', { ...LOCAL, nbf: NOW + 120 }, /not valid yet/],
    ['without an expiry', { iss: 'isthmus', aud: 'isthmus', sub: 'me' }, /no expiry/],
    ['for another audience', { ...LOCAL, aud: 'https://else.example.com' }, /another audience/],
    ['without an audience', { iss: 'isthmus', sub: 'me', exp: NOW + 600 }, /another audience/],
    ['of another issuer', { ...LOCAL, iss: ISSUER }, /another issuer/],
    ['without a subject', { iss: 'isthmus', aud: 'isthmus', exp: NOW + 600 }, /no subject/],
    ['with too long a subject', { ...LOCAL, sub: 'x'.repeat(513) }, /too long/],
  ])('refuses a token %s', async (_name, claims, reason) => {
    const { authenticator } = world.gateway();
    const fault = await captureRefusal(authenticator, await world.sign(claims));
    expect(fault).toMatchObject({ ...INVALID, message: expect.stringMatching(reason) });
  });

  it('refuses a token signed with another secret', async () => {
    const { authenticator } = world.gateway();
    const fault = await captureRefusal(authenticator, await world.sign(LOCAL, {}, Buffer.alloc(32, 1)));
    expect(fault).toMatchObject({ ...INVALID, message: expect.stringMatching(/signature is invalid/) });
  });

  it.each([
    ['the algorithm none', () => `${encode({ alg: 'none' })}.${encode(LOCAL)}.`],
    ['the algorithm none and a signature', () => `${encode({ alg: 'none' })}.${encode(LOCAL)}.AAAA`],
    ['no algorithm', () => `${encode({})}.${encode(LOCAL)}.AAAA`],
    ['HS512 with the right secret', () => world.sign(LOCAL, { alg: 'HS512' })],
    ['a critical extension', () => world.sign(LOCAL, { crit: ['b64'], b64: true })],
    ['a header that is no JSON', () => 'a.b.c'],
    ['two parts only', () => `${encode({ alg: 'HS256' })}.${encode(LOCAL)}`],
    ['more than 8 KiB', () => world.sign({ ...LOCAL, padding: 'x'.repeat(9_000) })],
  ])('refuses a token with %s', async (_name, make) => {
    const { authenticator } = world.gateway();
    expect(await captureRefusal(authenticator, await make())).toMatchObject(INVALID);
  });
});

it('PassportTokenVerifier isolates the keys of two gateways in one process', async () => {
  const { authenticator, issuer } = world.gateway();
  const other = await AuthWorld.open();
  other.gateway();
  const token = await issuer.issue({ subject: 'me', expiresInSeconds: 60 });
  expect(await authenticator.authenticate(`Bearer ${token}`)).toMatchObject({ key: 'isthmus|me' });
  await other.close();
});
