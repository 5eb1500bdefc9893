import { createHmac, sign } from 'node:crypto';
import { SignJWT, type JWTPayload } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Caller } from '#lib/extension-kit';
import type { AuthConfig } from './auth.config.js';
import { AuthWorld, ec, encode, FOREIGN, INVALID, ISSUER, KeySetServer, LOCAL, secondsNow } from './auth-fixture.js';
import { captureRefusal, rsa, signWith } from './auth-fixture.js';

const NOW = secondsNow();

let world: AuthWorld;
let keySet: KeySetServer;
const first = rsa('first');
const second = ec('second');

beforeAll(async () => {
  world = await AuthWorld.open();
});

beforeEach(async () => {
  keySet = new KeySetServer();
  keySet.keys = [first.jwk, second.jwk];
  await keySet.listen();
});

afterEach(() => keySet.close());

afterAll(() => world.close());

const withKeySet = (settings: Partial<AuthConfig> = {}) =>
  world.gateway({ jwksUrl: keySet.url, issuer: ISSUER, audience: ['https://mcp.example.com'], ...settings });

describe('CallerAuthenticator, for a token of the configured issuer,', () => {
  it.each([
    ['RS256', first],
    ['ES256', second],
  ])('accepts a token signed with %s', async (_alg, pair) => {
    const { authenticator } = withKeySet();
    const token = await signWith(pair, { ...FOREIGN, scp: ['read', 'write'], roles: 'admin' });
    const caller: Caller = await authenticator.authenticate(`Bearer ${token}`);
    expect(caller).toMatchObject({ key: `${ISSUER}|me`, scopes: ['read', 'write'], roles: ['admin'] });
  });

  it.each<[string, JWTPayload, RegExp]>([
    ['of another issuer', { ...FOREIGN, iss: 'https://else.example.com' }, /another issuer/],
    ['that names the gateway as its issuer', { ...FOREIGN, iss: 'isthmus' }, /another issuer/],
    ['for another audience', { ...FOREIGN, aud: ['isthmus', 'x'] }, /another audience/],
    ['that expired', { ...FOREIGN, exp: NOW - 61 }, /expired/],
  ])('refuses a token %s', async (_name, claims, reason) => {
    const { authenticator } = withKeySet();
    const fault = await captureRefusal(authenticator, await signWith(first, claims));
    expect(fault).toMatchObject({ ...INVALID, message: expect.stringMatching(reason) });
  });

  it('accepts a token up to 30 s after its expiry, because clocks differ', async () => {
    const { authenticator } = withKeySet();
    const token = await signWith(first, { ...FOREIGN, exp: NOW - 10 });
    expect(await authenticator.authenticate(`Bearer ${token}`)).toMatchObject({ key: `${ISSUER}|me` });
  });

  it('refuses a token whose HMAC secret is the public key of the issuer', async () => {
    const { authenticator } = withKeySet();
    const pem = first.publicKey.export({ format: 'pem', type: 'spki' });
    for (const claims of [LOCAL, FOREIGN]) {
      const input = `${encode({ alg: 'HS256', kid: 'first' })}.${encode(claims)}`;
      const token = `${input}.${createHmac('sha256', pem).update(input).digest('base64url')}`;
      expect(await captureRefusal(authenticator, token)).toMatchObject(INVALID);
    }
  });

  it('refuses claims of the issuer signed with the local secret, and local claims signed with a key of the issuer', async () => {
    const { authenticator } = withKeySet();
    expect(await captureRefusal(authenticator, await world.sign(FOREIGN))).toMatchObject(INVALID);
    expect(await captureRefusal(authenticator, await signWith(first, LOCAL))).toMatchObject(INVALID);
  });

  it('refuses a token whose key id names a key of another kind than its algorithm', async () => {
    const { authenticator } = withKeySet();
    const token = await new SignJWT(FOREIGN).setProtectedHeader({ alg: 'ES256', kid: 'first' }).sign(second.privateKey);
    expect(await captureRefusal(authenticator, token)).toMatchObject(INVALID);
  });

  it('refuses a token with an algorithm that is not configured, without fetching the key set', async () => {
    const { authenticator } = withKeySet({ algorithms: ['ES256'] });
    const fault = await captureRefusal(authenticator, await signWith(first));
    expect(fault).toMatchObject({ ...INVALID, message: expect.stringMatching(/algorithm/) });
    expect(keySet.requests).toBe(0);
  });

  it('refuses a token of a foreign issuer when no issuer is configured', async () => {
    const { authenticator } = world.gateway();
    expect(await captureRefusal(authenticator, await signWith(first))).toMatchObject(INVALID);
  });

  it('never verifies a token with a weak key, an encryption key or a symmetric secret of the key set', async () => {
    const { authenticator } = withKeySet();
    const weak = rsa('weak', 1_024);
    const forEncryption = rsa('enc');
    const secret = { kty: 'oct', kid: 'oct', k: world.folder.secrets.session.toString('base64url') };
    keySet.keys = [weak.jwk, { ...forEncryption.jwk, use: 'enc' }, secret, { kty: 'RSA', kid: 'broken' }, first.jwk];
    expect(await captureRefusal(authenticator, await signWith(forEncryption))).toMatchObject(INVALID);
    const input = `${encode({ alg: 'RS256', kid: 'weak' })}.${encode(FOREIGN)}`;
    const signature = sign('sha256', Buffer.from(input), weak.privateKey).toString('base64url');
    expect(await captureRefusal(authenticator, `${input}.${signature}`)).toMatchObject(INVALID);
    expect(await authenticator.authenticate(`Bearer ${await signWith(first)}`)).toMatchObject({ key: `${ISSUER}|me` });
  });

  it('accepts a token without a key id only when a single key of the set can verify it', async () => {
    const { authenticator, clock } = withKeySet();
    const token = await new SignJWT(FOREIGN).setProtectedHeader({ alg: 'RS256' }).sign(first.privateKey);
    expect(await authenticator.authenticate(`Bearer ${token}`)).toMatchObject({ key: `${ISSUER}|me` });
    keySet.keys = [first.jwk, rsa('other').jwk];
    await clock.advance(600_000);
    expect(await captureRefusal(authenticator, token)).toMatchObject(INVALID);
  });
});

