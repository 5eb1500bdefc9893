import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { ConfigModule, LoadedConfig, loadConfig } from '#lib/config';
import { ClockModule } from '#lib/time';
import { DataFolderConfig } from '../data-folder/index.js';
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
  const loaded = new LoadedConfig(
    loadConfig([GatewayConfig, DataFolderConfig, AuthConfig], { ISTHMUS_DATA_DIR: path, ...variables }),
  );
  const module = await Test.createTestingModule({
    imports: [ConfigModule.forRoot(loaded), ClockModule, AuthModule],
  }).compile();
  const started = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  app = await started.init();
  return {
    issuer: started.get(TokenIssuer, { strict: false }),
    authenticator: started.get(CallerAuthenticator, { strict: false }),
    get: (url: string) => started.inject({ url, headers: { host: 'localhost:4444' } }),
  };
}

describe('AuthModule', () => {
  it('authenticates tokens that it issued', async () => {
    const { issuer, authenticator } = await start();
    const token = await issuer.issue({ subject: 'me', roles: ['admin'], expiresInSeconds: 60 });
    const caller = await authenticator.authenticate(`Bearer ${token}`);
    expect(caller).toMatchObject({ key: 'isthmus|me', roles: ['admin'] });
  });

  it('serves protected resource metadata of the gateway and of each endpoint', async () => {
    const { get } = await start();
    expect((await get(METADATA)).json()).toEqual({
      resource: 'http://localhost:4444',
      resource_name: 'Isthmus',
      bearer_methods_supported: ['header'],
    });
    for (const endpoint of ['/mcp', '/sse', '/servers/weather/mcp']) {
      expect((await get(METADATA + endpoint)).json()).toMatchObject({ resource: `http://localhost:4444${endpoint}` });
    }
    for (const noEndpoint of ['/', '/mcp/', '/admin', '/servers/weather', '/mcp%22']) {
      expect((await get(METADATA + noEndpoint)).statusCode).toBe(404);
    }
  });

  it('serves the configured authorization server, scopes and public URL in the metadata', async () => {
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

describe('AuthConfig', () => {
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

  it.each<[string, Record<string, string>]>([
    ['no settings', {}],
    ['a key set with issuer and audience', complete],
    [
      'a key set without audience, which accepts tokens for single endpoints',
      { ...complete, ISTHMUS_AUTH_AUDIENCE: '' },
    ],
    ['a key set over HTTP on loopback', { ...complete, ISTHMUS_AUTH_JWKS_URL: 'http://127.0.0.1:9/jwks' }],
  ])('accepts %s', (_name, variables) => {
    expect(faultsWith(variables)).toBe('');
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['a key set without issuer', { ISTHMUS_AUTH_JWKS_URL: 'https://i/' }, /requires ISTHMUS_AUTH_ISSUER/],
    ['an issuer without a key set', { ISTHMUS_AUTH_ISSUER: 'https://i/' }, /JWKS_URL: is missing/],
    [
      'a remote key set over plain HTTP',
      { ...complete, ISTHMUS_AUTH_JWKS_URL: 'http://issuer.example.com/' },
      /must be an https URL/,
    ],
    ['the issuer name of the gateway', { ...complete, ISTHMUS_AUTH_ISSUER: 'isthmus' }, /name of the gateway itself/],
    [
      'a symmetric algorithm',
      { ...complete, ISTHMUS_AUTH_ALGORITHMS: 'RS256,HS256' },
      /ISTHMUS_AUTH_ALGORITHMS: each must be one of/,
    ],
    [
      'a cache lifetime above the maximum',
      { ISTHMUS_AUTH_CACHE_TTL: '5m' },
      /ISTHMUS_AUTH_CACHE_TTL: must be at most 60s/,
    ],
    ['a scope that would break a header', { ISTHMUS_AUTH_REQUIRED_SCOPES: 'a"b' }, /each must be a scope/],
  ])('rejects %s', (_name, variables, expected) => {
    expect(faultsWith(variables)).toMatch(expected);
  });
});
