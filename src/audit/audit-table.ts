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

/** Few enough that other requests are served in between. */
const DELETED_AT_ONCE = 500;

/** The rows of the audit log. Everything here may throw DatabaseUnavailable. */
export class AuditTable {
  constructor(private readonly database: Database) {}

  private get tables() {
    return this.database.tables<AuditTables>();
  }

  /** Those that are there already stay: whoever does not know whether they were written writes them again. */
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

  /** Newest first, those before an id. */
  async find(query: AuditQuery, limit: number, before?: string): Promise<readonly AuditRecord[]> {
    let wanted = this.tables.selectFrom('audit_records').selectAll();
    if (before !== undefined) wanted = wanted.where('id', '<', before);
    if (query.subject !== undefined) wanted = wanted.where('subject', '=', query.subject);
    if (query.method !== undefined) wanted = wanted.where('method', '=', query.method);
    if (query.outcome !== undefined) wanted = wanted.where('outcome', '=', query.outcome);
    if (query.from !== undefined) wanted = wanted.where('at', '>=', query.from);
    if (query.to !== undefined) wanted = wanted.where('at', '<', query.to);
    const { path } = query;
    if (path !== undefined) {
      const begins = (column: 'path' | 'made') => sql`substr(${sql.ref(column)}, 1, ${sql.lit(path.length)})`;
      wanted = wanted.where((is) => is.or([is(begins('path'), '=', path), is(begins('made'), '=', path)]));
    }
    const rows = await wanted.orderBy('id', 'desc').limit(limit).execute();
    return rows.map(({ at, roles, made, reason, address, ...rest }) => ({
      ...rest,
      ...(made !== null && { made }),
      at: readInstant(at),
      roles: readJson(roles) as string[],
      ...(reason !== null && { reason }),
      ...(address !== null && { address }),
    }));
  }

  /** Deletes what is older than a moment, and the oldest of more than so many. */
  async prune(before: Date, most: number): Promise<void> {
    const [first] = await this.tables
      .selectFrom('audit_records')
      .select('id')
      .orderBy('id', 'desc')
      .offset(most)
      .limit(1)
      .execute();
    for (;;) {
      const old = await this.tables
        .selectFrom('audit_records')
        .select('id')
        .where((is) => is.or([is('at', '<', before), ...(first ? [is('id', '<=', first.id)] : [])]))
        .limit(DELETED_AT_ONCE)
        .execute();
      if (old.length === 0) return;
      const ids = old.map(({ id }) => id);
      await this.tables.deleteFrom('audit_records').where('id', 'in', ids).execute();
    }
  }
}
