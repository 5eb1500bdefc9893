import { sql } from 'kysely';
import type { Migration } from '../migration.js';

/**
 * The revision of the last change of each item, so that workers read changed items only. `row_revisions` counts the
 * changes that set it: workers of earlier versions increment `revision` alone, and then the others read all items.
 */
export const itemRevisions: Migration = {
  name: '0010-item-revisions',
  async up(schema) {
    await schema.schema
      .alterTable('items')
      .addColumn('revision', 'integer', (revision) => revision.notNull().defaultTo(0))
      .execute();
    await schema.schema.createIndex('items_by_revision').on('items').column('revision').execute();
    await schema.schema
      .alterTable('item_state')
      .addColumn('row_revisions', 'integer', (count) => count.notNull().defaultTo(0))
      .execute();
    await sql`update item_state set row_revisions = revision`.execute(schema);
  },
};
