import type { Transaction } from 'kysely';
import type { Clock } from '#lib/time';
import { DatabaseFault } from './database.errors.js';
import type { Database } from './database.js';
import { COLUMN_TYPES, type ColumnTypes, type DatabaseKind, type StoredInstant } from './stored-values.js';

/** One step from a schema version to the next. A released migration never changes; a later migration corrects it. */
export interface Migration {
  /** The name of its file without the extension: number and subject. */
  readonly name: string;
  /** Runs in its own transaction, so it applies completely or not at all. */
  up(schema: Transaction<unknown>, column: ColumnTypes, kind: DatabaseKind): Promise<void>;
}

type MigrationTables = {
  schema_migrations: { number: number; name: string; applied_at: StoredInstant };
};

/**
 * Applies the pending migrations, one transaction each. When several processes start at once, each migration is applied
 * by exactly one of them; the others skip it.
 * @throws DatabaseFault when a newer version of Isthmus has migrated the database
 */
export async function migrate(database: Database, migrations: readonly Migration[], clock: Clock): Promise<void> {
  while (await applyNext(database, migrations, clock));
}

/** Returns false when no migration is pending. */
function applyNext(database: Database, migrations: readonly Migration[], clock: Clock): Promise<boolean> {
  return database.runExclusively<unknown, boolean>('migrations', async (transaction) => {
    const tables = await openMigrationTable(transaction, database.kind);
    const { applied } = await tables
      .selectFrom('schema_migrations')
      .select(({ fn }) => fn.countAll<number>().as('applied'))
      .executeTakeFirstOrThrow();
    if (applied > migrations.length) throw newerSchemaFault(applied, migrations.length);
    const next = migrations[applied];
    if (next === undefined) return false;
    await next.up(transaction, COLUMN_TYPES[database.kind], database.kind);
    const row = { number: applied + 1, name: next.name, applied_at: new Date(clock.now()) };
    await tables.insertInto('schema_migrations').values(row).execute();
    return true;
  });
}

async function openMigrationTable(
  transaction: Transaction<unknown>,
  kind: DatabaseKind,
): Promise<Transaction<MigrationTables>> {
  await transaction.schema
    .createTable('schema_migrations')
    .ifNotExists()
    .addColumn('number', 'integer', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('applied_at', COLUMN_TYPES[kind].instant, (column) => column.notNull())
    .execute();
  return transaction.withTables<MigrationTables>();
}

const newerSchemaFault = (found: number, known: number): DatabaseFault =>
  new DatabaseFault(
    `The database has schema version ${found}, and this program supports versions up to ${known}: a newer version of ` +
      'Isthmus has used the database. Start that version, or restore the backup of the database from before the update.',
  );
