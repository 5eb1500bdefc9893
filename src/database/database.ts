import type { OnApplicationShutdown } from '@nestjs/common';
import { Kysely, sql, type Dialect, type Transaction } from 'kysely';
import type { DatabasePlace } from './database.config.js';
import { PostgresDialect, type PostgresTimeouts } from './postgres-dialect.js';
import { SqliteDialect } from './sqlite-dialect.js';
import type { DatabaseKind } from './stored-values.js';

/** For what is asked while a gateway runs. */
const PATIENCE: PostgresTimeouts = { connectMs: 3_000, statementMs: 5_000, responseMs: 7_000 };

/** The database of the gateway, SQLite or PostgreSQL. Whoever keeps something there brings the types of its tables. */
export class Database implements OnApplicationShutdown {
  private readonly kysely: Kysely<unknown>;
  private closing: Promise<void> | undefined;

  /** Connects when it is first asked. Its tables are those that are there: see `openDatabase`. */
  constructor(place: DatabasePlace, patience = PATIENCE) {
    this.kind = place.kind;
    this.kysely = new Kysely({ dialect: dialectOf(place, patience) });
  }

  readonly kind: DatabaseKind;

  /** Queries outside of a transaction. In one, only its own transaction may be asked: SQLite has a single connection. */
  tables<T>(): Kysely<T> {
    return this.kysely as Kysely<T>;
  }

  /**
   * Runs a transaction that no other one of this name meets, in whatever process and on whatever host.
   * @throws DatabaseUnavailable, and what `work` throws, after which nothing has changed
   */
  runExclusively<T, R>(name: string, work: (transaction: Transaction<T>) => Promise<R>): Promise<R> {
    return this.tables<T>()
      .transaction()
      .execute(async (transaction) => {
        // SQLite has one writer at a time, and its transactions are writers from the start.
        if (this.kind === 'postgres') {
          await sql`select pg_advisory_xact_lock(hashtextextended(${`isthmus:${name}`}, 0))`.execute(transaction);
        }
        return await work(transaction);
      });
  }

  close(): Promise<void> {
    return (this.closing ??= this.kysely.destroy());
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }
}

function dialectOf(place: DatabasePlace, patience: PostgresTimeouts): Dialect {
  return place.kind === 'sqlite' ? new SqliteDialect(place.file) : new PostgresDialect(place.url, patience);
}
