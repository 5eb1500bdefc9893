import type { Transaction } from 'kysely';
import { DatabaseFault } from './database.errors.js';
import type { Database } from './database.js';
import { COLUMN_TYPES, type ColumnTypes, type DatabaseKind, type StoredInstant } from './stored-values.js';

/** One step from a schema to the next. Once it was released it is never changed: another one follows it. */
export interface Migration {
  /** As its file is called: number and what it brings. */
  readonly name: string;
  /** In a transaction of its own: it happens as a whole or not at all. */
  up(schema: Transaction<unknown>, column: ColumnTypes, kind: DatabaseKind): Promise<void>;
}

type MigrationTables = {
  schema_migrations: { number: number; name: string; applied_at: StoredInstant };
};

/**
 * Brings the schema up to these migrations, one transaction each. Of several processes that do so at once each step is
 * taken by one, and the others find it taken.
 * @throws DatabaseFault when the schema is that of a newer program
 */
export async function migrate(database: Database, migrations: readonly Migration[]): Promise<void> {
  while (await takeStep(database, migrations));
}

function takeStep(database: Database, migrations: readonly Migration[]): Promise<boolean> {
  return database.runExclusively<unknown, boolean>('migrations', async (transaction) => {
    const steps = await stepsIn(transaction, database.kind);
    const { taken } = await steps
      .selectFrom('schema_migrations')
      .select(({ fn }) => fn.countAll<number>().as('taken'))
      .executeTakeFirstOrThrow();
    if (taken > migrations.length) throw newer(taken, migrations.length);
    const next = migrations[taken];
    if (next === undefined) return false;
    await next.up(transaction, COLUMN_TYPES[database.kind], database.kind);
    const step = { number: taken + 1, name: next.name, applied_at: new Date() };
    await steps.insertInto('schema_migrations').values(step).execute();
    return true;
  });
}

async function stepsIn(transaction: Transaction<unknown>, kind: DatabaseKind): Promise<Transaction<MigrationTables>> {
  await transaction.schema
    .createTable('schema_migrations')
    .ifNotExists()
    .addColumn('number', 'integer', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('applied_at', COLUMN_TYPES[kind].instant, (column) => column.notNull())
    .execute();
  return transaction.withTables<MigrationTables>();
}

const newer = (found: number, known: number): DatabaseFault =>
  new DatabaseFault(
    `The database is of schema ${found}, and this program knows schemas up to ${known}: a newer version of Isthmus has ` +
      'used it. Start that version, or restore the backup of the database from before the update.',
  );
