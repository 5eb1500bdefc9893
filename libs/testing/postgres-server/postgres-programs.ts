import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Debian installs each version in its own folder and adds none of them to the path. */
const DEBIAN = '/usr/lib/postgresql';
const USERS = ['postgres', 'nobody'];

/** The programs of PostgreSQL and the user that runs them. */
export interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
  /** Set when this process runs as root, which PostgreSQL refuses. */
  readonly user: { readonly uid?: number; readonly gid?: number };
}

/** Throws an error that names the package to install when PostgreSQL is missing. */
export async function findPrograms(): Promise<PostgresPrograms> {
  const debian = await readdir(DEBIAN).catch(() => []);
  const newestFirst = debian
    .toSorted((one, other) => Number(other) - Number(one))
    .map((name) => join(DEBIAN, name, 'bin'));
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...newestFirst];
  const folder = folders.find((path) => ['initdb', 'postgres'].every((name) => existsSync(join(path, name))));
  if (folder === undefined) {
    throw new Error('PostgreSQL is not installed. Install the package postgresql.');
  }
  return { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres'), user: await unprivileged() };
}

/** Makes the user that runs the programs the owner of a folder. */
export async function changeOwner({ uid, gid }: PostgresPrograms['user'], folder: string): Promise<void> {
  if (uid !== undefined && gid !== undefined) await chown(folder, uid, gid);
}

async function unprivileged(): Promise<PostgresPrograms['user']> {
  if (process.getuid?.() !== 0) return {};
  for (const name of USERS) {
    const [uid, gid] = await Promise.all(['-u', '-g'].map((option) => idOf(option, name)));
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new Error(
    'PostgreSQL does not run as root, and neither the user postgres nor nobody exists. Run the tests as another user.',
  );
}

async function idOf(option: string, name: string): Promise<number | undefined> {
  return run('id', [option, name]).then(
    ({ stdout }) => Number(stdout),
    () => undefined,
  );
}
