import type { Migration } from '../migration.js';

/**
 * Uses of items of servers, and the place of each record in the chain of its worker. Records without a worker are older than
 * chains. `audit_chains` holds the last record of each chain, `audit_deletions` what retention has deleted of it.
 */
export const auditChains: Migration = {
  name: '0013-audit-chains',
  async up(schema, column) {
    const { schema: tables } = schema;
    const added = [
      ['worker', 'text'],
      ['sequence', 'bigint'],
      ['number', 'bigint'],
      ['previous_hash', 'text'],
      ['hash', 'text'],
      ['server', 'text'],
      ['item', 'text'],
      ['request_id', 'text'],
      ['session', 'text'],
      ['call', column.json],
      ['chain_event', column.json],
    ] as const;
    for (const [name, type] of added) await tables.alterTable('audit_records').addColumn(name, type).execute();
    const indexes = [
      ['audit_records_subject', ['subject', 'id']],
      ['audit_records_item', ['server', 'item', 'id']],
      ['audit_records_request', ['request_id']],
      ['audit_records_chain', ['worker', 'sequence']],
    ] as const;
    for (const [name, columns] of indexes)
      await tables
        .createIndex(name)
        .on('audit_records')
        .columns([...columns])
        .execute();
    await tables
      .createTable('audit_chains')
      .addColumn('worker', 'text', (worker) => worker.primaryKey())
      .addColumn('sequence', 'bigint', (sequence) => sequence.notNull())
      .addColumn('hash', 'text', (hash) => hash.notNull())
      .addColumn('seen_at', column.instant, (at) => at.notNull())
      .execute();
    await tables
      .createTable('audit_deletions')
      .addColumn('worker', 'text', (worker) => worker.notNull())
      .addColumn('class', 'text', (name) => name.notNull())
      .addColumn('number', 'bigint', (number) => number.notNull())
      .addColumn('hash', 'text', (hash) => hash.notNull())
      .addPrimaryKeyConstraint('audit_deletions_key', ['worker', 'class'])
      .execute();
  },
};