describe('the key set of the configured issuer', () => {
  it('is fetched once for many concurrent tokens', async () => {
    const { authenticator } = withKeySet();
    const tokens = await Promise.all(
      Array.from({ length: 20 }, (_, n) => signWith(first, { ...FOREIGN, sub: `${n}` })),
    );
    await Promise.all(tokens.map(async (token) => authenticator.authenticate(`Bearer ${token}`)));
    expect(keySet.requests).toBe(1);
  });

  it('is fetched again for a token with an unknown key', async () => {
    const { authenticator, clock } = withKeySet();
    await authenticator.authenticate(`Bearer ${await signWith(first)}`);
    const third = rsa('third');
    keySet.keys = [first.jwk, third.jwk];
    await clock.advance(10_000);
    expect(await authenticator.authenticate(`Bearer ${await signWith(third)}`)).toMatchObject({ key: `${ISSUER}|me` });
    expect(keySet.requests).toBe(2);
  });

  it('is fetched at most once per refetch interval for tokens with forged key ids', async () => {
    const { authenticator, clock } = withKeySet();
    const forged = (n: number) => signWith({ ...first, kid: `forged-${n}` });
    for (let n = 0; n < 20; n += 1) expect(await captureRefusal(authenticator, await forged(n))).toMatchObject(INVALID);
    expect(keySet.requests).toBe(1);
    await clock.advance(10_000);
    for (let n = 20; n < 40; n += 1)
      expect(await captureRefusal(authenticator, await forged(n))).toMatchObject(INVALID);
    expect(keySet.requests).toBe(2);
  });

  it('ends the tokens of a key that it holds no longer', async () => {
    const { authenticator, clock } = withKeySet();
    const token = await signWith(first);
    await authenticator.authenticate(`Bearer ${token}`);
    keySet.keys = [second.jwk];
    await clock.advance(600_000);
    expect(await captureRefusal(authenticator, token)).toMatchObject(INVALID);
  });

  it('is used for an hour while it cannot be fetched, after which tokens are answered with 503, not 401', async () => {
    const { authenticator, clock } = withKeySet();
    const token = await signWith(first);
    await authenticator.authenticate(`Bearer ${token}`);
    keySet.respond = () => ({ status: 500, body: 'down' });
    await clock.advance(600_000);
    expect(await authenticator.authenticate(`Bearer ${token}`)).toMatchObject({ key: `${ISSUER}|me` });
    expect(await captureRefusal(authenticator, await signWith({ ...first, kid: 'new' }))).toMatchObject({
      httpStatus: 503,
    });
    await clock.advance(3_600_000);
    expect(await captureRefusal(authenticator, token)).toMatchObject({
      httpStatus: 503,
      data: { outcome: 'not_executed', retriable: true, retryAfterMs: 10_000 },
    });
  });

  it.each<[string, (body: string) => { status: number; body: string }]>([
    ['an error', (body) => ({ status: 500, body })],
    ['a redirect', (body) => ({ status: 302, body })],
    ['HTML instead of JSON', () => ({ status: 200, body: '<html>' })],
    ['null', () => ({ status: 200, body: 'null' })],
    ['a keys member that is no list', () => ({ status: 200, body: '{"keys":{}}' })],
    ['too many bytes', () => ({ status: 200, body: `{"keys":[],"x":"${'x'.repeat(300_000)}"}` })],
  ])('leads to 503 for its tokens when its URL responds with %s', async (_name, respond) => {
    const { authenticator } = withKeySet();
    keySet.respond = respond;
    expect(await captureRefusal(authenticator, await signWith(first))).toMatchObject({ httpStatus: 503 });
  });

  it('is not needed to authenticate tokens of the gateway itself', async () => {
    const { authenticator, issuer } = withKeySet();
    keySet.respond = () => ({ status: 500, body: 'down' });
    const token = await issuer.issue({ subject: 'me', expiresInSeconds: 60 });
    expect(await authenticator.authenticate(`Bearer ${token}`)).toMatchObject({ key: 'isthmus|me' });
    expect(keySet.requests).toBe(0);
  });
});
