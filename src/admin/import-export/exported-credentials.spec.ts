import { expect, it } from '@jest/globals';
import { CipherRing } from '#lib/sealing';
import type { DataFolder } from '../../data-folder/index.js';
import { EntryInvalid } from '../../registry/index.js';
import { maskCredentials, restoreCredentials } from '../registry/credential-placeholders.js';
import { ExportedCredentials } from './exported-credentials.js';

const secrets = { credentials: [Buffer.alloc(32, 1)] as const };
const exported = new ExportedCredentials({ secrets } as unknown as DataFolder);

const server = { transport: 'http', url: 'https://api.example/?key=s1', headers: { Authorization: 's2' } };

function importOf(name: string, entry: typeof server, encrypted: string | undefined) {
  return restoreCredentials(entry, exported.decrypt(name, entry, encrypted));
}

it('restores an exported entry with its credentials', () => {
  const [masked, encrypted] = [maskCredentials(server), exported.encrypt('servers.a', server)];
  expect(importOf('servers.a', masked as typeof server, encrypted)).toEqual(server);
});

it('restores no credential for another entry or host', () => {
  const [masked, encrypted] = [maskCredentials(server) as typeof server, exported.encrypt('servers.a', server)];
  expect(() => importOf('servers.b', masked, encrypted)).toThrow(EntryInvalid);
  const other = { ...masked, url: 'https://evil.example/?key=[kept]' };
  expect(() => importOf('servers.a', other, encrypted)).toThrow(EntryInvalid);
});

it('restores no value of a secret for further origins', () => {
  const secret = { value: 's1', origins: ['https://a.example'] };
  const encrypted = exported.encrypt('secrets.a', secret);
  const widened = { value: '[kept]', origins: ['*'] };
  const previous = exported.decrypt('secrets.a', widened, encrypted);
  expect(() => restoreCredentials(widened, previous)).toThrow(EntryInvalid);
});

it('restores an entry that an earlier version exported', () => {
  const ring = new CipherRing(secrets.credentials, 'isthmus export 1');
  const { url, headers } = server;
  const encrypted = ring.encrypt(JSON.stringify({ url, headers }), 'servers.a ["https://api.example",null,null]');
  expect(importOf('servers.a', maskCredentials(server) as typeof server, encrypted)).toEqual(server);
});
