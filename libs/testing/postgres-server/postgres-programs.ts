import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Debian has a folder for each version, and none of them on the path. */
const DEBIAN = '/usr/lib/postgresql';
const USERS = ['postgres', 'nobody'];

/** The programs of PostgreSQL, and whoever runs them. */
export interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
  /** Of another user, where this process is root's. */
  readonly user: { readonly uid?: number; readonly gid?: number };
}

/** Throws a sentence that says what to install where there are none. */
export async function findPrograms(): Promise<PostgresPrograms> {
  const debian = await readdir(DEBIAN).catch(() => []);
  const newestFirst = debian
    .toSorted((one, other) => Number(other) - Number(one))
    .map((name) => join(DEBIAN, name, 'bin'));
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...newestFirst];
  const folder = folders.find((path) => ['initdb', 'postgres'].every((name) => existsSync(join(path, name))));
  if (folder === undefined) {
    throw new Error('There is no PostgreSQL server on this machine: install the package postgresql.');
  }
  return { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres'), user: await unprivileged() };
}

/** Gives a folder to whoever runs the programs. */
export async function changeOwner({ uid, gid }: PostgresPrograms['user'], folder: string): Promise<void> {
  if (uid !== undefined && gid !== undefined) await chown(folder, uid, gid);
}

async function unprivileged(): Promise<PostgresPrograms['user']> {
  if (process.getuid?.() !== 0) return {};
  for (const name of USERS) {
    const [uid, gid] = await Promise.all(['-u', '-g'].map((option) => idOf(option, name)));
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new Error('PostgreSQL does not run as root, and there is neither a user postgres nor nobody: run as another.');
}

async function idOf(option: string, name: string): Promise<number | undefined> {
  return run('id', [option, name]).then(
    ({ stdout }) => Number(stdout),
    () => undefined,
  );
}
