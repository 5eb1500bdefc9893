import { sql, type ExpressionBuilder, type Expression, type SqlBool } from 'kysely';
import { readInstant, readJson, type Database } from '../database/index.js';
import {
  AUDIT_CLASSES,
  DATABASE_SINK,
  type AuditClass,
  type AuditKind,
  type AuditQuery,
  type AuditRecord,
  type ChainedRecord,
  type ChainEvent,
} from './audit-record.js';
import { toRecord, toRow, type AuditRow, type AuditTables } from './audit-rows.js';
import type { AuditKey } from './chain/audit-key.js';

type Builder = ExpressionBuilder<AuditTables, 'audit_records'>;
type Condition = (is: Builder) => Expression<SqlBool>;

/** Records deleted per transaction. Small enough that the event loop serves other requests in between. */
const DELETE_BATCH_SIZE = 500;

/** The last record of a chain, as its worker wrote it together with that record. */
export interface ChainHead {
  readonly worker: string;
  readonly sequence: number;
  readonly hash: string;
  /** When its worker last reported, in milliseconds since the Unix epoch. */
  readonly seenAt: number;
}

/** Records of a class of a chain that retention has deleted: those up to a number. */
export interface ChainDeletion {
  readonly worker: string;
  readonly class: AuditClass;
  readonly number: number;
  readonly hash: string;
}

const CONDITIONS_OF_KIND: Readonly<Record<AuditKind, Condition>> = {
  change: (is) => is('class', '=', 'changes'),
  refusal: (is) => is.and([is('class', 'in', ['refusals', 'unauthenticated']), is('call', 'is', null)]),
  call: (is) => is('call', 'is not', null),
  chain: (is) => is('class', '=', 'chain'),
};

/** Repository of audit records. Every method may throw DatabaseUnavailable. */
export class AuditTable {
  constructor(private readonly database: Database) {}

  private get tables() {
    return this.database.tables<AuditTables>();
  }

  /**
   * Writes records of one chain, and its new last record, in one transaction. Skips records that already exist, so that an
   * insert with an unknown outcome can be retried.
   */
  async insert(records: readonly ChainedRecord[], now: Date): Promise<void> {
    const last = records.at(-1)?.chain;
    if (!last) return;
    const head = { sequence: last.sequence, hash: last.hash, seen_at: now };
    await this.tables.transaction().execute(async (transaction) => {
      await transaction
        .insertInto('audit_records')
        .values(records.map(toRow))
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute();
      await transaction
        .insertInto('audit_chains')
        .values({ worker: last.worker, ...head })
        .onConflict((conflict) => conflict.column('worker').doUpdateSet(head))
        .execute();
    });
  }

  /** Reports that the worker of a chain runs. */
  async touch(worker: string, now: Date): Promise<void> {
    await this.tables.updateTable('audit_chains').set({ seen_at: now }).where('worker', '=', worker).execute();
  }

  /** Finds the newest records, optionally only those before an id. */
  async find(query: AuditQuery, limit: number, before?: string): Promise<readonly AuditRecord[]> {
    const rows = await this.tables
      .selectFrom('audit_records')
      .selectAll()
      .where((is) => is.and(conditionsOf(is, query, before)))
      .orderBy('id', 'desc')
      .limit(limit)
      .execute();
    return rows.map(toRecord);
  }

  /** Returns chained records in the order of their chains, after a place in them. */
  async readChains(limit: number, after?: Pick<ChainHead, 'worker' | 'sequence'>): Promise<readonly AuditRecord[]> {
    let selection = this.tables.selectFrom('audit_records').selectAll().where('worker', 'is not', null);
    if (after) {
      const { worker, sequence } = after;
      selection = selection.where((is) =>
        is.or([is('worker', '>', worker), is.and([is('worker', '=', worker), is('sequence', '>', sequence)])]),
      );
    }
    const rows = await selection.orderBy('worker').orderBy('sequence').orderBy('id').limit(limit).execute();
    return rows.map(toRecord);
  }

  async readHeads(): Promise<readonly ChainHead[]> {
    const rows = await this.tables.selectFrom('audit_chains').selectAll().execute();
    return rows.map(({ worker, sequence, hash, seen_at }) => ({
      worker,
      sequence: Number(sequence),
      hash,
      seenAt: readInstant(seen_at).getTime(),
    }));
  }

  async readDeletions(): Promise<readonly ChainDeletion[]> {
    const rows = await this.tables.selectFrom('audit_deletions').selectAll().execute();
    return rows.map(({ number, ...rest }) => ({ ...rest, number: Number(number) }));
  }

  async countUnchained(): Promise<number> {
    const { count } = await this.tables
      .selectFrom('audit_records')
      .select(({ fn }) => fn.countAll().as('count'))
      .where('worker', 'is', null)
      .executeTakeFirstOrThrow();
    return Number(count);
  }

