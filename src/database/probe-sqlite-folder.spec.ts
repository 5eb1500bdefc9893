import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DatabaseFault } from './database.errors.js';
import { probeSqliteFolder } from './probe-sqlite-folder.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-probe-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** Opens a database on a file system that answers a statement with a result code of SQLite. */
const failingAt = (statement: string, errcode: number) => (file: string) => {
  const database = new DatabaseSync(file);
  const fail = (sql: string) => {
    if (sql.startsWith(statement)) throw Object.assign(new Error('database is locked'), { errcode });
  };
  return new Proxy(database, {
    get: (target, member: keyof DatabaseSync) => {
      const value: unknown = target[member];
      if (typeof value !== 'function') return value;
      return (...args: string[]) => {
        fail(args[0] ?? '');
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
};

describe('probeSqliteFolder', () => {
  it('accepts a local folder and leaves nothing there', async () => {
    await probeSqliteFolder(join(folder, 'isthmus.db'));
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([
    ['has no file locks', 'begin', 5, /does not support the file locks/],
    ['fails to lock (input, output)', 'begin', 10 | (15 << 8), /does not support the file locks/],
    ['has no shared memory', 'pragma journal_mode', 15, /shared memory/],
    ['is full', 'insert', 13, /is full/],
    ['is read-only', 'create', 8, /is read-only/],
  ])('refuses at once a file system that %s, and says what to do', async (_name, statement, code, message) => {
    const fault: unknown = await probeSqliteFolder(join(folder, 'x.db'), failingAt(statement, code)).catch(
      (cause: unknown) => cause,
    );
    expect(fault).toBeInstanceOf(DatabaseFault);
    expect(String(fault)).toMatch(message);
    expect(String(fault)).toMatch(/Set ISTHMUS_DATA_DIR to a folder on a local disk, or set ISTHMUS_DATABASE_URL/);
    expect(await readdir(folder)).toEqual([]);
  });
});
