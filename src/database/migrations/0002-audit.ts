import type { Migration } from '../migration.js';

/** Changes made and requests refused over the admin API. Ids increase over time. */
export const audit: Migration = {
  name: '0002-audit',
  async up(schema, column) {
    await schema.schema
      .createTable('audit_records')
      .addColumn('id', 'text', (id) => id.primaryKey())
      .addColumn('at', column.instant, (at) => at.notNull())
      .addColumn('issuer', 'text', (issuer) => issuer.notNull())
      .addColumn('subject', 'text', (subject) => subject.notNull())
      .addColumn('roles', column.json, (roles) => roles.notNull())
      .addColumn('method', 'text', (method) => method.notNull())
      .addColumn('path', 'text', (path) => path.notNull())
      .addColumn('outcome', 'text', (outcome) => outcome.notNull())
      .addColumn('status', 'integer', (status) => status.notNull())
      .addColumn('reason', 'text')
      .addColumn('address', 'text')
      .execute();
    await schema.schema.createIndex('audit_records_at').on('audit_records').column('at').execute();
  },
};
