import { mkdtemp, rm } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres, type RunningPostgres } from '#lib/testing/postgres-server';
import type { DatabasePlace } from '../../src/database/testing.js';

/** Creates databases of one kind. */
export interface DatabaseHost {
  /** Creates an empty database. */
  createDatabase(): Promise<DatabasePlace>;
  /** Runs a statement on a separate connection and returns the rows. */
  run(place: DatabasePlace, statement: string): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

/** For suites that run on both kinds: `describe.each(DATABASE_KINDS)('…, in $name', ({ start }) => …)`. */
export const DATABASE_KINDS: readonly { readonly name: string; readonly start: () => Promise<DatabaseHost> }[] = [
  { name: 'SQLite', start: startSqlite },
  { name: 'PostgreSQL', start: startPostgresHost },
];

async function startSqlite(): Promise<DatabaseHost> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-database-'));
  let count = 0;
  return {
    createDatabase: async () => ({ kind: 'sqlite', file: join(folder, `${(count += 1)}.db`) }),
    run: async (place, statement) => {
      using database = new DatabaseSync(place.kind === 'sqlite' ? place.file : '', { timeout: 1_000 });
      return database.prepare(statement).all();
    },
    stop: () => rm(folder, { recursive: true }),
  };
}

async function startPostgresHost(): Promise<DatabaseHost> {
  return postgresHost(await startPostgres());
}

/** A host on a server that the spec controls. */
export function postgresHost(postgres: RunningPostgres): DatabaseHost {
  return {
    createDatabase: async () => ({ kind: 'postgres', url: await postgres.createDatabase() }),
    run: (place, statement) => postgres.query(place.kind === 'postgres' ? place.url : '', statement),
    stop: () => postgres.stop(),
  };
}
