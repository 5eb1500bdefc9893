import type { Migration } from '../migration.js';

/**
 * Distinguishes a server from earlier ones of its slug. Null: the slug itself, for servers of the configuration file and for those
 * that are older than this column.
 */
export const serverIdentity: Migration = {
  name: '0011-server-identity',
  async up(schema) {
    await schema.schema.alterTable('registry_entries').addColumn('identity', 'text').execute();
  },
};
