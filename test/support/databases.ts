import { mkdtemp, rm } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres, type RunningPostgres } from '#lib/testing/postgres-server';
import type { DatabasePlace } from '../../src/database/testing.js';

/** Places for databases of one kind. */
export interface DatabaseHost {
  /** A new one, empty. */
  place(): Promise<DatabasePlace>;
  /** Runs a statement there by itself, as somebody with a console does. Gives its rows. */
  run(place: DatabasePlace, statement: string): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

/** For suites that hold on both: `describe.each(DATABASE_KINDS)('…, in $name', ({ start }) => …)`. */
export const DATABASE_KINDS: readonly { readonly name: string; readonly start: () => Promise<DatabaseHost> }[] = [
  { name: 'SQLite', start: startSqlite },
  { name: 'PostgreSQL', start: startPostgresHost },
];

async function startSqlite(): Promise<DatabaseHost> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-database-'));
  let count = 0;
  return {
    place: async () => ({ kind: 'sqlite', file: join(folder, `${(count += 1)}.db`) }),
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

/** Over a server that a spec does something to. */
export function postgresHost(postgres: RunningPostgres): DatabaseHost {
  return {
    place: async () => ({ kind: 'postgres', url: await postgres.createDatabase() }),
    run: (place, statement) => postgres.query(place.kind === 'postgres' ? place.url : '', statement),
    stop: () => postgres.stop(),
  };
}
