import type { Migration } from '../migration.js';

/** Requests of the admin API that must be carried out once, and what was answered. */
export const idempotencyKeys: Migration = {
  name: '0004-idempotency-keys',
  async up(schema, column) {
    await schema.schema
      .createTable('idempotency_keys')
      // Digest of who asks, for what, under which key.
      .addColumn('id', 'text', (id) => id.primaryKey())
      // Of what was asked.
      .addColumn('request', 'text', (request) => request.notNull())
      .addColumn('state', 'text', (state) => state.notNull())
      .addColumn('started_at', column.instant, (at) => at.notNull())
      // Encrypted: answers may hold credentials.
      .addColumn('answer', 'text')
      .execute();
    await schema.schema
      .createIndex('idempotency_keys_started_at')
      .on('idempotency_keys')
      .column('started_at')
      .execute();
  },
};
