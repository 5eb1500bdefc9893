import type { Migration } from '../migration.js';

/** Path of the resource that a request created. Null: it created none. */
export const auditMade: Migration = {
  name: '0008-audit-made',
  async up(schema) {
    await schema.schema.alterTable('audit_records').addColumn('made', 'text').execute();
  },
};
