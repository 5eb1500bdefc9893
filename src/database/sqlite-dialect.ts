import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import {
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
} from 'kysely';
import type { Clock } from '#lib/time';
import { retryWhileLocked } from './sqlite-retry.js';
import { enableWal } from './sqlite-wal.js';

/** SQLite blocks the event loop while it waits for a lock, so it waits briefly; `retryWhileLocked` waits longer. */
const BUSY_TIMEOUT_MS = 20;

/** Kysely dialect for the SQLite built into Node. Several processes of one host may open the same file. */
export class SqliteDialect implements Dialect {
  constructor(
    private readonly file: string,
    private readonly clock: Clock,
  ) {}

  createDriver = (): Driver => new SqliteDriver(this.file, this.clock);
  createQueryCompiler = (): SqliteQueryCompiler => new SqliteQueryCompiler();
  createAdapter = (): SqliteAdapter => new SqliteAdapter();
  createIntrospector = (database: Kysely<unknown>): SqliteIntrospector => new SqliteIntrospector(database);
}

/** One connection; Kysely lends it to one query or transaction at a time. */
class SqliteDriver implements Driver {
  private readonly database: DatabaseSync;
  private readonly connection: SqliteConnection;

  constructor(
    file: string,
    private readonly clock: Clock,
  ) {
    this.database = new DatabaseSync(file, {
      open: false,
      timeout: BUSY_TIMEOUT_MS,
      enableForeignKeyConstraints: true,
    });
    this.connection = new SqliteConnection(this.database, clock);
  }

  async init(): Promise<void> {
    // Kysely calls init again after a failure.
    if (!this.database.isOpen) this.database.open();
    // In WAL mode, readers and the writer do not block each other across processes. Switching to it needs exclusive
    // access to the file for a moment.
    await retryWhileLocked(this.clock, () => enableWal(this.database));
    // A confirmed change must survive a power failure.
    this.database.exec('pragma synchronous = full');
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.connection;
  }

  /** Takes the write lock at once: a transaction that first reads and then writes fails if another process wrote in between. */
  async beginTransaction(): Promise<void> {
    await retryWhileLocked(this.clock, () => this.database.exec('begin immediate'));
  }

  async commitTransaction(): Promise<void> {
    this.database.exec('commit');
  }

  async rollbackTransaction(): Promise<void> {
    // SQLite may have ended the transaction already, for example when the disk was full.
    if (this.database.isTransaction) this.database.exec('rollback');
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    this.database.close();
  }
}

class SqliteConnection implements DatabaseConnection {
  constructor(
    private readonly database: DatabaseSync,
    private readonly clock: Clock,
  ) {}

  executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    return retryWhileLocked(this.clock, () => {
      const statement = this.database.prepare(sql);
      const values = parameters.map(toBindable);
      if (statement.columns().length > 0) return { rows: statement.all(...values) as R[] };
      return { rows: [], numAffectedRows: BigInt(statement.run(...values).changes) };
    });
  }

  /** Yields the result as one piece: no query of the gateway has a result too large for that. */
  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query);
  }
}

/** SQLite has no booleans and no instants: see stored-values. */
function toBindable(value: unknown): SQLInputValue {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof Date) return value.toISOString();
  return value as SQLInputValue;
}
