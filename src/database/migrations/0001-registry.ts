import { sql, type Kysely } from 'kysely';
import type { Migration } from '../migration.js';
import type { DatabaseKind } from '../stored-values.js';

/**
 * Servers, virtual servers and the default endpoint share a table, because they share their names. `registry_state` is
 * one row that says, cheaply, whether any of them changed: triggers count, so that a change by hand counts too.
 */
export const registry: Migration = {
  name: '0001-registry',
  async up(schema, column, kind) {
    await schema.schema
      .createTable('registry_entries')
      .addColumn('slug', 'text', (slug) => slug.primaryKey())
      .addColumn('kind', 'text', (name) => name.notNull())
      // As it was written, without what is sealed.
      .addColumn('entry', column.json, (entry) => entry.notNull())
      // What may hold credentials, encrypted.
      .addColumn('sealed', 'text')
      .addColumn('is_managed', column.boolean, (isManaged) => isManaged.notNull())
      // In the file, among its kind.
      .addColumn('position', 'integer')
      .addColumn('version', 'integer', (version) => version.notNull())
      .addColumn('created_at', column.instant, (instant) => instant.notNull())
      .addColumn('updated_at', column.instant, (instant) => instant.notNull())
      .execute();
    await schema.schema
      .createTable('registry_state')
      .addColumn('id', 'integer', (id) => id.primaryKey())
      .addColumn('revision', 'integer', (revision) => revision.notNull())
      // The digest of what the configuration file declared.
      .addColumn('declaration', 'text')
      .execute();
    await sql`insert into registry_state (id, revision) values (1, 0)`.execute(schema);
    await countChanges(schema, kind);
  },
};

async function countChanges(schema: Kysely<unknown>, kind: DatabaseKind): Promise<void> {
  if (kind === 'postgres') {
    await sql`create function count_registry_change() returns trigger language plpgsql as $$
      begin update registry_state set revision = revision + 1; return null; end $$`.execute(schema);
    await sql`create trigger registry_entries_change
      after insert or update or delete or truncate on registry_entries
      for each statement execute function count_registry_change()`.execute(schema);
    return;
  }
  for (const event of ['insert', 'update', 'delete']) {
    await sql`create trigger ${sql.id(`registry_entries_${event}`)} after ${sql.raw(event)} on registry_entries
      begin update registry_state set revision = revision + 1; end`.execute(schema);
  }
}
