/** Shared fixture of the authentication specs: an authorization server with its keys, and gateways that verify tokens. */
import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { SignJWT, type JWTPayload } from 'jose';
import { ManualClock } from '#lib/testing/manual-clock';
import { DataFolder } from '../data-folder/index.js';
import { GatewayConfig } from '../gateway.config.js';
import { AuthConfig } from './auth.config.js';
import { CallerAuthenticator } from './caller-authenticator.js';
import { FakeRegistry } from '../../test/support/fake-upstream.js';
import { Memberships } from '../memberships/index.js';
import { PassportTokenVerifier } from './passport-token-verifier.js';
import { ProtectedResource } from './protected-resource.js';
import type { AccessTokens } from '../tokens/index.js';
import { AccessTokenVerifier } from './access-token-verifier.js';
import { TokenIssuer } from './token-issuer.js';

export const ISSUER = 'https://issuer.example.com';
/** Longer than a run of all tests: this module may be loaded once for all of them. */
const VALID_SECONDS = 86_400;
/** Seconds since the Unix epoch. */
export const secondsNow = (): number => Math.floor(Date.now() / 1_000);
const EXPIRY = secondsNow() + VALID_SECONDS;

/** Claims of a valid token of the gateway itself, and of the authorization server. */
export const LOCAL: JWTPayload = { iss: 'isthmus', aud: 'isthmus', sub: 'me', exp: EXPIRY };
export const FOREIGN: JWTPayload = { iss: ISSUER, aud: 'https://mcp.example.com', sub: 'me', exp: EXPIRY };

export const INVALID = { httpStatus: 401, wwwAuthenticate: expect.stringMatching(/^Bearer error="invalid_token", /) };

/** Serves the key set of an authorization server over HTTP. */
export class KeySetServer {
  keys: object[] = [];
  requests = 0;
  respond: ((body: string) => { status: number; body: string }) | undefined;
  private readonly server: Server = createServer((_request, response) => {
    this.requests += 1;
    const body = JSON.stringify({ keys: this.keys });
    const reply = this.respond?.(body) ?? { status: 200, body };
    response.writeHead(reply.status, { 'content-type': 'application/json' }).end(reply.body);
  });

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/jwks`;
  }
  listen(): Promise<void> {
    return new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }
  close(): Promise<unknown> {
    return new Promise((resolve) => this.server.close(resolve));
  }
}

/** A data folder, and gateways over it with any settings. */
export class AuthWorld {
  readonly registry = new FakeRegistry();
  // No spec of this fixture uses a personal access token.
  private readonly accessTokenVerifier = new AccessTokenVerifier({
    validate: async () => 'refused',
    validateCached: () => undefined,
  } as unknown as AccessTokens);

  private constructor(
    private readonly path: string,
    readonly folder: DataFolder,
  ) {}

  static async open(): Promise<AuthWorld> {
    Logger.overrideLogger(false);
    const path = await mkdtemp(join(tmpdir(), 'isthmus-auth-'));
    return new AuthWorld(path, await DataFolder.open(path));
  }

  close(): Promise<void> {
    return rm(this.path, { recursive: true });
  }

  gateway(settings: Partial<AuthConfig> = {}, address: Partial<GatewayConfig> = {}) {
    const config = Object.assign(new AuthConfig(), settings);
    const clock = new ManualClock(secondsNow() * 1_000);
    const verifier = new PassportTokenVerifier(config, this.folder, clock);
    const resource = new ProtectedResource(Object.assign(new GatewayConfig(), address), config);
    const authenticator = new CallerAuthenticator(
      verifier,
      resource,
      config,
      clock,
      new Memberships(this.registry),
      this.accessTokenVerifier,
    );
    return { authenticator, resource, clock, issuer: new TokenIssuer(this.folder, config, clock) };
  }

  sign(claims: JWTPayload, header: object = {}, secret: Buffer = this.folder.secrets.jwt): Promise<string> {
    return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', ...header }).sign(createSecretKey(secret));
  }
}

export const rsa = (kid: string, modulusLength = 2_048) =>
  withJwk(kid, 'RS256', generateKeyPairSync('rsa', { modulusLength }));
export const ec = (kid: string) => withJwk(kid, 'ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' }));

function withJwk(kid: string, alg: string, pair: { privateKey: KeyObject; publicKey: KeyObject }) {
  return { ...pair, kid, alg, jwk: { ...pair.publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg } };
}

export const signWith = (pair: ReturnType<typeof rsa>, claims: JWTPayload = FOREIGN) =>
  new SignJWT(claims).setProtectedHeader({ alg: pair.alg, kid: pair.kid }).sign(pair.privateKey);

/** Encodes one part of an unsigned token. */
export const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Returns the fault that refuses a token, and asserts that the fault does not repeat the token. */
export async function captureRefusal(authenticator: CallerAuthenticator, token: string): Promise<unknown> {
  const caller = async () => authenticator.authenticate(`Bearer ${token}`, '/mcp', 'localhost:4444');
  const fault: unknown = await caller().catch((reason: unknown) => reason);
  expect(JSON.stringify(fault)).not.toContain(token);
  return fault;
}
