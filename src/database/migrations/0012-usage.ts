import type { Migration } from '../migration.js';

/** Hourly totals of calls, and the last batch that each worker has added to them. */
export const usage: Migration = {
  name: '0012-usage',
  async up(schema, column) {
    let hours = schema.schema
      .createTable('usage_hours')
      .addColumn('hour', column.instant, (hour) => hour.notNull())
      .addColumn('key', 'text', (key) => key.notNull());
    for (const name of ['issuer', 'subject', 'teams', 'server', 'tool'])
      hours = hours.addColumn(name, 'text', (text) => text.notNull());
    for (const name of ['calls', 'refused', 'failed', 'unknown', 'bytes_in', 'bytes_out'])
      hours = hours.addColumn(name, 'bigint', (count) => count.notNull());
    await hours
      .addColumn('server_ms', 'double precision', (time) => time.notNull())
      .addPrimaryKeyConstraint('usage_hours_key', ['hour', 'key'])
      .execute();
    await schema.schema
      .createTable('usage_writers')
      .addColumn('worker', 'text', (worker) => worker.primaryKey())
      .addColumn('batch', 'bigint', (batch) => batch.notNull())
      .addColumn('at', column.instant, (at) => at.notNull())
      .execute();
  },
};
