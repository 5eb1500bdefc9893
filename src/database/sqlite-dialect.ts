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
import { retryWhileLocked } from './sqlite-retry.js';

/** SQLite itself waits so long for a lock, in which the process stands still; the longer waiting is `retryWhileLocked`. */
const STANDSTILL_MS = 20;

/** Kysely over the SQLite that comes with Node. Several processes of one host may open the same file. */
export class SqliteDialect implements Dialect {
  constructor(private readonly file: string) {}

  createDriver = (): Driver => new SqliteDriver(this.file);
  createQueryCompiler = (): SqliteQueryCompiler => new SqliteQueryCompiler();
  createAdapter = (): SqliteAdapter => new SqliteAdapter();
  createIntrospector = (database: Kysely<unknown>): SqliteIntrospector => new SqliteIntrospector(database);
}

/** One connection; Kysely gives it to one user at a time. */
class SqliteDriver implements Driver {
  private readonly database: DatabaseSync;
  private readonly connection: SqliteConnection;

  constructor(file: string) {
    this.database = new DatabaseSync(file, { open: false, timeout: STANDSTILL_MS, enableForeignKeyConstraints: true });
    this.connection = new SqliteConnection(this.database);
  }

  async init(): Promise<void> {
    // Kysely calls it again when it failed.
    if (!this.database.isOpen) this.database.open();
    // Readers and a writer of several processes do not wait for each other. The first process to say so needs the file
    // for itself for a moment.
    await retryWhileLocked(() => this.database.exec('pragma journal_mode = wal'));
    // What was answered as done outlives a power cut.
    this.database.exec('pragma synchronous = full');
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.connection;
  }

  /** A transaction that wrote only after it had read would fail where another process wrote in between. */
  async beginTransaction(): Promise<void> {
    await retryWhileLocked(() => this.database.exec('begin immediate'));
  }

  async commitTransaction(): Promise<void> {
    this.database.exec('commit');
  }

  async rollbackTransaction(): Promise<void> {
    // A full disk, for example, has ended it already.
    if (this.database.isTransaction) this.database.exec('rollback');
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    this.database.close();
  }
}

class SqliteConnection implements DatabaseConnection {
  constructor(private readonly database: DatabaseSync) {}

  executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    return retryWhileLocked(() => {
      const statement = this.database.prepare(sql);
      const values = parameters.map(bindable);
      if (statement.columns().length > 0) return { rows: statement.all(...values) as R[] };
      return { rows: [], numAffectedRows: BigInt(statement.run(...values).changes) };
    });
  }

  /** In one piece: nobody here has results that are too large for that. */
  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query);
  }
}

/** SQLite knows no booleans and no instants: see stored-values. */
function bindable(value: unknown): SQLInputValue {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof Date) return value.toISOString();
  return value as SQLInputValue;
}
