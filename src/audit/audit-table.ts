import { sql, type ExpressionBuilder, type Expression, type SqlBool } from 'kysely';
import {
  readInstant,
  readJson,
  writeJson,
  type Database,
  type StoredInstant,
  type StoredJson,
} from '../database/index.js';
import { classOf, type AuditClass, type AuditOutcome, type AuditQuery, type AuditRecord } from './audit-record.js';

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
    token: string | null;
    count: number | null;
    class: AuditClass;
  };
};

type Condition = (is: ExpressionBuilder<AuditTables, 'audit_records'>) => Expression<SqlBool>;

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
    const rows = records.map(({ roles, made, reason, address, token, count, ...rest }) => ({
      ...rest,
      class: classOf(rest),
      token: token ?? null,
      count: count ?? null,
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
    if (query.token !== undefined) selection = selection.where('token', '=', query.token);
    if (query.address !== undefined) selection = selection.where('address', '=', query.address);
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
    return rows.map(({ at, roles, made, reason, address, token, count, class: _class, ...rest }) => ({
      ...rest,
      ...(token !== null && { token }),
      ...(count !== null && { count }),
      ...(made !== null && { made }),
      at: readInstant(at),
      roles: readJson(roles) as string[],
      ...(reason !== null && { reason }),
      ...(address !== null && { address }),
    }));
  }

  async deleteBefore(time: Date): Promise<void> {
    await this.deleteAll((is) => is('at', '<', time));
  }

  /** Deletes the oldest records of a class beyond `max`. */
  async deleteSurplus(recordClass: AuditClass, max: number): Promise<void> {
    const newestSurplus = await this.tables
      .selectFrom('audit_records')
      .select('id')
      .where('class', '=', recordClass)
      .orderBy('id', 'desc')
      .offset(max)
      .limit(1)
      .executeTakeFirst();
    if (!newestSurplus) return;
    await this.deleteAll((is) => is.and([is('class', '=', recordClass), is('id', '<=', newestSurplus.id)]));
  }

  private async deleteAll(condition: Condition): Promise<void> {
    for (;;) {
      const batch = await this.tables
        .selectFrom('audit_records')
        .select('id')
        .where(condition)
        .limit(DELETE_BATCH_SIZE)
        .execute();
      if (batch.length === 0) return;
      const ids = batch.map(({ id }) => id);
      await this.tables.deleteFrom('audit_records').where('id', 'in', ids).execute();
    }
  }
}