  /** Deletes all records before a time, and forgets the chains that have none left. */
  async deleteBefore(time: Date, key: AuditKey): Promise<void> {
    await this.deleteAll((is) => is('at', '<', time), key);
    const workers = await this.tables
      .selectFrom('audit_chains')
      .select('worker')
      .where('seen_at', '<', time)
      .where((is) => {
        const records = is
          .selectFrom('audit_records')
          .select('id')
          .whereRef('audit_records.worker', '=', 'audit_chains.worker');
        return is.not(is.exists(records));
      })
      .execute();
    if (workers.length === 0) return;
    const names = workers.map(({ worker }) => worker);
    await this.tables.deleteFrom('audit_chains').where('worker', 'in', names).execute();
    await this.tables.deleteFrom('audit_deletions').where('worker', 'in', names).execute();
  }

  /** Deletes the oldest records of a class beyond `max`. */
  async deleteSurplus(recordClass: AuditClass, max: number, key: AuditKey): Promise<void> {
    const newestSurplus = await this.tables
      .selectFrom('audit_records')
      .select('id')
      .where('class', '=', recordClass)
      .orderBy('id', 'desc')
      .offset(max)
      .limit(1)
      .executeTakeFirst();
    if (!newestSurplus) return;
    await this.deleteAll((is) => is.and([is('class', '=', recordClass), is('id', '<=', newestSurplus.id)]), key);
  }

  private async deleteAll(condition: Condition, key: AuditKey): Promise<void> {
    while (await this.deleteBatch(condition, key));
  }

  /** Notes what it deletes from which chain, so that these records do not count as missing. False: nothing is left. */
  private deleteBatch(condition: Condition, key: AuditKey): Promise<boolean> {
    return this.tables.transaction().execute(async (transaction) => {
      const batch = await transaction
        .selectFrom('audit_records')
        .select(['id', 'worker', 'class', 'number', 'chain_event'])
        .where(condition)
        .orderBy('id')
        .limit(DELETE_BATCH_SIZE)
        .execute();
      if (batch.length === 0) return false;
      for (const deletion of toDeletions(batch, key)) {
        await transaction
          .insertInto('audit_deletions')
          .values(deletion)
          .onConflict((conflict) =>
            conflict
              .columns(['worker', 'class'])
              .doUpdateSet({ number: deletion.number, hash: deletion.hash })
              .where('audit_deletions.number', '<', deletion.number),
          )
          .execute();
      }
      const ids = batch.map(({ id }) => id);
      await transaction.deleteFrom('audit_records').where('id', 'in', ids).execute();
      return true;
    });
  }
}

function conditionsOf(is: Builder, query: AuditQuery, before: string | undefined): Expression<SqlBool>[] {
  const { id, path, from, to, kind } = query;
  const equal = {
    id,
    issuer: query.issuer,
    subject: query.subject,
    token: query.token,
    address: query.address,
    method: query.method,
    outcome: query.outcome,
    server: query.server,
    item: query.item,
    request_id: query.requestId,
    session: query.session,
  } as const;
  const columns = Object.entries(equal) as [keyof typeof equal, string | undefined][];
  const prefix = (column: 'path' | 'made') => sql`substr(${sql.ref(column)}, 1, ${sql.lit(path?.length ?? 0)})`;
  return [
    ...columns.flatMap(([column, value]) => (value === undefined ? [] : [is(column, '=', value)])),
    ...(path === undefined ? [] : [is.or([is(prefix('path'), '=', path), is(prefix('made'), '=', path)])]),
    ...(from === undefined ? [] : [is('at', '>=', from)]),
    ...(to === undefined ? [] : [is('at', '<', to)]),
    ...(before === undefined ? [] : [is('id', '<', before)]),
    ...(kind === undefined ? [] : [CONDITIONS_OF_KIND[kind](is)]),
    // Records about chains are found only by those who look for them.
    ...(kind === undefined && id === undefined ? [is('class', '!=', 'chain')] : []),
  ];
}

type Deleted = Pick<AuditRow, 'worker' | 'class' | 'number' | 'chain_event'>;

/** The highest deleted number of each class of each chain. */
function toDeletions(batch: readonly Deleted[], key: AuditKey): ChainDeletion[] {
  const highest = new Map<string, Omit<ChainDeletion, 'hash'>>();
  for (const { worker, ...deleted } of batch) {
    if (worker === null) continue;
    for (const [recordClass, number] of toNumbers(deleted)) {
      const name = `${worker} ${recordClass}`;
      const highestNumber = Math.max(highest.get(name)?.number ?? 0, number);
      highest.set(name, { worker, class: recordClass, number: highestNumber });
    }
  }
  return Array.from(highest.values(), (each) => ({
    ...each,
    hash: key.hashDeletion(each.worker, each.class, each.number),
  }));
}

/** The record itself; and what the database has lost, if the record says so: nothing else explains it later. */
function toNumbers({ class: recordClass, number, chain_event: text }: Omit<Deleted, 'worker'>): [AuditClass, number][] {
  const event = text === null ? undefined : (readJson(text) as unknown as ChainEvent);
  const numbers = event?.event === 'lost' && event.sink === DATABASE_SINK ? event.numbers : {};
  const lost = AUDIT_CLASSES.flatMap((name): [AuditClass, number][] => {
    const last = numbers[name]?.at(-1)?.[1];
    return last === undefined ? [] : [[name, last]];
  });
  return [[recordClass, Number(number)], ...lost];
}
