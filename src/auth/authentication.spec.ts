import { createServer, type Server } from 'node:http';
import { createHmac, createSecretKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { SignJWT, type JWTPayload } from 'jose';
import { Clock, type Caller } from '#lib/extension-kit';
import { DataFolder } from '../data-folder/index.js';
import { GatewayConfig } from '../gateway.config.js';
import { AuthConfig } from './auth.config.js';
import { CallerAuthenticator } from './caller-authenticator.js';
import { PassportTokenVerifier } from './passport-token-verifier.js';
import { ProtectedResource } from './protected-resource.js';
import { TokenIssuer } from './token-issuer.js';

const ISSUER = 'https://issuer.example.com';
const NOW = Math.floor(Date.now() / 1_000);

class ManualClock extends Clock {
  constructor(private time = Date.now()) {
    super();
  }
  now = () => this.time;
  pass(milliseconds: number): void {
    this.time += milliseconds;
  }
}

/** An authorization server's key set, over HTTP. */
class KeySetServer {
  keys: object[] = [];
  requests = 0;
  respond: ((body: string) => { status: number; body: string }) | undefined;
  private readonly server: Server = createServer((_request, response) => {
    this.requests += 1;
    const body = JSON.stringify({ keys: this.keys });
    const answer = this.respond?.(body) ?? { status: 200, body };
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
  });

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/jwks`;
  }
  listen = () => new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  close = () => new Promise<unknown>((resolve) => this.server.close(resolve));
}

const rsa = (kid: string) => withJwk(kid, 'RS256', generateKeyPairSync('rsa', { modulusLength: 2_048 }));
const ec = (kid: string) => withJwk(kid, 'ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' }));

function withJwk(kid: string, alg: string, pair: { privateKey: KeyObject; publicKey: KeyObject }) {
  return { ...pair, kid, alg, jwk: { ...pair.publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg } };
}

let path: string;
let folder: DataFolder;
const keySet = new KeySetServer();
const first = rsa('first');
const second = ec('second');

beforeAll(async () => {
  Logger.overrideLogger(false);
  path = await mkdtemp(join(tmpdir(), 'isthmus-auth-'));
  folder = await DataFolder.open(path);
  await keySet.listen();
});

afterEach(() => {
  keySet.respond = undefined;
});

afterAll(async () => {
  await keySet.close();
  await rm(path, { recursive: true });
});

function gatewayWith(settings: Partial<AuthConfig> = {}) {
  const config = Object.assign(new AuthConfig(), settings);
  const clock = new ManualClock();
  const verifier = new PassportTokenVerifier(config, folder, clock);
  const resource = new ProtectedResource(new GatewayConfig(), config);
  const authenticator = new CallerAuthenticator(verifier, resource, config, clock);
  keySet.requests = 0;
  return { authenticator, clock, issuer: new TokenIssuer(folder, config, clock) };
}

const withKeySet = (settings: Partial<AuthConfig> = {}) => {
  keySet.keys = [first.jwk, second.jwk];
  return gatewayWith({ jwksUrl: keySet.url, issuer: ISSUER, audience: ['https://mcp.example.com'], ...settings });
};

const LOCAL: JWTPayload = { iss: 'isthmus', aud: 'isthmus', sub: 'me', exp: NOW + 600 };
const FOREIGN: JWTPayload = { iss: ISSUER, aud: 'https://mcp.example.com', sub: 'me', exp: NOW + 600 };

const signLocally = (claims: JWTPayload, header: object = {}, secret: Buffer = folder.secrets.jwt) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'HS256', ...header }).sign(createSecretKey(secret));

const signWith = (pair: ReturnType<typeof rsa>, claims: JWTPayload = FOREIGN, header: object = {}) =>
  new SignJWT(claims).setProtectedHeader({ alg: pair.alg, kid: pair.kid, ...header }).sign(pair.privateKey);

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

async function refusal(authenticator: CallerAuthenticator, token: string) {
  const fault: unknown = await Promise.resolve()
    .then(() => authenticator.authenticate(`Bearer ${token}`, '/mcp', 'localhost:4444'))
    .then(
      (caller) => ({ caller }),
      (reason: unknown) => reason,
    );
  expect(JSON.stringify(fault)).not.toContain(token);
  return fault;
}

const INVALID = { httpStatus: 401, wwwAuthenticate: expect.stringMatching(/^Bearer error="invalid_token", /) };

describe('a token of the gateway itself', () => {
  it('names its caller', async () => {
    const { authenticator, issuer } = gatewayWith();
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

  it('is verified once: the second time the caller is there at once', async () => {
    const { authenticator, issuer } = gatewayWith();
    const header = `Bearer ${await issuer.issue({ subject: 'me', expiresInSeconds: 600 })}`;
    const caller = await authenticator.authenticate(header);
    expect(authenticator.authenticate(header)).toBe(caller);
  });

  it('is verified again once it was trusted long enough', async () => {
    const { authenticator, issuer, clock } = gatewayWith({ cacheTtlMs: 10_000 });
    const header = `Bearer ${await issuer.issue({ subject: 'me', expiresInSeconds: 600 })}`;
    await authenticator.authenticate(header);
    clock.pass(9_999);
    expect(authenticator.authenticate(header)).not.toBeInstanceOf(Promise);
    clock.pass(1);
    expect(authenticator.authenticate(header)).toBeInstanceOf(Promise);
  });

  it('is not trusted beyond its own expiry', async () => {
    const { authenticator, issuer, clock } = gatewayWith();
    const header = `Bearer ${await issuer.issue({ subject: 'me', expiresInSeconds: 30 })}`;
    await authenticator.authenticate(header);
    clock.pass(30_000);
    expect(authenticator.authenticate(header)).toBeInstanceOf(Promise);
  });

  it.each<[string, JWTPayload, RegExp]>([
    ['expired', { ...LOCAL, exp: NOW - 31 }, /expired/],
    ['not valid yet', { ...LOCAL, nbf: NOW + 120 }, /not valid yet/],
    ['without an expiry', { iss: 'isthmus', aud: 'isthmus', sub: 'me' }, /never expires/],
    ['for another audience', { ...LOCAL, aud: 'https://else.example.com' }, /another audience/],
    ['without an audience', { iss: 'isthmus', sub: 'me', exp: NOW + 600 }, /another audience/],
    ['of another issuer', { ...LOCAL, iss: ISSUER }, /another issuer/],
    ['without a subject', { iss: 'isthmus', aud: 'isthmus', exp: NOW + 600 }, /no subject/],
    ['with an endless subject', { ...LOCAL, sub: 'x'.repeat(513) }, /too long/],
  ])('%s is refused', async (_name, claims, reason) => {
    const { authenticator } = gatewayWith();
    const fault = await refusal(authenticator, await signLocally(claims));
    expect(fault).toMatchObject({ ...INVALID, message: expect.stringMatching(reason) });
  });

  it('is refused when another secret signed it', async () => {
    const { authenticator } = gatewayWith();
    const fault = await refusal(authenticator, await signLocally(LOCAL, {}, Buffer.alloc(32, 1)));
    expect(fault).toMatchObject({ ...INVALID, message: expect.stringMatching(/signature is wrong/) });
  });

  it.each([
    ['none', () => `${encode({ alg: 'none' })}.${encode(LOCAL)}.`],
    ['none, with something for a signature', () => `${encode({ alg: 'none' })}.${encode(LOCAL)}.AAAA`],
    ['no algorithm', () => `${encode({})}.${encode(LOCAL)}.AAAA`],
    ['HS512 with the right secret', () => signLocally(LOCAL, { alg: 'HS512' })],
    ['a critical extension', () => signLocally(LOCAL, { crit: ['b64'], b64: true })],
    ['nonsense for a header', () => 'a.b.c'],
    ['two parts', () => `${encode({ alg: 'HS256' })}.${encode(LOCAL)}`],
    ['more than 8 KiB', () => signLocally({ ...LOCAL, padding: 'x'.repeat(9_000) })],
  ])('is refused with %s', async (_name, make) => {
    const { authenticator } = gatewayWith();
    expect(await refusal(authenticator, await make())).toMatchObject(INVALID);
  });
});

describe('a token of the configured issuer', () => {
  it.each([
    ['RS256', first],
    ['ES256', second],
  ])('is accepted when it is signed by %s', async (_alg, pair) => {
    const { authenticator } = withKeySet();
    const token = await signWith(pair, { ...FOREIGN, scp: ['read', 'write'], roles: 'admin' });
    const caller: Caller = await authenticator.authenticate(`Bearer ${token}`);
    expect(caller).toMatchObject({ key: `${ISSUER}|me`, scopes: ['read', 'write'], roles: ['admin'] });
  });

  it.each<[string, JWTPayload, RegExp]>([
    ['of another issuer', { ...FOREIGN, iss: 'https://else.example.com' }, /another issuer/],
    ["with the gateway's name for an issuer", { ...FOREIGN, iss: 'isthmus' }, /another issuer/],
    ['for another audience', { ...FOREIGN, aud: ['isthmus', 'x'] }, /another audience/],
    ['that expired', { ...FOREIGN, exp: NOW - 61 }, /expired/],
  ])('%s is refused', async (_name, claims, reason) => {
    const { authenticator } = withKeySet();
    const fault = await refusal(authenticator, await signWith(first, claims));
    expect(fault).toMatchObject({ ...INVALID, message: expect.stringMatching(reason) });
  });

  it('is accepted up to half a minute after its expiry, because clocks differ', async () => {
    const { authenticator } = withKeySet();
    const token = await signWith(first, { ...FOREIGN, exp: NOW - 10 });
    expect(await authenticator.authenticate(`Bearer ${token}`)).toMatchObject({ key: `${ISSUER}|me` });
  });

  it('is refused when its public key was used as a secret', async () => {
    const { authenticator } = withKeySet();
    const pem = first.publicKey.export({ format: 'pem', type: 'spki' });
    for (const claims of [LOCAL, FOREIGN]) {
      const input = `${encode({ alg: 'HS256', kid: 'first' })}.${encode(claims)}`;
      const token = `${input}.${createHmac('sha256', pem).update(input).digest('base64url')}`;
      expect(await refusal(authenticator, token)).toMatchObject(INVALID);
    }
  });

  it('is refused when the local secret signed it, and the other way round', async () => {
    const { authenticator } = withKeySet();
    expect(await refusal(authenticator, await signLocally(FOREIGN))).toMatchObject(INVALID);
    expect(await refusal(authenticator, await signWith(first, LOCAL))).toMatchObject(INVALID);
  });

  it('is refused when its key is of another kind than its algorithm', async () => {
    const { authenticator } = withKeySet();
    const token = await new SignJWT(FOREIGN).setProtectedHeader({ alg: 'ES256', kid: 'first' }).sign(second.privateKey);
    expect(await refusal(authenticator, token)).toMatchObject(INVALID);
  });

  it('is refused with an algorithm that is not configured', async () => {
    const { authenticator } = withKeySet({ algorithms: ['ES256'] });
    const fault = await refusal(authenticator, await signWith(first));
    expect(fault).toMatchObject({ ...INVALID, message: expect.stringMatching(/algorithm/) });
    expect(keySet.requests).toBe(0);
  });

  it('is refused when no issuer is configured', async () => {
    const { authenticator } = gatewayWith();
    expect(await refusal(authenticator, await signWith(first))).toMatchObject(INVALID);
  });

  it('is never verified with a weak or an encryption key, nor with a secret of the set', async () => {
    const { authenticator } = withKeySet();
    const weak = withJwk('weak', 'RS256', generateKeyPairSync('rsa', { modulusLength: 1_024 }));
    const forEncryption = rsa('enc');
    const secret = { kty: 'oct', kid: 'oct', k: folder.secrets.session.toString('base64url') };
    keySet.keys = [weak.jwk, { ...forEncryption.jwk, use: 'enc' }, secret, { kty: 'RSA', kid: 'broken' }, first.jwk];
    expect(await refusal(authenticator, await signWith(forEncryption))).toMatchObject(INVALID);
    const input = `${encode({ alg: 'RS256', kid: 'weak' })}.${encode(FOREIGN)}`;
    const signature = sign('sha256', Buffer.from(input), weak.privateKey).toString('base64url');
    expect(await refusal(authenticator, `${input}.${signature}`)).toMatchObject(INVALID);
    expect(await authenticator.authenticate(`Bearer ${await signWith(first)}`)).toMatchObject({ key: `${ISSUER}|me` });
  });

  it('without a key id is accepted only when the set leaves no choice', async () => {
    const { authenticator, clock } = withKeySet();
    const token = await new SignJWT(FOREIGN).setProtectedHeader({ alg: 'RS256' }).sign(first.privateKey);
    expect(await authenticator.authenticate(`Bearer ${token}`)).toMatchObject({ key: `${ISSUER}|me` });
    keySet.keys = [first.jwk, rsa('other').jwk];
    clock.pass(600_000);
    expect(await refusal(authenticator, token)).toMatchObject(INVALID);
  });
});

describe('a key set that changes', () => {
  it('is fetched once for many tokens at the same time', async () => {
    const { authenticator } = withKeySet();
    const tokens = await Promise.all(
      Array.from({ length: 20 }, (_, n) => signWith(first, { ...FOREIGN, sub: `${n}` })),
    );
    await Promise.all(tokens.map((token) => authenticator.authenticate(`Bearer ${token}`)));
    expect(keySet.requests).toBe(1);
  });

  it('is fetched again for a key that it did not hold', async () => {
    const { authenticator, clock } = withKeySet();
    await authenticator.authenticate(`Bearer ${await signWith(first)}`);
    const third = rsa('third');
    keySet.keys = [first.jwk, third.jwk];
    clock.pass(10_000);
    expect(await authenticator.authenticate(`Bearer ${await signWith(third)}`)).toMatchObject({ key: `${ISSUER}|me` });
    expect(keySet.requests).toBe(2);
  });

  it('is not fetched more often than configured, whatever unknown keys are named', async () => {
    const { authenticator, clock } = withKeySet();
    const forged = (n: number) => signWith({ ...first, kid: `forged-${n}` });
    for (let n = 0; n < 20; n += 1) expect(await refusal(authenticator, await forged(n))).toMatchObject(INVALID);
    expect(keySet.requests).toBe(1);
    clock.pass(10_000);
    for (let n = 20; n < 40; n += 1) expect(await refusal(authenticator, await forged(n))).toMatchObject(INVALID);
    expect(keySet.requests).toBe(2);
  });

  it('ends the tokens of a key that it holds no longer', async () => {
    const { authenticator, clock } = withKeySet();
    const token = await signWith(first);
    await authenticator.authenticate(`Bearer ${token}`);
    keySet.keys = [second.jwk];
    clock.pass(600_000);
    expect(await refusal(authenticator, token)).toMatchObject(INVALID);
  });

  it('is good for a while when it cannot be fetched, and then the answer is 503, not 401', async () => {
    const { authenticator, clock } = withKeySet();
    const token = await signWith(first);
    await authenticator.authenticate(`Bearer ${token}`);
    keySet.respond = () => ({ status: 500, body: 'down' });
    clock.pass(600_000);
    expect(await authenticator.authenticate(`Bearer ${token}`)).toMatchObject({ key: `${ISSUER}|me` });
    expect(await refusal(authenticator, await signWith({ ...first, kid: 'new' }))).toMatchObject({ httpStatus: 503 });
    clock.pass(3_600_000);
    expect(await refusal(authenticator, token)).toMatchObject({
      httpStatus: 503,
      data: { outcome: 'not_executed', retriable: true, retryAfterMs: 10_000 },
    });
  });

  it.each<[string, (body: string) => { status: number; body: string }]>([
    ['an error', (body) => ({ status: 500, body })],
    ['a redirect', (body) => ({ status: 302, body })],
    ['no JSON', () => ({ status: 200, body: '<html>' })],
    ['null', () => ({ status: 200, body: 'null' })],
    ['no keys', () => ({ status: 200, body: '{"keys":{}}' })],
    ['too much', () => ({ status: 200, body: `{"keys":[],"x":"${'x'.repeat(300_000)}"}` })],
  ])('that is answered with %s leaves tokens undecided', async (_name, respond) => {
    const { authenticator } = withKeySet();
    keySet.respond = respond;
    expect(await refusal(authenticator, await signWith(first))).toMatchObject({ httpStatus: 503 });
  });

  it('does not touch tokens of the gateway itself', async () => {
    const { authenticator, issuer } = withKeySet();
    keySet.respond = () => ({ status: 500, body: 'down' });
    const token = await issuer.issue({ subject: 'me', expiresInSeconds: 60 });
    expect(await authenticator.authenticate(`Bearer ${token}`)).toMatchObject({ key: 'isthmus|me' });
    expect(keySet.requests).toBe(0);
  });
});

describe('a request without a good token', () => {
  const METADATA = 'http://localhost:4444/.well-known/oauth-protected-resource';

  it.each([undefined, '', 'Basic dXNlcjpwYXNz', 'Bearers abc'])(
    '%j is told where to get one',
    async (authorization) => {
      const { authenticator } = gatewayWith();
      await expect(async () =>
        authenticator.authenticate(authorization, '/mcp', 'localhost:4444'),
      ).rejects.toMatchObject({
        httpStatus: 401,
        wwwAuthenticate: `Bearer resource_metadata="${METADATA}/mcp"`,
      });
    },
  );

  it.each(['Bearer', 'Bearer ', 'Bearer a b', 'Bearer "a"'])('%j is an invalid token', async (authorization) => {
    const { authenticator } = gatewayWith();
    await expect(async () => authenticator.authenticate(authorization)).rejects.toMatchObject(INVALID);
  });

  it('names the endpoint that was asked for, and never what a hostile Host header says', async () => {
    const { authenticator } = gatewayWith();
    const challenge = async (path: string, host: string) => {
      const fault: unknown = await Promise.resolve(authenticator.authenticate(undefined, path, host)).catch(
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

  it('is told which scopes every token needs, with 403 when a good one lacks them', async () => {
    const { authenticator, issuer } = gatewayWith({ requiredScopes: ['mcp:use', 'mcp:read'] });
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

it('keeps the keys of two gateways in one process apart', async () => {
  const otherPath = await mkdtemp(join(tmpdir(), 'isthmus-auth-'));
  const other = await DataFolder.open(otherPath);
  const { authenticator, issuer } = gatewayWith();
  new PassportTokenVerifier(new AuthConfig(), other, new ManualClock());
  const token = await issuer.issue({ subject: 'me', expiresInSeconds: 60 });
  expect(await authenticator.authenticate(`Bearer ${token}`)).toMatchObject({ key: 'isthmus|me' });
  await rm(otherPath, { recursive: true });
});
