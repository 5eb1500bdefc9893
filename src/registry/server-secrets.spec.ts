import { describe, expect, it } from '@jest/globals';
import { childServer, remoteServer } from '../../test/support/fake-upstream.js';
import type { ServerDefinition, StdioServer } from './server-definition.js';
import { hideServerSecrets } from './server-secrets.js';

const child = (more: Partial<StdioServer>): StdioServer => ({ ...childServer('x'), ...more }) as StdioServer;

describe('a text about a server hides', () => {
  const PEM = '-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----';
  const args = (...list: string[]) => child({ args: list });
  const cases: readonly (readonly [string, ServerDefinition, string])[] = [
    ['the value of a variable', child({ env: { DATABASE: 'postgres-main' } }), 'postgres-main'],
    ['a short value of a variable with a telling name', child({ env: { PASSWORD: 'abcd' } }), 'abcd'],
    ['one line of a key', child({ env: { KEY: PEM } }), 'kqhkiG9w0BAQEF'],
    ['the password in a URL of a variable', child({ env: { DB: 'pg://me:pass-word@db/x' } }), 'pass-word'],
    ['an option with its value', args('server.js', '--api-key=abcdef'), 'abcdef'],
    ['the argument after an option', args('--token', 'abcdef'), 'abcdef'],
    ['a header among the arguments', args('-H', 'Authorization: Bearer abcdef'), 'abcdef'],
    ['a variable among the arguments', args('env', 'SECRET=abcdef'), 'abcdef'],
    ['an argument that looks random', args('c2VjcmV0LXRva2VuLTEyMw'), 'c2VjcmV0LXRva2VuLTEyMw'],
    ['the query of a URL among the arguments', args('https://x.example/sse?k=abcdefg'), 'abcdefg'],
    ['the value of a header', remoteServer('x', { headers: { 'X-Tenant': 'tenant-seven' } }), 'tenant-seven'],
    ['a token without its scheme', remoteServer('x', { headers: { Authorization: 'Bearer abcdef' } }), 'abcdef'],
    [
      'the password of basic authentication',
      remoteServer('x', { headers: { Authorization: `Basic ${Buffer.from('me:opensesame').toString('base64')}` } }),
      'opensesame',
    ],
    ['the user information of the URL', remoteServer('x', { url: 'https://me:opensesame@x.example/' }), 'opensesame'],
    ['the query of the URL', remoteServer('x', { url: 'https://x.example/?key=open%20sesame' }), 'open sesame'],
    [
      'an encoded query of the URL',
      remoteServer('x', { url: 'https://x.example/?key=open%20sesame' }),
      'open%20sesame',
    ],
  ];

  it.each(cases)('%s', (_what, server, secret) => {
    expect(hideServerSecrets(server, `failed (${secret}) at ${secret}`)).toBe('failed ([hidden]) at [hidden]');
  });
});

it('a text about a server keeps programs, packages, paths, options and short values', () => {
  const server = child({
    args: ['-y', '@scope/server-files@2025.1.14', '/srv/data/2025-reports', 'dist/server.js', '--port', '3000'],
    env: { MODE: 'dev', PORT: '3000' },
  });
  const text =
    'cannot read /srv/data/2025-reports from @scope/server-files@2025.1.14 with dist/server.js --port 3000 in dev';
  expect(hideServerSecrets(server, text)).toBe(text);
});
