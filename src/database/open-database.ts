import { existsSync } from 'node:fs';
import { Logger } from '@nestjs/common';
import { SystemClock, type Clock } from '#lib/time';
import { createOnce } from '../data-folder/index.js';
import type { DatabasePlace } from './database.config.js';
import { DatabaseFault, DatabaseUnavailable } from './database.errors.js';
import { Database } from './database.js';
import { migrate } from './migration.js';
import { probeSqliteFolder } from './probe-sqlite-folder.js';
import type { PostgresTimeouts } from './postgres-dialect.js';
import { MIGRATIONS } from './migrations/index.js';

/** A migration may rewrite all rows, or wait for another process that does. */
const MIGRATION_TIMEOUTS: PostgresTimeouts = { connectMs: 3_000, statementMs: 0, responseMs: 3_600_000 };
/** The gateway and its database are often started together. */
const START_TIMEOUT_MS = 15_000;
const START_RETRY_DELAY_MS = 250;

const logger = new Logger('Database');

/**
 * Opens the database and applies pending migrations. Waits up to 15 s for a database that does not respond yet.
 * @throws DatabaseFault when it does not respond in time, or cannot be used
 */
export async function openDatabase(
  place: DatabasePlace,
  clock: Clock = new SystemClock(),
  migrations = MIGRATIONS,
): Promise<Database> {
  // SQLite accepts an empty file as an empty database and gives its companion files the same mode: owner only.
  if (place.kind === 'sqlite' && !existsSync(place.file)) await createOnce(place.file, '');
  if (place.kind === 'sqlite') await probeSqliteFolder(place.file);
  const database = new Database(place, MIGRATION_TIMEOUTS, clock);
  try {
    await retryUntilAvailable(place, clock, () => migrate(database, migrations, clock));
  } catch (fault) {
    if (fault instanceof DatabaseFault) throw fault;
    throw new DatabaseFault(`${nameOf(place)} cannot be used: ${messageOf(fault)}. ${adviceFor(place)}`, {
      cause: fault,
    });
  } finally {
    await database.close();
  }
  return new Database(place, undefined, clock);
}

async function retryUntilAvailable(place: DatabasePlace, clock: Clock, work: () => Promise<void>): Promise<void> {
  const deadline = clock.monotonicNow() + START_TIMEOUT_MS;
  for (let isFirst = true; ; isFirst = false) {
    try {
      return await work();
    } catch (fault) {
      if (!(fault instanceof DatabaseUnavailable) || clock.monotonicNow() > deadline) throw fault;
      if (isFirst) logger.warn(`${nameOf(place)} does not respond yet; waiting for it. ${fault.message}`);
    }
    await clock.sleep(START_RETRY_DELAY_MS);
  }
}

/** Names the database without user and password. */
function nameOf(place: DatabasePlace): string {
  if (place.kind === 'sqlite') return `The database ${place.file}`;
  const { host, pathname } = new URL(place.url);
  return `The database ${host}${pathname}`;
}

const adviceFor = ({ kind }: DatabasePlace): string =>
  kind === 'sqlite'
    ? 'It must be an SQLite file on a local disk. Restore it from a backup, or set ISTHMUS_DATA_DIR to another folder.'
    : 'Set ISTHMUS_DATABASE_URL to a PostgreSQL database in which its user may create tables.';

const messageOf = (fault: unknown): string =>
  (fault instanceof Error ? fault.message : String(fault)).replace(/\.$/, '');
