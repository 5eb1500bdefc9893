import type { Migration } from '../migration.js';

/** Admin API requests that must be executed once, with their responses. */
export const idempotencyKeys: Migration = {
  name: '0004-idempotency-keys',
  async up(schema, column) {
    await schema.schema
      .createTable('idempotency_keys')
      // Digest of the caller, the URL and the idempotency key.
      .addColumn('id', 'text', (id) => id.primaryKey())
      // Digest of the URL, the body and the rights of the caller.
      .addColumn('request', 'text', (request) => request.notNull())
      .addColumn('state', 'text', (state) => state.notNull())
      .addColumn('started_at', column.instant, (at) => at.notNull())
      // Encrypted, because responses may contain credentials.
      .addColumn('answer', 'text')
      .execute();
    await schema.schema
      .createIndex('idempotency_keys_started_at')
      .on('idempotency_keys')
      .column('started_at')
      .execute();
  },
};
