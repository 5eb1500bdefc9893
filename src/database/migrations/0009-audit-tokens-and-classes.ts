import { sql } from 'kysely';
import type { Migration } from '../migration.js';

/**
 * The caller's token and the number of like refusals that a record stands for. The class has its own quota; its default is for
 * gateways of the previous version that still run.
 */
export const auditTokensAndClasses: Migration = {
  name: '0009-audit-tokens-and-classes',
  async up(schema) {
    const { schema: tables } = schema;
    await tables.alterTable('audit_records').addColumn('token', 'text').execute();
    await tables.alterTable('audit_records').addColumn('count', 'integer').execute();
    await tables
      .alterTable('audit_records')
      .addColumn('class', 'text', (column) => column.notNull().defaultTo('changes'))
      .execute();
    await sql`update audit_records set class = case when subject = '' then 'unauthenticated' else 'refusals' end
      where outcome = 'refused'`.execute(schema);
    await tables.createIndex('audit_records_class').on('audit_records').columns(['class', 'id']).execute();
  },
};
