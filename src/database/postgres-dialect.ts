import {
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
} from 'kysely';
import pg from 'pg';
import { within, withoutAnswer } from './postgres-answers.js';

/** Timeouts in milliseconds. */
export interface PostgresPatience {
  /** Timeout for opening a connection. */
  readonly connectMs: number;
  /** Timeout after which the server itself aborts a statement; 0 disables it. */
  readonly statementMs: number;
  /** Timeout after which a silent server counts as unavailable. Must exceed `statementMs`. */
  readonly answerMs: number;
}

const MAX_CONNECTIONS = 5;
const KEEP_ALIVE_MS = 10_000;
/** Object ids of types (pg_type) whose default parser is replaced. */
const INT8 = 20;
const JSON_TYPES = [114, 3802];

/** Kysely dialect for PostgreSQL that tolerates the loss of any connection at any time. */
export class PostgresDialect implements Dialect {
  constructor(
    private readonly url: string,
    private readonly patience: PostgresPatience,
  ) {}

  createDriver = (): Driver => new PostgresDriver(this.url, this.patience);
  createQueryCompiler = (): PostgresQueryCompiler => new PostgresQueryCompiler();
  createAdapter = (): PostgresAdapter => new PostgresAdapter();
  createIntrospector = (database: Kysely<unknown>): PostgresIntrospector => new PostgresIntrospector(database);
}

class PostgresDriver implements Driver {
  private readonly pool: pg.Pool;

  constructor(
    url: string,
    private readonly patience: PostgresPatience,
  ) {
    this.pool = new pg.Pool({
      connectionString: url,
      application_name: 'isthmus',
      max: MAX_CONNECTIONS,
      connectionTimeoutMillis: patience.connectMs,
      statement_timeout: patience.statementMs,
      idle_in_transaction_session_timeout: patience.statementMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
      types: columnParsers(),
    });
    // The pool replaces an idle connection that is lost. A connection lost in use fails its statement. Without these
    // listeners either event would end the process.
    this.pool.on('error', () => {});
    this.pool.on('connect', (client) => void client.on('error', () => {}));
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    try {
      return new PostgresConnection(await this.pool.connect(), this.patience.answerMs);
    } catch (fault) {
      throw withoutAnswer(fault) ?? fault;
    }
  }

  async beginTransaction(connection: PostgresConnection): Promise<void> {
    await connection.ask('begin');
  }

  async commitTransaction(connection: PostgresConnection): Promise<void> {
    await connection.ask('commit');
  }

  async rollbackTransaction(connection: PostgresConnection): Promise<void> {
    await connection.rollBack();
  }

  async releaseConnection(connection: PostgresConnection): Promise<void> {
    connection.release();
  }

  async destroy(): Promise<void> {
    await this.pool.end();
  }
}

class PostgresConnection implements DatabaseConnection {
  private isBroken = false;

  constructor(
    private readonly client: pg.PoolClient,
    private readonly answerMs: number,
  ) {}

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, rowCount } = await this.ask(sql, parameters);
    return { rows: rows as R[], numAffectedRows: BigInt(rowCount ?? 0) };
  }

  /** Yields the result as one piece: no query of the gateway has a result too large for that. */
  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query);
  }

  async ask(sql: string, parameters: readonly unknown[] = []): Promise<pg.QueryResult<Record<string, unknown>>> {
    try {
      return await within(this.answerMs, this.client.query<Record<string, unknown>>(sql, parameters.map(toStorable)));
    } catch (fault) {
      const unavailable = withoutAnswer(fault);
      // A late response on this connection belongs to an abandoned statement, so the connection must not be reused.
      if (unavailable) this.isBroken = true;
      throw unavailable ?? fault;
    }
  }

  async rollBack(): Promise<void> {
    // The server itself rolls back the transaction of a lost connection.
    if (!this.isBroken) await this.ask('rollback');
  }

  release(): void {
    this.client.release(this.isBroken);
  }
}

/** PostgreSQL text cannot contain NUL. A NUL in external input must not prevent a row from being stored. */
const toStorable = (value: unknown): unknown =>
  typeof value === 'string' ? value.replaceAll('\u0000', '\uFFFD') : value;

/** Parses counts as numbers and leaves JSON as text: see stored-values. */
function columnParsers(): pg.TypeOverrides {
  const parsers = new pg.TypeOverrides();
  parsers.setTypeParser(INT8, Number);
  for (const type of JSON_TYPES) parsers.setTypeParser(type, String);
  return parsers;
}
