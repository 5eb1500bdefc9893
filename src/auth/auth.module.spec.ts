import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { ConfigModule, LoadedConfig, loadConfig } from '#lib/config';
import { GatewayConfig } from '../gateway.config.js';
import { AuthConfig, AuthModule, CallerAuthenticator, TokenIssuer } from './index.js';

const METADATA = '/.well-known/oauth-protected-resource';

let path: string;
let app: NestFastifyApplication | undefined;

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'isthmus-auth-'));
});

afterEach(async () => {
  await app?.close();
  app = undefined;
  await rm(path, { recursive: true });
});

async function start(variables: Record<string, string> = {}) {
  const loaded = new LoadedConfig(loadConfig([GatewayConfig, AuthConfig], { ISTHMUS_DATA_DIR: path, ...variables }));
  const module = await Test.createTestingModule({ imports: [ConfigModule.forRoot(loaded), AuthModule] }).compile();
  const started = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  app = await started.init();
  return {
    issuer: started.get(TokenIssuer, { strict: false }),
    authenticator: started.get(CallerAuthenticator, { strict: false }),
    get: (url: string) => started.inject({ url, headers: { host: 'localhost:4444' } }),
  };
}

describe('the auth module', () => {
  it('accepts the tokens that it issues', async () => {
    const { issuer, authenticator } = await start();
    const token = await issuer.issue({ subject: 'me', roles: ['admin'], expiresInSeconds: 60 });
    const caller = await authenticator.authenticate(`Bearer ${token}`);
    expect(caller).toMatchObject({ key: 'isthmus|me', roles: ['admin'] });
  });

  it('describes the gateway and each of its endpoints as protected resources', async () => {
    const { get } = await start();
    expect((await get(METADATA)).json()).toEqual({
      resource: 'http://localhost:4444',
      resource_name: 'Isthmus',
      bearer_methods_supported: ['header'],
    });
    for (const endpoint of ['/mcp', '/sse', '/servers/weather/mcp']) {
      expect((await get(METADATA + endpoint)).json()).toMatchObject({ resource: `http://localhost:4444${endpoint}` });
    }
    for (const nothing of ['/', '/mcp/', '/admin', '/servers/weather', '/mcp%22']) {
      expect((await get(METADATA + nothing)).statusCode).toBe(404);
    }
  });

  it('names the authorization server, the scopes and the public address when they are configured', async () => {
    const { get } = await start({
      ISTHMUS_AUTH_JWKS_URL: 'https://issuer.example.com/jwks',
      ISTHMUS_AUTH_ISSUER: 'https://issuer.example.com',
      ISTHMUS_AUTH_AUDIENCE: 'https://mcp.example.com/mcp',
      ISTHMUS_AUTH_REQUIRED_SCOPES: 'mcp:use',
      ISTHMUS_PUBLIC_URL: 'https://mcp.example.com/',
    });
    expect((await get(`${METADATA}/mcp`)).json()).toEqual({
      resource: 'https://mcp.example.com/mcp',
      resource_name: 'Isthmus',
      bearer_methods_supported: ['header'],
      authorization_servers: ['https://issuer.example.com'],
      scopes_supported: ['mcp:use'],
    });
  });
});

describe('the settings of authentication', () => {
  const faultsWith = (variables: Record<string, string>) => {
    try {
      loadConfig([AuthConfig], variables);
      return '';
    } catch (fault) {
      return (fault as Error).message;
    }
  };
  const complete = {
    ISTHMUS_AUTH_JWKS_URL: 'https://issuer.example.com/jwks',
    ISTHMUS_AUTH_ISSUER: 'https://issuer.example.com',
    ISTHMUS_AUTH_AUDIENCE: 'a, b',
  };

  it.each<[string, Record<string, string>, RegExp | string]>([
    ['nothing', {}, ''],
    ['a key set with issuer and audience', complete, ''],
    ['a key set on this machine', { ...complete, ISTHMUS_AUTH_JWKS_URL: 'http://127.0.0.1:9/jwks' }, ''],
    [
      'a key set alone',
      { ISTHMUS_AUTH_JWKS_URL: 'https://i/' },
      /needs ISTHMUS_AUTH_ISSUER[^]*needs ISTHMUS_AUTH_AUDIENCE/,
    ],
    ['an issuer alone', { ISTHMUS_AUTH_ISSUER: 'https://i/' }, /JWKS_URL: is missing/],
    [
      'a key set over plain HTTP',
      { ...complete, ISTHMUS_AUTH_JWKS_URL: 'http://issuer.example.com/' },
      /must be an https URL/,
    ],
    ["the gateway's own name", { ...complete, ISTHMUS_AUTH_ISSUER: 'isthmus' }, /name of the gateway itself/],
    [
      'a symmetric algorithm',
      { ...complete, ISTHMUS_AUTH_ALGORITHMS: 'RS256,HS256' },
      /ISTHMUS_AUTH_ALGORITHMS: each must be one of/,
    ],
    ['a long trust', { ISTHMUS_AUTH_CACHE_TTL: '5m' }, /ISTHMUS_AUTH_CACHE_TTL: must be at most 60s/],
    ['a scope that would break a header', { ISTHMUS_AUTH_REQUIRED_SCOPES: 'a"b' }, /each must be a scope/],
  ])('judge %s', (_name, variables, expected) => {
    if (typeof expected === 'string') expect(faultsWith(variables)).toBe(expected);
    else expect(faultsWith(variables)).toMatch(expected);
  });
});
