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
import { withDeadline, type Clock } from '#lib/time';
import { toUnavailable } from './postgres-errors.js';

/** Timeouts in milliseconds. */
export interface PostgresTimeouts {
  /** Timeout for opening a connection. */
  readonly connectMs: number;
  /** Timeout after which the server itself aborts a statement; 0 disables it. */
  readonly statementMs: number;
  /** Timeout after which a silent server counts as unavailable. Must exceed `statementMs`. */
  readonly responseMs: number;
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
    private readonly timeouts: PostgresTimeouts,
    private readonly clock: Clock,
  ) {}

  createDriver = (): Driver => new PostgresDriver(this.url, this.timeouts, this.clock);
  createQueryCompiler = (): PostgresQueryCompiler => new PostgresQueryCompiler();
  createAdapter = (): PostgresAdapter => new PostgresAdapter();
  createIntrospector = (database: Kysely<unknown>): PostgresIntrospector => new PostgresIntrospector(database);
}

class PostgresDriver implements Driver {
  private readonly pool: pg.Pool;

  constructor(
    url: string,
    private readonly timeouts: PostgresTimeouts,
    private readonly clock: Clock,
  ) {
    this.pool = new pg.Pool({
      connectionString: url,
      application_name: 'isthmus',
      max: MAX_CONNECTIONS,
      connectionTimeoutMillis: timeouts.connectMs,
      statement_timeout: timeouts.statementMs,
      idle_in_transaction_session_timeout: timeouts.statementMs,
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
      return new PostgresConnection(await this.pool.connect(), this.timeouts.responseMs, this.clock);
    } catch (fault) {
      throw toUnavailable(fault) ?? fault;
    }
  }

  async beginTransaction(connection: PostgresConnection): Promise<void> {
    await connection.query('begin');
  }

  async commitTransaction(connection: PostgresConnection): Promise<void> {
    await connection.query('commit');
  }

  async rollbackTransaction(connection: PostgresConnection): Promise<void> {
    await connection.rollback();
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
    private readonly responseMs: number,
    private readonly clock: Clock,
  ) {}

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, rowCount } = await this.query(sql, parameters);
    return { rows: rows as R[], numAffectedRows: BigInt(rowCount ?? 0) };
  }

  /** Yields the result as one piece: no query of the gateway has a result too large for that. */
  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query);
  }

  async query(sql: string, parameters: readonly unknown[] = []): Promise<pg.QueryResult<Record<string, unknown>>> {
    try {
      const response = this.client.query<Record<string, unknown>>(sql, parameters.map(toStorable));
      return await withDeadline(this.clock, this.responseMs, response, () => {
        throw new Error(`It has not responded for ${this.responseMs} ms`);
      });
    } catch (fault) {
      const unavailable = toUnavailable(fault);
      // A late response on this connection belongs to an abandoned statement, so the connection must not be reused.
      if (unavailable) this.isBroken = true;
      throw unavailable ?? fault;
    }
  }

  async rollback(): Promise<void> {
    // The server itself rolls back the transaction of a lost connection.
    if (!this.isBroken) await this.query('rollback');
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
