import { sql } from 'kysely';
import {
  readInstant,
  readJson,
  writeJson,
  type Database,
  type StoredInstant,
  type StoredJson,
} from '../database/index.js';
import type { AuditOutcome, AuditQuery, AuditRecord } from './audit-record.js';

type AuditTables = {
  audit_records: {
    id: string;
    at: StoredInstant;
    issuer: string;
    subject: string;
    roles: StoredJson;
    method: string;
    path: string;
    made: string | null;
    outcome: AuditOutcome;
    status: number;
    reason: string | null;
    address: string | null;
  };
};

/** Records deleted per statement. Small enough that the event loop serves other requests in between. */
const DELETE_BATCH_SIZE = 500;

/** Repository of audit records. Every method may throw DatabaseUnavailable. */
export class AuditTable {
  constructor(private readonly database: Database) {}

  private get tables() {
    return this.database.tables<AuditTables>();
  }

  /** Skips records that already exist, so that an insert with an unknown outcome can be retried. */
  async insert(records: readonly AuditRecord[]): Promise<void> {
    const rows = records.map(({ roles, made, reason, address, ...rest }) => ({
      ...rest,
      made: made ?? null,
      roles: writeJson([...roles]),
      reason: reason ?? null,
      address: address ?? null,
    }));
    await this.tables
      .insertInto('audit_records')
      .values(rows)
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
  }

  /** Finds the newest records, optionally only those before an id. */
  async find(query: AuditQuery, limit: number, before?: string): Promise<readonly AuditRecord[]> {
    let selection = this.tables.selectFrom('audit_records').selectAll();
    if (before !== undefined) selection = selection.where('id', '<', before);
    if (query.subject !== undefined) selection = selection.where('subject', '=', query.subject);
    if (query.method !== undefined) selection = selection.where('method', '=', query.method);
    if (query.outcome !== undefined) selection = selection.where('outcome', '=', query.outcome);
    if (query.from !== undefined) selection = selection.where('at', '>=', query.from);
    if (query.to !== undefined) selection = selection.where('at', '<', query.to);
    const { path } = query;
    if (path !== undefined) {
      const prefix = (column: 'path' | 'made') => sql`substr(${sql.ref(column)}, 1, ${sql.lit(path.length)})`;
      selection = selection.where((is) => is.or([is(prefix('path'), '=', path), is(prefix('made'), '=', path)]));
    }
    const rows = await selection.orderBy('id', 'desc').limit(limit).execute();
    return rows.map(({ at, roles, made, reason, address, ...rest }) => ({
      ...rest,
      ...(made !== null && { made }),
      at: readInstant(at),
      roles: readJson(roles) as string[],
      ...(reason !== null && { reason }),
      ...(address !== null && { address }),
    }));
  }

  /** Deletes records older than `before`, and the oldest records beyond `maxRecords`. */
  async prune(before: Date, maxRecords: number): Promise<void> {
    const [newestSurplus] = await this.tables
      .selectFrom('audit_records')
      .select('id')
      .orderBy('id', 'desc')
      .offset(maxRecords)
      .limit(1)
      .execute();
    for (;;) {
      const batch = await this.tables
        .selectFrom('audit_records')
        .select('id')
        .where((is) => is.or([is('at', '<', before), ...(newestSurplus ? [is('id', '<=', newestSurplus.id)] : [])]))
        .limit(DELETE_BATCH_SIZE)
        .execute();
      if (batch.length === 0) return;
      const ids = batch.map(({ id }) => id);
      await this.tables.deleteFrom('audit_records').where('id', 'in', ids).execute();
    }
  }
}
