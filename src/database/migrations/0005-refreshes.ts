import type { Migration } from '../migration.js';

/** Number of refreshes requested for a server. A refresh changes the definition of the server, but not its source. */
export const refreshes: Migration = {
  name: '0005-refreshes',
  async up(schema) {
    await schema.schema
      .alterTable('registry_entries')
      .addColumn('refreshes', 'integer', (count) => count.notNull().defaultTo(0))
      .execute();
  },
};
