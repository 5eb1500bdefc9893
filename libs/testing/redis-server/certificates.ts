import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RedisSettings } from './redis-server.js';

const run = promisify(execFile);

/** A certificate of 127.0.0.1 and the authority that signed it. */
export interface Certificates {
  /** File with the certificate of the authority. */
  readonly caFile: string;
  /** Its text. */
  readonly ca: string;
  /** Settings with which a server accepts TLS only on the port. */
  settingsFor(port: number): RedisSettings;
  remove(): Promise<void>;
}

/** Creates an authority and a server certificate with `openssl`. */
export async function createCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-tls-'));
  const file = (name: string) => join(folder, name);
  const newKey = (name: string) => ['-newkey', 'rsa:2048', '-nodes', '-keyout', file(`${name}.key`)];
  const openssl = (...args: string[]) => run('openssl', args);
  await openssl(
    'req',
    '-x509',
    ...newKey('ca'),
    '-out',
    file('ca.crt'),
    '-days',
    '2',
    '-subj',
    '/CN=Authority of tests',
  );
  await openssl('req', '-new', ...newKey('server'), '-out', file('server.csr'), '-subj', '/CN=127.0.0.1');
  await writeFile(file('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  const signer = ['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-CAcreateserial'];
  const names = ['-extfile', file('names')];
  await openssl(
    'x509',
    '-req',
    '-in',
    file('server.csr'),
    ...signer,
    '-out',
    file('server.crt'),
    '-days',
    '2',
    ...names,
  );
  return {
    caFile: file('ca.crt'),
    ca: await readFile(file('ca.crt'), 'utf8'),
    settingsFor: (port) => ({
      port: '0',
      'tls-port': `${port}`,
      'tls-cert-file': file('server.crt'),
      'tls-key-file': file('server.key'),
      'tls-ca-cert-file': file('ca.crt'),
      'tls-auth-clients': 'no',
    }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
