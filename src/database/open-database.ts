import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { createOnce } from '../data-folder/index.js';
import type { DatabasePlace } from './database.config.js';
import { DatabaseFault, DatabaseUnavailable } from './database.errors.js';
import { Database } from './database.js';
import { migrate } from './migration.js';
import { MIGRATIONS } from './migrations/index.js';

/** A change of the schema may have to move all that is stored, and may wait for another process that does. */
const MIGRATION_PATIENCE = { connectMs: 3_000, statementMs: 0, responseMs: 3_600_000 };
/** Gateway and database are often started together. */
const START_PATIENCE_MS = 15_000;
const START_PAUSE_MS = 250;

const logger = new Logger('Database');

/**
 * The database with its schema as this program knows it.
 * @throws DatabaseFault when it cannot be reached in time, or cannot be used
 */
export async function openDatabase(place: DatabasePlace, migrations = MIGRATIONS): Promise<Database> {
  // SQLite takes an empty file for an empty database, and gives what it adds beside it the same mode: for its owner only.
  if (place.kind === 'sqlite' && !existsSync(place.file)) await createOnce(place.file, '');
  const database = new Database(place, MIGRATION_PATIENCE);
  try {
    await whenItAnswers(place, () => migrate(database, migrations));
  } catch (fault) {
    if (fault instanceof DatabaseFault) throw fault;
    throw new DatabaseFault(`${nameOf(place)} cannot be used: ${messageOf(fault)}. ${adviceFor(place)}`, {
      cause: fault,
    });
  } finally {
    await database.close();
  }
  return new Database(place);
}

async function whenItAnswers(place: DatabasePlace, work: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + START_PATIENCE_MS;
  for (let isFirst = true; ; isFirst = false) {
    try {
      return await work();
    } catch (fault) {
      if (!(fault instanceof DatabaseUnavailable) || performance.now() > deadline) throw fault;
      if (isFirst) logger.warn(`${nameOf(place)} is waited for. ${fault.message}`);
    }
    await pause(START_PAUSE_MS);
  }
}

/** Where it is, without user and password. */
function nameOf(place: DatabasePlace): string {
  if (place.kind === 'sqlite') return `The database ${place.file}`;
  const { host, pathname } = new URL(place.url);
  return `The database ${host}${pathname}`;
}

const adviceFor = ({ kind }: DatabasePlace): string =>
  kind === 'sqlite'
    ? 'It is a file of SQLite on a disk of this host; restore it from a backup, or set ISTHMUS_DATA_DIR to another folder.'
    : 'Set ISTHMUS_DATABASE_URL to a PostgreSQL database in which its user may create tables.';

const messageOf = (fault: unknown): string =>
  (fault instanceof Error ? fault.message : String(fault)).replace(/\.$/, '');
