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
import { withTimeout, toUnavailable } from './postgres-errors.js';

/** How long is waited, in milliseconds. */
export interface PostgresTimeouts {
  /** For a connection. */
  readonly connectMs: number;
  /** Until the server itself gives up a statement; 0: never. */
  readonly statementMs: number;
  /** Until a server that says nothing at all counts as gone. Longer than `statementMs`. */
  readonly responseMs: number;
}

const MOST_CONNECTIONS = 5;
const KEEP_ALIVE_MS = 10_000;
/** Object ids of types (pg_type) that are not read as the client would. */
const INT8 = 20;
const JSON_TYPES = [114, 3802];

/** Kysely over PostgreSQL, with connections that may be lost at any time. */
export class PostgresDialect implements Dialect {
  constructor(
    private readonly url: string,
    private readonly timeouts: PostgresTimeouts,
  ) {}

  createDriver = (): Driver => new PostgresDriver(this.url, this.timeouts);
  createQueryCompiler = (): PostgresQueryCompiler => new PostgresQueryCompiler();
  createAdapter = (): PostgresAdapter => new PostgresAdapter();
  createIntrospector = (database: Kysely<unknown>): PostgresIntrospector => new PostgresIntrospector(database);
}

class PostgresDriver implements Driver {
  private readonly pool: pg.Pool;

  constructor(
    url: string,
    private readonly timeouts: PostgresTimeouts,
  ) {
    this.pool = new pg.Pool({
      connectionString: url,
      application_name: 'isthmus',
      max: MOST_CONNECTIONS,
      connectionTimeoutMillis: timeouts.connectMs,
      statement_timeout: timeouts.statementMs,
      idle_in_transaction_session_timeout: timeouts.statementMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
      types: columnParsers(),
    });
    // A connection that is lost while it idles is none that anybody misses. One that is lost in use fails the statement
    // that it is used for; without a listener the same event would end the process.
    this.pool.on('error', () => {});
    this.pool.on('connect', (client) => void client.on('error', () => {}));
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    try {
      return new PostgresConnection(await this.pool.connect(), this.timeouts.responseMs);
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
  ) {}

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, rowCount } = await this.query(sql, parameters);
    return { rows: rows as R[], numAffectedRows: BigInt(rowCount ?? 0) };
  }

  /** In one piece: nobody here has results that are too large for that. */
  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query);
  }

  async query(sql: string, parameters: readonly unknown[] = []): Promise<pg.QueryResult<Record<string, unknown>>> {
    try {
      return await withTimeout(
        this.responseMs,
        this.client.query<Record<string, unknown>>(sql, parameters.map(storable)),
      );
    } catch (fault) {
      const unavailable = toUnavailable(fault);
      // Whatever comes on this connection later belongs to a statement that was given up.
      if (unavailable) this.isBroken = true;
      throw unavailable ?? fault;
    }
  }

  async rollback(): Promise<void> {
    // The server rolls back what a lost connection had begun.
    if (!this.isBroken) await this.query('rollback');
  }

  release(): void {
    this.client.release(this.isBroken);
  }
}

/** PostgreSQL's texts have no NUL. One that came from outside must not keep what it stands in from being stored. */
const storable = (value: unknown): unknown =>
  typeof value === 'string' ? value.replaceAll('\u0000', '\uFFFD') : value;

/** Counts as numbers, and JSON as its text: see stored-values. */
function columnParsers(): pg.TypeOverrides {
  const parsers = new pg.TypeOverrides();
  parsers.setTypeParser(INT8, Number);
  for (const type of JSON_TYPES) parsers.setTypeParser(type, String);
  return parsers;
}
