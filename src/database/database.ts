import type { OnApplicationShutdown } from '@nestjs/common';
import { Kysely, sql, type Dialect, type Transaction } from 'kysely';
import { SystemClock, withDeadline, type Clock } from '#lib/time';
import type { DatabasePlace } from './database.config.js';
import { PostgresDialect, type PostgresTimeouts } from './postgres-dialect.js';
import { SqliteDialect } from './sqlite-dialect.js';
import type { DatabaseKind } from './stored-values.js';

/** Timeouts of queries while the gateway runs. */
const TIMEOUTS: PostgresTimeouts = { connectMs: 3_000, statementMs: 5_000, responseMs: 7_000 };

/** The database of the gateway, SQLite or PostgreSQL. Each repository supplies the types of its tables. */
export class Database implements OnApplicationShutdown {
  private readonly kysely: Kysely<unknown>;
  private closing: Promise<void> | undefined;
  private answering: Promise<boolean> | undefined;

  /** Connects on the first query. It applies no migrations: see `openDatabase`. */
  constructor(
    place: DatabasePlace,
    timeouts = TIMEOUTS,
    private readonly clock: Clock = new SystemClock(),
  ) {
    this.kind = place.kind;
    this.kysely = new Kysely({ dialect: createDialect(place, timeouts, clock) });
  }

  readonly kind: DatabaseKind;

  /** Queries outside a transaction. Within a transaction use only that transaction: SQLite has a single connection. */
  tables<T>(): Kysely<T> {
    return this.kysely as Kysely<T>;
  }

  /**
   * Runs a transaction under an exclusive lock of this name. The lock holds across all processes and hosts.
   * @throws DatabaseUnavailable, and whatever `work` throws, after which the transaction is rolled back
   */
  runExclusively<T, R>(name: string, work: (transaction: Transaction<T>) => Promise<R>): Promise<R> {
    return this.tables<T>()
      .transaction()
      .execute(async (transaction) => {
        // SQLite allows one writer at a time, and its transactions take the write lock when they begin.
        if (this.kind === 'postgres') {
          await sql`select pg_advisory_xact_lock(hashtextextended(${`isthmus:${name}`}, 0))`.execute(transaction);
        }
        return await work(transaction);
      });
  }

  /**
   * Returns whether a query is answered within this time, in milliseconds. Never rejects. A query that is still running serves
   * later calls, too: a database that hangs must not use up the connections.
   */
  isAnswering(timeoutMs: number): Promise<boolean> {
    this.answering ??= this.queryNothing().finally(() => (this.answering = undefined));
    return withDeadline(this.clock, timeoutMs, this.answering, () => false);
  }

  private queryNothing(): Promise<boolean> {
    return sql`select 1`.execute(this.kysely).then(
      () => true,
      () => false,
    );
  }

  close(): Promise<void> {
    return (this.closing ??= this.kysely.destroy());
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }
}

function createDialect(place: DatabasePlace, timeouts: PostgresTimeouts, clock: Clock): Dialect {
  return place.kind === 'sqlite'
    ? new SqliteDialect(place.file, clock)
    : new PostgresDialect(place.url, timeouts, clock);
}
