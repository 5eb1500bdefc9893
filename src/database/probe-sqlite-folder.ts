import { randomUUID } from 'node:crypto';
import { rm, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createOnce, DataFolderFault } from '../data-folder/index.js';
import { DatabaseFault } from './database.errors.js';
import { enableWal, WalUnsupported } from './sqlite-wal.js';

const ANOTHER_PLACE =
  'Set ISTHMUS_DATA_DIR to a folder on a local disk, or set ISTHMUS_DATABASE_URL to use PostgreSQL.';

const NO_LOCKS =
  'does not support the file locks or the shared memory that SQLite needs. Network file systems and shared folders (NFS, SMB, ' +
  `9p, FUSE) often lack them. ${ANOTHER_PLACE}`;

/** Meanings of SQLite result codes (sqlite.org/rescode.html) for a file that no other process knows. */
const EXPLANATIONS: Readonly<Record<number, string>> = {
  3: `does not let this process lock files. ${ANOTHER_PLACE}`,
  5: NO_LOCKS,
  6: NO_LOCKS,
  8: `is read-only. Mount it read-write, or: ${ANOTHER_PLACE}`,
  10: NO_LOCKS,
  13: `is full. Free some space on it, or: ${ANOTHER_PLACE}`,
  14: `does not let this process create files. Give it access, or: ${ANOTHER_PLACE}`,
  15: NO_LOCKS,
  22: NO_LOCKS,
};

/** An empty database with its companion files needs less. */
const MIN_FREE_BYTES = 256 * 1024;

/**
 * Checks that the folder of a database can hold it, with a temporary database. On the database itself, a file system without
 * locks looks like another process that holds the lock, for which a start would wait.
 * @throws DatabaseFault that says what to do
 */
export async function probeSqliteFolder(file: string, open = (path: string) => new DatabaseSync(path)): Promise<void> {
  const folder = dirname(file);
  const probe = join(folder, `.isthmus-probe-${randomUUID()}`);
  // Reports what prevents the file itself in the words of the operating system, which SQLite reduces to "cannot open".
  try {
    await createOnce(probe, '\0'.repeat(MIN_FREE_BYTES));
    await truncate(probe);
    write(open(probe));
  } catch (cause) {
    if (cause instanceof DataFolderFault) throw cause;
    throw new DatabaseFault(`The folder ${folder} cannot hold the database: its file system ${explain(cause)}`, {
      cause,
    });
  } finally {
    await Promise.all(
      ['', '-wal', '-shm', '-journal'].map((suffix) => rm(`${probe}${suffix}`, { force: true }).catch(() => {})),
    );
  }
}

function write(database: DatabaseSync): void {
  try {
    enableWal(database);
    database.exec('pragma synchronous = full');
    database.exec('begin immediate');
    database.exec('create table probe (content blob)');
    database.exec("insert into probe values ('probe')");
    database.exec('commit');
  } finally {
    database.close();
  }
}

function explain(cause: unknown): string {
  if (cause instanceof WalUnsupported) return NO_LOCKS;
  const code = typeof cause === 'object' && cause !== null && 'errcode' in cause ? Number(cause.errcode) & 0xff : 0;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return EXPLANATIONS[code] ?? `failed: ${reason}. ${ANOTHER_PLACE}`;
}
