import type { Migration } from '../migration.js';

/** Path of what a request has made. Null: nothing that has a path. */
export const auditMade: Migration = {
  name: '0008-audit-made',
  async up(schema) {
    await schema.schema.alterTable('audit_records').addColumn('made', 'text').execute();
  },
};
