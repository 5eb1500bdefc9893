import type { Migration } from '../migration.js';

/** How often somebody has asked that a server be reached anew: not a change of what is written, and yet one. */
export const refreshes: Migration = {
  name: '0005-refreshes',
  async up(schema) {
    await schema.schema
      .alterTable('registry_entries')
      .addColumn('refreshes', 'integer', (count) => count.notNull().defaultTo(0))
      .execute();
  },
};
