import { sql, type Kysely } from 'kysely';
import type { Migration } from '../migration.js';
import type { DatabaseKind } from '../stored-values.js';

/**
 * Servers, virtual servers and the default endpoint share a table because they share a namespace. `registry_state` is a
 * single row whose revision makes change detection cheap. Triggers increment it, so that manual changes count too.
 */
export const registry: Migration = {
  name: '0001-registry',
  async up(schema, column, kind) {
    await schema.schema
      .createTable('registry_entries')
      .addColumn('slug', 'text', (slug) => slug.primaryKey())
      .addColumn('kind', 'text', (name) => name.notNull())
      // The source of the entry without its credentials.
      .addColumn('entry', column.json, (entry) => entry.notNull())
      // The members that may contain credentials, encrypted.
      .addColumn('sealed', 'text')
      .addColumn('is_managed', column.boolean, (isManaged) => isManaged.notNull())
      // Position in the configuration file among entries of its kind.
      .addColumn('position', 'integer')
      .addColumn('version', 'integer', (version) => version.notNull())
      .addColumn('created_at', column.instant, (instant) => instant.notNull())
      .addColumn('updated_at', column.instant, (instant) => instant.notNull())
      .execute();
    await schema.schema
      .createTable('registry_state')
      .addColumn('id', 'integer', (id) => id.primaryKey())
      .addColumn('revision', 'integer', (revision) => revision.notNull())
      // Digest of the entries that the configuration file declares.
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
