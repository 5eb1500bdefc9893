import { createHash } from 'node:crypto';
import { sql, type ExpressionBuilder, type SelectQueryBuilder, type Transaction } from 'kysely';
import type { Database, StoredInstant } from '../database/index.js';
import type { UsageCounts, UsageRow, UsageSubject } from './usage-row.js';

type UsageTables = {
  usage_hours: {
    hour: StoredInstant;
    /** Digest of the other columns that identify a row: an index has a maximum length. */
    key: string;
    issuer: string;
    subject: string;
    teams: string;
    server: string;
    tool: string;
    calls: number;
    refused: number;
    failed: number;
    unknown: number;
    server_ms: number;
    bytes_in: number;
    bytes_out: number;
  };
  usage_writers: { worker: string; batch: number; at: StoredInstant };
};

/** Rows that one worker adds at once. Batches of a worker are numbered in order from 1. */
export interface UsageBatch {
  readonly worker: string;
  readonly number: number;
  readonly rows: readonly UsageRow[];
}

/** Selects rows: those that match every member that is present. */
export interface UsageFilter {
  /** Begin of the first hour, and end of the last one. */
  readonly from: Date;
  readonly to: Date;
  readonly issuer?: string | undefined;
  readonly subject?: string | undefined;
  readonly team?: string | undefined;
  readonly server?: string | undefined;
  readonly tool?: string | undefined;
}

export type UsageColumn = keyof UsageSubject;
export type UsageGroup = UsageCounts & Partial<UsageSubject>;

const INSERT_SIZE = 250;
const COLUMNS = ['issuer', 'subject', 'teams', 'server', 'tool'] as const;
const COUNTS = ['calls', 'refused', 'failed', 'unknown', 'server_ms', 'bytes_in', 'bytes_out'] as const;

/** Repository of hourly usage. Every method may throw DatabaseUnavailable. */
export class UsageTable {
  constructor(private readonly database: Database) {}

  /**
   * Adds the rows to those of the same hour, unless this batch was added before: a batch whose confirmation was lost is sent
   * again.
   */
  add({ worker, number, rows }: UsageBatch, now: Date): Promise<void> {
    return this.database.runExclusively<UsageTables, void>('usage', async (transaction) => {
      const marked = await transaction
        .insertInto('usage_writers')
        .values({ worker, batch: number, at: now })
        .onConflict((conflict) =>
          conflict.column('worker').doUpdateSet({ batch: number, at: now }).where('usage_writers.batch', '<', number),
        )
        .executeTakeFirst();
      if (marked.numInsertedOrUpdatedRows === 0n) return;
      for (let from = 0; from < rows.length; from += INSERT_SIZE)
        await addRows(transaction, rows.slice(from, from + INSERT_SIZE));
    });
  }

  async total(filter: UsageFilter): Promise<UsageCounts> {
    return toCounts(await this.select(filter).select(sums).executeTakeFirstOrThrow());
  }

  /** Returns the groups with the most calls first. `columns` is not empty. */
  async sum(filter: UsageFilter, columns: readonly UsageColumn[], limit: number): Promise<readonly UsageGroup[]> {
    let selection = this.select(filter).select(columns).select(sums).groupBy(columns).orderBy('calls', 'desc');
    for (const column of columns) selection = selection.orderBy(column);
    const rows = await selection.limit(limit).execute();
    return rows.map(toGroup);
  }

  async deleteBefore(time: Date): Promise<void> {
    const tables = this.database.tables<UsageTables>();
    await tables.deleteFrom('usage_hours').where('hour', '<', time).execute();
    await tables.deleteFrom('usage_writers').where('at', '<', time).execute();
  }

  private select({ from, to, team, ...texts }: UsageFilter): SelectQueryBuilder<UsageTables, 'usage_hours', object> {
    let selection = this.database
      .tables<UsageTables>()
      .selectFrom('usage_hours')
      .where('hour', '>=', from)
      .where('hour', '<', to);
    for (const column of ['issuer', 'subject', 'server', 'tool'] as const) {
      const text = texts[column];
      if (text !== undefined) selection = selection.where(column, '=', text);
    }
    if (team === undefined) return selection;
    const pattern = `%,${team.replaceAll(/[\\%_]/g, '\\$&')},%`;
    return selection.where(sql<boolean>`',' || teams || ',' like ${pattern} escape '\\'`);
  }
}

async function addRows(transaction: Transaction<UsageTables>, rows: readonly UsageRow[]): Promise<void> {
  await transaction
    .insertInto('usage_hours')
    .values(rows.map(toStored))
    .onConflict((conflict) =>
      conflict
        .columns(['hour', 'key'])
        .doUpdateSet((is) =>
          Object.fromEntries(
            COUNTS.map((count) => [count, is(`usage_hours.${count}`, '+', is.ref(`excluded.${count}`))]),
          ),
        ),
    )
    .execute();
}

function toStored({ hour, serverMs, bytesIn, bytesOut, ...rest }: UsageRow) {
  const { issuer, subject, teams, server, tool } = rest;
  const key = createHash('sha256')
    .update(JSON.stringify([issuer, subject, teams, server, tool]))
    .digest('base64url');
  return { ...rest, hour: new Date(hour), key, server_ms: serverMs, bytes_in: bytesIn, bytes_out: bytesOut };
}

/** PostgreSQL returns sums as text, and both databases the sum of no rows as null. */
type Sums = Readonly<Record<(typeof COUNTS)[number], string | number | bigint | null>>;

const sums = ({ fn }: ExpressionBuilder<UsageTables, 'usage_hours'>) => COUNTS.map((count) => fn.sum(count).as(count));

function toGroup(row: Sums & Partial<UsageSubject>): UsageGroup {
  const names = COLUMNS.flatMap((column) => (row[column] === undefined ? [] : [[column, row[column]] as const]));
  return { ...Object.fromEntries(names), ...toCounts(row) };
}

const toCounts = (row: Sums): UsageCounts => ({
  calls: Number(row.calls),
  refused: Number(row.refused),
  failed: Number(row.failed),
  unknown: Number(row.unknown),
  serverMs: Math.round(Number(row.server_ms)),
  bytesIn: Number(row.bytes_in),
  bytesOut: Number(row.bytes_out),
});
